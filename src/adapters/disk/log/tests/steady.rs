//! What holds while nothing goes wrong.

use super::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_log_knows_each_targets_value_and_last_rewrite() {
    let log = TestLog::new();
    let state = |seconds: Option<i64>, value: u8| TargetState {
        recorded: Some(vec![id(value)]),
        rewritten_at: seconds.map(at),
        ..TargetState::default()
    };
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state(None, 1));
    let other = Target::parse("refs/heads/other").expect("a target");
    assert_eq!(log.open().target(&other).expect("a state"), TargetState::default());

    log.append(&[decided(1, decision(Verdict::Allow, Action::Update, 1, 2))]);
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state(None, 1));
    assert_eq!(log.open().unsettled()[0].updates[0].after, [id(2)]);
    log.append(&[applied(2, 1, 2)]);
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state(None, 2));
    assert!(log.open().unsettled().is_empty());

    log.append(&[decided(3, decision(Verdict::Allow, Action::Rewrite, 2, 3)), applied(4, 3, 3)]);
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state(Some(4), 3));

    let mut found = decision(Verdict::Deny, Action::Update, 5, 6);
    found.updates[0].found = Some(vec![id(5)]);
    log.append(&[decided(9, found)]);
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state(Some(9), 5));

    log.forget_derived();
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state(Some(9), 5));
    assert!(log.fault().is_none());
}

#[test]
fn equal_denials_in_a_row_are_counted() {
    let log = TestLog::new();
    let mut seen = Vec::new();
    for (seconds, new) in [(1, 2), (2, 2), (3, 2), (4, 3)] {
        let mut handle = log.open();
        let Event::Decision(decision) = deny(seconds, new).event else { unreachable!("a decision") };
        let folded = match handle.last_denial() {
            Some(last) => last.fold(Decision { duration_ms: seconds as u64, ..*decision }),
            None => *decision,
        };
        seen.push((folded.again.map(|again| (again.of, again.count)), folded.updates.len()));
        handle.append(&decided(seconds, folded)).expect("an append");
    }
    assert_eq!(seen, [(None, 1), (Some((1, 2)), 0), (Some((1, 3)), 0), (None, 1)]);
    assert!(log.fault().is_none());
}

#[test]
fn an_entry_that_cannot_come_next_is_refused_and_nothing_is_written() {
    let log = TestLog::new();
    log.append(&[deny(5, 2)]);
    let before = log.lines();
    let mut repeated = decision(Verdict::Deny, Action::Update, 1, 2);
    repeated.again = Some(Again { of: 0, count: 2 });
    let genesis =
        Entry::parse(&LogReader::open(&log.paths).map(|reader| first(&reader)).expect("a log")).expect("genesis");
    for (entry, why) in [
        (deny(4, 2), "before"),
        (applied(6, 1, 2), "not an allowed decision"),
        (applied(6, 7, 2), "not an allowed decision"),
        (decided(6, repeated), "repeats"),
        (Entry { time: at(6), ..genesis }, "one genesis"),
    ] {
        let mut handle = log.open();
        let error = handle.append(&entry).expect_err(why);
        assert!(matches!(error, LogError::Standing(_)) && error.to_string().contains(why), "{error}");
        assert!(handle.append(&deny(6, 2)).is_ok(), "the handle still works");
        fs::write(log.journal(), before.concat()).expect("a journal as before");
        log.forget_derived();
    }
}

fn first(reader: &LogReader) -> Vec<u8> {
    let mut leaves = Vec::new();
    reader
        .segment(0, |entry| {
            leaves.push(entry.leaf);
            Ok(())
        })
        .expect("a readable segment");
    leaves.swap_remove(0)
}

#[test]
fn a_long_entry_stands_whole_in_a_blob_and_counts_as_if_it_stood_in_the_leaf() {
    let log = TestLog::new();
    let mut long = decision(Verdict::Allow, Action::Update, 1, 2);
    long.tokens.insert(TokenId([7; 32]), "x".repeat(MAX_LEAF));
    let mut longer = decision(Verdict::Allow, Action::Rewrite, 2, 3);
    longer.updates = (0..2000).map(|_| longer.updates[0].clone()).collect();
    log.append(&[decided(1, long), applied(2, 1, 2), decided(3, longer), applied(4, 3, 3)]);
    assert!(log.lines().iter().all(|line| line.len() <= MAX_LINE));
    let state = TargetState { recorded: Some(vec![id(3)]), rewritten_at: Some(at(4)), ..TargetState::default() };
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state);
    log.forget_derived();
    assert_eq!(log.open().target(&main_branch()).expect("a state"), state);
    assert!(log.fault().is_none());

    let blob = fs::read_dir(log.paths.blobs()).expect("blobs").map(|entry| entry.expect("a blob").path());
    let longest = blob.max_by_key(|path| fs::metadata(path).expect("a blob").len()).expect("three blobs");
    fs::write(&longest, b"{}").expect("a spoilt blob");
    assert!(matches!(log.fault(), Some(Fault::Blob { place, .. }) if place.index == 3));
    log.forget_derived();
    assert!(matches!(log.store().open(soon()).map(|_| ()), Err(LogError::Blob(_))));
}

