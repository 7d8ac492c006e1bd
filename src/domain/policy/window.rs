//! When a window holds, by what the clock on the wall shows in its time zone (docs/spec/policy.md, "Windows").
//!
//! A moment is turned into local time, never a local time into moments: each moment has exactly one local time, while a local time
//! can occur twice or not at all where clocks change. So two windows of which one ends when the other begins share no
//! moment, and leave none out.

use crate::domain::time::Timestamp;
use chrono::{DateTime, Datelike as _, Days, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::collections::BTreeSet;
use std::fmt;

/// A day in seconds.
const DAY: i64 = 86_400;

/// Whose clocks count: a time zone of the IANA database that is part of the program, so that no machine's own decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Finds a zone by its name, as it is spelt there: `Europe/Vienna`.
    pub fn named(name: &str) -> Option<Self> {
        // The database finds names in any case, and under some that are not in its list.
        let name = Self::names().find(|known| known == name)?;
        TimeZoneDatabase::bundled().get(&name).ok().map(Self)
    }

    /// Returns the names of all zones.
    pub fn names() -> impl Iterator<Item = String> {
        let names: Vec<String> = TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
        names.into_iter()
    }

    /// Returns what the clock on the wall shows at the moment `at`.
    fn local(&self, at: Timestamp) -> NaiveDateTime {
        DateTime::<Utc>::from_timestamp(at.unix() + self.ahead(at.unix()), 0).unwrap_or_default().naive_utc()
    }

    /// By how many seconds the clocks are ahead of UTC at a moment.
    fn ahead(&self, unix: i64) -> i64 {
        // A timestamp lies between 1970 and 9999, where every moment has a date.
        i64::from(self.0.to_offset(jiff::Timestamp::from_second(unix).unwrap_or_default()).seconds())
    }

    /// The moments at which the clocks can show `local`: it is one of these if they show it at all.
    fn moments(&self, local: NaiveDateTime) -> impl Iterator<Item = Timestamp> {
        // Clocks change by less than a day, and not twice within two.
        let as_if_utc = local.and_utc().timestamp();
        [-DAY, DAY]
            .into_iter()
            .filter_map(move |around| Timestamp::from_unix(as_if_utc - self.ahead(as_if_utc + around)))
    }

    /// The moments after `from` and before `until` at which the clocks change.
    fn changes(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        let from = jiff::Timestamp::from_second(from.unix()).unwrap_or_default();
        let moments = self.0.following(from).map_while(|change| Timestamp::from_unix(change.timestamp().as_second()));
        moments.take_while(move |moment| *moment < until)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or_default())
    }
}

/// A part of the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Whose clocks count.
    pub zone: Zone,
    /// Which part.
    pub span: WindowSpan,
}

/// From when until when; the beginning is in the window, the end is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowSpan {
    /// Once; it ends after it begins.
    Once {
        /// The first local time in it.
        from: NaiveDateTime,
        /// The first local time after it.
        to: NaiveDateTime,
    },
    /// Every week.
    Weekly {
        /// The days on which it begins, by their number from Monday, 0.
        days: BTreeSet<u8>,
        /// When it begins, in minutes from midnight, below 1,440.
        from: u32,
        /// When it ends, in minutes from midnight, at most 1,440, not `from`; less than `from` on the day after.
        to: u32,
    },
}

impl Window {
    /// Tells whether the window holds at the moment `at`.
    pub fn holds(&self, at: Timestamp) -> bool {
        let local = self.zone.local(at);
        match &self.span {
            WindowSpan::Once { from, to } => (*from..*to).contains(&local),
            WindowSpan::Weekly { days, from, to } => {
                let minute = local.hour() * 60 + local.minute();
                let begins_on =
                    |day: Weekday| u8::try_from(day.num_days_from_monday()).is_ok_and(|day| days.contains(&day));
                let today = local.weekday();
                if from < to {
                    begins_on(today) && (*from..*to).contains(&minute)
                } else {
                    (begins_on(today) && minute >= *from) || (begins_on(today.pred()) && minute < *to)
                }
            }
        }
    }
}

