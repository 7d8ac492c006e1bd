//! Mercurial: what a transaction asks for, approvals as changesets, and the hooks.
//!
//! Nothing here reads a repository's storage. A script that runs inside the server's Mercurial (`hooks/mercurial/jit_hook.py`)
//! gathers what is asked of it; [`Request`] is the conversation with it, and [`MercurialHistory`] what decisions are made from. Commands
//! start the stock `hg` ([`Hg`]) with a script of the same kind (`jit_clone.py`), and ask that ([`CloneTalk`]).

mod board;
mod bundle;
mod changelog;
mod clone;
mod content;
mod error;
mod hgrc;
mod history;
mod incoming;
mod landing;
mod manifest;
mod moves;
mod own_lines;
mod own_paths;
mod parking;
mod policy;
mod program;
mod pushvars;
mod replay;
mod reply;
mod request;
mod requirements;
mod sibling;
mod state;
mod transaction;
mod wire;

pub use board::HgBoard;
pub use bundle::{Bundle, BundleError, Closed, MOST_TOKENS};
pub use changelog::{APPROVALS_BRANCH, LONGEST_TOKEN, REQUESTS_BRANCH, TokenFault};
pub use clone::{ApprovalsHead, CloneTalk, RequestChangeset, Supposed, Talk};
pub use error::MercurialError;
pub use hgrc::{CourtesyLines, HOOKS, Hgrc, HgrcError, HookLines};
pub use history::MercurialHistory;
pub use landing::HgLanding;
pub use parking::HgParking;
pub use policy::{PolicyDescription, PolicyDescriptionError};
pub use program::{Hg, HgError, sibling_of};
pub use reply::Reply;
pub use request::{Header, MOST_CHANGESETS, PREFACE, Request};
pub use requirements::{UNSUPPORTED, unsupported};
pub use sibling::Names;
pub use transaction::{Treatment, url_login};
pub use wire::{LONGEST_CONVERSATION, LONGEST_RECORD, MOST_RECORDS};

/// A script's file name and its text. They are GPL-2.0-or-later, as they import Mercurial; a separate work behind a pipe.
pub type Script = (&'static str, &'static str);

const CONVERSATION: Script = ("jit_conversation.py", include_str!("../../../hooks/mercurial/jit_conversation.py"));
const FACTS: Script = ("jit_facts.py", include_str!("../../../hooks/mercurial/jit_facts.py"));

/// What runs in the hooks; installation writes these to the repository's `jit` folder, and names the first in the configuration.
pub const HOOK_SCRIPTS: [Script; 3] =
    [("jit_hook.py", include_str!("../../../hooks/mercurial/jit_hook.py")), CONVERSATION, FACTS];

/// The script with which commands read a repository through `hg`, which is the hook of a clone as well, and what stands beside it.
pub const CLONE_SCRIPTS: [Script; 3] =
    [("jit_clone.py", include_str!("../../../hooks/mercurial/jit_clone.py")), CONVERSATION, FACTS];

#[cfg(test)]
mod history_tests;
