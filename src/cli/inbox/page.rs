//! A text that is longer than the screen: how it is broken into rows, and which of them are shown.

use ratatui::text::Span;

/// What stands before the rest of a line that was too long.
const GOES_ON: &str = "… ";

/// How far a tab goes.
const TAB: usize = 8;

/// How a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Added,
    Removed,
    Heading,
}

/// A row of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// A text in rows of a width, of which a height is shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    lines: Vec<String>,
    is_patch: bool,
    /// How many lines at the start somebody must have seen.
    must_see: usize,
    /// How many rows these lines take.
    must_rows: usize,
    rows: Vec<Row>,
    top: usize,
    height: usize,
    seen: usize,
}

impl Page {
    pub(super) fn new(text: &str) -> Self {
        Self { lines: text.lines().map(str::to_owned).collect(), ..Self::default() }
    }

    /// As [`Page::new`], of a patch, whose lines differ in tone.
    pub(super) fn patch(text: &str) -> Self {
        Self { is_patch: true, ..Self::new(text) }
    }

    /// As [`Page::new`], of `first` and then `rest`; [`Page::was_seen`] tells whether all of `first` has been shown.
    pub(super) fn must_see(first: &str, rest: &str) -> Self {
        Self { must_see: first.lines().count(), ..Self::new(&format!("{first}{rest}")) }
    }

    /// Breaks the text for a screen of this size. What has been seen is seen anew: the rows are others.
    pub(super) fn lay_out(&mut self, width: usize, height: usize) {
        let tone = |line: &str| match line.chars().next() {
            Some('+') if self.is_patch => Tone::Added,
            Some('-') if self.is_patch => Tone::Removed,
            Some('@' | 'd') if self.is_patch => Tone::Heading,
            _ => Tone::Plain,
        };
        self.rows.clear();
        for (number, line) in self.lines.iter().enumerate() {
            let tone = tone(line);
            self.rows.extend(wrapped(line, width).into_iter().map(|text| Row { text, tone }));
            if number + 1 == self.must_see {
                self.must_rows = self.rows.len();
            }
        }
        self.height = height;
        self.seen = 0;
        self.go(self.top);
    }

    /// Moves by so many rows, up where `rows` is negative.
    pub(super) fn scroll(&mut self, rows: isize) {
        self.go(self.top.saturating_add_signed(rows));
    }

    /// Moves by screens, of which the last row stays in sight.
    pub(super) fn turn(&mut self, pages: isize) {
        let rows = isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(isize::MAX);
        self.scroll(rows.saturating_mul(pages));
    }

    pub(super) fn go_to_start(&mut self) {
        self.go(0);
    }

    pub(super) fn go_to_end(&mut self) {
        self.go(usize::MAX);
    }

    /// What is shown passes by without a gap: a row counts as seen if it was shown, and all before it were.
    fn go(&mut self, top: usize) {
        self.top = top.min(self.rows.len().saturating_sub(self.height));
        if self.top <= self.seen {
            self.seen = self.seen.max(self.top + self.height);
        }
    }

    /// Tells whether all that must be seen was shown.
    pub(super) fn was_seen(&self) -> bool {
        self.seen >= self.must_rows
    }

    /// Returns the rows that are shown.
    pub(super) fn shown(&self) -> &[Row] {
        &self.rows[self.top..self.rows.len().min(self.top + self.height)]
    }

    /// Says how far one has read: `12-34 of 56`; nothing where all is shown.
    pub(super) fn position(&self) -> Option<String> {
        let end = self.rows.len().min(self.top + self.height);
        (self.rows.len() > self.height).then(|| format!("{}-{end} of {}", self.top + 1, self.rows.len()))
    }
}

