//! What a push would change, in the words that Git and Mercurial share.

mod action;
mod changeset;
mod content;
mod gate;
mod id;
mod lines;
mod path;
mod push;
mod size;
mod target;
mod trailer;

pub use action::{Action, NotAnAction};
pub use changeset::{Changeset, co_author_emails};
pub use content::{ContentId, Leaf, Line, Room, contents};
pub use gate::Gate;
pub use id::{ChangesetId, IdError, IdKind};
pub use lines::{LONGEST_CONTENT, most_changed_lines};
pub use path::RepoPath;
pub use push::{Landing, Push, Pusher, RefUpdate, TipChange};
pub use size::{ChangeSize, ChangedFile};
pub use target::{Target, TargetError, TargetKind};
pub use trailer::{Trailer, trailers};
