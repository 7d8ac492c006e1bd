//! A bar on standard error while something takes long; nothing where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How far something is. Dropping it takes the bar away.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows that `what` begins, and how many steps it has; 0: nobody knows.
    pub fn new(what: &str, steps: u64) -> Self {
        let bar = if steps == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(steps) };
        let template =
            if steps == 0 { "jit: {msg} {spinner} {human_pos}" } else { "jit: {msg} {wide_bar} {percent}% {eta}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Goes on by so many steps.
    pub fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
