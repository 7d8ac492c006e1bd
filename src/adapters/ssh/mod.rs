//! SSH keys: private key files that sign, public key files that may, and new ones.

mod candidates;
mod new_key;
mod private_key;
mod public_file;

pub use candidates::{Candidate, Listing, Skipped, list};
pub use new_key::{NewKeyError, ask_new_passphrase, create, is_free};
pub use private_key::{Ask, FileSigner, KeyFileError, load, public_half};
pub use public_file::{PublicFileError, read_public, with_pub};
