//! Torn, spoilt, shortened and restored logs.

use super::*;
use crate::adapters::disk::{CheckpointMemory, MemoryError};

/// A log of genesis and five entries.
fn small() -> TestLog {
    let log = TestLog::new();
    log.append(&[
        deny(1, 2),
        decided(2, decision(Verdict::Allow, Action::Update, 1, 2)),
        applied(3, 2, 2),
        deny(4, 3),
        deny(5, 4),
    ]);
    log
}

#[test]
fn a_torn_last_line_is_cut_off_at_whatever_byte_it_ends() {
    let log = small();
    let lines = log.lines();
    let (last, before) = lines.split_last().expect("lines");
    for length in 0..last.len() {
        fs::write(log.journal(), [before.concat(), last[..length].to_vec()].concat()).expect("a torn journal");
        if length > 0 {
            assert!(matches!(log.fault(), Some(Fault::Torn { place, .. }) if place.index == 5), "{length}");
        }
        let mut handle = log.open();
        assert_eq!(handle.size(), 5, "{length}");
        assert_eq!(log.lines(), before, "{length}");
        handle.append(&deny(5, 4)).expect("an append");
        drop(handle);
        assert_eq!(log.lines(), lines, "{length}: an entry at the same place is the same line");
    }
    assert!(log.fault().is_none());
}

#[test]
fn a_flipped_bit_anywhere_is_found_where_it_is() {
    let log = small();
    let lines = log.lines();
    let mut place = 0;
    for (index, line) in lines.iter().enumerate() {
        for byte in 0..line.len() {
            let mut bytes = lines.concat();
            bytes[place + byte] ^= 1 << (byte % 8);
            fs::write(log.journal(), &bytes).expect("a spoilt journal");
            let found = verify(&log.paths, Depth::Full, &[]).expect("an audit");
            let fault = found.fault.unwrap_or_else(|| panic!("entry {index}, byte {byte}: nothing found"));
            // A newline that vanished makes one line of two; one that appeared makes two of one.
            assert_eq!(fault.index(), Some(index as u64), "byte {byte}: {fault}");
            assert_eq!(found.entries, index as u64, "byte {byte}");
        }
        place += line.len();
    }
}

#[test]
fn a_spoilt_line_before_the_last_is_never_repaired() {
    let log = small();
    let bytes = log.lines().concat();
    let inside = log.lines()[0].len() + log.lines()[1].len() + 20;
    for derived in [true, false] {
        let mut spoilt = bytes.clone();
        spoilt[inside] ^= 1;
        fs::write(log.journal(), &spoilt).expect("a spoilt journal");
        if !derived {
            log.forget_derived();
            let refused = log.store().open(soon()).map(|_| ());
            assert!(matches!(refused, Err(LogError::Damaged { place, .. }) if place.index == 2), "{refused:?}");
        }
        assert_eq!(fs::read(log.journal()).expect("the journal"), spoilt, "nothing was truncated");
    }
}

#[test]
fn a_spoilt_last_line_beyond_the_anchor_is_moved_aside_and_recorded() {
    for (what, spoil) in [
        ("zeros in front", (|line: &mut Vec<u8>| line[..100].fill(0)) as fn(&mut Vec<u8>)),
        ("a leaf byte", |line| line[60] ^= 1),
        ("the signature", |line| {
            let at = line.len() - 20;
            line[at] = if line[at] == b'A' { b'B' } else { b'A' };
        }),
    ] {
        for derived in [true, false] {
            let log = small();
            let mut lines = log.lines();
            let last = lines.last_mut().expect("lines");
            spoil(last);
            let spoilt = last.clone();
            fs::write(log.journal(), lines.concat()).expect("a spoilt journal");
            if !derived {
                log.forget_derived();
            }
            log.now.store(START + 60, Ordering::SeqCst);
            assert_eq!(log.open().size(), 6, "{what}: five and the recovery");
            let recovery = String::from_utf8(log.lines()[5].clone()).expect("ASCII");
            assert!(recovery.contains("\"what\":\"bad-tail\",\"size\":5,\"anchored\":1"), "{what}: {recovery}");
            let moved: Vec<_> = fs::read_dir(log.paths.aside()).expect("aside").collect();
            assert_eq!(moved.len(), 1, "{what}");
            let moved = moved[0].as_ref().expect("a file").path();
            assert_eq!(fs::read(moved).expect("the line"), spoilt, "{what}");
            assert!(log.fault().is_none(), "{what}");
        }
    }
}

