//! Every system call of an append fails in every way: what was acknowledged is there, what was not harms nothing.

use super::*;
use std::fs::File;
use std::io;
use std::sync::atomic::AtomicUsize;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    /// Nothing happens.
    Before,
    /// It happens, and yet an error comes back.
    After,
    /// Half of what was to be written is.
    Short,
    /// No space: half is written, and an error comes back.
    NoSpace,
}

/// Lets call number `at` (from 0) fail, and every one after it, as a full or dying disk does.
struct Failing {
    at: usize,
    how: How,
    calls: AtomicUsize,
}

impl Failing {
    fn call<T>(&self, real: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        match (number >= self.at, self.how) {
            (false, _) => real(),
            (true, How::After) => real().and(Err(io::Error::other("injected"))),
            (true, _) => Err(io::Error::other("injected")),
        }
    }
}

impl Storage for Failing {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.call(|| Disk.create(path))
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let fails = self.calls.load(Ordering::SeqCst) >= self.at;
        if fails && matches!(self.how, How::Short | How::NoSpace) {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let written = Disk.write_at(file, &bytes[..bytes.len() / 2], offset)?;
            let full = self.how == How::NoSpace;
            return if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(written) };
        }
        self.call(|| Disk.write_at(file, bytes, offset))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.call(|| Disk.sync(file))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.call(|| Disk.sync_folder(path))
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.call(|| Disk.truncate(file, length))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| Disk.rename(from, to))
    }
}

#[test]
fn whatever_call_fails_an_acknowledged_entry_stays_and_the_log_stays_sound() {
    for how in [How::Before, How::After, How::Short, How::NoSpace] {
        let mut acknowledged = 0;
        let mut refused = 0;
        for at in 0..60 {
            let log = TestLog::new();
            log.append(&[decided(1, decision(Verdict::Allow, Action::Rewrite, 1, 2))]);
            let storage = Arc::new(Failing { at, how, calls: AtomicUsize::new(0) });
            let store = DiskLogStore::with_storage(log.paths.clone(), log.clock(), storage);
            let entry = applied(2, 1, 2);
            let appended = store.open(soon()).and_then(|mut handle| {
                let appended = handle.append(&entry);
                if appended.is_err() {
                    assert!(matches!(handle.append(&entry), Err(LogError::Poisoned)), "{how:?} {at}");
                }
                appended
            });
            // The machine goes on; the next push finds what it finds.
            let mut handle = log.open();
            match &appended {
                Ok(appended) => {
                    acknowledged += 1;
                    assert_eq!(handle.head(), &appended.head, "{how:?} {at}");
                    let state = handle.target(&main_branch()).expect("a state");
                    assert_eq!(
                        state,
                        TargetState {
                            recorded: Some(vec![id(2)]),
                            rewritten_at: Some(super::at(2)),
                            ..TargetState::default()
                        }
                    );
                }
                Err(_) => {
                    refused += 1;
                    assert!(matches!(handle.size(), 2 | 3), "{how:?} {at}");
                }
            }
            handle.append(&deny(9, 3)).expect("the log goes on");
            drop(handle);
            assert!(log.fault().is_none(), "{how:?} {at}: {:?}", log.fault());
        }
        assert!(acknowledged > 0 && refused > 0, "{how:?}: both ends were met");
    }
}

#[test]
fn whatever_call_fails_a_new_log_can_be_begun_again() {
    for how in [How::Before, How::After, How::NoSpace] {
        let mut refused = 0;
        for at in 0..80 {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let paths = paths_in(folder.path());
            let log = TestLog { folder, paths, now: Arc::new(AtomicI64::new(START)) };
            let storage = Arc::new(Failing { at, how, calls: AtomicUsize::new(0) });
            let store = DiskLogStore::with_storage(log.paths.clone(), log.clock(), storage);
            if store.create(&log.new_log(), soon()).is_err() {
                refused += 1;
                match log.store().create(&log.new_log(), soon()) {
                    Ok(_) | Err(LogError::Exists(_)) => {}
                    Err(error) => panic!("{how:?} {at}: {error}: {:?}", std::error::Error::source(&error)),
                }
            }
            drop(log.open());
            assert!(log.fault().is_none(), "{how:?} {at}");
            assert!(log.folder.path().exists());
        }
        assert!((1..80).contains(&refused), "{how:?}: both ends were met");
    }
}
