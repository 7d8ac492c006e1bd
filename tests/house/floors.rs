//! A floor uses only the floors below it.

use crate::fault::Fault;
use crate::named_paths::named;
use crate::source::Source;

/// Each floor with the floors that it may use. `lib.rs` only declares them; `main.rs` may use all.
const FLOORS: [(&str, &[&str]); 6] = [
    ("domain", &["domain"]),
    ("ports", &["domain", "ports"]),
    ("adapters", &["adapters", "domain", "ports"]),
    ("enforcement", &["domain", "enforcement", "ports"]),
    ("cli", &["adapters", "cli", "domain", "enforcement", "ports"]),
    ("commands", &["adapters", "cli", "commands", "domain", "enforcement", "ports"]),
];

/// What every adapter may use of another: where plain files stand and how one is replaced in a single step.
const SHARED_ADAPTER: [&str; 2] = ["disk", "folder"];

/// Returns each path that leads from a floor to one that it must not know, or from one adapter into another.
pub fn faults(source: &Source) -> Vec<Fault> {
    let module = source.module();
    let Some(floor) = module.first() else { return roots(source) };
    let Some((_, below)) = FLOORS.iter().find(|(name, _)| name == floor) else {
        return vec![Fault::new(&source.path, 1, format!("`{floor}` is no floor"))];
    };
    let mut faults = Vec::new();
    for path in named(source) {
        let Some(target) = path.within_crate(source) else { continue };
        // `super::*` of a floor's own root is the floor itself.
        let Some(used) = target.first() else {
            faults.push(Fault::new(&source.path, path.line, format!("`{}` names the whole crate", path.text())));
            continue;
        };
        if !below.contains(&used.as_str()) {
            let what = format!("`{}`: {floor} may use only {}", path.text(), below.join(", "));
            faults.push(Fault::new(&source.path, path.line, what));
        } else if *floor == "adapters" && used == "adapters" && !stays_in_adapter(&module, &target) {
            let what = format!("`{}`: an adapter uses no other adapter", path.text());
            faults.push(Fault::new(&source.path, path.line, what));
        }
    }
    faults
}

fn stays_in_adapter(module: &[&str], target: &[String]) -> bool {
    let shared = target.len() > SHARED_ADAPTER.len() && target[1..].iter().zip(SHARED_ADAPTER).all(|(a, b)| a == b);
    // The root of the floor only names its children.
    module.len() == 1 || shared || target.get(1).is_some_and(|name| name == module[1])
}

/// `lib.rs` declares modules and names nothing, else a floor could be reached by a second name.
fn roots(source: &Source) -> Vec<Fault> {
    let paths = if source.path == "src/lib.rs" { named(source) } else { Vec::new() };
    paths
        .iter()
        .map(|path| Fault::new(&source.path, path.line, format!("`{}`: lib.rs only declares modules", path.text())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn a_floor_uses_only_the_floors_below_it() {
        let faults: Vec<Fault> = Tree::read().product().flat_map(faults).collect();
        assert_none(&faults);
    }

    #[test]
    fn a_path_to_a_higher_floor_is_found_however_it_is_written() {
        let cases = [
            ("src/domain/a.rs", "\nuse crate::ports::clock;", "2: `crate::ports::clock`: domain may use only domain"),
            ("src/domain/a.rs", "use crate::{domain::b, cli::{self}};", "1: `crate::cli`: domain may use only domain"),
            ("src/domain/a/b.rs", "fn f() { super::super::super::ports::g() }", {
                "1: `super::super::super::ports::g`: domain may use only domain"
            }),
            (
                "src/domain/a.rs",
                "fn f(x: &jit::cli::Terminal) {}",
                "1: `jit::cli::Terminal`: domain may use only domain",
            ),
            ("src/domain/a.rs", "mod tests { use crate::*; }", "1: `crate::*`: domain may use only domain"),
            ("src/domain/a.rs", "use super::super::{self};", "1: `super::super` names the whole crate"),
            ("src/ports/a.rs", "use crate::adapters::git::A;", {
                "1: `crate::adapters::git::A`: ports may use only domain, ports"
            }),
            ("src/enforcement/a.rs", "use crate::adapters::git::A;", {
                "1: `crate::adapters::git::A`: enforcement may use only domain, enforcement, ports"
            }),
            ("src/enforcement.rs", "use crate::cli::Exit;", {
                "1: `crate::cli::Exit`: enforcement may use only domain, enforcement, ports"
            }),
            ("src/adapters/git/a.rs", "use crate::enforcement::assess;", {
                "1: `crate::enforcement::assess`: adapters may use only adapters, domain, ports"
            }),
            ("src/adapters/git/a.rs", "use super::super::ssh::A;", {
                "1: `super::super::ssh::A`: an adapter uses no other adapter"
            }),
            ("src/adapters/clock.rs", "use crate::adapters::*;", {
                "1: `crate::adapters::*`: an adapter uses no other adapter"
            }),
            ("src/adapters/git/a.rs", "use crate::adapters::disk::log::A;", {
                "1: `crate::adapters::disk::log::A`: an adapter uses no other adapter"
            }),
            ("src/cli/a.rs", "use crate::commands::push;", {
                "1: `crate::commands::push`: cli may use only adapters, cli, domain, enforcement, ports"
            }),
            ("src/util/a.rs", "", "1: `util` is no floor"),
            ("src/lib.rs", "pub use domain::A;", "1: `domain::A`: lib.rs only declares modules"),
        ];
        for (path, text, expected) in cases {
            assert_lines(&faults(&Source::new(path, text)), &[&format!("{path}:{expected}")]);
        }
    }

    #[test]
    fn what_a_floor_may_use_is_no_fault() {
        let cases = [
            ("src/domain/a/b.rs", "use super::c; use crate::domain::d; mod tests { use super::*; } use std::fmt;"),
            ("src/ports/a.rs", "use crate::domain::a::B; use super::c::D;"),
            ("src/adapters/git/a.rs", "use super::b; use crate::adapters::git::c; use crate::ports::d;"),
            ("src/adapters/mercurial/hgrc.rs", "use crate::adapters::disk::folder::replace;"),
            ("src/commands/a.rs", "use crate::cli::B; use crate::enforcement::c; use crate::adapters::git::D;"),
            ("src/main.rs", "fn main() { jit::commands::run() }"),
        ];
        for (path, text) in cases {
            assert_none(&faults(&Source::new(path, text)));
        }
    }
}
