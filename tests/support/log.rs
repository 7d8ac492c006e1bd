//! Makes a server's log longer than a test could by pushing.

use super::guarded::Guarded as _;
use super::repo::TestRepo;
use data_encoding::BASE64;
use ed25519_dalek::SigningKey;
use jit::adapters::disk::log::{LogReader, SEGMENT, StoredEntry};
use jit::domain::audit::{Frame, SignedCheckpoint, Tree, VerifierKey, leaf_hash};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

impl TestRepo {
    /// Repeats the newest entry so often, in new lines of the journal that follow on as the server's own do.
    /// It must be one that may follow itself, such as a denial.
    pub fn repeat_newest_entry(&self, times: u64) {
        let paths = self.audit_paths();
        let read = |name: &str| fs::read_to_string(self.jit_path(name)).expect("a text");
        let format = read("audit/FORMAT");
        let key = VerifierKey::parse(format.lines().last().expect("a key")).expect("a key");
        let secret = read("key");
        let seed = BASE64.decode(secret.trim().rsplit(' ').next().expect("a seed").as_bytes()).expect("base64");
        let signer = SigningKey::from_bytes(&seed.try_into().expect("32 bytes"));
        let mut leaves = Vec::new();
        let mut keep = |stored: StoredEntry| {
            leaves.push(stored.leaf);
            Ok(())
        };
        LogReader::open(&paths).expect("a log").segment(0, &mut keep).expect("entries");
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf), |_| {}));
        let leaf = leaves.last().expect("an entry");
        let mut lines: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for index in (leaves.len() as u64..).take(usize::try_from(times).expect("a number")) {
            tree.push(leaf_hash(leaf), |_| {});
            let head = SignedCheckpoint::sign(index + 1, tree.root(), &key, &signer);
            let frame = Frame { leaf, size: index + 1, root: head.checkpoint.root, signature: head.signature };
            lines.entry(index / SEGMENT).or_default().extend(frame.write());
        }
        for (segment, lines) in lines {
            let path = paths.audit_dir.join(format!("journal/{segment:08}.jsonl"));
            let mut file = fs::OpenOptions::new().create(true).append(true).open(path).expect("a segment");
            file.write_all(&lines).expect("written");
        }
    }
}