impl Window {
    /// Returns moments between `from` and `until`, in no order: all at which the window begins or ends, and some more. From one to the next it
    /// holds throughout or not at all.
    pub fn edges(&self, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let zone = &self.zone;
        let mut edges: Vec<Timestamp> = zone.changes(from, until).collect();
        match &self.span {
            WindowSpan::Once { from, to } => {
                edges.extend([from, to].into_iter().flat_map(|local| zone.moments(*local)))
            }
            WindowSpan::Weekly { from: begin, to: end, .. } => {
                let days = until.since(from).as_seconds() / DAY.unsigned_abs() + 3;
                let first = zone.local(from).date() - Days::new(1);
                let midnights = first.iter_days().zip(0..days).map(|(date, _)| date.and_time(NaiveTime::MIN));
                let minutes = [begin, end].map(|minutes| TimeDelta::minutes(i64::from(*minutes)));
                let locals = midnights.flat_map(|midnight| minutes.map(|minutes| midnight + minutes));
                edges.extend(locals.flat_map(|local| zone.moments(local)));
            }
        }
        edges.retain(|edge| from < *edge && *edge < until);
        edges
    }
}

impl fmt::Display for Window {
    /// Writes `2026-12-20T00:00:00 to 2027-01-04T08:00:00 Europe/Vienna` or `mon tue 09:00 to 17:00 Europe/Vienna`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.span {
            WindowSpan::Once { from, to } => {
                let form = "%Y-%m-%dT%H:%M:%S";
                write!(f, "{} to {}", from.format(form), to.format(form))?;
            }
            WindowSpan::Weekly { days, from, to } => {
                for (number, day) in (0..).zip(DAYS) {
                    if days.contains(&number) {
                        write!(f, "{day} ")?;
                    }
                }
                write!(f, "{:02}:{:02} to {:02}:{:02}", from / 60, from % 60, to / 60, to % 60)?;
            }
        }
        write!(f, " {}", self.zone)
    }
}