#[test]
fn a_spoilt_last_line_that_was_anchored_is_damage() {
    let log = small();
    log.open().renew_anchor().expect("an anchor");
    let mut bytes = log.lines().concat();
    let at = bytes.len() - 200;
    bytes[at] ^= 1;
    fs::write(log.journal(), &bytes).expect("a spoilt journal");
    let refused = log.store().open(soon()).map(|_| ());
    assert!(matches!(refused, Err(LogError::Damaged { place, .. }) if place.index == 5), "{refused:?}");
    assert_eq!(fs::read(log.journal()).expect("the journal"), bytes);
}

#[test]
fn removed_last_lines_are_noticed_and_can_only_be_accepted_visibly() {
    for removed in 1..=5 {
        let log = small();
        log.open().renew_anchor().expect("an anchor");
        let note = log.open().head().note.clone();
        let lines = log.lines();
        fs::write(log.journal(), lines[..6 - removed].concat()).expect("a shortened journal");
        let refused = log.store().open(soon()).map(|_| ());
        assert!(matches!(refused, Err(LogError::RolledBack { anchored: 6, .. })), "{refused:?}");
        assert!(matches!(log.fault(), Some(Fault::RolledBack { by: Memory::Anchor, remembered: 6, .. })));

        log.store().accept_restore(soon(), "disk%20failed").expect("accepted");
        log.append(&[deny(9, 9)]);
        assert!(log.fault().is_none());
        assert!(String::from_utf8_lossy(&log.lines()[6 - removed]).contains("accept-restore"));
        // Whoever remembers the head that was lost still sees that it was.
        let found = verify(&log.paths, Depth::Head, &[note]).expect("an audit");
        assert!(matches!(found.fault, Some(Fault::RolledBack { by: Memory::Given(1), .. })), "{:?}", found.fault);
    }
}

/// Each memory outside the log finds the loss with none of the others.
#[test]
fn however_many_last_lines_are_removed_the_anchor_and_a_client_each_notice_it() {
    let log = TestLog::new();
    let mut handle = log.open();
    for number in 1..50 {
        handle.append(&deny(number, 3)).expect("an append");
    }
    handle.renew_anchor().expect("an anchor");
    let (note, lines) = (handle.head().note.clone(), log.lines());
    drop(handle);
    let key = format::read(&log.paths).expect("a key");
    let anchor = log.paths.anchor(&log.new_log().origin);
    let anchored = fs::read(&anchor).expect("the anchor");
    for removed in 1..50 {
        fs::write(log.journal(), lines[..50 - removed].concat()).expect("a shortened journal");
        let refused = log.store().open(soon()).map(|_| ());
        assert!(matches!(refused, Err(LogError::RolledBack { anchored: 50, .. })), "{removed}: {refused:?}");

        fs::remove_file(&anchor).expect("the anchor");
        let shown = log.open().head().note.clone();
        let client = CheckpointMemory::in_folder(&log.folder.path().join(format!("client-{removed}")));
        client.compare(&key, Some(&note)).expect("the first look");
        let compared = client.compare(&key, Some(&shown));
        assert!(matches!(compared, Err(MemoryError::Shrunk { remembered: 50, .. })), "{removed}: {compared:?}");
        fs::write(&anchor, &anchored).expect("the anchor");
    }
}

#[test]
fn another_history_of_the_same_length_is_a_rollback() {
    let log = small();
    let shorter = log.lines()[..4].concat();
    log.open().renew_anchor().expect("an anchor");
    let anchor = log.paths.anchor(&log.new_log().origin);
    let kept = fs::read(&anchor).expect("the anchor");
    fs::remove_file(&anchor).expect("the anchor");
    fs::write(log.journal(), shorter).expect("a restored journal");
    log.append(&[deny(6, 5), deny(7, 6), deny(8, 7)]);
    fs::write(&anchor, kept).expect("the anchor");
    assert!(matches!(log.store().open(soon()).map(|_| ()), Err(LogError::RolledBack { size: 7, anchored: 6 })));
    assert!(matches!(log.fault(), Some(Fault::RolledBack { remembered: 6, .. })));
}

#[test]
fn a_clock_that_was_set_back_goes_on_after_it_was_accepted() {
    let log = small();
    log.now.store(START - 9000, Ordering::SeqCst);
    assert!(matches!(log.open().append(&deny(-9000, 2)), Err(LogError::Standing(_))));
    log.store().accept_restore(soon(), "clock").expect("accepted");
    assert_eq!(log.open().newest_time(), Some(at(-9000)));
    log.append(&[deny(-8999, 2)]);
    assert!(log.fault().is_none());
}

