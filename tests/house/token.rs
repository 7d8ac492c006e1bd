//! Rust text as identifiers, strings and punctuation, so that comments and strings are never taken for code.
//!
//! Only as much of the language as the rules need: numbers, lifetimes and characters are dropped.

/// A token with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The line on which it starts, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword; of a raw one without `r#`.
    Word(String),
    /// A string of any kind, escapes left as they are written.
    Text(String),
    /// `::`.
    PathSep,
    /// Any other sign.
    Sign(char),
}

impl Token {
    /// Returns the identifier, if it is one.
    pub fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Tells whether it is this sign.
    pub fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// Splits `text` into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line: 1, tokens: Vec::new() };
    while reader.at < reader.chars.len() {
        reader.step();
    }
    reader.tokens
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn bump(&mut self) -> char {
        let c = self.peek(0);
        self.line += usize::from(c == '\n');
        self.at += 1;
        c
    }

    fn push(&mut self, line: usize, kind: Kind) {
        self.tokens.push(Token { line, kind });
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.skip_line(),
            ('/', '*') => self.skip_block(),
            ('"', _) => self.string(),
            ('\'', _) => self.quote(),
            (':', ':') => {
                self.push(self.line, Kind::PathSep);
                self.at += 2;
            }
            (c, _) if c.is_ascii_digit() => {
                self.skip_word();
            }
            (c, _) if is_word(c) => self.word(),
            (c, _) => {
                if !c.is_whitespace() {
                    self.push(self.line, Kind::Sign(c));
                }
                self.bump();
            }
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            self.at += 1;
        }
    }

    /// Block comments nest.
    fn skip_block(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.bump();
                    continue;
                }
            }
            self.at += 2;
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_word(&mut self) -> String {
        let start = self.at;
        while is_word(self.peek(0)) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// An identifier, a raw identifier, or the prefix of a string.
    fn word(&mut self) {
        let line = self.line;
        let word = self.skip_word();
        let raw = word.ends_with('r') && word.len() <= 2;
        let hashes = (0..).take_while(|ahead| self.peek(*ahead) == '#').count();
        if raw && self.peek(hashes) == '"' {
            self.at += hashes + 1;
            self.raw_string(hashes);
        } else if word == "r" && hashes == 1 {
            self.at += 1;
            let word = self.skip_word();
            self.push(line, Kind::Word(word));
        } else if matches!(word.as_str(), "b" | "c") && self.peek(0) == '"' {
            self.string();
        } else if word == "b" && self.peek(0) == '\'' {
            self.quote();
        } else {
            self.push(line, Kind::Word(word));
        }
    }

    fn string(&mut self) {
        let (line, start) = (self.line, self.at + 1);
        self.bump();
        while self.at < self.chars.len() && self.peek(0) != '"' {
            if self.bump() == '\\' {
                self.bump();
            }
        }
        let end = self.at.min(self.chars.len());
        let text = self.chars[start.min(end)..end].iter().collect();
        self.push(line, Kind::Text(text));
        self.at += 1;
    }

    fn raw_string(&mut self, hashes: usize) {
        let (line, start) = (self.line, self.at);
        let closes = |reader: &Self| reader.peek(0) == '"' && (1..=hashes).all(|ahead| reader.peek(ahead) == '#');
        while self.at < self.chars.len() && !closes(self) {
            self.bump();
        }
        let end = self.at.min(self.chars.len());
        let text = self.chars[start..end].iter().collect();
        self.push(line, Kind::Text(text));
        self.at += hashes + 1;
    }

    /// A character or a lifetime.
    fn quote(&mut self) {
        self.at += 1;
        if self.peek(0) == '\\' {
            self.at += 2;
            while self.at < self.chars.len() && self.peek(0) != '\'' {
                self.bump();
            }
            self.at += 1;
        } else if self.peek(1) == '\'' {
            self.bump();
            self.at += 1;
        } else {
            self.skip_word();
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        let text = r####"
            // one::two
            /* three /* four */ five */
            let a = "six \" seven"; let b = r#"eight " nine"#; let c = b'\''; let d = '"'; fn e<'x>(y: &'x str) {}
            r#type::ten
        "####;
        let found: Vec<String> = tokens(text).iter().filter_map(|t| t.word().map(str::to_owned)).collect();
        assert_eq!(
            found,
            ["let", "a", "let", "b", "let", "c", "let", "d", "fn", "e", "y", "str", "type", "ten"].map(String::from)
        );
        let texts: Vec<Kind> =
            tokens(text).into_iter().map(|t| t.kind).filter(|k| matches!(k, Kind::Text(_))).collect();
        assert_eq!(texts, [Kind::Text(r#"six \" seven"#.into()), Kind::Text(r#"eight " nine"#.into())]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let lines: Vec<usize> = tokens("\"a\nb\"\n/*\n*/ c '\n' d r\"\n\" e").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 4, 5, 5, 6]);
    }

    #[test]
    fn text_that_ends_in_the_middle_is_read_to_its_end() {
        for text in ["\"", "\"\\", "r#\"", "'", "'\\", "/*", "b\"", "r#", "b'", "::", "'a"] {
            assert!(tokens(text).len() <= 1, "{text}");
        }
    }
}
