//! When what could not be delivered is tried again, and when no more.

use crate::domain::time::{Span, Timestamp};

/// The wait after the first failure.
const FIRST: u64 = 5;
/// The longest wait, also where the other side asks for a longer one.
const LONGEST: Span = Span::seconds(3600);
/// For how long it is tried.
const TRIED: Span = Span::days(1);

/// Returns how long to wait after `failures` failures: 5 s, then each time twice as long, an hour at most.
///
/// `asked` is what the other side asks for; it is waited for at least that long, an hour at most. `random` spreads the wait by up to
/// half of it, so that many deliverers do not come back at the same moment.
pub fn wait(failures: u32, asked: Option<Span>, random: u32) -> Span {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let least = asked.map_or(0, Span::as_seconds).max(doubled).min(LONGEST.as_seconds());
    Span::seconds(least + least * u64::from(random) / u64::from(u32::MAX) / 2)
}

/// Tells whether it is time. A moment further away than any wait is one that was written before the clock was put back.
pub fn is_due(next: Timestamp, now: Timestamp) -> bool {
    next <= now || next.since(now) > Span::seconds(2 * LONGEST.as_seconds())
}

/// Tells whether what waits since `since` is given up when it fails once more.
pub fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) > TRIED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_respect_what_is_asked() {
        let cases = [
            (1, None, 5),
            (2, None, 10),
            (5, None, 80),
            (11, None, 3600),
            (u32::MAX, None, 3600),
            (1, Some(60), 60),
            (5, Some(60), 80),
            (1, Some(u64::MAX), 3600),
            (0, Some(0), 5),
        ];
        for (failures, asked, expected) in cases {
            let wait = |random| wait(failures, asked.map(Span::seconds), random).as_seconds();
            assert_eq!(wait(0), expected, "{failures} {asked:?}");
            assert_eq!(wait(u32::MAX), expected + expected / 2, "{failures} {asked:?}");
        }
    }

    #[test]
    fn a_clock_that_jumps_neither_holds_up_nor_gives_up_what_is_new() {
        let at = |seconds| Timestamp::from_unix(seconds).expect("a time");
        let day = 86_400;
        for (next, now, due) in [
            (100, 100, true),
            (101, 100, false),
            (3700, 100, false),
            (7300, 100, false),
            (7301, 100, true),
            (400 * day, 100, true),
        ] {
            assert_eq!(is_due(at(next), at(now)), due, "{next} {now}");
        }
        for (since, now, over) in [(0, day, false), (0, day + 1, true), (400 * day, 0, false)] {
            assert_eq!(is_over(at(since), at(now)), over, "{since} {now}");
        }
    }
}
