//! Approval tokens: their text, whose they are, and how many people they stand for.

mod fields;
mod key;
mod message;
mod place;
pub mod quorum;
mod signed;
mod sshsig;
mod token;

pub use key::{BadSignature, KeyError, KeyLineError, PublicKey};
pub use message::{FieldError, MAX_REASON, MessageError};
pub use place::{Place, beside, folder_of_changeset, folder_of_delegations, folder_of_token, place};
pub use signed::{MAX_TEXT, TokenError, without_line_end};
pub use sshsig::{NAMESPACE, export_armored, signed_bytes};
pub use token::{Kind, RoleChoice, SignedToken, Status, Token, TokenId};
