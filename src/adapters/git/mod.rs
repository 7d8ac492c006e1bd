//! Git: what a push brings (reading), and what clients learn from the server (writing). The only place that names libgit2.
//!
//! The server decides without starting `git`; it starts one to keep what a refused push brought (`parking`). What goes over the network goes
//! through the user's own (`client`, `remote`). Each runs with `GIT_NO_REPLACE_OBJECTS=1`.

mod additions;
mod approvals;
mod approvals_ref;
mod budget;
mod children;
mod claims;
mod client;
mod client_change;
mod commit;
mod content;
mod error;
mod graph;
mod history;
pub mod hooks;
mod incoming;
mod landing;
mod lines;
mod parking;
mod paths;
mod publish;
mod receive;
mod remote;
mod repository;
mod tag;
mod tracked;
mod tree;
mod walk;

pub use approvals::{OwnRefRefusal, RequestCommit, TokenFile};
pub use approvals_ref::{ClientApprovals, WAITING_REF};
pub use client::{Checkout, CheckoutError};
pub use client_change::RequestCommitError;
pub use error::{GitError, OpenError};
pub use history::GitHistory;
pub use incoming::{GitPush, REQUESTS, TOKEN_OPTION};
pub use parking::{GitParking, Quarantine};
pub use publish::{APPROVALS_REF, CHECKPOINT_REF, POLICY_REF, PublishError};
pub use receive::{Claim, ReceiveError, push_options, read_claims};
pub use remote::{Listing, Pushed, Remote, RemoteError};
pub use repository::GitRepository;

#[cfg(test)]
mod claims_tests;
#[cfg(test)]
mod client_approvals_tests;
#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod paths_tests;
#[cfg(test)]
mod publish_tests;
#[cfg(test)]
mod repository_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod walk_tests;
