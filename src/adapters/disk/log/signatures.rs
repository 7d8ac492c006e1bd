//! Checks the signatures of many lines on several threads, while the lines are still being read.

use super::verify::Depth;
use crate::domain::audit::{Hash, SignedCheckpoint, VerifierKey};
use crate::ports::log::Place;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};

/// How many lines travel together.
const BATCH: usize = 256;
/// How many batches may wait; bounds the memory.
const WAITING: usize = 64;
/// More threads than this would wait for the reader.
const MAX_THREADS: usize = 16;

type Job = (Place, Hash, [u8; 64]);

/// The threads, and the lines that are still to be sent to them. Only [`Depth::Full`] has any.
pub(super) struct Signatures<'scope> {
    sender: Option<SyncSender<Vec<Job>>>,
    batch: Vec<Job>,
    workers: Vec<ScopedJoinHandle<'scope, Option<Place>>>,
}

impl<'scope> Signatures<'scope> {
    /// Starts as many threads as the machine has cores.
    pub fn start(scope: &'scope Scope<'scope, '_>, key: &'scope VerifierKey, depth: Depth) -> Self {
        if depth != Depth::Full {
            return Self { sender: None, batch: Vec::new(), workers: Vec::new() };
        }
        let (sender, receiver) = sync_channel(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        let worker = |_| {
            let receiver = Arc::clone(&receiver);
            scope.spawn(move || work(key, &receiver))
        };
        Self { sender: Some(sender), batch: Vec::with_capacity(BATCH), workers: (0..threads).map(worker).collect() }
    }

    /// Hands over a line.
    pub fn check(&mut self, place: Place, root: Hash, signature: [u8; 64]) {
        if self.sender.is_none() {
            return;
        }
        self.batch.push((place, root, signature));
        if self.batch.len() == BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if let Some(sender) = &self.sender {
            sender.send(batch).expect("the threads receive until the sender is dropped");
        }
    }

    /// Waits for all threads; returns the first line whose signature is wrong.
    pub fn finish(mut self) -> Option<Place> {
        self.send();
        self.sender = None;
        let found = self.workers.drain(..).map(|worker| worker.join().expect("checking a signature does not panic"));
        found.flatten().min_by_key(|place| place.index)
    }
}

/// Checks batches until there are no more; returns the first bad line among those that came here.
fn work(key: &VerifierKey, receiver: &Mutex<Receiver<Vec<Job>>>) -> Option<Place> {
    let mut first: Option<Place> = None;
    loop {
        let received = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = received else { return first };
        let bad = batch.into_iter().find(|(place, root, signature)| {
            SignedCheckpoint::verified(place.index + 1, *root, *signature, key).is_none()
        });
        first = first.into_iter().chain(bad.map(|(place, ..)| place)).min_by_key(|place| place.index);
    }
}
