//! Who can sign: a key whose private half stays where it is.

use crate::domain::approval::PublicKey;
use std::io;

/// A key that signs.
pub trait Signer {
    /// Returns the public half.
    fn public_key(&self) -> PublicKey;

    /// Signs `bytes` as they are: for a token, what [`crate::domain::approval::signed_bytes`] gives.
    ///
    /// # Errors
    /// [`SignerError`] if no signature was made; nothing else happened then.
    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], SignerError>;
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// Whoever holds the key cannot be reached.
    #[error("the key cannot be reached")]
    Unreachable(#[source] io::Error),
    /// Whoever holds the key said no.
    #[error("the holder of the key refused to sign")]
    Refused,
    /// What came back does not verify: a fault in the machine, or another key's signature.
    #[error("the signature that was made does not verify")]
    Faulty,
}
