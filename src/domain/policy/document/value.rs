//! Reads the values that are more than strings: names, keys, moments, lengths of time, expressions.

use super::reader::{Reader, Value};
use crate::domain::approval::PublicKey;
use crate::domain::name::NameError;
use crate::domain::policy::draft::At;
use crate::domain::policy::fault::Place;
use crate::domain::policy::{FaultKind, ReasonRule, limits};
use crate::domain::time::{Span, Timestamp};
use chrono::{FixedOffset, NaiveDate};
use regex::RegexBuilder;
use toml::de::DeValue;
use toml::value::{Datetime, Offset};

/// Reads a name.
pub(super) fn name<T>(
    reader: &mut Reader<'_>,
    place: Place,
    text: &str,
    read: impl Fn(&str) -> Result<T, NameError>,
) -> Option<At<T>> {
    match read(text) {
        Ok(value) => Some(At { place, value }),
        Err(error) => {
            reader.sink.push(&place, error.into());
            None
        }
    }
}

/// Reads a public key in OpenSSH's one-line form: `ssh-ed25519 BASE64 COMMENT`.
pub(super) fn public_key(reader: &mut Reader<'_>, text: &At<&str>) -> Option<At<PublicKey>> {
    match ed25519(text.value) {
        Ok(value) => Some(At { place: text.place.clone(), value }),
        Err(what) => {
            reader.sink.push(&text.place, what);
            None
        }
    }
}

fn ed25519(text: &str) -> Result<PublicKey, FaultKind> {
    // The kind is looked at first: of a key that is not taken, the rest does not matter.
    match text.split_ascii_whitespace().next() {
        Some("ssh-ed25519") => {}
        Some(kind @ "sk-ssh-ed25519@openssh.com") => return Err(FaultKind::NotYet(kind.to_owned())),
        Some(_) if text.contains("PRIVATE KEY-----") => return Err(FaultKind::PrivateKey),
        Some(kind) if ["ssh-", "ecdsa-", "sk-"].iter().any(|family| kind.starts_with(family)) => {
            return Err(FaultKind::KeyKind(kind.to_owned()));
        }
        _ => return Err(FaultKind::NotAKey),
    }
    let key = ssh_key::PublicKey::from_openssh(text).map_err(|_| FaultKind::NotAKey)?;
    let bytes = key.key_data().ed25519().ok_or(FaultKind::NotAKey)?;
    Ok(PublicKey::new(bytes.0)?)
}

/// Reads `valid_until`.
pub(super) fn moment(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Timestamp> {
    let moment = match value.get_ref() {
        DeValue::Datetime(written) => timestamp(written),
        _ => None,
    };
    if moment.is_none() {
        reader.fault(value.span(), FaultKind::NotATime);
    }
    moment
}

/// Converts a date and time with an offset; `None` for fractions of seconds, leap seconds, and years that no
/// timestamp has.
fn timestamp(written: &Datetime) -> Option<Timestamp> {
    let (date, time) = (written.date?, written.time?);
    let minutes = match written.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i32::from(minutes),
    };
    if time.nanosecond.is_some_and(|part| part != 0) {
        return None;
    }
    let day = NaiveDate::from_ymd_opt(i32::from(date.year), date.month.into(), date.day.into())?;
    let local = day.and_hms_opt(time.hour.into(), time.minute.into(), time.second.unwrap_or(0).into())?;
    let utc = local.checked_sub_offset(FixedOffset::east_opt(minutes * 60)?)?;
    Timestamp::from_unix(utc.and_utc().timestamp())
}

/// Reads a length of time: `ttl`, `review_within`.
pub(super) fn span(reader: &mut Reader<'_>, key: &'static str, value: &Value<'_>) -> Option<Span> {
    let text = reader.text(key, value)?;
    let what = match Span::parse(text) {
        Ok(span) if span == Span::seconds(0) => FaultKind::SpanZero(key),
        Ok(span) if span > limits::TTL => FaultKind::SpanTooLong(key),
        Ok(span) => return Some(span),
        Err(error) => FaultKind::NotADuration { text: text.to_owned(), detail: error.to_string() },
    };
    reader.fault(value.span(), what);
    None
}

/// Reads `reason`: the word "required", or a regular expression.
pub(super) fn reason(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<ReasonRule> {
    let text = reader.text("reason", value)?;
    if text == "required" {
        return Some(ReasonRule::Required);
    }
    if text.len() > limits::EXPRESSION_BYTES {
        reader.fault(value.span(), FaultKind::TooLong { key: "reason", limit: limits::EXPRESSION_BYTES });
        return None;
    }
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(limits::EXPRESSION_MEMORY).dfa_size_limit(limits::EXPRESSION_MEMORY);
    let what = match builder.build() {
        Ok(expression) if expression.is_match("") => FaultKind::EmptyReasonMatches,
        Ok(expression) => return Some(ReasonRule::Matches(expression)),
        Err(regex::Error::CompiledTooBig(_)) => FaultKind::ExpressionTooLarge,
        Err(error) => FaultKind::BadExpression { detail: last_line(&error.to_string()) },
    };
    reader.fault(value.span(), what);
    None
}

/// Takes the verdict out of the drawing that the expression's parser makes.
fn last_line(report: &str) -> String {
    let line = report.lines().next_back().unwrap_or_default().trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// Reads `message`.
pub(super) fn message(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<String> {
    let text = reader.text("message", value)?;
    if text.len() > limits::MESSAGE_BYTES {
        reader.fault(value.span(), FaultKind::TooLong { key: "message", limit: limits::MESSAGE_BYTES });
        return None;
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset_and_whole_seconds() {
        let cases = [
            ("2027-06-30T00:00:00Z", Some("2027-06-30T00:00:00Z")),
            ("2027-06-30T02:00:00+02:00", Some("2027-06-30T00:00:00Z")),
            ("2027-06-30 00:00:00-23:59", Some("2027-06-30T23:59:00Z")),
            ("2027-06-30T00:00:00.000Z", Some("2027-06-30T00:00:00Z")),
            ("2027-06-30T00:00:00.5Z", None),
            ("2027-06-30T00:00:00", None),
            ("2027-06-30", None),
            ("00:00:00", None),
            ("2027-06-30T23:59:60Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("0000-01-01T00:00:00Z", None),
        ];
        for (text, expected) in cases {
            let written: Datetime = text.parse().expect(text);
            assert_eq!(timestamp(&written).map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }
}
