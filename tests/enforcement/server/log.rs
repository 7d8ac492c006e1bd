//! A log in memory that keeps to the rules of the real one: what may follow what is the domain's own [`Standing`].

use super::world::Steps;
use crate::support::at;
use ed25519_dalek::SigningKey;
use jit::domain::audit::{
    Debt, Entry, Event, Genesis, GenesisRefs, Hash, KeptRequest, LastDenial, Origin, SignedCheckpoint, Standing,
    System, TargetState, Unsettled, Verdict, VerifierKey,
};
use jit::domain::change::{ChangesetId, ContentId, Target};
use jit::domain::time::Timestamp;
use jit::ports::log::{Appended, Log, LogError, LogStore};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

/// What the log holds.
pub struct Book {
    /// The entries.
    pub entries: Vec<Entry>,
    /// What they add up to.
    pub standing: Standing,
    /// What they say of targets.
    pub targets: BTreeMap<Target, TargetState>,
    /// When contents landed.
    pub landed: BTreeMap<(Target, ContentId), Timestamp>,
    /// Whether somebody has it open.
    pub locked: bool,
    /// What does not work: the name of a step; `space` for writing, `sync` for what comes after it.
    pub broken: Option<&'static str>,
    steps: Steps,
    head: SignedCheckpoint,
}

/// The log of a repository.
#[derive(Clone)]
pub struct Books(pub Rc<RefCell<Book>>);

fn checkpoint(size: u64) -> SignedCheckpoint {
    let signer = SigningKey::from_bytes(&[b'l'; 32]);
    let key = VerifierKey::of(Origin::new("git.example.com/payments").expect("an origin"), &signer);
    SignedCheckpoint::sign(size, Hash::of(&size.to_be_bytes()), &key, &signer)
}

impl Books {
    /// A log that began a day ago, when the refs had these values.
    pub fn new(refs: &BTreeMap<Target, Vec<ChangesetId>>, steps: Steps) -> Self {
        let known = |value: &Vec<ChangesetId>| TargetState { recorded: Some(value.clone()), ..TargetState::default() };
        let targets = refs.iter().map(|(target, value)| (target.clone(), known(value))).collect();
        let mut book = Book {
            entries: vec![],
            standing: Standing::default(),
            targets,
            landed: BTreeMap::new(),
            locked: false,
            broken: None,
            steps,
            head: checkpoint(0),
        };
        let genesis = Genesis {
            repository: crate::support::REPOSITORY.to_owned(),
            origin: "git.example.com/payments".to_owned(),
            system: System::Git,
            key: "none".to_owned(),
            refs: GenesisRefs { blob: Hash::of(b""), count: refs.len() as u64 },
            version: "0".to_owned(),
        };
        book.add(&Entry { time: at(-86_400), event: Event::Genesis(genesis) }).expect("a genesis comes first");
        Self(Rc::new(RefCell::new(book)))
    }
}

impl Book {
    fn step(&self, name: &'static str, what: &str) -> Result<(), LogError> {
        self.steps.push(format!("{name} {what}").trim_end().to_owned());
        self.fails(name)
    }

    fn fails(&self, name: &'static str) -> Result<(), LogError> {
        let path = PathBuf::from("journal/00000000.jsonl");
        let io = |action, kind: ErrorKind| Err(LogError::Io { action, path: path.clone(), source: kind.into() });
        match self.broken.filter(|broken| *broken == name) {
            None => Ok(()),
            Some("sync") => io("syncing", ErrorKind::Other),
            Some("space") => io("writing", ErrorKind::StorageFull),
            Some(_) => Err(LogError::ShortWrite { path, written: 1, wanted: 2 }),
        }
    }

    fn add(&mut self, entry: &Entry) -> Result<Appended, LogError> {
        let index = self.entries.len() as u64;
        for change in self.standing.apply(index, entry)? {
            self.targets.entry(change.target.clone()).or_default().apply(&change);
            let of_target = |(content, at)| ((change.target.clone(), content), at);
            self.landed.extend(change.landed.into_iter().map(of_target));
        }
        self.entries.push(entry.clone());
        self.head = checkpoint(index + 1);
        Ok(Appended { index, head: self.head.clone() })
    }
}

impl LogStore for Books {
    fn open(&self, _: Instant) -> Result<Box<dyn Log>, LogError> {
        let mut book = self.0.borrow_mut();
        book.step("open", "")?;
        if std::mem::replace(&mut book.locked, true) {
            return Err(LogError::Busy);
        }
        let (head, standing) = (book.head.clone(), book.standing.clone());
        Ok(Box::new(Handle { book: self.0.clone(), head, standing }))
    }

    fn accept_restore(&self, _: Instant, _: &str) -> Result<Appended, LogError> {
        Err(LogError::Empty)
    }
}

struct Handle {
    book: Rc<RefCell<Book>>,
    head: SignedCheckpoint,
    standing: Standing,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut book = self.book.borrow_mut();
        book.locked = false;
        book.steps.push("close".to_owned());
    }
}

impl Log for Handle {
    fn size(&self) -> u64 {
        self.book.borrow().entries.len() as u64
    }

    fn newest_time(&self) -> Option<Timestamp> {
        self.book.borrow().standing.newest
    }

    fn head(&self) -> &SignedCheckpoint {
        &self.head
    }

    fn target(&self, target: &Target) -> Result<TargetState, LogError> {
        let book = self.book.borrow();
        book.step("target", &target.to_string())?;
        Ok(book.targets.get(target).cloned().unwrap_or_default())
    }

    fn landed(&self, target: &Target, content: &ContentId) -> Result<Option<Timestamp>, LogError> {
        let book = self.book.borrow();
        book.step("landed", &target.to_string())?;
        Ok(book.landed.get(&(target.clone(), *content)).copied())
    }

    fn unsettled(&self) -> &[Unsettled] {
        &self.standing.unsettled
    }

    fn debts(&self) -> &[Debt] {
        &self.standing.debts
    }

    fn kept(&self) -> &[KeptRequest] {
        &self.standing.kept
    }

    fn last_denial(&self) -> Option<LastDenial> {
        self.book.borrow().standing.last_denial
    }

    fn keep_blob(&mut self, bytes: &[u8]) -> Result<Hash, LogError> {
        Ok(Hash::of(bytes))
    }

    fn append(&mut self, entry: &Entry) -> Result<Appended, LogError> {
        let mut book = self.book.borrow_mut();
        let what = match &entry.event {
            Event::Decision(decision) if decision.verdict == Verdict::Allow => "allow",
            Event::Decision(_) => "deny",
            Event::Outcome(_) => "outcome",
            Event::Override(_) => "override",
            Event::Review(_) => "review",
            Event::Request(_) => "request",
            Event::Gate(_) => "gate",
            _ => "other",
        };
        book.step("append", what)?;
        book.fails(what)?;
        book.fails("space")?;
        let appended = book.add(entry)?;
        // Written, and yet nobody knows whether it is durable.
        book.fails("sync")?;
        self.head = appended.head.clone();
        self.standing = book.standing.clone();
        Ok(appended)
    }

    fn renew_anchor(&mut self) -> Result<(), LogError> {
        self.book.borrow().step("anchor", "")
    }
}
