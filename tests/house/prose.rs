//! What no comment and no page may say: where somebody worked, numbers of a tracker, marks of things left for later; and that
//! links between pages lead somewhere.

use crate::fault::Fault;
use regex::Regex;
use std::path::Path;

/// Something that does not belong into the text.
struct Banned {
    pattern: &'static str,
    what: &'static str,
}

/// The patterns are put together from halves, so that this file does not find itself.
const BANNED: [Banned; 3] = [
    Banned {
        pattern: concat!(r"(?:^|[\s`'(\x22=])", "/(?:ho", "me|ro", "ot|Us", "ers|wo", r"rk)/"),
        what: "a path of somebody's machine",
    },
    Banned {
        pattern: concat!(
            r"(?i)(?:^|[\s(\[,])#\d{1,5}(?:$|[\s).,;:\]])|\b(?:iss",
            "ue|pull req",
            r"uest|ticket)s? #?\d"
        ),
        what: "a number of a tracker; say what was decided instead",
    },
    Banned {
        pattern: concat!(r"\b(?:TO", "DO|FIX", "ME|XX", "X|HA", r"CK)\b"),
        what: "a mark of something left for later; finish it or leave it out",
    },
];

/// Returns the places in `text` that hold what is banned.
pub fn faults(path: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for Banned { pattern, what } in BANNED {
        let regex = Regex::new(pattern).expect("the patterns are regular expressions");
        for (at, line) in text.lines().enumerate() {
            if let Some(found) = regex.find(line) {
                let found = found.as_str().trim();
                faults.push(Fault::new(path, at + 1, format!("`{found}`: {what}")));
            }
        }
    }
    faults
}

/// Returns the links of a Markdown page to files that are not there. `exists` is asked for paths relative to the repository.
pub fn link_faults(path: &str, text: &str, exists: &dyn Fn(&Path) -> bool) -> Vec<Fault> {
    let link = Regex::new(r"\]\(([^)\s#]+)(?:#[^)]*)?\)").expect("a regular expression");
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut faults = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for found in link.captures_iter(line) {
            let target = &found[1];
            if !target.contains("://") && !exists(&folder.join(target)) {
                faults.push(Fault::new(path, at + 1, format!("the link to {target} leads nowhere")));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{assert_lines, assert_none};
    use crate::tree::Tree;

    #[test]
    fn no_text_tells_of_a_machine_a_tracker_or_things_left_for_later() {
        let tree = Tree::read();
        // Resolved dependencies are Cargo's text.
        let written = tree.texts.iter().filter(|(path, _)| path != "Cargo.lock");
        assert_none(&written.flat_map(|(path, text)| faults(path, text)).collect::<Vec<_>>());
    }

    #[test]
    fn every_link_between_pages_leads_to_a_file() {
        let tree = Tree::read();
        let pages = tree.texts.iter().filter(|(path, _)| path.ends_with(".md"));
        let exists = |path: &Path| tree.root.join(path).exists();
        assert_none(&pages.flat_map(|(path, text)| link_faults(path, text, &exists)).collect::<Vec<_>>());
    }

    #[test]
    fn each_banned_thing_is_found() {
        let cases = [
            (concat!("see /ho", "me/alice/x"), concat!("`/ho", "me/`: a path of somebody's machine")),
            (concat!("`/wo", "rk/x`"), concat!("``/wo", "rk/`: a path of somebody's machine")),
            (
                concat!("fixes ", "#", "12."),
                concat!("`", "#", "12.`: a number of a tracker; say what was decided instead"),
            ),
            (concat!("as iss", "ue 7 asks"), {
                concat!("`iss", "ue 7`: a number of a tracker; say what was decided instead")
            }),
            (concat!("// TO", "DO later"), {
                concat!("`TO", "DO`: a mark of something left for later; finish it or leave it out")
            }),
        ];
        for (text, what) in cases {
            assert_lines(&faults("docs/a.md", &format!("fine\n{text}")), &[&format!("docs/a.md:2: {what}")]);
        }
    }

    #[test]
    fn plain_words_and_installed_paths_are_no_fault() {
        let fine =
            "the issue stands; /var/lib/jit and docs/work/a; colour #336699; [a](b.md#1-c); mktemp a.XXXXXX; a todo";
        assert_none(&faults("docs/a.md", fine));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let exists = |path: &Path| path == Path::new("docs/spec/token.md");
        let text = "[a](spec/token.md) [b](https://example.com/x) [c](#here) [d](spec/token.md#x)\n[e](gone.md#x)";
        assert_lines(&link_faults("docs/a.md", text, &exists), &["docs/a.md:2: the link to gone.md leads nowhere"]);
    }
}
