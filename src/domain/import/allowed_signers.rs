//! OpenSSH's allowed signers (ssh-keygen, "ALLOWED SIGNERS"): whose keys are trusted.

use super::people::{Person, is_identity};
use super::written::Written;
use super::{ImportError, lines};
use crate::domain::approval::PublicKey;
use crate::domain::time::Timestamp;
use chrono::{NaiveDate, NaiveTime};
use std::collections::BTreeSet;

/// A line that was read.
struct Line<'l> {
    names: Vec<&'l str>,
    options: Vec<&'l str>,
    key: &'l str,
}

/// Makes a policy with the people of `file` and their keys, and no rule.
///
/// Lines that share an address are one person. Keys whose time has not begun at `now`, certificate authorities, patterns in place of
/// addresses and keys other than Ed25519 are not carried over.
///
/// # Errors
/// [`ImportError`].
pub fn allowed_signers(file: &[u8], now: Timestamp) -> Result<String, ImportError> {
    let mut written = Written::default();
    written.head.push("Made from a file of allowed signers: people and their keys, for rules to name.".to_owned());
    let mut people: Vec<Person> = Vec::new();
    let mut keys = BTreeSet::new();
    for (number, bytes) in lines(file) {
        let text = str::from_utf8(bytes).unwrap_or_default().trim();
        if bytes.trim_ascii().is_empty() || text.starts_with('#') {
            continue;
        }
        let taken = parse(text)
            .ok_or("not a line of allowed signers")
            .and_then(|line| take(&line, now, &mut people, &mut keys));
        match taken {
            Ok(notes) => notes.iter().try_for_each(|why| written.leave(number, why, bytes))?,
            Err(why) => written.leave(number, why, bytes)?,
        }
    }
    for person in people {
        let wish = person.comment.split('@').next().unwrap_or_default().to_owned();
        written.people.add(&wish, person);
    }
    written.finish()
}

fn parse(text: &str) -> Option<Line<'_>> {
    let (names, rest) = quoted_word(text)?;
    let rest = rest.trim_start();
    let is_key = |text: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|family| text.starts_with(family));
    let (options, key) = if is_key(rest) { ("", rest) } else { option_word(rest)? };
    let key = key.trim_start();
    let options = split_options(options);
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    is_key(key).then_some(Line { names, options, key })
}

/// Takes the first word, which may stand in quotes.
fn quoted_word(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('"') {
        Some(rest) => rest.split_once('"'),
        None => text.split_once([' ', '\t']),
    }
}

/// Takes the options: up to the first blank that is not in quotes.
fn option_word(text: &str) -> Option<(&str, &str)> {
    let mut inside = false;
    let end = text.find(|c: char| {
        inside ^= c == '"';
        c.is_whitespace() && !inside
    })?;
    Some(text.split_at(end))
}

fn split_options(text: &str) -> Vec<&str> {
    let mut inside = false;
    let parts = text.split(move |c: char| {
        inside ^= c == '"';
        c == ',' && !inside
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// Adds the key to its person; returns what of the line cannot be said.
fn take(
    line: &Line<'_>,
    now: Timestamp,
    people: &mut Vec<Person>,
    keys: &mut BTreeSet<PublicKey>,
) -> Result<Vec<&'static str>, &'static str> {
    let mut notes = Vec::new();
    let (mut until, mut seen) = (None, BTreeSet::new());
    for option in &line.options {
        let (name, value) =
            option.split_once('=').map_or((*option, ""), |(name, value)| (name, value.trim_matches('"')));
        let name = name.to_ascii_lowercase();
        if !seen.insert(name.clone()) {
            return Err("an option stands there twice");
        }
        match name.as_str() {
            "cert-authority" => return Err("certificates do not sign approvals"),
            "namespaces" => notes.push("a policy does not limit what else a key may sign"),
            "valid-before" => until = Some(moment(value).ok_or("its end cannot be read")?),
            "valid-after" if moment(value).is_some_and(|begin| begin <= now) => {}
            "valid-after" => return Err("its time has not begun"),
            _ => return Err("it has an option that is not known"),
        }
    }
    let words: Vec<&str> = line.key.split_ascii_whitespace().take(2).collect();
    let (key, _) = PublicKey::parse_openssh(&words.join(" ")).map_err(|_| "not a sound Ed25519 key")?;
    if line.names.is_empty() || line.names.iter().any(|name| name.contains(['*', '?', '!'])) {
        return Err("a pattern names nobody");
    }
    if !line.names.iter().all(|name| is_identity(name)) {
        return Err("it names nobody whom a policy can name");
    }
    let addresses: Vec<String> = line.names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let knows = |person: &Person| addresses.iter().any(|one| person.emails.contains(one) || person.comment == *one);
    let known: Vec<usize> = (0..people.len()).filter(|at| knows(&people[*at])).collect();
    if known.len() > 1 {
        return Err("it names two people of lines above");
    }
    if !keys.insert(key) {
        return Err("the key stands in a line above");
    }
    let at = known.first().copied().unwrap_or_else(|| {
        people.push(Person { comment: addresses[0].clone(), ..Person::default() });
        people.len() - 1
    });
    let person = &mut people[at];
    for address in addresses.into_iter().filter(|one| one.contains('@')) {
        if !person.emails.contains(&address) {
            person.emails.push(address);
        }
    }
    let is_first = person.keys.is_empty();
    person.keys.push(key.openssh());
    // A policy ends people, not keys: none of theirs may last longer than its line says.
    if !is_first && person.valid_until != until {
        notes.push("its end is not that of the person's other keys: the earliest holds for all");
    }
    person.valid_until = [person.valid_until, until].into_iter().flatten().min();
    Ok(notes)
}

/// Reads `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with or without `Z`; taken for UTC in either case.
fn moment(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok());
    let seconds = match digits.len() {
        8 | 12 => 0,
        14 => number(12, 14)?,
        _ => return None,
    };
    let (hours, minutes) = if digits.len() == 8 { (0, 0) } else { (number(8, 10)?, number(10, 12)?) };
    let day = NaiveDate::from_ymd_opt(number(0, 4)?.try_into().ok()?, number(4, 6)?, number(6, 8)?)?;
    Timestamp::from_unix(day.and_time(NaiveTime::from_hms_opt(hours, minutes, seconds)?).and_utc().timestamp())
}
