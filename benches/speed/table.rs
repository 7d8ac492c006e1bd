//! What was measured, as rows of one table.

use std::time::{Duration, Instant};

/// Milliseconds that two things took in the same rounds: ours, and what it is held against.
#[derive(Debug, Default)]
pub struct Samples {
    pairs: Vec<(f64, f64)>,
}

impl Samples {
    /// Takes both in turn, `rounds` times; who comes first changes from round to round. Both give milliseconds.
    pub fn take(rounds: usize, mut ours: impl FnMut() -> f64, mut other: impl FnMut() -> f64) -> Self {
        let mut pairs = Vec::with_capacity(rounds);
        for round in 0..rounds {
            if round % 2 == 0 {
                let first = ours();
                pairs.push((first, other()));
            } else {
                let first = other();
                pairs.push((ours(), first));
            }
        }
        Self { pairs }
    }

    /// Takes what was measured elsewhere.
    pub fn of(pairs: Vec<(f64, f64)>) -> Self {
        Self { pairs }
    }

    fn ratios(&self) -> Vec<f64> {
        self.pairs.iter().map(|(ours, other)| ours / other).collect()
    }
}

/// Returns the value below which the given share of `numbers` lies.
pub fn quantile(mut numbers: Vec<f64>, share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[((numbers.len() - 1) as f64 * share).round() as usize]
}

/// Milliseconds that `what` takes.
pub fn timed<T>(what: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    std::hint::black_box(what());
    milliseconds(started.elapsed())
}

/// A duration in milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Prints the head of the table.
pub fn head() {
    println!("| what | ratio: median (quartiles) | bar | medians | rounds |");
    println!("|---|---|---|---|---|");
}

/// Prints a row with a ratio.
pub fn ratio(what: &str, bar: &str, samples: &Samples) {
    let ratios = samples.ratios();
    let at = |share| quantile(ratios.clone(), share);
    let median = |pick: fn(&(f64, f64)) -> f64| quantile(samples.pairs.iter().map(pick).collect(), 0.5);
    println!(
        "| {what} | {:.2} ({:.2} to {:.2}) | {bar} | {} against {} | {} |",
        at(0.5),
        at(0.25),
        at(0.75),
        spoken(median(|pair| pair.0)),
        spoken(median(|pair| pair.1)),
        ratios.len(),
    );
}

/// Prints a row with a figure of its own.
pub fn figure(what: &str, bar: &str, unit: &str, numbers: &[f64]) {
    let at = |share| quantile(numbers.to_vec(), share);
    let (median, low, high) = (at(0.5), at(0.25), at(0.75));
    println!("| {what} | | {bar} | {median:.1} {unit} ({low:.1} to {high:.1}) | {} |", numbers.len());
}

/// Prints a row that could not be measured here.
pub fn skipped(what: &str, why: &str) {
    println!("| {what} | | | not measured: {why} | |");
}

fn spoken(milliseconds: f64) -> String {
    match milliseconds {
        long if long >= 10_000.0 => format!("{:.1} s", long / 1000.0),
        short if short < 1.0 => format!("{:.0} µs", short * 1000.0),
        between => format!("{between:.1} ms"),
    }
}
