//! The steps of a decision, and their order, with fake ports.

mod broken;
mod contents;
mod delegations;
mod gates;
mod gathering;
mod intake;
mod log;
mod order;
mod outcome;
mod overrides;
mod parking;
mod repeated;
mod repository;
mod transactions;
mod world;
