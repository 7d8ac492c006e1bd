//! How the faults of a policy, and warnings, look: drawn for people, one line each for hooks, JSON for programs. All advice on
//! faults stands here.
//!
//! What a policy file holds is text from outside. In drawings each character that could steer a terminal becomes `�`,
//! one for one, so that underlines and columns stay true; elsewhere it is escaped.

use super::terminal::safe;
use crate::domain::policy::{Fault, FaultKind, Faults, PatternError, Place, Thing};
use crate::domain::text::hostile;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};
use std::fmt::{Display, Write as _};
use std::ops::Range;

/// How many faults are shown; the rest is counted.
const SHOWN: usize = 50;
/// How many lines of a file are drawn for one place.
const LINES: usize = 5;
/// How many bytes of a file are drawn for one place; for longer ones only the position is given.
const BYTES: usize = 2_000;

/// Something that is said of a place in a policy.
pub trait Said: Display {
    /// How grave it is.
    const LEVEL: Level<'static>;

    /// Says what to do about it, where that is not plain from its text.
    fn advice(&self) -> Option<String>;
}

/// Draws the faults with the lines that they stand in, for [`Terminal::raw`](super::Terminal::raw), which takes the
/// colours away where they are not wanted.
pub fn faults_report<K: Said>(faults: &Faults<K>) -> String
where
    Faults<K>: Display,
{
    let mut text = String::new();
    for fault in faults.list().iter().take(SHOWN) {
        let message = safe(fault.what.to_string().as_bytes());
        let mut group = Group::with_title(K::LEVEL.primary_title(message));
        if let Some(place) = &fault.place {
            group = group.element(drawn(faults, place, AnnotationKind::Primary, None));
        }
        for note in &fault.notes {
            let label = safe(note.remark.to_string().as_bytes());
            group = group.element(drawn(faults, &note.place, AnnotationKind::Context, Some(label)));
        }
        if let Some(advice) = fault.what.advice() {
            group = group.element(Level::HELP.message(safe(advice.as_bytes())));
        }
        writeln!(text, "{}\n", Renderer::styled().render(&[group])).expect("a String takes everything");
    }
    text + &closing(faults)
}

/// Writes a line for each fault, `file:line:column: what`, and its advice below; escaped, without colour.
pub fn faults_plain(faults: &Faults) -> String {
    let mut text = String::new();
    for fault in faults.list().iter().take(SHOWN) {
        let mut line = fault.what.to_string();
        for note in &fault.notes {
            line += &format!(" ({}: {})", note.remark, position(faults, &note.place));
        }
        if let Some(place) = &fault.place {
            line = format!("{}: {line}", position(faults, place));
        }
        text += &safe(line.as_bytes());
        text.push('\n');
        if let Some(advice) = fault.what.advice() {
            text += &format!("  help: {}\n", safe(advice.as_bytes()));
        }
    }
    text + &closing(faults)
}

/// Returns all faults as data: `file`, `line`, `column` (from 1), `underlined`, `message`, `help`, `notes`; `null`
/// where there is none.
pub fn faults_json<K: Said>(faults: &Faults<K>) -> Value {
    let placed = |place: &Place, message: String| {
        let (line, column) = faults.line_and_column(place);
        let underlined = String::from_utf8_lossy(faults.underlined(place)).into_owned();
        json!({
            "file": faults.file_name(place), "line": line, "column": column,
            "underlined": underlined, "message": message,
        })
    };
    let one = |fault: &Fault<K>| {
        let message = fault.what.to_string();
        let mut object = match &fault.place {
            Some(place) => placed(place, message),
            None => json!({ "file": null, "line": null, "column": null, "underlined": null, "message": message }),
        };
        object["help"] = fault.what.advice().into();
        object["notes"] = fault.notes.iter().map(|note| placed(&note.place, note.remark.to_string())).collect();
        object
    };
    faults.list().iter().map(one).collect()
}

/// Says how many faults there are, and how many of them are not shown.
fn closing<K: Display>(faults: &Faults<K>) -> String
where
    Faults<K>: Display,
{
    match faults.list().len().saturating_sub(SHOWN) {
        0 => format!("{faults}\n"),
        more => format!("and {more} more: {faults}\n"),
    }
}

fn position<K: Display>(faults: &Faults<K>, place: &Place) -> String {
    let (line, column) = faults.line_and_column(place);
    format!("{}:{line}:{column}", faults.file_name(place))
}

/// Draws the lines of `place` with the place underlined, or gives its position alone if they are too long to draw.
fn drawn<K: Display>(
    faults: &Faults<K>,
    place: &Place,
    kind: AnnotationKind,
    label: Option<String>,
) -> Element<'static> {
    let text = faults.files().get(place.file).map_or(&[][..], |file| &file.text);
    let name = safe(faults.file_name(place).as_bytes());
    let (line, column) = faults.line_and_column(place);
    let (window, span) = window(text, place.span.clone());
    if window.len() > BYTES {
        return Origin::path(name).line(line).char_column(column).into();
    }
    let (source, span) = shown(&text[window.clone()], span.start - window.start..span.end - window.start);
    let annotation: Annotation<'static> = kind.span(span).label(label);
    Snippet::source(source).line_start(line).path(name).annotation(annotation).into()
}

