//! Which tracked paths and branches a policy protects, in shares.
//!
//! Protected is what no update can change without a certain rule being asked ([`Rule::is_certain`]); a rule that observes, or that can
//! be passed by, protects nothing.

use super::{Contents, Policy, Rule};
use crate::domain::change::{Action, RepoPath, Target, TargetKind};

/// How an update of a target is guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Whatever it changes.
    Whole,
    /// If it changes certain paths.
    Paths,
    /// Not at all.
    Nothing,
}

/// A folder, or the unprotected files that stand directly in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The folder with a slash at its end, empty for all; or the first of the files.
    pub path: Vec<u8>,
    /// How many folders it lies in.
    pub depth: usize,
    /// How many paths are protected.
    pub protected: usize,
    /// How many there are; of files all are unprotected.
    pub total: usize,
}

/// Returns the certain rules that are asked when `target` is updated, and how they guard it.
pub fn guards<'p>(policy: &'p Policy, target: &Target) -> (Guard, Vec<&'p Rule>) {
    let is_asked =
        |rule: &&Rule| rule.is_certain() && rule.names_action(&Action::Update) && policy.names_target(rule, target);
    let rules: Vec<&Rule> = policy.rules.iter().filter(is_asked).collect();
    let whole: Vec<&Rule> = rules.iter().filter(|rule| rule.paths.is_none()).copied().collect();
    match (whole.is_empty(), rules.is_empty()) {
        (false, _) => (Guard::Whole, whole),
        (true, false) => (Guard::Paths, rules),
        (true, true) => (Guard::Nothing, rules),
    }
}

/// Returns the branches and bookmarks with what guards them.
pub fn branches<'p, 'c>(policy: &'p Policy, contents: &'c Contents) -> Vec<(&'c Target, Guard, Vec<&'p Rule>)> {
    let is_branch = |target: &&Target| matches!(target.kind_and_name().0, TargetKind::Branch | TargetKind::Bookmark);
    let one = |target: &'c Target| {
        let (guard, rules) = guards(policy, target);
        (target, guard, rules)
    };
    contents.targets.iter().filter(is_branch).map(one).collect()
}

/// Returns the shares of all paths at the tip of `contents`: first of all together, then of each folder that is partly protected the
/// folders in it, and the files in it that are not.
pub fn shares(policy: &Policy, contents: &Contents) -> Vec<Share> {
    let Some(tip) = &contents.tip else { return Vec::new() };
    let (guard, rules) = guards(policy, tip);
    let is_protected = |path: &RepoPath| {
        let of_rule = |rule: &&Rule| rule.paths.as_ref().is_some_and(|list| list.matches(path.as_bytes()));
        guard == Guard::Whole || rules.iter().any(of_rule)
    };
    let marked: Vec<(&[u8], bool)> = contents.paths.iter().map(|path| (path.as_bytes(), is_protected(path))).collect();
    let mut shares = Vec::new();
    folder(&marked, &[], 0, &mut shares);
    shares
}

/// Adds the folder `name`, which holds `paths`, and, if it is mixed, what is in it. Sorted paths of one folder stand together.
fn folder(paths: &[(&[u8], bool)], name: &[u8], depth: usize, shares: &mut Vec<Share>) {
    let protected = paths.iter().filter(|(_, protected)| *protected).count();
    shares.push(Share { path: name.to_vec(), depth, protected, total: paths.len() });
    if protected == 0 || protected == paths.len() {
        return;
    }
    let inner = |path: &[u8]| path[name.len()..].iter().position(|byte| *byte == b'/').map(|at| name.len() + at + 1);
    let mut open: Vec<&[u8]> = Vec::new();
    for group in paths.chunk_by(|(one, _), (two, _)| inner(one).is_some_and(|end| two.starts_with(&one[..end]))) {
        match inner(group[0].0) {
            Some(end) => folder(group, &group[0].0[..end], depth + 1, shares),
            None => open.extend(group.iter().filter(|(_, protected)| !protected).map(|(path, _)| *path)),
        }
    }
    if let Some(first) = open.first() {
        shares.push(Share { path: first.to_vec(), depth: depth + 1, protected: 0, total: open.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::System;
    use crate::domain::policy::{PolicyFile, load};

    /// Only `db` and `release` protect what an update of `main` or `release` can change.
    const RULES: &str = r#"
version = 1
default = "allow"
[[rule]]
name = "db"
branches = ["main"]
paths = ["db/**", "src/lib/*.rs"]
deny = true
[[rule]]
name = "observed"
branches = ["main"]
paths = ["**"]
deny = true
mode = "observe"
[[rule]]
name = "labelled"
branches = ["main"]
labels = { Severity = ["high"] }
deny = true
[[rule]]
name = "creations"
branches = ["main"]
actions = ["create"]
deny = true
[[rule]]
name = "release"
branches = ["release"]
deny = true
"#;

    fn policy() -> Policy {
        load(&[PolicyFile { name: "a.toml".to_owned(), text: RULES.into() }]).expect("a policy")
    }

    /// A repository at whose tip the paths stand that the tests are about.
    fn contents(tip: Option<&str>) -> Contents {
        let target = |name: &str| Target::parse(name).expect(name);
        let targets = ["refs/heads/main", "refs/heads/release", "refs/heads/topic", "refs/tags/v1", "bookmark:@"];
        let paths = [
            "README",
            "db/1.sql",
            "db/old/0.sql",
            "doc/a",
            "doc/b",
            "src.md",
            "src/lib/a.rs",
            "src/lib/b.txt",
            "src/main.rs",
        ];
        Contents {
            system: System::Git,
            targets: targets.map(target).to_vec(),
            tip: tip.map(target),
            paths: paths.map(|path| RepoPath::new(path.as_bytes())).to_vec(),
        }
    }

    #[test]
    fn a_branch_is_guarded_by_the_rules_that_nobody_gets_around() {
        let (policy, contents) = (policy(), contents(None));
        let one = |(target, guard, rules): &(&Target, Guard, Vec<&Rule>)| {
            let rules: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
            format!("{target} {guard:?} {}", rules.join(" ")).trim_end().to_owned()
        };
        let guarded: Vec<String> = branches(&policy, &contents).iter().map(one).collect();
        let expected = [
            "refs/heads/main Paths db",
            "refs/heads/release Whole release",
            "refs/heads/topic Nothing",
            "bookmark:@ Nothing",
        ];
        assert_eq!(guarded, expected);
    }

    #[test]
    fn a_folder_is_taken_apart_where_it_is_partly_protected() {
        let told = |tip: Option<&str>| -> Vec<String> {
            let one = |share: &Share| {
                let path = String::from_utf8_lossy(&share.path);
                format!("{} {path} {}/{}", share.depth, share.protected, share.total)
            };
            shares(&policy(), &contents(tip)).iter().map(one).collect()
        };
        let of_main = [
            "0  3/9",
            "1 db/ 2/2",
            "1 doc/ 0/2",
            "1 src/ 1/3",
            "2 src/lib/ 1/2",
            "3 src/lib/b.txt 0/1",
            "2 src/main.rs 0/1",
            "1 README 0/2",
        ];
        assert_eq!(told(Some("refs/heads/main")), of_main);
        assert_eq!(told(Some("refs/heads/release")), ["0  9/9"]);
        assert_eq!(told(Some("refs/heads/topic")), ["0  0/9"]);
        assert_eq!(told(None), [""; 0]);
    }
}
