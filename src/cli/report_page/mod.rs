//! The report: one page that stands for itself. It fetches nothing and runs nothing (docs/metrics.md, "Report").

mod plot;
mod svg;
#[cfg(test)]
mod tests;

pub use plot::{Plot, plots};

use crate::cli::figures::{Gathered, json, lasting};
use crate::domain::metrics::FEWEST;
use minijinja::value::{Serde, Value as Safe};
use minijinja::{Environment, context};
use serde_json::{Value, json};
use svg::draw;

/// The frame around the plots.
const FRAME: &str = include_str!("frame.html");

/// Writes the page.
///
/// # Errors
/// What is wrong with its frame, which is part of the program.
pub fn page(found: &Gathered) -> Result<String, minijinja::Error> {
    let document = json(found);
    let plots: Vec<Safe> = plots(&document).iter().map(section).collect();
    let mut environment = Environment::new();
    // By its name everything in it that does not come from here as markup is escaped.
    environment.add_template("frame.html", FRAME)?;
    let names: Vec<String> = found.figures.logs.iter().map(|log| log.repository.clone()).collect();
    environment.get_template("frame.html")?.render(context! {
        names => names,
        at => document["at"].as_str(),
        since => document["since"].as_str(),
        fewest => FEWEST,
        headlines => Safe::from(Serde(headlines(&document))),
        times => Safe::from(Serde(times(&document))),
        ends => Safe::from(Serde(ends(&document))),
        logs => Safe::from(Serde(&document["logs"])),
        plots => plots,
    })
}

/// A plot, and the table of its figures.
fn section(plot: &Plot) -> Safe {
    let cell = |number: &Option<u64>| json!({ "raw": number, "text": number.map(|number| plot.unit.written(number)) });
    let rows = plot
        .rows
        .iter()
        .map(|(name, numbers)| json!({ "name": name, "cells": numbers.iter().map(cell).collect::<Vec<_>>() }));
    let left_out = plot.rows.len() - plot.drawn().len();
    context! {
        id => plot.id,
        title => plot.title,
        note => plot.note,
        category => plot.category,
        series => plot.series.clone(),
        rows => Safe::from(Serde(rows.collect::<Vec<_>>())),
        left_out => left_out,
        svg => (!plot.rows.is_empty()).then(|| Safe::from_safe_string(draw(plot))),
    }
}

/// A figure with its name, the place of its value in the document, and how it is read.
fn figure(document: &Value, name: &str, place: &str, write: impl Fn(&Value) -> Option<String>) -> Value {
    let raw = document.pointer(place).cloned().unwrap_or_default();
    json!({ "name": name, "place": place, "text": write(&raw).unwrap_or_else(|| "n/a".to_owned()), "raw": raw })
}

fn time(raw: &Value) -> Option<String> {
    raw.as_u64().map(lasting)
}

fn count(raw: &Value) -> Option<String> {
    raw.as_u64().map(|number| number.to_string())
}

fn share(raw: &Value) -> Option<String> {
    raw.as_f64().map(|share| format!("{:.1} %", share * 100.0))
}

/// What is read first.
fn headlines(document: &Value) -> Vec<Value> {
    let one = |name, place, write: fn(&Value) -> Option<String>| figure(document, name, place, write);
    vec![
        one("median time to approve", "/requests/time_to_approve/p50", time),
        one("mean time to approve", "/requests/time_to_approve/mean", time),
        one("95th percentile", "/requests/time_to_approve/p95", time),
        one("approved", "/requests/outcomes/approved", count),
        one("waiting now", "/requests/waiting/n", count),
        one("oldest of these", "/requests/waiting/max", time),
        one("denied by people", "/requests/denial_rate", share),
        one("expired", "/requests/expiry_rate", share),
        one("refused, nobody asked", "/pushes/policy_refusal_rate", share),
        one("let in by an override", "/pushes/override_rate", share),
        one("reviews overdue", "/overrides/overdue", count),
        one("tokens outdated", "/tokens/stale_rate", share),
    ]
}

/// The table of times.
fn times(document: &Value) -> Vec<Value> {
    let rows = [
        ("to first response", "/requests/first_response"),
        ("to approve", "/requests/time_to_approve"),
        ("to decision", "/requests/time_to_decision"),
        ("from approval to push", "/requests/approval_to_push"),
        ("frozen, beside these", "/requests/frozen"),
        ("to review an override", "/overrides/time_to_review"),
    ];
    let row = |(name, place): (&str, &str)| {
        let cells = ["n", "mean", "p50", "p95", "max"].map(|field| {
            let write = if field == "n" { count } else { time };
            figure(document, field, &format!("{place}/{field}"), write)
        });
        json!({ "name": name, "cells": cells })
    };
    rows.into_iter().map(row).collect()
}

/// How requests ended.
fn ends(document: &Value) -> Vec<Value> {
    let outcomes = document["requests"]["outcomes"].as_object().into_iter().flatten();
    outcomes.map(|(name, _)| figure(document, name, &format!("/requests/outcomes/{name}"), count)).collect()
}
