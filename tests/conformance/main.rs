//! Formats against vector files that other implementations can use as well.

mod audit;
mod contents;
mod token_vectors;
mod tokens;
mod trailers;
