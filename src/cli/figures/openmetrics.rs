//! Figures as OpenMetrics, for the textfile collector of Prometheus' node_exporter.
//!
//! Labels are names that a policy gives and words of this program: no person, no commit, no text that somebody else chose.

use super::Gathered;
use crate::domain::metrics::{Figures, LogHealth, Notices, Spread};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::fmt;

/// The bounds of lengths of time in seconds: 1 minute, 5, 15, 30, 1 hour, 4, 8, 1 day, 3, 7.
const SECONDS: [u64; 10] = [60, 300, 900, 1_800, 3_600, 14_400, 28_800, 86_400, 259_200, 604_800];
/// The bounds of a hook's time in milliseconds.
const MILLISECONDS: [u64; 10] = [5, 10, 25, 50, 100, 250, 1_000, 5_000, 10_000, 30_000];

/// Writes everything that has a series (docs/metrics.md, "Series").
pub fn openmetrics(gathered: &Gathered) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Series { figures: gathered.figures.clone() }));
    let mut written = String::new();
    text::encode(&mut written, &registry).expect("a String takes everything");
    written
}

#[derive(Debug)]
struct Series {
    figures: Figures,
}

impl Collector for Series {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page { encoder };
        self.requests(&mut page)?;
        self.pushes(&mut page)?;
        self.overrides(&mut page)?;
        self.tokens(&mut page)?;
        self.notices(&mut page)?;
        self.logs(&mut page)
    }
}

impl Series {
    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let Figures { requests, rules, roles, .. } = &self.figures;
        page.family("jit_request_duration_seconds", "From opening to verdict or end", MetricType::Histogram, |to| {
            rules.iter().try_for_each(|(rule, tally)| {
                tally.durations.iter().try_for_each(|(outcome, spread)| {
                    histogram(to, &[("rule", rule.as_str()), ("outcome", outcome.word())], spread, &SECONDS, 1.0)
                })
            })
        })?;
        page.family("jit_role_wait_seconds", "From need to the role's last approval", MetricType::Histogram, |to| {
            roles.iter().try_for_each(|((rule, role), spread)| {
                histogram(to, &[("rule", rule.as_str()), ("role", role.as_str())], spread, &SECONDS, 1.0)
            })
        })?;
        page.family("jit_first_response_seconds", "From opening to the first answer", MetricType::Histogram, |to| {
            rules.iter().try_for_each(|(rule, tally)| {
                histogram(to, &[("rule", rule.as_str())], &tally.first_response, &SECONDS, 1.0)
            })
        })?;
        page.family("jit_approval_to_push_seconds", "From approval to push", MetricType::Histogram, |to| {
            rules.iter().try_for_each(|(rule, tally)| {
                histogram(to, &[("rule", rule.as_str())], &tally.approval_to_push, &SECONDS, 1.0)
            })
        })?;
        page.counter("jit_frozen_seconds", "Seconds in which freezes held what then landed", requests.frozen.sum())?;
        page.gauge("jit_pending_requests", "Requests that wait", requests.waiting.n())?;
        page.gauge("jit_oldest_pending_seconds", "Age of the oldest", requests.waiting.max().unwrap_or_default())
    }

    fn pushes(&self, page: &mut Page<'_>) -> fmt::Result {
        let Figures { rule_pushes, pushes, decisions, hook_ms, .. } = &self.figures;
        page.family("jit_pushes", "Pushes as each rule judged them", MetricType::Counter, |to| {
            rule_pushes.iter().try_for_each(|(rule, one)| {
                let results = [
                    ("met", "enforce", one.met),
                    ("unmet", "enforce", one.unmet),
                    ("overridden", "enforce", one.overridden),
                    ("met", "observe", one.observed_met),
                    ("unmet", "observe", one.observed_unmet),
                ];
                results.into_iter().filter(|(.., n)| *n > 0).try_for_each(|(result, mode, n)| {
                    counter(to, &[("rule", rule.as_str()), ("result", result), ("mode", mode)], n)
                })
            })
        })?;
        page.family("jit_gated_pushes", "Pushes that some rule had a say in", MetricType::Counter, |to| {
            counter(to, &[("result", "accepted")], pushes.accepted)?;
            counter(to, &[("result", "asked")], pushes.refused - pushes.unasked)?;
            counter(to, &[("result", "refused")], pushes.unasked)
        })?;
        page.family("jit_decisions", "Tokens that decided something", MetricType::Counter, |to| {
            decisions.iter().try_for_each(|((rule, role, said), n)| {
                let role = role.as_ref().map_or("", |role| role.as_str());
                counter(to, &[("rule", rule.as_str()), ("role", role), ("verdict", said.word())], *n)
            })
        })?;
        page.family("jit_hook_seconds", "From the start of a hook to its answer", MetricType::Histogram, |to| {
            histogram(to, &[], hook_ms, &MILLISECONDS, 1_000.0)
        })
    }

    fn overrides(&self, page: &mut Page<'_>) -> fmt::Result {
        let overrides = &self.figures.overrides;
        page.family("jit_break_glass", "Overrides that let something in", MetricType::Counter, |to| {
            overrides.used.iter().try_for_each(|(rule, n)| counter(to, &[("rule", rule.as_str())], *n))
        })?;
        page.counter("jit_freeze_exempt", "Pushes that a freeze did not hold", self.figures.pushes.freeze_exempt)?;
        page.gauge("jit_break_glass_unreviewed", "Overrides that wait for a review", overrides.unreviewed)?;
        page.gauge("jit_break_glass_review_overdue", "Of these, those that are late", overrides.overdue)?;
        page.family("jit_review_seconds", "From an override to its review", MetricType::Histogram, |to| {
            histogram(to, &[], &overrides.time_to_review, &SECONDS, 1.0)
        })
    }

    fn tokens(&self, page: &mut Page<'_>) -> fmt::Result {
        let tokens = &self.figures.tokens;
        page.counter("jit_tokens", "Tokens that decisions looked at", tokens.seen)?;
        page.counter("jit_tokens_stale", "Of these, those that a new push outdated", tokens.stale)?;
        page.family("jit_tokens_rejected", "Of these, those that did not count", MetricType::Counter, |to| {
            tokens.refused.iter().try_for_each(|(reason, n)| counter(to, &[("reason", reason.word())], *n))
        })
    }

    fn notices(&self, page: &mut Page<'_>) -> fmt::Result {
        let places = &self.figures.notices;
        page.family("jit_notices", "Notices by what became of them", MetricType::Counter, |to| {
            places.iter().try_for_each(|(place, one)| {
                counter(to, &[("place", place.as_str()), ("result", "sent")], one.deliveries.sent)?;
                counter(to, &[("place", place.as_str()), ("result", "given_up")], one.deliveries.given_up)
            })
        })?;
        page.family("jit_notice_failures", "Attempts that came to nothing", MetricType::Counter, |to| {
            places.iter().try_for_each(|(place, one)| counter(to, &[("place", place.as_str())], one.deliveries.failed))
        })?;
        page.family("jit_notice_retries", "Attempts that were not the first", MetricType::Counter, |to| {
            places.iter().try_for_each(|(place, one)| counter(to, &[("place", place.as_str())], one.deliveries.retried))
        })?;
        page.family("jit_pending_notices", "Notices that wait", MetricType::Gauge, |to| {
            places.iter().try_for_each(|(place, one)| gauge(to, &[("place", place.as_str())], one.waiting.n()))
        })?;
        page.family("jit_oldest_pending_notice_seconds", "Age of the oldest", MetricType::Gauge, |to| {
            let oldest = |one: &Notices| one.waiting.max().unwrap_or_default();
            places.iter().try_for_each(|(place, one)| gauge(to, &[("place", place.as_str())], oldest(one)))
        })
    }

    fn logs(&self, page: &mut Page<'_>) -> fmt::Result {
        let mut of_logs = |name: &str, help: &str, value: &dyn Fn(&LogHealth) -> Option<u64>| {
            page.family(name, help, MetricType::Gauge, |to| {
                self.figures
                    .logs
                    .iter()
                    .filter_map(|log| Some((log, value(log)?)))
                    .try_for_each(|(log, value)| gauge(to, &[("repository", log.repository.as_str())], value))
            })
        };
        of_logs("jit_audit_entries", "Entries of the log", &|log| Some(log.entries))?;
        of_logs("jit_audit_chain_ok", "Whether the log is sound: 1 or 0", &|log| log.is_sound.map(u64::from))?;
        of_logs("jit_audit_verified_timestamp_seconds", "When it was checked", &|log| {
            log.verified.and_then(|at| u64::try_from(at.unix()).ok())
        })
    }
}

