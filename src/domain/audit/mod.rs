//! The append-only log: entries, the tree over them, what each line proves, and what they add up to
//! (docs/spec/audit-log.md).

mod chain;
mod checkpoint;
mod decision;
mod entry;
mod events;
mod frame;
mod gate;
mod merkle;
mod note;
mod order;
mod refs;
mod request;
mod spelling;
mod standing;

pub use chain::{Accepted, Chain, LineFault};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use decision::{Again, Counted, Decision, NotCounted, RuleRecord, UpdateRecord, Verdict};
pub use entry::{Entry, EntryError, Event, Fitted, Header, MAX_LEAF};
pub use events::{
    Applied, Genesis, GenesisRefs, Outcome, OutcomeKind, Override, PolicyChange, Recovery, RecoveryKind, Review,
    System, Uninstall,
};
pub use frame::{Frame, FrameError, MAX_LINE};
pub use gate::Gate;
pub use merkle::{Hash, Tree, leaf_hash, node_hash, nodes_before, peak_positions, root_from};
pub use note::{NoteError, Origin, OriginError, VerifierKey, VerifierKeyError, sign_note};
pub use order::{Order, OrderFault};
pub use refs::{RefsError, encode_refs, find_in_refs};
pub use request::{KeptRequest, Obstacle, Removal, RequestStep, Step};
pub use standing::{Debt, LastDenial, Standing, StandingError, TargetChange, TargetState, Unsettled, UnsettledUpdate};
