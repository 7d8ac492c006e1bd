//! Every path that a Rust text names, in `use` lines and in the middle of code alike.
//!
//! Looking at `use` lines alone fails twice: `crate::ports::clock::now()` needs none, and `use crate::{a, b::{c, d}}` names
//! several paths on one line. So the tokens are walked once, a path begins at each identifier that does not continue one, and
//! groups in braces are multiplied out.

use crate::source::Source;
use crate::token::{Kind, Token};

/// A path as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Where its first segment stands.
    pub line: usize,
    /// Its segments; a glob ends in `*`.
    pub segments: Vec<String>,
    /// The modules inside the file that enclose it.
    inside: Vec<String>,
}

impl Named {
    /// Returns the path below the crate's root, if it leads into this crate by `crate`, `jit`, `self` or `super`.
    pub fn within_crate(&self, source: &Source) -> Option<Vec<String>> {
        let mut base: Vec<String> = source.module().iter().map(ToString::to_string).collect();
        base.extend(self.inside.iter().cloned());
        let mut rest = self.segments.as_slice();
        match rest.first()?.as_str() {
            "crate" | "jit" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
            }
            _ => return None,
        }
        rest = &rest[1..];
        while rest.first().is_some_and(|segment| segment == "super") {
            base.pop();
            rest = &rest[1..];
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// Tells whether two segments follow each other in it.
    pub fn has_pair(&self, first: &[&str], second: &[&str]) -> bool {
        self.segments.windows(2).any(|pair| first.contains(&pair[0].as_str()) && second.contains(&pair[1].as_str()))
    }

    /// Tells whether a segment is one of these.
    pub fn has_any(&self, words: &[&str]) -> bool {
        self.segments.iter().any(|segment| words.contains(&segment.as_str()))
    }

    /// Returns the path as it is written.
    pub fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// Returns the paths of at least two segments, and the single names that a `use` brings in.
pub fn named(source: &Source) -> Vec<Named> {
    let mut walk = Walk { tokens: &source.tokens, named: Vec::new(), depth: 0, modules: Vec::new() };
    let mut at = 0;
    while at < source.tokens.len() {
        at = walk.step(at);
    }
    walk.named
}

struct Walk<'a> {
    tokens: &'a [Token],
    named: Vec<Named>,
    depth: usize,
    /// The modules inside the file that are open, with the depth of braces at which each ends.
    modules: Vec<(String, usize)>,
}

impl Walk<'_> {
    /// Looks at one token and returns the next to look at.
    fn step(&mut self, at: usize) -> usize {
        let token = &self.tokens[at];
        match &token.kind {
            Kind::Sign('{') => self.depth += 1,
            Kind::Sign('}') => {
                self.depth = self.depth.saturating_sub(1);
                self.modules.retain(|(_, depth)| *depth < self.depth + 1);
            }
            Kind::Word(word) if word == "mod" => {
                let opens = self.tokens.get(at + 2).is_some_and(|token| token.is('{'));
                if let Some(name) = self.word(at + 1).filter(|_| opens) {
                    self.modules.push((name.to_owned(), self.depth + 1));
                }
            }
            Kind::Word(word) if word == "use" => return self.tree(self.skip_sep(at + 1), Vec::new(), true),
            Kind::Word(_) if self.begins(at) => return self.tree(at, Vec::new(), false),
            _ => {}
        }
        at + 1
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at)?.word()
    }

    fn is_sep(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::PathSep)
    }

    fn skip_sep(&self, at: usize) -> usize {
        at + usize::from(self.is_sep(at))
    }

    /// Tells whether the identifier starts a path of several segments.
    fn begins(&self, at: usize) -> bool {
        let continues = at > 0
            && (self.tokens[at - 1].is('.')
                || self.is_sep(at - 1)
                    && at > 1
                    && (self.tokens[at - 2].word().is_some() || self.tokens[at - 2].is('>')));
        self.is_sep(at + 1) && !continues
    }

    /// Reads a path, or a tree of them, behind `prefix`; returns the next token.
    fn tree(&mut self, mut at: usize, mut prefix: Vec<String>, in_use: bool) -> usize {
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        while let Some(token) = self.tokens.get(at) {
            match &token.kind {
                Kind::Word(word) if word == "self" && !prefix.is_empty() => {}
                Kind::Word(word) => prefix.push(word.clone()),
                Kind::Sign('*') if in_use => prefix.push("*".to_owned()),
                Kind::Sign('{') if in_use => return self.group(at + 1, &prefix),
                _ => break,
            }
            at += 1;
            if !self.is_sep(at) {
                break;
            }
            at += 1;
        }
        if !prefix.is_empty() {
            let inside = self.modules.iter().map(|(name, _)| name.clone()).collect();
            self.named.push(Named { line, segments: prefix, inside });
        }
        at
    }

    /// Reads `a, b::c as d}`; returns the token after the brace.
    fn group(&mut self, mut at: usize, prefix: &[String]) -> usize {
        while let Some(token) = self.tokens.get(at) {
            if token.is('}') {
                return at + 1;
            }
            at = if token.is(',') { at + 1 } else { self.tree(self.skip_sep(at), prefix.to_vec(), true).max(at + 1) };
            if self.word(at) == Some("as") {
                at += 2;
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        named(&Source::new("src/a/b.rs", text)).iter().map(Named::text).collect()
    }

    #[test]
    fn groups_are_multiplied_out_and_code_is_searched() {
        let cases: [(&str, &[&str]); 9] = [
            ("use a::{b, c::{self, d as e}, f::*};", &["a::b", "a::c", "a::c::d", "a::f::*"]),
            ("use a;", &["a"]),
            ("use ::a::b;", &["a::b"]),
            ("use {a::b, c};", &["a::b", "c"]),
            ("fn f() { a::b::c(d::e); g.h(); }", &["a::b::c", "d::e"]),
            ("let x: Vec<a::B> = ::c::D::new();", &["a::B", "c::D::new"]),
            ("<T as a::B>::c()", &["a::B"]),
            ("a::b::<c::D>()", &["a::b", "c::D"]),
            ("// a::b\nlet s = \"c::d\";", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn ways_up_are_resolved_also_from_modules_inside_the_file() {
        let text =
            "use super::c; mod tests { use super::d; use super::super::e; } fn f() { self::g::h(); jit::i::j() }";
        let source = Source::new("src/a/b.rs", text);
        let found: Vec<String> =
            named(&source).iter().filter_map(|path| path.within_crate(&source)).map(|path| path.join("::")).collect();
        assert_eq!(found, ["a::c", "a::b::d", "a::e", "a::b::g::h", "i::j"]);
    }
}
