//! How text from outside is written in each channel's markup so that it is read as text.

use crate::domain::text::safe;

/// What a channel takes for markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// Nothing.
    Plain,
    /// Slack's mrkdwn, where `<` begins mentions and links; its documentation wants `&`, `<` and `>` as entities, and nothing else.
    Slack,
    /// Markdown as Mattermost reads it, where `@` begins a mention.
    Markdown,
    /// HTML.
    Html,
}

/// Between `@` and a name it makes no visible difference, and the name is no mention.
const WORD_JOINER: char = '\u{2060}';

impl Markup {
    /// Writes `text` so that it is shown as it is, on one line.
    pub fn escape(self, text: &str) -> String {
        let line = safe(text.as_bytes());
        let mut written = String::with_capacity(line.len());
        for c in line.chars() {
            match (self, c) {
                (Self::Slack | Self::Html, '&') => written.push_str("&amp;"),
                (Self::Slack | Self::Html, '<') => written.push_str("&lt;"),
                (Self::Slack | Self::Html, '>') => written.push_str("&gt;"),
                (Self::Html, '"') => written.push_str("&quot;"),
                (Self::Html, '\'') => written.push_str("&#39;"),
                (Self::Markdown, '@') => written.extend(['@', WORD_JOINER]),
                (Self::Markdown, c) if c.is_ascii_punctuation() => written.extend(['\\', c]),
                (_, c) => written.push(c),
            }
        }
        written
    }

    /// Writes `text` in the type for code, on one line. Where a backtick would end that, an apostrophe stands for it.
    pub fn code(self, text: &str) -> String {
        let unquoted = || text.replace('`', "'");
        match self {
            Self::Plain => self.escape(text),
            Self::Slack => format!("`{}`", self.escape(&unquoted())),
            Self::Markdown => format!("`{}`", safe(unquoted().as_bytes())),
            Self::Html => format!("<code>{}</code>", self.escape(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_outside_wrote_is_shown_as_it_is() {
        let cases = [
            (Markup::Plain, "a <b> & *c*", "a <b> & *c*", "a <b> & *c*"),
            (Markup::Slack, "<!channel> & `x`", "&lt;!channel&gt; &amp; `x`", "`&lt;!channel&gt; &amp; 'x'`"),
            (
                Markup::Slack,
                "<https://evil.example|bank>",
                "&lt;https://evil.example|bank&gt;",
                "`&lt;https://evil.example|bank&gt;`",
            ),
            (Markup::Markdown, "[a](http://b)", "\\[a\\]\\(http\\:\\/\\/b\\)", "`[a](http://b)`"),
            (Markup::Markdown, "@all `x`", "@\u{2060}all \\`x\\`", "`@all 'x'`"),
            (
                Markup::Html,
                "<b a=\"'\">&",
                "&lt;b a=&quot;&#39;&quot;&gt;&amp;",
                "<code>&lt;b a=&quot;&#39;&quot;&gt;&amp;</code>",
            ),
        ];
        for (markup, text, escaped, code) in cases {
            assert_eq!(markup.escape(text), escaped, "{markup:?}");
            assert_eq!(markup.code(text), code, "{markup:?}");
        }
    }

    #[test]
    fn nothing_from_outside_begins_a_line_or_steers_a_terminal() {
        for markup in [Markup::Plain, Markup::Slack, Markup::Markdown, Markup::Html] {
            for text in ["a\nSubject: b", "a\r\nb", "\u{1b}[2J", "x\u{202e}y", "a\u{2028}b"] {
                for written in [markup.escape(text), markup.code(text)] {
                    assert!(
                        !written.chars().any(|c| c != WORD_JOINER && crate::domain::text::hostile(c)),
                        "{written:?}"
                    );
                }
            }
        }
    }
}
