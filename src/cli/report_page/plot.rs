//! Which plots the report has, and the figures behind each: taken from the JSON document, so that both say the same.

use crate::cli::figures::{entries, lasting};
use serde_json::Value;

/// So many categories are drawn at most; the table has all.
pub(super) const DRAWN: usize = 20;
/// So many days are drawn at most, the newest.
pub(super) const DAYS: usize = 60;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Time,
    /// Things.
    Count,
}

/// How figures are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Upright, one place for each day.
    Columns,
    /// Lying, the largest first.
    Bars,
}

/// A plot with the figures behind it.
#[derive(Debug)]
pub struct Plot {
    /// Its name in links and files.
    pub id: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// How it is to be read.
    pub note: &'static str,
    /// What its categories are.
    pub category: &'static str,
    /// What its numbers are.
    pub unit: Unit,
    /// How it is drawn.
    pub shape: Shape,
    /// What is shown of each category.
    pub series: Vec<&'static str>,
    /// Each category with a number for each of these; `None` where none is told.
    pub rows: Vec<(String, Vec<Option<u64>>)>,
}

impl Unit {
    /// Writes a number for people.
    pub fn written(self, number: u64) -> String {
        match self {
            Self::Time => lasting(number),
            Self::Count => number.to_string(),
        }
    }
}

impl Plot {
    /// Returns the rows that are drawn.
    pub fn drawn(&self) -> &[(String, Vec<Option<u64>>)] {
        match self.shape {
            Shape::Columns => &self.rows[self.rows.len().saturating_sub(DAYS)..],
            Shape::Bars => &self.rows[..self.rows.len().min(DRAWN)],
        }
    }

    /// Returns the largest number that is drawn.
    pub fn largest(&self) -> u64 {
        self.drawn().iter().flat_map(|(_, numbers)| numbers).flatten().copied().max().unwrap_or_default()
    }
}

/// The figures of a plot: for each entry of an object of the document the numbers at these places in it.
struct Source {
    section: &'static str,
    places: &'static [(&'static str, &'static str)],
}

/// Returns all plots of the document of figures.
pub fn plots(document: &Value) -> Vec<Plot> {
    let waits: &[_] = &[
        ("median", "/time_to_approve/p50"),
        ("95th percentile", "/time_to_approve/p95"),
        ("longest", "/time_to_approve/max"),
    ];
    let spread: &[_] = &[("median", "/p50"), ("95th percentile", "/p95"), ("longest", "/max")];
    let one: &[_] = &[("n", "")];
    vec![
        Source { section: "days", places: waits }.plot(
            document,
            ("waits", "Waits over time", "How long it took to approve what landed on each day.", "day"),
            (Unit::Time, Shape::Columns),
        ),
        Source { section: "days", places: &[("opened", "/opened"), ("ended", "/closed")] }.plot(
            document,
            ("traffic", "Requests over time", "How many requests were opened and how many ended on each day.", "day"),
            (Unit::Count, Shape::Columns),
        ),
        Source { section: "rules", places: waits }.plot(
            document,
            ("rules", "Time to approve by rule", "From the opening until the rule was met.", "rule"),
            (Unit::Time, Shape::Bars),
        ),
        Source { section: "roles", places: spread }.plot(
            document,
            ("roles", "Time of each role", "From when the role was needed until its last approval.", "role"),
            (Unit::Time, Shape::Bars),
        ),
        Source { section: "queue", places: &[("n", "/n")] }.plot(
            document,
            ("queue", "Age of what waits", "Requests that are open now, by how long they wait.", "age"),
            (Unit::Count, Shape::Bars),
        ),
        Source { section: "approvers", places: &[("decisions", "/decisions"), ("within 10 s", "/hasty")] }.plot(
            document,
            (
                "approvers",
                "Load of each approver",
                "Approvals, overrides and rejections; and those within ten seconds of the opening.",
                "approver",
            ),
            (Unit::Count, Shape::Bars),
        ),
        Source { section: "rule_overrides", places: one }.plot(
            document,
            ("overrides", "Overrides by rule", "Pushes that were let in although the rule was unmet.", "rule"),
            (Unit::Count, Shape::Bars),
        ),
        Source { section: "rule_pushes", places: &[("refused", "/unmet")] }.plot(
            document,
            ("refusals", "Refusals by rule", "Pushes that were refused because the rule was unmet.", "rule"),
            (Unit::Count, Shape::Bars),
        ),
        Source { section: "refused_tokens", places: one }.plot(
            document,
            ("tokens", "Tokens that did not count", "By why not.", "reason"),
            (Unit::Count, Shape::Bars),
        ),
        Source {
            section: "notices",
            places: &[
                ("sent", "/sent"),
                ("failed attempts", "/failed"),
                ("given up", "/given_up"),
                ("waiting", "/waiting"),
            ],
        }
        .plot(
            document,
            ("notices", "Notices by place", "What became of them since the place is there, and what waits.", "place"),
            (Unit::Count, Shape::Bars),
        ),
        Source { section: "paths", places: one }.plot(
            document,
            ("paths", "Busiest paths", "Requests that rules about these paths had a say in.", "paths"),
            (Unit::Count, Shape::Bars),
        ),
    ]
}

impl Source {
    fn plot(
        &self,
        document: &Value,
        (id, title, note, category): (&'static str, &'static str, &'static str, &'static str),
        (unit, shape): (Unit, Shape),
    ) -> Plot {
        let numbers = |one: &Value| self.places.iter().map(|(_, at)| one.pointer(at)?.as_u64()).collect::<Vec<_>>();
        let mut rows: Vec<_> =
            entries(&document[self.section]).into_iter().map(|(name, one)| (name, numbers(one))).collect();
        // What has no number at all is no row: a rule that held up nothing has no time.
        rows.retain(|(_, numbers)| numbers.iter().any(Option::is_some));
        // Ages have an order of their own.
        if shape == Shape::Bars && self.section != "queue" {
            rows.sort_by_key(|(_, numbers)| std::cmp::Reverse(numbers.iter().flatten().max().copied()));
        }
        let series = self.places.iter().map(|(name, _)| *name).collect();
        Plot { id, title, note, category, unit, shape, series, rows }
    }
}