/// What is written to.
struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Page<'_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        write(&mut self.encoder.encode_descriptor(name, help, None, kind)?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.family(name, help, MetricType::Counter, |to| to.encode_counter(&value, NONE))
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.family(name, help, MetricType::Gauge, |to| to.encode_gauge(&level(value)))
    }
}

/// No example of a single case.
const NONE: Option<&Exemplar<NoLabels, u64>> = None;
type NoLabels = [(&'static str, &'static str); 0];

fn level(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn gauge<const N: usize>(to: &mut MetricEncoder<'_>, labels: &[(&str, &str); N], value: u64) -> fmt::Result {
    to.encode_family(labels)?.encode_gauge(&level(value))
}

fn counter<const N: usize>(to: &mut MetricEncoder<'_>, labels: &[(&str, &str); N], value: u64) -> fmt::Result {
    to.encode_family(labels)?.encode_counter(&value, NONE)
}

/// Writes a histogram whose bounds and numbers are in a unit of which `of_one` make one of the series'.
fn histogram<const N: usize>(
    to: &mut MetricEncoder<'_>,
    labels: &[(&str, &str); N],
    spread: &Spread,
    bounds: &[u64],
    of_one: f64,
) -> fmt::Result {
    // Counts and sums of these are far below what a float holds exactly.
    let scaled = |number: u64| number as f64 / of_one;
    let mut below = 0;
    let mut buckets: Vec<(f64, u64)> = bounds
        .iter()
        .map(|bound| {
            let up_to = spread.up_to(*bound);
            (scaled(*bound), up_to - std::mem::replace(&mut below, up_to))
        })
        .collect();
    buckets.push((f64::INFINITY, spread.n() - below));
    let none: Option<&HashMap<usize, Exemplar<NoLabels, f64>>> = None;
    let (sum, n) = (scaled(spread.sum()), spread.n());
    if N == 0 {
        return to.encode_histogram(sum, n, &buckets, none);
    }
    to.encode_family(labels)?.encode_histogram(sum, n, &buckets, none)
}
