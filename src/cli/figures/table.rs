//! Figures for people.

use super::Gathered;
use crate::cli::safe;
use crate::domain::metrics::{FEWEST, Figures, Outcome, Spread, Tally};
use crate::domain::notify::Deliveries;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use std::fmt::Write as _;

/// The columns of lengths of time.
const TIMES: [&str; 5] = ["n", "mean", "p50", "p95", "max"];

/// Writes what was found as tables.
pub fn table(gathered: &Gathered) -> String {
    let Gathered { figures, key, since, now, .. } = gathered;
    let mut text = String::new();
    let from = since.map_or("the beginning".to_owned(), |since| since.to_string());
    writeln!(text, "From {from} to {now}; n/a: of fewer than {FEWEST}").expect("a String grows");
    section(
        &mut text,
        "Requests",
        &head(&["", "opened", "waiting", "oldest"], &outcomes()),
        vec![counts("all", &figures.requests)],
    );
    section(&mut text, "Times", &head(&[""], &TIMES), times(figures));
    if let Some(key) = key {
        let rows = figures.groups.iter().map(|(group, tally)| counts(&safe(group.as_bytes()), tally)).collect();
        section(
            &mut text,
            &format!("By {}", key.word()),
            &head(&[key.word(), "opened", "waiting", "oldest"], &outcomes()),
            rows,
        );
        let rows = figures
            .groups
            .iter()
            .map(|(group, tally)| spread(&safe(group.as_bytes()), &tally.time_to_approve, lasting));
        section(&mut text, &format!("Time to approve by {}", key.word()), &head(&[key.word()], &TIMES), rows.collect());
    }
    let roles = figures.roles.iter().map(|((rule, role), waits)| spread(&format!("{role} for {rule}"), waits, lasting));
    section(&mut text, "Time of each role", &head(&["role"], &TIMES), roles.collect());
    section(&mut text, "Pushes and tokens", &head(&["", "n", "rate"], &[]), rates(figures));
    let refused = figures.tokens.refused.iter().map(|(why, n)| vec![why.word().to_owned(), n.to_string()]);
    section(&mut text, "Tokens that did not count", &head(&["why", "n"], &[]), refused.collect());
    let mut people: Vec<_> = figures.approvers.iter().collect();
    people.sort_by_key(|(_, load)| std::cmp::Reverse(load.decisions));
    let people =
        people.into_iter().map(|(who, load)| vec![who.to_string(), load.decisions.to_string(), load.hasty.to_string()]);
    section(&mut text, "Approvers", &head(&["who", "decisions", "within 10s"], &[]), people.collect());
    let places = figures.notices.iter().map(|(place, one)| {
        let Deliveries { sent, failed, retried, given_up } = one.deliveries;
        let counts = [sent, failed, retried, given_up, one.waiting.n()].map(|count| count.to_string());
        let oldest = one.waiting.max().map_or("-".to_owned(), lasting);
        [place.to_string()].into_iter().chain(counts).chain([oldest]).collect()
    });
    let columns = ["place", "sent", "failed", "retried", "given up", "waiting", "oldest"];
    section(&mut text, "Notices", &head(&columns, &[]), places.collect());
    let logs = figures.logs.iter().map(|log| {
        let sound = if log.is_sound == Some(true) { "sound" } else { "NOT SOUND" };
        vec![safe(log.repository.as_bytes()), log.entries.to_string(), sound.to_owned()]
    });
    section(&mut text, "Logs", &head(&["log", "entries", "state"], &[]), logs.collect());
    text
}

fn head(first: &[&str], then: &[&str]) -> Vec<String> {
    first.iter().chain(then).map(ToString::to_string).collect()
}

fn outcomes() -> Vec<&'static str> {
    Outcome::ALL.into_iter().map(Outcome::word).collect()
}

/// Writes a heading and rows below it, where there are any.
fn section(text: &mut String, title: &str, head: &[String], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        return;
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head).add_rows(rows);
    table.column_iter_mut().skip(1).for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    writeln!(text, "\n{title}\n{}", table.trim_fmt()).expect("a String grows");
}

fn counts(name: &str, tally: &Tally) -> Vec<String> {
    let oldest = tally.waiting.max().map_or("-".to_owned(), lasting);
    let ended = Outcome::ALL.into_iter().map(|outcome| tally.ended(outcome).to_string());
    [name.to_owned(), tally.opened.to_string(), tally.waiting.n().to_string(), oldest]
        .into_iter()
        .chain(ended)
        .collect()
}

fn times(figures: &Figures) -> Vec<Vec<String>> {
    let tally = &figures.requests;
    let rows = [
        ("to first response", &tally.first_response),
        ("to approve", &tally.time_to_approve),
        ("to decision", &tally.time_to_decision),
        ("from approval to push", &tally.approval_to_push),
        ("frozen, beside these", &tally.frozen),
        ("waiting now", &tally.waiting),
        ("to review an override", &figures.overrides.time_to_review),
    ];
    let seconds = rows.into_iter().map(|(name, numbers)| spread(name, numbers, lasting));
    seconds.chain([spread("hook's answer", &figures.hook_ms, |ms| format!("{ms}ms"))]).collect()
}

fn spread(name: &str, numbers: &Spread, write: impl Fn(u64) -> String) -> Vec<String> {
    let told = |number: Option<u64>| number.map_or("n/a".to_owned(), &write);
    let [mean, median, late] = [numbers.mean(), numbers.percentile(50), numbers.percentile(95)].map(told);
    vec![name.to_owned(), numbers.n().to_string(), mean, median, late, told(numbers.max())]
}

fn rates(figures: &Figures) -> Vec<Vec<String>> {
    let Figures { pushes, tokens, requests, overrides, .. } = figures;
    let rows: [(&str, u64, Option<f64>); 10] = [
        ("let in", pushes.accepted, None),
        ("refused", pushes.refused, None),
        ("refused, nobody asked", pushes.unasked, pushes.policy_refusal_rate()),
        ("let in by an override", pushes.overridden, pushes.override_rate()),
        ("let in during a freeze", pushes.freeze_exempt, pushes.freeze_exempt_rate()),
        ("overrides not reviewed", overrides.unreviewed, None),
        ("reviews overdue", overrides.overdue, None),
        ("requests denied by people", requests.ended(Outcome::Denied), requests.denial_rate()),
        ("requests expired", requests.ended(Outcome::Expired), requests.expiry_rate()),
        ("tokens outdated", tokens.stale, tokens.stale_rate()),
    ];
    let percent = |rate: Option<f64>| rate.map_or(String::new(), |rate| format!("{:.1} %", rate * 100.0));
    rows.into_iter().map(|(name, n, rate)| vec![name.to_owned(), n.to_string(), percent(rate)]).collect()
}

/// Writes seconds in their two largest units: `2d 3h`, `5m 10s`.
pub fn lasting(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let Some(largest) = units.iter().position(|(_, size)| seconds >= *size) else { return "0s".to_owned() };
    let (mut rest, mut parts) = (seconds, Vec::new());
    for (unit, size) in &units[largest..] {
        if rest >= *size && parts.len() < 2 {
            parts.push(format!("{}{unit}", rest / size));
        }
        rest %= size;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::lasting;

    #[test]
    fn lengths_of_time_are_written_in_their_largest_units() {
        let cases = [(0, "0s"), (59, "59s"), (310, "5m 10s"), (3_600, "1h"), (183_610, "2d 3h"), (86_460, "1d 1m")];
        for (seconds, written) in cases {
            assert_eq!(lasting(seconds), written);
        }
    }
}
