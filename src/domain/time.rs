//! Points in time and lengths of time, in whole seconds, UTC.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use std::fmt;
use std::ops::Range;

/// Seconds since 1970-01-01T00:00:00Z; written as `2026-11-21T20:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last moment that has a four-digit year: 9999-12-31T23:59:59Z.
const LATEST: i64 = 253_402_300_799;

/// How one is written; `0` is any digit.
const FORM: &[u8; 20] = b"0000-00-00T00:00:00Z";

/// Why a text is not a [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a UTC time of the form 2026-11-21T20:00:00Z")]
pub struct NotATime;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Takes seconds since 1970-01-01T00:00:00Z; `None` before 1970 or after the year 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        (0..=LATEST).contains(&seconds).then_some(Self(seconds))
    }

    /// Returns seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Reads the one accepted spelling, `YYYY-MM-DDTHH:MM:SSZ`.
    ///
    /// # Errors
    /// [`NotATime`] for every other spelling, also equivalent ones (offsets, fractions, lowercase).
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        Self::read(text.as_bytes()).ok_or(NotATime)
    }

    /// Logs hold millions of these: chrono's own reader takes other spellings as well, and finding these out takes ten times as long.
    fn read(text: &[u8]) -> Option<Self> {
        let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
        if text.len() != FORM.len() || !text.iter().zip(FORM).all(fits) {
            return None;
        }
        let number =
            |digits: Range<usize>| text[digits].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
        let day = NaiveDate::from_ymd_opt(i32::try_from(number(0..4)).ok()?, number(5..7), number(8..10))?;
        Self::from_unix(day.and_hms_opt(number(11..13), number(14..16), number(17..19))?.and_utc().timestamp())
    }

    /// Adds `span`, stopping at the year 9999.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add_unsigned(span.0).min(LATEST))
    }

    /// Subtracts `span`, stopping at 1970.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0).max(0))
    }

    /// Returns how long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Span {
        Span(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from_timestamp(self.0, 0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

/// A length of time in whole seconds; written as humantime does (`24h` is `1day`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// Takes seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Takes days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Self(days * 86_400)
    }

    /// Returns whole seconds.
    pub const fn as_seconds(self) -> u64 {
        self.0
    }

    /// Reads `90s`, `24h`, `7d`, `1h 30m`.
    ///
    /// # Errors
    /// What humantime says of a text that is not a duration.
    pub fn parse(text: &str) -> Result<Self, humantime::DurationError> {
        humantime::parse_duration(text).map(|duration| Self(duration.as_secs()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(std::time::Duration::from_secs(self.0)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_spelling() {
        assert_eq!(Timestamp::parse("2026-11-21T20:00:00Z").map(Timestamp::unix), Ok(1_795_291_200));
        for text in [
            "2026-11-21T20:00:00+00:00",
            "2026-11-21t20:00:00z",
            "2026-11-21T20:00:00.0Z",
            "2026-11-21 20:00:00Z",
            "2026-02-30T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-11-21T23:59:60Z",
            "2026-11-21T24:00:00Z",
            "2026-13-21T20:00:00Z",
            "2026-00-21T20:00:00Z",
            "+026-11-21T20:00:00Z",
            "2026-11-21T20:00:0é",
            "02026-11-21T20:00:00Z",
            "",
        ] {
            assert_eq!(Timestamp::parse(text), Err(NotATime), "{text}");
        }
    }

    #[test]
    fn sums_stop_at_the_edges() {
        let late = Timestamp(LATEST);
        assert_eq!(late.plus(Span::days(1)), late);
        assert_eq!(Timestamp(5).minus(Span::seconds(9)), Timestamp(0));
        assert_eq!(Timestamp(5).since(Timestamp(9)), Span::seconds(0));
    }
}
