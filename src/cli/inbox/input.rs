//! One line of text that somebody types.

use crate::domain::text::hostile;

/// A line, and the most bytes that it may have.
#[derive(Debug, Clone)]
pub(super) struct Input {
    text: String,
    most: usize,
}

impl Input {
    pub(super) fn new(most: usize) -> Self {
        Self { text: String::new(), most }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a character, if it is one that can be shown and there is room.
    pub(super) fn push(&mut self, c: char) {
        if !hostile(c) && self.text.len() + c.len_utf8() <= self.most {
            self.text.push(c);
        }
    }

    pub(super) fn pop(&mut self) {
        self.text.pop();
    }
}
