//! The figures of the log with fixed times in every format. How they come about stands in the tests of `domain::metrics`.

use super::{Gathered, csv, json, openmetrics, table};
use crate::domain::metrics::history::{Log, NOW, at, everything, notices};
use crate::domain::metrics::{Figures, Key};
use serde_json::json;
use std::collections::BTreeSet;

fn gathered(log: &Log, key: Option<Key>) -> Gathered {
    let mut figures = log.figures(0, NOW, key);
    figures.notices = notices();
    for log in &mut figures.logs {
        (log.verified, log.is_sound) = (Some(at(NOW)), Some(true));
    }
    Gathered { figures, key, since: None, now: at(NOW), faults: Vec::new() }
}

fn has_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|one| one.trim_end() == *line), "{line}\nis not a line of\n{text}");
    }
}

#[test]
fn json_has_every_figure() {
    let document = json(&gathered(&everything(), Some(Key::Label)));
    let times = json!({ "n": 6, "sum": 1_105, "mean": 184, "p50": 100, "p95": 500, "max": 500 });
    assert_eq!(document["requests"]["time_to_approve"], times);
    let ends = json!({
        "approved": 6, "overridden": 2, "unasked": 0, "denied": 1, "expired": 1, "superseded": 1, "cancelled": 1
    });
    assert_eq!(document["requests"]["outcomes"], ends);
    assert_eq!(document["requests"]["denial_rate"], json!(1.0 / 7.0));
    let of_db = json!({ "n": 1, "sum": 500, "mean": null, "p50": null, "p95": null, "max": 500 });
    assert_eq!(document["groups"]["severity=critical"]["time_to_approve"], of_db);
    assert_eq!(document["rule_roles"]["db lead"], of_db);
    assert_eq!(document["approvers"]["alice"], json!({ "decisions": 7, "hasty": 1 }));
    assert_eq!(document["overrides"]["overdue"], 1);
    assert_eq!(document["refused_tokens"], json!({ "stale": 1, "self": 1 }));
    let chat = json!({ "sent": 5, "failed": 2, "retried": 2, "given_up": 0, "waiting": 2, "oldest": 240 });
    let mail = json!({ "sent": 0, "failed": 9, "retried": 6, "given_up": 3, "waiting": 0, "oldest": null });
    assert_eq!(document["notices"], json!({ "chat": chat, "mail": mail }));
    assert_eq!(document["by"], "label");
    assert_eq!(document["at"], "2026-12-01T00:00:00Z");
    let log = json!({
        "name": "payments@5f0c",
        "entries": 36,
        "newest": "2026-11-30T23:40:00Z",
        "verified": "2026-12-01T00:00:00Z",
        "sound": true,
    });
    assert_eq!(document["logs"], json!([log]));
}

#[test]
fn csv_has_every_figure() {
    let text = csv(&json(&gathered(&everything(), Some(Key::Label))));
    let lines = [
        "all,,requests.time_to_approve.n,6",
        "all,,requests.time_to_approve.mean,184",
        "all,,requests.time_to_approve.p50,100",
        "all,,requests.time_to_approve.p95,500",
        "all,,requests.frozen.sum,3600",
        "all,,requests.frozen.mean,",
        "all,,requests.outcomes.superseded,1",
        "group,severity=critical,groups.time_to_approve.max,500",
        "rule and role,main dba,rule_roles.n,6",
        "reason,stale,refused_tokens,1",
        "day,2026-11-24,days.closed,1",
        "place,chat,notices.sent,5",
        "place,mail,notices.given_up,3",
        "place,mail,notices.oldest,",
        "log,payments@5f0c,logs.sound,true",
    ];
    has_lines(&text, &lines);
}

#[test]
fn a_table_has_the_figures_that_people_look_for() {
    let text = table(&gathered(&everything(), Some(Key::Label)));
    let squeezed: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let lines = [
        "From the beginning to 2026-12-01T00:00:00Z; n/a: of fewer than 5",
        "opened waiting oldest approved overridden unasked denied expired superseded cancelled",
        "all 13 1 20m 6 2 0 1 1 1 1",
        "to approve 6 3m 4s 1m 40s 8m 20s 8m 20s",
        "frozen, beside these 1 n/a n/a n/a 1h",
        "hook's answer 23 41ms 20ms 20ms 500ms",
        "severity=critical 1 n/a n/a n/a 8m 20s",
        "lead for db 1 n/a n/a n/a 8m 20s",
        "refused, nobody asked 2 8.7 %",
        "let in by an override 2 25.0 %",
        "requests denied by people 1 14.3 %",
        "alice 7 1",
        "chat 5 2 2 0 2 4m",
        "mail 0 9 6 3 0 -",
        "payments@5f0c 36 sound",
    ];
    has_lines(&squeezed.join("\n"), &lines);
}