/// The days as policies write them, from Monday.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Span;

    fn holds(window: &Window, at: &str) -> bool {
        window.holds(Timestamp::parse(at).expect(at))
    }

    fn weekly(zone: &str, days: &[u8], from: u32, to: u32) -> Window {
        let span = WindowSpan::Weekly { days: days.iter().copied().collect(), from, to };
        Window { zone: Zone::named(zone).expect(zone), span }
    }

    fn once(zone: &str, from: &str, to: &str) -> Window {
        let local = |text: &str| text.parse::<NaiveDateTime>().expect(text);
        Window { zone: Zone::named(zone).expect(zone), span: WindowSpan::Once { from: local(from), to: local(to) } }
    }

    #[test]
    fn a_window_begins_at_its_beginning_and_is_over_at_its_end() {
        let year_end = once("Europe/Vienna", "2026-12-20T00:00:00", "2027-01-04T08:00:00");
        let cases = [
            ("2026-12-19T22:59:59Z", false),
            ("2026-12-19T23:00:00Z", true),
            ("2027-01-04T06:59:59Z", true),
            ("2027-01-04T07:00:00Z", false),
        ];
        for (at, expected) in cases {
            assert_eq!(holds(&year_end, at), expected, "{at}");
        }
        // 2026-11-23 is a Monday; Vienna is an hour ahead of UTC then, two in summer.
        let business = weekly("Europe/Vienna", &[0, 1, 2, 3, 4], 9 * 60, 17 * 60);
        let cases = [
            ("2026-11-23T07:59:59Z", false),
            ("2026-11-23T08:00:00Z", true),
            ("2026-11-23T15:59:59Z", true),
            ("2026-11-23T16:00:00Z", false),
            ("2026-11-22T12:00:00Z", false),
            ("2026-07-20T07:00:00Z", true),
            ("2026-07-20T06:59:59Z", false),
        ];
        for (at, expected) in cases {
            assert_eq!(holds(&business, at), expected, "{at}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let night = weekly("UTC", &[4], 22 * 60, 6 * 60);
        let cases = [
            ("2026-11-27T05:00:00Z", false),
            ("2026-11-27T21:59:59Z", false),
            ("2026-11-27T22:00:00Z", true),
            ("2026-11-28T00:00:00Z", true),
            ("2026-11-28T05:59:59Z", true),
            ("2026-11-28T06:00:00Z", false),
            ("2026-11-28T22:00:00Z", false),
        ];
        for (at, expected) in cases {
            assert_eq!(holds(&night, at), expected, "{at}");
        }
        let sunday = weekly("UTC", &[6], 22 * 60, 6 * 60);
        assert!(holds(&sunday, "2026-11-23T05:59:59Z"), "the week goes round");
        let whole = weekly("UTC", &[5], 0, 24 * 60);
        assert!(holds(&whole, "2026-11-28T23:59:59Z") && !holds(&whole, "2026-11-29T00:00:00Z"));
    }

    #[test]
    fn where_clocks_change_the_clock_on_the_wall_decides() {
        // In Vienna 02:00 to 03:00 does not occur on 2026-03-29, and occurs twice on 2026-10-25.
        let gap = weekly("Europe/Vienna", &[6], 2 * 60, 3 * 60);
        for at in ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"] {
            assert!(!holds(&gap, at), "{at}");
        }
        for at in ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59Z"] {
            assert!(holds(&gap, at), "{at}");
        }
        assert!(!holds(&gap, "2026-10-24T23:59:59Z") && !holds(&gap, "2026-10-25T02:00:00Z"));
        let from_gap = once("Europe/Vienna", "2026-03-29T02:30:00", "2026-03-29T12:00:00");
        assert!(!holds(&from_gap, "2026-03-29T00:59:59Z") && holds(&from_gap, "2026-03-29T01:00:00Z"));
        let to_twice = once("Europe/Vienna", "2026-10-25T00:00:00", "2026-10-25T02:30:00");
        let cases = [
            ("2026-10-25T00:29:59Z", true),
            ("2026-10-25T00:30:00Z", false),
            ("2026-10-25T01:00:00Z", true),
            ("2026-10-25T01:30:00Z", false),
        ];
        for (at, expected) in cases {
            assert_eq!(holds(&to_twice, at), expected, "{at}");
        }
    }

    #[test]
    fn between_two_edges_a_window_holds_throughout_or_not_at_all() {
        let windows = [
            weekly("Europe/Vienna", &[6], 2 * 60, 3 * 60),
            weekly("Europe/Vienna", &[5, 6], 22 * 60 + 15, 2 * 60 + 30),
            weekly("America/St_Johns", &[0, 6], 0, 24 * 60),
            weekly("Europe/Vienna", &[4], 18 * 60, 20 * 60),
            once("Europe/Vienna", "2026-10-25T02:10:00", "2026-10-25T02:50:00"),
            once("Europe/Vienna", "2026-03-29T02:30:00", "2026-10-25T02:30:00"),
        ];
        let begins = ["2026-03-27T11:00:00Z", "2026-10-23T11:00:00Z"];
        for (begin, hours) in begins.into_iter().flat_map(|begin| [(begin, 10), (begin, 5 * 24)]) {
            let begin = Timestamp::parse(begin).expect("a time");
            let end = begin.plus(Span::seconds(hours * 3_600));
            for window in &windows {
                let mut edges = window.edges(begin, end);
                edges.sort();
                let mut now = begin;
                let mut changes = Vec::new();
                while now.plus(Span::seconds(60)) < end {
                    let next = now.plus(Span::seconds(60));
                    if window.holds(now) != window.holds(next) {
                        changes.push(next);
                    }
                    now = next;
                }
                assert!(changes.iter().all(|change| edges.contains(change)), "{window}: {changes:?} of {edges:?}");
            }
        }
    }

    #[test]
    fn windows_that_follow_each_other_share_no_moment_and_leave_none_out() {
        let first = once("Europe/Vienna", "2026-10-25T00:00:00", "2026-10-25T02:30:00");
        let second = once("Europe/Vienna", "2026-10-25T02:30:00", "2026-10-26T00:00:00");
        let start = Timestamp::parse("2026-10-24T22:00:00Z").expect("a time").unix();
        for minute in 0..25 * 60 {
            let at = Timestamp::from_unix(start + minute * 60).expect("a time");
            assert_ne!(first.holds(at), second.holds(at), "{at}");
        }
    }
}