#[test]
fn an_entry_too_long_even_in_its_short_form_is_refused() {
    let log = TestLog::new();
    let mut entry = decision(Verdict::Deny, Action::Update, 1, 2);
    entry.pusher.login = Some("x".repeat(MAX_LEAF));
    let refused = log.open().append(&decided(1, entry));
    assert!(matches!(refused, Err(LogError::Entry(EntryError::TooLong { .. }))), "{refused:?}");
}

#[test]
fn many_processes_append_without_losing_an_entry() {
    let log = TestLog::new();
    let (threads, each) = (4_u64, 25_u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let log = &log;
            scope.spawn(move || {
                for n in 0..each {
                    let mut handle = log.open();
                    let mut entry = decision(Verdict::Deny, Action::Update, 1, 2);
                    entry.reasons = vec![format!("{thread}-{n}")];
                    handle.append(&decided(1, entry)).expect("an append");
                }
            });
        }
    });
    let found = verify(&log.paths, Depth::Full, &[]).expect("an audit");
    assert!(found.fault.is_none(), "{:?}", found.fault);
    assert_eq!(found.entries, threads * each + 1);
    let text = String::from_utf8(log.lines().concat()).expect("ASCII");
    for thread in 0..threads {
        assert!((0..each).all(|n| text.matches(&format!("\"{thread}-{n}\"")).count() == 1));
    }
}

#[test]
fn the_lock_is_waited_for_until_the_deadline() {
    let log = TestLog::new();
    let held = log.open();
    let begun = Instant::now();
    let refused = log.store().open(begun + Duration::from_millis(50)).map(|_| ());
    assert!(matches!(refused, Err(LogError::Busy)));
    assert!(begun.elapsed() >= Duration::from_millis(50));
    drop(held);
    log.open();
}

#[test]
fn the_key_is_refused_when_others_can_read_it_or_it_is_another_logs() {
    let log = TestLog::new();
    let key = &log.paths.key_file;
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(key), 0o600);
    assert_eq!(mode(&log.paths.audit_dir), 0o700);
    assert_eq!(mode(&log.journal()), 0o600);
    let open = || log.store().open(soon()).map(|_| ()).map_err(|error| error.to_string() + &cause(&error));
    for bits in [0o640, 0o604, 0o660] {
        fs::set_permissions(key, fs::Permissions::from_mode(bits)).expect("another mode");
        assert!(open().expect_err("refused").contains(&format!("{bits:04o}")));
    }
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("the mode");
    fs::write(key, "jit-log-key-1 AAAA\n").expect("a bad key");
    assert!(open().expect_err("refused").contains("not a log key"));
    fs::write(key, format!("jit-log-key-1 {}\n", data_encoding::BASE64.encode(&[9; 32]))).expect("another key");
    assert!(open().expect_err("refused").contains("another log"));
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map(|source| format!(": {source}")).unwrap_or_default()
}

#[test]
fn a_log_is_begun_once() {
    let log = TestLog::new();
    assert!(matches!(log.store().create(&log.new_log(), soon()), Err(LogError::Exists(_))));
    // What a crash before the genesis left is taken up again; an anchor of the name forbids another log.
    fs::remove_dir_all(&log.paths.audit_dir).expect("the log");
    assert!(matches!(log.store().create(&log.new_log(), soon()), Err(LogError::AnchorExists(_))));
    fs::remove_dir_all(&log.paths.state_dir).expect("the anchors");
    fs::create_dir_all(log.paths.journal()).expect("a folder");
    fs::write(log.journal(), b"{\"leaf\":").expect("a torn genesis");
    log.store().create(&log.new_log(), soon()).expect("a new log");
    assert!(log.fault().is_none());
    assert!(matches!(LogReader::open(&paths_in(Path::new("/nonexistent"))), Err(LogError::Missing(_))));
}
