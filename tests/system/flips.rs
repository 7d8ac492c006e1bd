//! Each byte of a log is changed in turn, and an audit names the entry.

use crate::support::{Guarded as _, TestRepo, run};
use jit::adapters::disk::log::{AuditPaths, Depth, verify};
use std::fs;
use std::process::Command;
use std::thread;

const ENTRIES: usize = 50;

/// Flips one bit of each byte of every `step`th line, from line `first` on, of a copy of the log.
fn flip(repo: &TestRepo, first: usize, step: usize) {
    let folder = repo.path(&format!("copy-{first}"));
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(repo.jit_path("audit")).arg(&folder);
    assert!(run(copy, b"").succeeded());
    let paths = AuditPaths { audit_dir: folder, ..repo.audit_paths() };
    let journal = paths.audit_dir.join("journal/00000000.jsonl");
    let sound = fs::read(&journal).expect("a journal");
    let lines: Vec<&[u8]> = sound.split_inclusive(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate().skip(first).step_by(step) {
        let begin: usize = lines[..index].iter().map(|line| line.len()).sum();
        let signature = line.windows(7).rposition(|word| word == b"\"sig\":\"").expect("a signature");
        for at in 0..line.len() {
            let mut spoilt = sound.clone();
            spoilt[begin + at] ^= 1 << (at % 8);
            fs::write(&journal, &spoilt).expect("written");
            // Without the signatures of older lines an audit finds all but a change of those themselves.
            let depth = if at < signature { Depth::Head } else { Depth::Full };
            let found = verify(&paths, depth, &[]).expect("an audit");
            let fault = found.fault.unwrap_or_else(|| panic!("entry {index}, byte {at}: nothing found"));
            assert_eq!(fault.index(), Some(index as u64), "byte {at}: {fault}");
            assert_eq!(found.entries, index as u64, "byte {at}");
        }
    }
}

#[test]
fn each_changed_byte_of_fifty_entries_is_found_where_it_is() {
    let repo = TestRepo::new("[[rule]]\nname = \"frozen\"\nbranches = [\"main\"]\ndeny = true\n");
    let tip = repo.rev("HEAD").hex();
    for number in repo.entries().len()..ENTRIES {
        let line = format!("{} {tip} refs/heads/topic-{number}\n", "0".repeat(40));
        let said = run(repo.hook("pre-receive"), line.as_bytes());
        assert!(said.succeeded(), "{}", said.err);
    }
    assert_eq!(repo.entries().len(), ENTRIES);
    thread::scope(|scope| {
        for first in 0..2 {
            scope.spawn({
                let repo = &repo;
                move || flip(repo, first, 2)
            });
        }
    });
}
