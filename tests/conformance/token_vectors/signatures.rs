//! Signatures and keys that must not verify, some of which a careless verifier would take.

use super::{APPROVAL, Vector, alice, bad, key, text, with};
use data_encoding::HEXLOWER;
use ed25519_dalek::Signer;
use jit::domain::approval::signed_bytes;
use sha2::{Digest, Sha256, Sha512};

pub fn vectors() -> Vec<Vector> {
    let verify = "the signature does not verify";
    let weak = "a weak ed25519 key: everyone can sign with it";
    let message = APPROVAL.as_bytes();
    let public = alice().verifying_key().to_bytes();
    let right = alice().sign(&signed_bytes(message)).to_bytes();
    let other = with(APPROVAL, "target", "refs/heads/release");
    let identity = "0100000000000000000000000000000000000000000000000000000000000000";
    let order_eight = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let not_canonical = "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    let swapped = [&right[32..], &right[..32]].concat();
    let zeros = [0; 64];
    vec![
        bad("signature-other-message", "signed for another branch", text(other.as_bytes(), 1, &public, &right), verify),
        bad(
            "signature-other-key",
            "mallory puts her key beside alice's signature",
            text(message, 1, key(b'm').verifying_key().as_bytes(), &right),
            verify,
        ),
        bad(
            "signature-by-mallory",
            "mallory signs and names alice's key",
            text(message, 1, &public, &key(b'm').sign(&signed_bytes(message)).to_bytes()),
            verify,
        ),
        bad("signature-zero", "no signature", text(message, 1, &public, &zeros), verify),
        bad("signature-swapped", "S before R", text(message, 1, &public, &swapped), verify),
        bad("signature-raw-message", "over the message without the preamble", signed_otherwise(message), verify),
        bad(
            "signature-raw-digest",
            "over the digest without the preamble",
            signed_otherwise(&Sha512::digest(message)),
            verify,
        ),
        bad(
            "signature-namespace",
            "an SSH signature over a file",
            signed_otherwise(&preamble("file", "sha512", &Sha512::digest(message))),
            verify,
        ),
        bad(
            "signature-git-namespace",
            "an SSH signature over a Git commit",
            signed_otherwise(&preamble("git", "sha512", &Sha512::digest(message))),
            verify,
        ),
        bad(
            "signature-hash",
            "with SHA-256 in place of SHA-512",
            signed_otherwise(&preamble("jit-token@v1", "sha256", &Sha256::digest(message))),
            verify,
        ),
        bad(
            "signature-hash-name",
            "SHA-512 under the name of SHA-256",
            signed_otherwise(&preamble("jit-token@v1", "sha256", &Sha512::digest(message))),
            verify,
        ),
        bad("signature-s-plus-order", "S is not reduced", s_plus_order(), verify),
        bad("signature-identity-r", "R has small order", identity_r(), verify),
        bad(
            "key-identity",
            "the identity as key and R, S zero: verifies without a secret",
            by_nobody(identity, identity),
            weak,
        ),
        bad("key-order-eight", "a key of order eight", by_nobody(order_eight, identity), weak),
        bad(
            "key-not-canonical",
            "the identity with y = p + 1",
            by_nobody(not_canonical, identity),
            "not a canonical ed25519 public key",
        ),
        bad(
            "key-no-point",
            "no point has y = 2",
            by_nobody(&format!("02{}", "00".repeat(31)), identity),
            "not a canonical ed25519 public key",
        ),
        bad("key-kind-0", "no such kind of key", text(message, 0, &public, &right), "unknown kind of key: 0"),
        bad("key-kind-255", "no such kind of key", text(message, 255, &public, &right), "unknown kind of key: 255"),
        bad(
            "key-kind-sk",
            "a security key's signature",
            text(message, 2, &public, &[&right[..], &[1, 0, 0, 0, 7]].concat()),
            "signatures of security keys (sk-ssh-ed25519) are not supported yet",
        ),
        bad(
            "signature-long",
            "flags and counter without a security key",
            text(message, 1, &public, &[&right[..], &[1, 0, 0, 0, 7]].concat()),
            "the signature part has 102 bytes, not 97",
        ),
        bad(
            "signature-one-more",
            "a byte too many",
            text(message, 1, &public, &[&right[..], &[0]].concat()),
            "the signature part has 98 bytes, not 97",
        ),
        bad(
            "signature-one-less",
            "a byte too few",
            text(message, 1, &public, &right[..63]),
            "the signature part has 96 bytes, not 97",
        ),
    ]
}

/// The preamble of any SSH signature.
fn preamble(namespace: &str, hash: &str, digest: &[u8]) -> Vec<u8> {
    let mut bytes = b"SSHSIG".to_vec();
    for part in [namespace.as_bytes(), b"", hash.as_bytes(), digest] {
        bytes.extend(u32::try_from(part.len()).expect("short").to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// Alice's signature over other bytes than those of a token.
fn signed_otherwise(bytes: &[u8]) -> String {
    text(APPROVAL.as_bytes(), 1, alice().verifying_key().as_bytes(), &alice().sign(bytes).to_bytes())
}

fn from_hex(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).expect("hex")
}

/// The order of the base point, little-endian.
fn order() -> Vec<u8> {
    from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
}

/// Alice's signature with the order of the group added to S: the same equation, another spelling.
fn s_plus_order() -> String {
    let mut signature = alice().sign(&signed_bytes(APPROVAL.as_bytes())).to_bytes();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order()) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    text(APPROVAL.as_bytes(), 1, alice().verifying_key().as_bytes(), &signature)
}

/// A signature of alice's with R the identity: S is the challenge times her scalar. The loose check accepts it.
fn identity_r() -> String {
    let mut r = [0; 32];
    r[0] = 1;
    let public = alice().verifying_key();
    let challenge = Sha512::new()
        .chain_update(r)
        .chain_update(public.as_bytes())
        .chain_update(signed_bytes(APPROVAL.as_bytes()))
        .finalize();
    let scalar = alice().to_scalar();
    let one = scalar * scalar.invert();
    let mut reduced = one + -one;
    for bit in (0..512).rev() {
        reduced += reduced;
        if challenge[bit / 8] >> (bit % 8) & 1 == 1 {
            reduced += one;
        }
    }
    let signature = [r, (reduced * scalar).to_bytes()].concat();
    let loose = ed25519_dalek::Signature::from_slice(&signature).expect("64 bytes");
    let loosely = ed25519_dalek::Verifier::verify(&public, &signed_bytes(APPROVAL.as_bytes()), &loose);
    assert!(loosely.is_ok(), "the case is worth nothing if the loose check refuses it too");
    text(APPROVAL.as_bytes(), 1, public.as_bytes(), &signature)
}

/// A token by nobody: S is zero, and R and the key are whatever is given.
fn by_nobody(key: &str, r: &str) -> String {
    text(APPROVAL.as_bytes(), 1, &from_hex(key), &[from_hex(r), vec![0; 32]].concat())
}
