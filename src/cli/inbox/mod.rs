//! The full-screen view of `jit inbox`. [`Model`] is all that it knows and how keys change that, `draw.rs` makes a picture of
//! it, and [`Screen`] alone touches the terminal. What is shown was escaped before; nothing here reads or signs anything.

mod draw;
mod input;
mod model;
mod page;
mod screen;

pub use model::{Effect, Item, Key, Model, Verdict};
pub use screen::{Happened, Screen};

#[cfg(test)]
mod draw_tests;
#[cfg(test)]
mod model_tests;
