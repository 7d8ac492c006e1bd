//! What is shown while a gate waits: a spinner in a terminal, elsewhere a line a minute.

use super::report::Report;
use crate::cli::{Terminal, safe};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How often it is said that a gate still waits, where lines stay.
const EACH: Duration = Duration::from_secs(60);
/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Tells whoever waits that something waits.
pub struct Progress<'t> {
    terminal: &'t Terminal,
    begun: Instant,
    said: Option<Instant>,
    shown: Option<Report>,
    spinner: Option<ProgressBar>,
}

impl<'t> Progress<'t> {
    /// Begins to wait. Everything goes to standard error.
    pub fn new(terminal: &'t Terminal) -> Self {
        Self { terminal, begun: Instant::now(), said: None, shown: None, spinner: None }
    }

    /// Shows that the gate still waits, as `report` says.
    pub fn waits(&mut self, report: &Report) {
        if self.shown.as_ref() != Some(report) {
            self.end();
            self.terminal.say(&report.lines().join("\n"));
            self.shown = Some(report.clone());
            self.said = Some(Instant::now());
        }
        let waited = humantime::format_duration(Duration::from_secs(self.begun.elapsed().as_secs()));
        let words = format!("waiting for approval of {} for {waited}", safe(report.request.to_string().as_bytes()));
        if std::io::stderr().is_terminal() {
            self.spinner().set_message(words);
        } else if self.said.is_none_or(|said| said.elapsed() >= EACH) {
            self.terminal.say(&words);
            self.said = Some(Instant::now());
        }
    }

    fn spinner(&mut self) -> &ProgressBar {
        self.spinner.get_or_insert_with(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar.enable_steady_tick(TICK);
            bar
        })
    }

    /// Takes the spinner away.
    pub fn end(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
