//! `jit reject`: `jit sign --reject` by its own name.

pub use super::sign::{RejectArgs as Args, reject as run};
