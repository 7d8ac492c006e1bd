//! The lines of the gate protocol, of any bytes: a question is written as it was read, and no answer steers a terminal.
#![no_main]

use jit::cli::gate::{Answer, Question, Report, Wish};
use libfuzzer_sys::fuzz_target;

/// Longer texts are cut where they are written.
const LONGEST_TEXT: usize = 4 * 1024;
/// More lines of one kind are left out where they are written.
const MOST_WRITTEN: usize = 166;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    if let Ok(question) = Question::read(&mut rest) {
        let whole = match &question.wish {
            Wish::Ask { rev, reason, .. } => rev.len().max(reason.len()) <= LONGEST_TEXT,
            Wish::Resume(_) => true,
        };
        if whole {
            assert_eq!(question.write().as_bytes(), &bytes[..bytes.len() - rest.len()]);
        }
    }
    let mut rest = bytes;
    while let Ok(answer) = Answer::read(&mut rest) {
        let lists = match &answer {
            Answer::Still | Answer::Over => vec![],
            Answer::Report(Report { reason, hints, notes, .. }) => vec![reason, hints, notes],
            Answer::Failed(_, chain, hints) => vec![chain, hints],
        };
        assert!(lists.iter().flat_map(|list| list.iter()).all(|line| !line.chars().any(char::is_control)));
        let fits =
            |list: &&Vec<String>| list.len() <= MOST_WRITTEN && list.iter().all(|line| line.len() <= LONGEST_TEXT);
        if lists.iter().all(fits) {
            assert_eq!(Answer::read(&mut answer.write().as_bytes()).ok(), Some(answer));
        }
    }
});
