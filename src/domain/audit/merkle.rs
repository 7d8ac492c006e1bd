//! The tree over the log's leaves: RFC 6962 section 2.1 hashes, kept as a compact range.
//!
//! A tree of n leaves is described by its peaks: one perfect subtree per set bit of n, largest first.
//! An append needs the peaks alone, at most 64 hashes however long the log is. Every perfect subtree is
//! also written to one flat file, in the order in which its last leaf arrives: the leaf, then each
//! parent that it completes. That order makes positions plain arithmetic: before leaf n stand
//! 2n - popcount(n) nodes, and the subtree of height h that ends with leaf n stands h places after it.

use crate::domain::text::{base64_array, hex_array};
use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256: of a leaf, a node, a root or a blob. Written as 64 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Hashes `bytes` without any prefix, as blobs are named.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lowercase hex digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex_array(text).map(Self)
    }

    /// Reads the 44 characters of padded base64; `None` for anything else.
    pub fn from_base64(text: &[u8]) -> Option<Self> {
        base64_array(text).map(Self)
    }

    /// Writes 44 characters of padded base64, as checkpoints and frames do.
    pub fn base64(&self) -> String {
        BASE64.encode(&self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hashes a leaf: SHA-256(0x00, leaf).
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(leaf).finalize().into())
}

/// Hashes an inner node: SHA-256(0x01, left, right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash::of(&bytes)
}

/// Returns how many nodes stand in the flat file before those that leaf number `size` (from 0) brings.
///
/// This is also the number of nodes of a tree with `size` leaves. `size` is below 2^63.
pub fn nodes_before(size: u64) -> u64 {
    2 * size - u64::from(size.count_ones())
}

/// Returns where the peaks of a tree of `size` leaves stand in the flat file, largest subtree first.
pub fn peak_positions(size: u64) -> impl Iterator<Item = u64> {
    let mut end = 0;
    (0..64).rev().filter(move |height| size >> height & 1 == 1).map(move |height| {
        end += 1_u64 << height;
        nodes_before(end - 1) + height
    })
}

/// Folds peaks, largest subtree first, into the root; no peaks give the hash of no bytes.
pub fn root_from(peaks: &[Hash]) -> Hash {
    let folded = peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
    folded.unwrap_or_else(|| Hash::of(b""))
}

/// The compact range over all leaves so far: enough to append and to give the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

impl Tree {
    /// Takes the peaks of a tree of `size` leaves, largest first; `None` if their number is not that of such a tree.
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and hands to `keep` each node that it completes, in the order of the flat file.
    pub fn push(&mut self, leaf: Hash, mut keep: impl FnMut(Hash)) {
        keep(leaf);
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak stands for each set bit of the size");
            node = node_hash(&left, &node);
            keep(node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Returns the root over all leaves.
    pub fn root(&self) -> Hash {
        root_from(&self.peaks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    #[test]
    fn roots_equal_those_of_another_implementation_up_to_2000_leaves() {
        let mut tree = Tree::default();
        let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for size in 0..=2000_u64 {
            assert_eq!(tree.size(), size);
            assert_eq!(tree.root().0[..], other.root().as_bytes()[..], "{size} leaves");
            let leaf = format!("leaf {size}").into_bytes();
            tree.push(leaf_hash(&leaf), |_| {});
            other.push(leaf);
        }
    }

    #[test]
    fn every_earlier_root_can_be_read_from_the_flat_file() {
        let (mut tree, mut file, mut roots) = (Tree::default(), Vec::new(), Vec::new());
        for leaf in 0..600_u64 {
            roots.push(tree.root());
            assert_eq!(file.len() as u64, nodes_before(leaf));
            tree.push(leaf_hash(&leaf.to_be_bytes()), |node| file.push(node));
        }
        for (size, root) in roots.iter().enumerate() {
            let peaks: Vec<Hash> = peak_positions(size as u64).map(|at| file[at as usize]).collect();
            assert_eq!(root_from(&peaks), *root, "{size} leaves");
            assert_eq!(Tree::from_peaks(size as u64, peaks).map(|tree| tree.root()), Some(*root));
        }
    }

    #[test]
    fn the_known_roots_of_rfc_6962_come_out() {
        // The empty tree, and the tree over one empty leaf, as certificate transparency's own tests have them.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let one = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        let mut tree = Tree::default();
        assert_eq!(tree.root().to_string(), empty);
        tree.push(leaf_hash(b""), |_| {});
        assert_eq!(tree.root().to_string(), one);
    }
}
