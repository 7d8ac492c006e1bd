//! What no code may hold: unfinished pieces, tests that do not run, lints that are silenced, files taken in by another way than
//! `mod`.

use crate::fault::Fault;
use crate::source::Source;
use crate::token::Token;

/// Lints that the program may not switch off.
const FIRM_LINTS: [&str; 5] = ["dbg_macro", "missing_docs", "todo", "unimplemented", "unwrap_used"];

/// Lints that only `src/cli` switches off.
const PRINT_LINTS: [&str; 2] = ["print_stderr", "print_stdout"];

/// Returns every place where such a piece stands.
pub fn faults(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        if let Some(word) = token.word()
            && let Some(what) = wrong(source, word, at)
        {
            faults.push(Fault::new(&source.path, token.line, what));
        }
    }
    faults
}

fn wrong(source: &Source, word: &str, at: usize) -> Option<String> {
    let near = |offset: isize| at.checked_add_signed(offset).and_then(|at| source.tokens.get(at));
    let follows = |sign: char| near(1).is_some_and(|token| token.is(sign));
    let in_attribute = attribute(&source.tokens, at);
    let product = source.is_product();
    match word {
        "todo" | "unimplemented" | "dbg" if follows('!') => Some(format!("`{word}!`: nothing is left unfinished")),
        "ignore" if in_attribute == Some("ignore") => {
            Some("`#[ignore]`: a test that does not run proves nothing".into())
        }
        "unwrap" if product && follows('(') && near(-1).is_some_and(|token| token.is('.')) => {
            Some("`.unwrap()`: an `expect` says why it holds".into())
        }
        "path" if product && in_attribute == Some("path") => {
            Some("`#[path]`: a module stands where its name says".into())
        }
        "include" if product && follows('!') => Some("`include!`: code is taken in by `mod` alone".into()),
        _ if product && FIRM_LINTS.contains(&word) && in_attribute.is_some() => {
            Some(format!("`{word}`: this lint is not switched off"))
        }
        _ if product && PRINT_LINTS.contains(&word) && in_attribute.is_some() && !source.is_in("src/cli") => {
            Some(format!("`{word}`: only src/cli switches this lint off"))
        }
        _ => None,
    }
}

/// Returns the first word of the attribute that token `at` stands in.
fn attribute(tokens: &[Token], at: usize) -> Option<&str> {
    let mut depth = 0;
    for open in (0..at).rev() {
        if tokens[open].is(']') {
            depth += 1;
        } else if tokens[open].is('[') {
            if depth == 0 {
                let before = |back: usize| open.checked_sub(back).is_some_and(|at| tokens[at].is('#'));
                let inner = before(2) && tokens[open - 1].is('!');
                return if before(1) || inner { tokens.get(open + 1)?.word() } else { None };
            }
            depth -= 1;
        } else if tokens[open].is('{') || tokens[open].is(';') {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn nothing_is_unfinished_ignored_or_silenced() {
        assert_none(&Tree::read().sources.iter().flat_map(faults).collect::<Vec<_>>());
    }

    #[test]
    fn each_forbidden_piece_is_found() {
        let cases = [
            ("tests/a.rs", "fn f() { todo!() }", "`todo!`: nothing is left unfinished"),
            ("tests/a.rs", "fn f() { unimplemented!(\"x\") }", "`unimplemented!`: nothing is left unfinished"),
            ("src/a.rs", "fn f() { dbg!(x); }", "`dbg!`: nothing is left unfinished"),
            ("tests/a.rs", "#[ignore] fn f() {}", "`#[ignore]`: a test that does not run proves nothing"),
            ("tests/a.rs", "#[ignore = \"slow\"] fn f() {}", "`#[ignore]`: a test that does not run proves nothing"),
            ("src/a.rs", "fn f() { x.unwrap(); }", "`.unwrap()`: an `expect` says why it holds"),
            ("src/a.rs", "#[path = \"b.rs\"] mod c;", "`#[path]`: a module stands where its name says"),
            ("src/a.rs", "include!(\"b.rs\");", "`include!`: code is taken in by `mod` alone"),
            ("src/a.rs", "#[allow(clippy::unwrap_used)] fn f() {}", "`unwrap_used`: this lint is not switched off"),
            ("src/a.rs", "#![expect(missing_docs)]", "`missing_docs`: this lint is not switched off"),
            ("src/commands/a.rs", "#![allow(clippy::print_stdout)]", {
                "`print_stdout`: only src/cli switches this lint off"
            }),
        ];
        for (path, text, what) in cases {
            assert_lines(&faults(&Source::new(path, text)), &[&format!("{path}:1: {what}")]);
        }
    }

    #[test]
    fn words_that_only_look_like_it_are_no_fault() {
        let cases = [
            ("src/a.rs", "let todo = 1; x.unwrap_or_default(); ignore(path); let unwrap = \"todo!()\"; // todo!()"),
            ("src/a.rs", "let text = include_str!(\"a.toml\"); fn path(x: [u8; 2]) {}"),
            ("src/cli/terminal.rs", "#![allow(clippy::print_stdout, clippy::print_stderr)]"),
            ("tests/a.rs", "#[path = \"../support/mod.rs\"] mod support; fn f() { x.unwrap(); }"),
        ];
        for (path, text) in cases {
            assert_none(&faults(&Source::new(path, text)));
        }
    }
}