#[test]
fn openmetrics_has_a_series_of_each_figure_and_no_person_in_it() {
    let text = openmetrics(&gathered(&everything(), Some(Key::Branch)));
    let lines = [
        "# TYPE jit_request_duration_seconds histogram",
        // 0, 5, 100, 200, 200 and 300 for `main`: two up to a minute, all up to five.
        "jit_request_duration_seconds_sum{rule=\"main\",outcome=\"approved\"} 805.0",
        "jit_request_duration_seconds_count{rule=\"main\",outcome=\"approved\"} 6",
        "jit_request_duration_seconds_bucket{le=\"60.0\",rule=\"main\",outcome=\"approved\"} 2",
        "jit_request_duration_seconds_bucket{le=\"300.0\",rule=\"main\",outcome=\"approved\"} 6",
        "jit_request_duration_seconds_bucket{le=\"+Inf\",rule=\"main\",outcome=\"approved\"} 6",
        "jit_request_duration_seconds_count{rule=\"main\",outcome=\"denied\"} 1",
        "jit_role_wait_seconds_sum{rule=\"db\",role=\"lead\"} 500.0",
        "jit_frozen_seconds_total 3600",
        "jit_pending_requests 1",
        "jit_oldest_pending_seconds 1200",
        "jit_pushes_total{rule=\"main\",result=\"unmet\",mode=\"enforce\"} 13",
        "jit_gated_pushes_total{result=\"accepted\"} 8",
        "jit_gated_pushes_total{result=\"refused\"} 2",
        "jit_decisions_total{rule=\"main\",role=\"dba\",verdict=\"approve\"} 6",
        "jit_decisions_total{rule=\"main\",role=\"oncall\",verdict=\"override\"} 2",
        "jit_decisions_total{rule=\"main\",role=\"\",verdict=\"reject\"} 1",
        "jit_break_glass_total{rule=\"main\"} 2",
        "jit_break_glass_review_overdue 1",
        "jit_tokens_total 11",
        "jit_tokens_rejected_total{reason=\"self\"} 1",
        // 22 answers in 20 ms and one in 500.
        "jit_hook_seconds_sum 0.94",
        "jit_hook_seconds_bucket{le=\"0.025\"} 22",
        "jit_hook_seconds_bucket{le=\"1.0\"} 23",
        "jit_notices_total{place=\"chat\",result=\"sent\"} 5",
        "jit_notices_total{place=\"mail\",result=\"given_up\"} 3",
        "jit_notice_failures_total{place=\"chat\"} 2",
        "jit_notice_retries_total{place=\"mail\"} 6",
        "jit_pending_notices{place=\"chat\"} 2",
        "jit_oldest_pending_notice_seconds{place=\"chat\"} 240",
        "jit_oldest_pending_notice_seconds{place=\"mail\"} 0",
        "jit_audit_entries{repository=\"payments@5f0c\"} 36",
        "jit_audit_chain_ok{repository=\"payments@5f0c\"} 1",
    ];
    has_lines(&text, &lines);
    assert!(text.ends_with("# EOF\n"), "{text}");
    for outside in ["alice", "bob", "carol", "login", "refs/", "git-sha1"] {
        assert!(!text.contains(outside), "{outside} in\n{text}");
    }
}

#[test]
fn an_empty_log_has_figures_too() {
    let empty = gathered(&Log::default(), Some(Key::Rule));
    assert_eq!(json(&empty)["requests"]["time_to_approve"]["mean"], json!(null));
    assert_eq!(json(&empty)["groups"], json!({}));
    has_lines(&csv(&json(&empty)), &["all,,requests.opened,0", "all,,requests.denial_rate,"]);
    has_lines(&openmetrics(&empty), &["jit_pending_requests 0", "jit_tokens_total 0"]);
    assert!(table(&empty).contains("n/a"));
    let nothing = Gathered { figures: Figures::default(), ..empty };
    assert!(openmetrics(&nothing).ends_with("# EOF\n"));
}

/// The names that begin with `jit_` in a text.
fn series_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("jit_")).collect()
}

#[test]
fn every_series_that_the_documents_name_is_written_and_each_one_is_named() {
    let text = openmetrics(&gathered(&everything(), None));
    let samples: BTreeSet<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();
    let histograms = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" histogram"));
    let known: BTreeSet<&str> = samples.iter().copied().chain(histograms).collect();
    let board = include_str!("../../../docs/metrics/grafana.json");
    serde_json::from_str::<serde_json::Value>(board).expect("JSON");
    let page = include_str!("../../../docs/metrics.md");
    for document in [board, include_str!("../../../docs/metrics/alerts.yml"), page] {
        let named = series_in(document);
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(named.len() > 5 && unknown.is_empty(), "{unknown:?}");
    }
    let named = series_in(page);
    let is_named = |sample: &str| {
        let parts = ["_bucket", "_sum", "_count"];
        named.contains(sample)
            || parts.iter().any(|part| sample.strip_suffix(part).is_some_and(|one| named.contains(one)))
    };
    let unnamed: Vec<_> = samples.iter().filter(|sample| !is_named(sample)).collect();
    assert!(unnamed.is_empty(), "docs/metrics.md does not name {unnamed:?}");
}