/// Returns the whole lines around `span`, without the last line's end, and the part of `span` in them. Of a span of
/// many lines only the first is kept.
fn window(text: &[u8], span: Range<usize>) -> (Range<usize>, Range<usize>) {
    let line_end = |from: usize| text[from..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |at| from + at);
    let start = text[..span.start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let lines = text[span.clone()].iter().filter(|&&byte| byte == b'\n').count();
    let last = if lines < LINES { span.end } else { line_end(span.start) };
    // A span that ends with the end of a line does not reach into the next.
    let inside = if last > span.start && text[last - 1] == b'\n' { last - 1 } else { last };
    (start..line_end(inside), span.start..inside)
}

/// Makes text that can be drawn, and moves `span` along.
fn shown(bytes: &[u8], span: Range<usize>) -> (String, Range<usize>) {
    let mut text = String::with_capacity(bytes.len());
    let (mut at, mut start, mut end) = (0, None, None);
    let mut put = |text: &mut String, c: Option<char>, length: usize| {
        if at >= span.start {
            start.get_or_insert(text.len());
        }
        if at >= span.end {
            end.get_or_insert(text.len());
        }
        text.extend(c);
        at += length;
    };
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            let mark = match c {
                '\r' if chars.peek().is_none_or(|next| *next == '\n') => None,
                '\t' | '\n' => Some(c),
                _ if hostile(c) => Some('\u{fffd}'),
                _ => Some(c),
            };
            put(&mut text, mark, c.len_utf8());
        }
        if !chunk.invalid().is_empty() {
            put(&mut text, Some('\u{fffd}'), chunk.invalid().len());
        }
    }
    let whole = text.len();
    (text, start.unwrap_or(whole)..end.unwrap_or(whole))
}

impl Said for FaultKind {
    const LEVEL: Level<'static> = Level::ERROR;

    fn advice(&self) -> Option<String> {
        Some(match self {
            FaultKind::UnknownKey { similar, .. }
            | FaultKind::Unknown { similar, .. }
            | FaultKind::NotATimezone { similar, .. }
                if similar.is_some() =>
            {
                format!("did you mean `{}`?", similar.as_deref().unwrap_or_default())
            }
            FaultKind::Unknown { what: Thing::Principal, .. } => {
                "a member is the name of a principal, or `role:` and the name of a role".to_owned()
            }
            FaultKind::NoVersion => "write `version = 1` at the top of every file".to_owned(),
            FaultKind::NoDefault => {
                "write `default = \"allow\"` or `default = \"deny\"` at the top of one file".to_owned()
            }
            FaultKind::WrongType { expected: "a list of strings", found: "a string", .. } => {
                "write the string in brackets: `[\"…\"]`".to_owned()
            }
            FaultKind::BadPattern(PatternError::DoubleStar) => {
                "write `dir/**` for everything below a folder, `**/*.ext` for every file of a kind".to_owned()
            }
            FaultKind::Unmatchable { what: "branch" | "tag", .. } => {
                "write the short name, such as `main`; full refnames stand in `refs`".to_owned()
            }
            FaultKind::Unmatchable { what: "refname", .. } => {
                "write the full name, such as `refs/heads/main`; `**` also matches slashes".to_owned()
            }
            FaultKind::Unmatchable { what: "path", pattern } if pattern.ends_with('/') => {
                format!("write `{pattern}**` for everything below the folder")
            }
            FaultKind::Unmatchable { what: "path", .. } => {
                "a path begins at the repository's root, without `/` or `./` in front".to_owned()
            }
            FaultKind::PrivateKey => {
                "write the line of the `.pub` file, and replace the key that was written here".to_owned()
            }
            FaultKind::NotAKey | FaultKind::KeyKind(_) => {
                "write the one line of an `id_ed25519.pub`: `ssh-ed25519 AAAA… comment`".to_owned()
            }
            FaultKind::NotATime => "write it like `2027-06-30T00:00:00Z`, without quotes".to_owned(),
            FaultKind::NotADuration { .. } | FaultKind::SpanZero(_) | FaultKind::SpanTooLong(_) => {
                "write a number and a unit, such as `24h` or `7d`; at most `30d`".to_owned()
            }
            FaultKind::AsksNothing => "add `require`, `any_of`, `checks`, `deny`, `authors` or `pushers`".to_owned(),
            FaultKind::NeverMet { .. } | FaultKind::NoSigner(_) => {
                "one person fills one place, and only who has a key can sign: add people or keys, or ask for less"
                    .to_owned()
            }
            FaultKind::EmptyReasonMatches => {
                "write `reason = \"required\"`, or an expression that needs at least a character".to_owned()
            }
            _ => return None,
        })
    }
}
