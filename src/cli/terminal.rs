//! The only place that prints. Answers go to stdout, talk to stderr with `jit: ` before every line.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use super::Failure;
use crate::domain::text::hostile;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use zeroize::Zeroizing;

pub use crate::domain::text::safe;

/// Writes JSON whose strings cannot steer a terminal: what [`safe`] would escape is written as `\uXXXX`, which reads
/// back as the same text.
fn json_line(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        // Outside strings JSON is ASCII without control characters, so whatever is found here stands in a string.
        if hostile(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        } else {
            text.push(c);
        }
    }
    text
}

/// Hands `text` to `pager`, and tells whether it took it. Without settings of the user's, `less` ends at once where one screen suffices.
fn paged(text: &str, pager: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    for (name, usual) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            command.env(name, usual);
        }
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        // Whoever leaves the pager early wants no more.
        let _gone = input.write_all(text.as_bytes());
    }
    // The shell says 127 where there is no such program: nothing was shown.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}

/// How a word stands out where colour is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Allowed, done.
    Good,
    /// Denied, failed.
    Bad,
    /// Advice.
    Hint,
    /// Headings.
    Strong,
}

/// Standard output and error.
#[derive(Debug, Default)]
pub struct Terminal;

impl Terminal {
    /// Prints an answer to stdout, as it is. A closed pipe ends the output, not the program.
    pub fn answer(&self, text: &str) {
        let mut out = anstream::stdout();
        // A reader that went away (`| head`) wants no more; there is nobody left to tell.
        let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Shows an answer that may be long through `pager`, a command for the shell; as it is where stdout is no terminal, where there is no
    /// pager (`cat` is none), or it does not start.
    pub fn page(&self, text: &str, pager: &str) {
        let wanted = io::stdout().is_terminal() && !matches!(pager.trim(), "" | "cat");
        if !(wanted && paged(text, pager)) {
            self.answer(text);
        }
    }

    /// Prints one JSON document to stdout, on a line of its own.
    pub fn answer_json(&self, value: &serde_json::Value) {
        self.answer(&(json_line(value) + "\n"));
    }

    /// Prints talk to stderr, `jit: ` before every line.
    pub fn say(&self, text: &str) {
        let mut lines = String::new();
        for line in text.lines() {
            lines.push_str("jit: ");
            lines.push_str(line);
            lines.push('\n');
        }
        self.raw(&lines);
    }

    /// Prints why a command failed.
    pub fn fail(&self, failure: &Failure) {
        self.say(&failure.lines());
    }

    /// Prints to stderr as it is, for reports that bring their own layout.
    pub fn raw(&self, text: &str) {
        // As above: without a reader there is nobody to tell.
        let _gone = anstream::stderr().write_all(text.as_bytes());
    }

    /// Dresses `text`; anstream takes the colours away again where NO_COLOR, a pipe or `TERM=dumb` asks for it.
    pub fn styled(&self, style: Style, text: &str) -> String {
        use anstyle::{AnsiColor, Style as Ansi};
        let ansi = match style {
            Style::Good => AnsiColor::Green.on_default().bold(),
            Style::Bad => AnsiColor::Red.on_default().bold(),
            Style::Hint => AnsiColor::Cyan.on_default(),
            Style::Strong => Ansi::new().bold(),
        };
        format!("{ansi}{text}{ansi:#}")
    }

    /// Returns standard output for a conversation with another program, which then holds nothing else.
    pub fn conversation(&self) -> io::Stdout {
        io::stdout()
    }

    /// Tells whether a person can be asked: stdin and stderr are terminals.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on the terminal for a secret, without showing what is typed.
    ///
    /// # Errors
    /// What the system says; without a terminal there is nobody to ask.
    pub fn ask_hidden(&self, question: &str) -> io::Result<Zeroizing<String>> {
        rpassword::prompt_password(format!("jit: {}", safe(question.as_bytes()))).map(Zeroizing::new)
    }

    /// Asks a yes/no question on stderr; anything but `y` or `yes` is no.
    pub fn confirm(&self, question: &str) -> bool {
        self.raw(&format!("jit: {question} [y/N] "));
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }
}

#[cfg(test)]
mod tests {
    use super::{json_line, safe};

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        let cases: [(&[u8], &str); 6] = [
            (b"plain / caf\xc3\xa9", "plain / café"),
            (b"\x1b[31mred", "\\u{1b}[31mred"),
            (b"a\nb\rc\td", "a\\u{a}b\\u{d}c\\u{9}d"),
            ("x\u{202e}y\u{2066}".as_bytes(), "x\\u{202e}y\\u{2066}"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(safe(bytes), expected);
        }
    }

    #[test]
    fn json_is_escaped_and_reads_back_as_it_was() {
        let value = serde_json::json!({ "a": "\u{1b}\u{9b}31m \u{202e}\u{e0041}é\n\"" });
        let line = json_line(&value);
        assert_eq!(line, r#"{"a":"\u001b\u009b31m \u202e\udb40\udc41é\n\""}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).ok(), Some(value));
    }
}