/// How many columns a character takes.
fn width_of(c: char) -> usize {
    if c.is_ascii() { 1 } else { Span::raw(c.encode_utf8(&mut [0; 4]) as &str).width() }
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// Cuts `text` to `columns`, with an ellipsis where something is missing, and fills it up with blanks.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let whole = width(text) <= columns;
    let room = if whole { columns } else { columns.saturating_sub(1) };
    let (mut out, mut used) = (String::new(), 0);
    for c in text.chars() {
        if used + width_of(c) > room {
            break;
        }
        used += width_of(c);
        out.push(c);
    }
    if !whole && columns > 0 {
        out.push('…');
        used += 1;
    }
    out + &" ".repeat(columns.saturating_sub(used))
}

/// Breaks a line where it reaches `columns`, at a blank if there is one in the second half.
pub(super) fn wrapped(line: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(width(GOES_ON) + 2);
    let (mut rows, mut row, mut used) = (Vec::new(), String::new(), 0);
    for c in untabbed(line).chars() {
        if used + width_of(c) > columns {
            let half = row.len() / 2;
            let at = row.rfind(' ').filter(|at| *at > half).map_or(row.len(), |at| at + 1);
            let rest = row.split_off(at);
            rows.push(std::mem::replace(&mut row, format!("{GOES_ON}{rest}")));
            used = width(&row);
        }
        used += width_of(c);
        row.push(c);
    }
    rows.push(row);
    rows
}

fn untabbed(line: &str) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for c in line.chars() {
        if c == '\t' {
            let blanks = TAB - used % TAB;
            out.extend(std::iter::repeat_n(' ', blanks));
            used += blanks;
        } else {
            out.push(c);
            used += width_of(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_and_filled_to_its_columns() {
        let cases = [
            ("abc", 5, "abc  "),
            ("abcdef", 5, "abcd…"),
            ("abcde", 5, "abcde"),
            ("名前です", 8, "名前です"),
            ("名前です", 7, "名前で…"),
            ("名前です", 6, "名前… "),
            ("é\u{301}a", 2, "é\u{301}a"),
            ("a", 0, ""),
        ];
        for (text, columns, expected) in cases {
            assert_eq!(fit(text, columns), expected, "{text} in {columns}");
            assert_eq!(width(&fit(text, columns)), columns, "{text} in {columns}");
        }
    }

    #[test]
    fn a_line_is_broken_at_blanks_or_where_it_must_and_loses_nothing() {
        let cases: [(&str, usize, &[&str]); 6] = [
            ("", 10, &[""]),
            ("0123456789", 10, &["0123456789"]),
            ("0123456789a", 10, &["0123456789", "… a"]),
            ("012345 789ab", 10, &["012345 ", "… 789ab"]),
            ("\ta", 10, &["        a"]),
            ("名前名前名前", 10, &["名前名前名", "… 前"]),
        ];
        for (line, columns, expected) in cases {
            assert_eq!(wrapped(line, columns), expected, "{line}");
        }
        let long = "ab cdefghi ".repeat(40);
        for columns in 4..30 {
            let rows = wrapped(&long, columns);
            assert!(rows.iter().all(|row| width(row) <= columns), "{columns}: {rows:?}");
            let back: String = rows.iter().map(|row| row.strip_prefix(GOES_ON).unwrap_or(row)).collect();
            assert_eq!(back, long, "{columns}");
        }
    }

    #[test]
    fn what_must_be_seen_was_seen_once_every_row_of_it_was_shown() {
        let first: String = (0..30).map(|number| format!("line {number}\n")).collect();
        let mut page = Page::must_see(&first, &first);
        page.lay_out(80, 10);
        assert!(!page.was_seen());
        page.go_to_end();
        assert!(!page.was_seen(), "what lies between was not shown");
        page.go_to_start();
        page.turn(1);
        page.turn(1);
        assert!(!page.was_seen());
        page.turn(1);
        assert!(page.was_seen());
        page.lay_out(7, 10);
        assert!(!page.was_seen(), "the rows are others now");
        page.lay_out(80, 60);
        page.go_to_start();
        assert!(page.was_seen());
    }
}