#[test]
fn derived_files_that_are_gone_or_garbled_are_made_again() {
    let log = small();
    log.open().renew_anchor().expect("an anchor");
    let derived = [log.paths.hashes(), log.paths.index(), log.paths.state(), log.paths.target(&main_branch()).1];
    let state = log.open().target(&main_branch()).expect("a state");
    let good: Vec<Vec<u8>> = derived.iter().map(|path| fs::read(path).expect("a derived file")).collect();
    let check = |what: &str| {
        let handle = log.open();
        assert_eq!((handle.size(), handle.head().checkpoint.size), (6, 6), "{what}");
        assert_eq!(handle.target(&main_branch()).expect("a state"), state, "{what}");
        drop(handle);
        drop(log.open());
        let again: Vec<Vec<u8>> = derived.iter().map(|path| fs::read(path).expect("a derived file")).collect();
        assert_eq!(again, good, "{what}");
    };
    for (path, good) in derived.iter().zip(&good) {
        let name = path.display();
        for length in [0, 1, 7, 8, 31, 32, 33, good.len() / 2, good.len() - 1] {
            fs::write(path, &good[..length.min(good.len())]).expect("a shortened file");
            check(&format!("{name} cut at {length}"));
        }
        for at in (0..good.len()).step_by(7) {
            let mut garbled = good.clone();
            garbled[at] ^= 0x55;
            fs::write(path, &garbled).expect("a garbled file");
            let handle = log.open();
            assert_eq!(handle.head().checkpoint.size, 6, "{name} byte {at}");
            assert_eq!(handle.target(&main_branch()).expect("a state"), state, "{name} byte {at}");
        }
        fs::write(path, [&good[..], &[0xff; 64]].concat()).expect("a longer file");
        drop(log.open());
        fs::write(path, good).expect("the file");
    }
    fs::remove_dir_all(log.paths.targets()).expect("the targets");
    check("no targets");
    log.forget_derived();
    check("nothing derived");
}

#[test]
fn a_state_that_lags_behind_is_brought_up_to_date() {
    let log = TestLog::new();
    let stale = |log: &TestLog| {
        [log.paths.state(), log.paths.index(), log.paths.hashes()].map(|path| {
            let bytes = fs::read(&path).expect("a derived file");
            (path, bytes)
        })
    };
    let kept = stale(&log);
    log.append(&[decided(2, decision(Verdict::Allow, Action::Rewrite, 1, 2)), applied(3, 1, 2), deny(4, 4)]);
    for (path, bytes) in kept {
        fs::write(path, bytes).expect("a stale file");
    }
    let handle = log.open();
    assert_eq!(handle.size(), 4);
    assert_eq!(handle.target(&main_branch()).expect("a state").rewritten_at, Some(at(3)));
    assert_eq!(handle.last_denial().map(|last| last.first), Some(3));
}

#[test]
fn a_log_that_takes_longer_to_read_than_a_push_may_wait_is_made_ready_in_several_openings() {
    let log = TestLog::new();
    let signer = super::super::key::read(&log.paths.key_file).expect("the key");
    let key = VerifierKey::of(log.new_log().origin, &signer);
    let genesis = log.lines().concat();
    let mut tree = Tree::default();
    tree.push(leaf_hash(Frame::parse(genesis.trim_ascii_end()).expect("a frame").leaf), |_| {});
    let mut journal = genesis;
    for n in 1..5000 {
        let leaf = deny(1, (n % 250) as u8 + 1).encode();
        tree.push(leaf_hash(&leaf), |_| {});
        let SignedCheckpoint { checkpoint, signature, .. } = SignedCheckpoint::sign(n + 1, tree.root(), &key, &signer);
        journal.extend(Frame { leaf: &leaf, size: n + 1, root: checkpoint.root, signature }.write());
    }
    fs::write(log.journal(), journal).expect("a long journal");
    log.forget_derived();
    let mut late = 0;
    while let Err(error) = log.store().open(Instant::now()) {
        assert!(matches!(error, LogError::Deadline), "{error}");
        late += 1;
        assert!(late < 12, "every opening goes on where the one before stopped");
    }
    assert!(late > 4, "{late}: none of them read everything");
    assert_eq!(log.open().size(), 5000);
}
