//! The threat model names tests that there are: each row of its tables that promises a test is held to it.

use crate::fault::Fault;
use crate::source::Source;
use regex::Regex;
use std::collections::BTreeSet;

/// Where it stands.
const PAGE: &str = "docs/threat-model.md";

/// The head of the column that names tests.
const COLUMN: &str = "shown by";

/// Returns the names in the last column of tables that no function has, and the cells that say nothing at all.
///
/// A cell names tests in backticks, or says in words why there is none.
pub fn faults(page: &str, sources: &[Source]) -> Vec<Fault> {
    let known: BTreeSet<&str> = sources.iter().flat_map(functions).collect();
    let name = Regex::new("`([^`]*)`").expect("a regular expression");
    let mut faults = Vec::new();
    let mut promised = false;
    for (at, line) in page.lines().enumerate() {
        let Some(row) = line.strip_prefix('|').and_then(|line| line.trim_end().strip_suffix('|')) else {
            promised = false;
            continue;
        };
        let cell = row.rsplit('|').next().unwrap_or_default().trim();
        if cell == COLUMN {
            promised = true;
        } else if promised && cell.is_empty() {
            faults.push(Fault::new(PAGE, at + 1, "name a test, or say why there is none"));
        } else if promised {
            let names = name.captures_iter(cell).map(|found| found.extract::<1>().1[0]);
            let missing = names.filter(|name| !known.contains(name));
            faults.extend(missing.map(|name| Fault::new(PAGE, at + 1, format!("there is no test `{name}`"))));
        }
    }
    faults
}

fn functions(source: &Source) -> impl Iterator<Item = &str> {
    source.tokens.windows(2).filter(|two| two[0].word() == Some("fn")).filter_map(|two| two[1].word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn every_test_that_the_threat_model_names_exists() {
        let tree = Tree::read();
        assert!(tree.text(PAGE).contains(COLUMN));
        assert_none(&faults(tree.text(PAGE), &tree.sources));
    }

    #[test]
    fn a_promise_that_nothing_keeps_is_found() {
        let sources = [Source::new("tests/a.rs", "#[test] fn it_is_refused() {}")];
        let page = "| who | `cannot` |\n|---|---|\n| a | `b` |\n\n| threat | shown by |\n|---|---|\n\
                    | a | `it_is_refused`, `it_is_not` |\n| b | Git asks first |\n| c | |\n\n| d | `e` |\n";
        let expected = [
            "docs/threat-model.md:7: there is no test `it_is_not`",
            "docs/threat-model.md:9: name a test, or say why there is none",
        ];
        assert_lines(&faults(page, &sources), &expected);
    }
}
