//! The glossary: each word of the field once, in order, on one line.

use crate::fault::Fault;

/// Where it stands.
const PAGE: &str = "docs/glossary.md";

/// The longest line in characters.
const LONGEST: usize = 180;

/// Words that the policy language, the token, the log and the messages share, and that the glossary must explain.
const WORDS: [&str; 46] = [
    "action",
    "anchor",
    "approval",
    "base",
    "changeset",
    "checkpoint",
    "consistency proof",
    "content",
    "cosignature",
    "coverage",
    "decision",
    "entry",
    "environment",
    "frame",
    "genesis",
    "heads",
    "inclusion proof",
    "leaf",
    "mode",
    "origin",
    "outcome",
    "own change",
    "place",
    "principal",
    "push",
    "pusher",
    "quorum",
    "reason",
    "ref update",
    "refname",
    "rejection",
    "revocation",
    "role",
    "rule",
    "scope",
    "self",
    "spent",
    "subject",
    "target",
    "threshold",
    "tile",
    "tip",
    "token",
    "unit of judgement",
    "validity window",
    "witness",
];

/// Returns what is wrong with the glossary `text`: lines of another form, words twice or out of order, and words of `required`
/// that it does not explain.
pub fn faults(text: &str, required: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut last = "";
    let mut words = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with('-')) {
        let mut fault = |what: String| faults.push(Fault::new(PAGE, at + 1, what));
        let entry = line.strip_prefix("- **").and_then(|rest| rest.split_once("**: "));
        let Some((word, meaning)) = entry.filter(|(_, meaning)| !meaning.is_empty()) else {
            fault("an entry is `- **word**: what it means.`".into());
            continue;
        };
        if !meaning.ends_with('.') || line.chars().count() > LONGEST {
            fault(format!("`{word}`: the meaning is a sentence, and the line at most {LONGEST} characters long"));
        }
        if word <= last {
            fault(format!("`{word}` stands after `{last}`: once each, in alphabetical order"));
        }
        last = word;
        words.push(word);
    }
    let missing = required.iter().filter(|word| !words.contains(word));
    faults.extend(missing.map(|word| Fault::new(PAGE, 1, format!("`{word}` is not explained"))));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn the_glossary_explains_every_word_of_the_field() {
        assert_none(&faults(Tree::read().text(PAGE), &WORDS));
    }

    #[test]
    fn faults_of_a_glossary_are_found() {
        let long = format!("- **a**: {}.", "x".repeat(LONGEST));
        let cases: [(&str, &str); 6] = [
            ("- **a**: one.\n- **c**: three.", "1: `b` is not explained"),
            ("- **b**: two.\n- **a**: one.", "2: `a` stands after `b`: once each, in alphabetical order"),
            ("- **b**: two.\n- **b**: two.", "2: `b` stands after `b`: once each, in alphabetical order"),
            ("- **b**: two.\n- c: three.", "2: an entry is `- **word**: what it means.`"),
            ("- **b**: two", "1: `b`: the meaning is a sentence, and the line at most 180 characters long"),
            (&format!("{long}\n- **b**: two."), {
                "1: `a`: the meaning is a sentence, and the line at most 180 characters long"
            }),
        ];
        for (text, expected) in cases {
            assert_lines(&faults(text, &["b"]), &[&format!("{PAGE}:{expected}")]);
        }
        assert_none(&faults("# Words\n\n- **a**: one.\n- **b**: two.\n", &["b"]));
    }
}
