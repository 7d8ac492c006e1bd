//! What an SSH key signs for a token, and the same signature in the form that `ssh-keygen -Y verify` reads
//! (OpenSSH, PROTOCOL.sshsig; docs/spec/token.md, "Signature").
//!
//! The preamble keeps a token's signature from ever being taken for a login, and the namespace from being taken
//! for a signature over a file, a commit or an e-mail.

use super::{SignedToken, TokenError, signed};
use data_encoding::BASE64;
use sha2::{Digest, Sha512};

/// The SSHSIG namespace of tokens (`ssh-keygen -n`).
pub const NAMESPACE: &str = "jit-token@v1";

const MAGIC: &[u8; 6] = b"SSHSIG";
const HASH: &[u8] = b"sha512";
/// How many base64 characters `ssh-keygen` puts on a line.
const LINE: usize = 70;

/// Returns the bytes that a signer signs for `message`: the SSHSIG preamble over its SHA-512.
pub fn signed_bytes(message: &[u8]) -> Vec<u8> {
    let digest = Sha512::digest(message);
    let mut bytes = MAGIC.to_vec();
    for part in [NAMESPACE.as_bytes(), b"", HASH, &digest] {
        push_string(&mut bytes, part);
    }
    bytes
}

/// Writes the signature of `signed` as an armoured SSH signature over its message, each line ended by `\n`.
///
/// # Errors
/// [`TokenError`] if `signed.text` is not the text of a token.
pub fn export_armored(signed: &SignedToken) -> Result<String, TokenError> {
    let opened = signed::open(&signed.text)?;
    let mut signature = Vec::with_capacity(83);
    push_string(&mut signature, b"ssh-ed25519");
    push_string(&mut signature, &opened.signature);
    let mut blob = MAGIC.to_vec();
    blob.extend(1_u32.to_be_bytes());
    for part in [&signed.key.ssh_wire()[..], NAMESPACE.as_bytes(), b"", HASH, &signature] {
        push_string(&mut blob, part);
    }
    let mut armored = "-----BEGIN SSH SIGNATURE-----\n".to_owned();
    let encoded = BASE64.encode(&blob);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE));
        armored.extend([line, "\n"]);
        rest = after;
    }
    armored.push_str("-----END SSH SIGNATURE-----\n");
    Ok(armored)
}

/// Appends an SSH string: its length as a big-endian `u32`, then the bytes. Ours are all short.
fn push_string(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u32).to_be_bytes());
    bytes.extend(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_bytes_are_the_preamble_and_the_digest() {
        let bytes = signed_bytes(b"abc");
        let (preamble, digest) = bytes.split_at(bytes.len() - 64);
        assert_eq!(preamble, b"SSHSIG\0\0\0\x0cjit-token@v1\0\0\0\0\0\0\0\x06sha512\0\0\0\x40");
        assert_eq!(digest, &Sha512::digest(b"abc")[..]);
    }
}
