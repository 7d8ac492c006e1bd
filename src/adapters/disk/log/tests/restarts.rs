//! What the machine's restart leaves of the derived files, after a clean end and after a power cut.

use super::super::state::State;
use super::super::storage::Disk;
use super::*;

/// Makes `state` what an earlier boot of the machine wrote.
fn restart(log: &TestLog) {
    let text = fs::read_to_string(log.paths.state()).expect("a state");
    let mut state: serde_json::Value = serde_json::from_str(text.lines().next().expect("JSON")).expect("JSON");
    state["boot"] = "an earlier one".into();
    let state: State = serde_json::from_value(state).expect("a state");
    state.write(&Disk, &log.paths).expect("written");
}

fn content(byte: u8) -> ContentId {
    ContentId([byte; 32])
}

fn landing(seconds: i64, index: u64, action: Action, value: u8) -> [Entry; 2] {
    let mut decision = decision(Verdict::Allow, action, value - 1, value);
    decision.updates[0].contents = vec![content(value)];
    [decided(seconds, decision), applied(seconds + 1, index, value)]
}

/// What the log says of the past.
fn told(log: &TestLog) -> (TargetState, Vec<Option<Timestamp>>, Vec<Unsettled>, Option<LastDenial>) {
    let handle = log.open();
    let landed = (2..5).map(|value| handle.landed(&main_branch(), &content(value)).expect("a look")).collect();
    let target = handle.target(&main_branch()).expect("a state");
    (target, landed, handle.unsettled().to_vec(), handle.last_denial())
}

/// Spoils an old line, which is noticed by whoever reads the log from its beginning.
fn spoil_the_first_decision(log: &TestLog) {
    let lines = log.lines();
    let at = lines[0].len() + 40;
    let mut journal = lines.concat();
    journal[at] ^= 1;
    fs::write(log.journal(), journal).expect("a spoilt journal");
}

fn derived(log: &TestLog) -> BTreeMap<PathBuf, Vec<u8>> {
    let files =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let in_targets = files(log.paths.targets()).flat_map(files);
    let others = [log.paths.hashes(), log.paths.index(), log.paths.checkpoint(), log.paths.state()];
    in_targets.chain(others).map(|path| (path.clone(), fs::read(path).expect("a file"))).collect()
}

#[test]
fn after_a_restart_the_log_is_not_read_again() {
    let log = TestLog::new();
    log.append(&landing(1, 1, Action::Rewrite, 2));
    log.append(&[deny(3, 9)]);
    let before = told(&log);
    spoil_the_first_decision(&log);
    for round in 0..3 {
        restart(&log);
        assert_eq!(told(&log), before, "{round}: nobody has appended since");
    }
    log.append(&[deny(4, 9)]);
    restart(&log);
    assert_eq!(told(&log).0, before.0);

    log.forget_derived();
    let read = log.store().open(soon()).map(|_| ());
    assert!(matches!(read, Err(LogError::Damaged { .. })), "{read:?}");
}

#[test]
fn whatever_a_power_cut_takes_back_of_the_derived_files_nothing_old_is_believed() {
    let log = TestLog::new();
    let mut entries: Vec<Entry> = [(1, Action::Update), (3, Action::Rewrite), (5, Action::Update)]
        .into_iter()
        .zip(2..)
        .flat_map(|((index, action), value)| landing(i64::from(index) * 10, index as u64, action, value))
        .collect();
    entries.insert(4, deny(41, 9));
    entries[6] = applied(60, 6, 4);
    let mut versions = vec![derived(&log)];
    for entry in &entries {
        log.append(std::slice::from_ref(entry));
        versions.push(derived(&log));
    }
    let truth = told(&log);
    assert_eq!(truth.0.recorded, Some(vec![id(4)]));
    assert!(truth.0.rewritten_at.is_some() && truth.1.iter().all(Option::is_some));
    let last = versions.last().expect("versions").clone();
    let mut reverted = 0;
    for path in last.keys() {
        for version in versions.iter().map(|version| version.get(path)) {
            for (file, bytes) in &last {
                fs::write(file, bytes).expect("the file");
            }
            restart(&log);
            match version {
                Some(bytes) => fs::write(path, bytes).expect("what it was before"),
                None => fs::remove_file(path).expect("as if it was never made"),
            }
            // If `state` is reverted, so is the boot in it.
            if *path == log.paths.state() && version.is_some() {
                restart(&log);
            }
            assert_eq!(told(&log), truth, "{}: {:?}", path.display(), version.map(|bytes| bytes.len()));
            reverted += 1;
        }
    }
    assert!(reverted > 40, "{reverted}");
    for state in &versions {
        for files in &versions {
            for path in last.keys() {
                match if *path == log.paths.state() { state } else { files }.get(path) {
                    Some(bytes) => fs::write(path, bytes).expect("what it was before"),
                    None => fs::remove_file(path).expect("as if it was never made"),
                }
            }
            restart(&log);
            assert_eq!(told(&log), truth, "a state of {} bytes with other files", state[&log.paths.state()].len());
            last.iter().for_each(|(path, bytes)| fs::write(path, bytes).expect("the file"));
        }
    }
    assert!(log.fault().is_none());
}

#[test]
fn what_a_killed_process_left_is_not_believed_after_a_power_cut() {
    let log = TestLog::new();
    log.append(&landing(1, 1, Action::Update, 2));
    let file = log.paths.target(&main_branch()).1;
    log.append(&[decided(3, decision(Verdict::Allow, Action::Rewrite, 2, 3))]);
    let (state, old) = (fs::read(log.paths.state()).expect("a state"), fs::read(&file).expect("a file"));
    log.append(&[applied(4, 3, 3)]);
    // Killed before it wrote `state`; the next process applies the entry again and goes on.
    fs::write(log.paths.state(), state).expect("the state before");
    log.append(&[deny(5, 9)]);
    let truth = told(&log);
    assert_eq!(truth.0.rewritten_at, Some(at(4)));

    let new = fs::read(&file).expect("a file");
    restart(&log);
    fs::write(&file, &old).expect("what it was before");
    assert_eq!(told(&log), truth);

    fs::write(&file, &new).expect("what it was");
    spoil_the_first_decision(&log);
    restart(&log);
    assert_eq!(told(&log), truth, "the files were added up again, so nothing is read");
}

#[test]
fn where_the_time_does_not_suffice_to_add_up_the_files_the_log_is_read_again() {
    let log = TestLog::new();
    log.append(&landing(1, 1, Action::Update, 2));
    spoil_the_first_decision(&log);
    restart(&log);
    let read = log.store().open(Instant::now()).map(|_| ());
    assert!(matches!(read, Err(LogError::Unreadable { .. })), "{read:?}");
}
