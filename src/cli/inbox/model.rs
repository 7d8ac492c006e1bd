//! What the inbox knows, and what each key changes. No terminal, no clock, no repository: whoever runs it does what the [`Effect`]s say
//! and tells the model what came of it.

use super::input::Input;
use super::page::Page;
use crate::domain::approval::MAX_REASON;
use crate::domain::request::RequestId;

/// A key that somebody pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Go on.
    Enter,
    /// Go back.
    Escape,
    /// Take the last character away.
    Backspace,
    /// Leave at once: Ctrl-C.
    Interrupt,
    /// A character.
    Char(char),
}

/// Yes or no to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

impl Verdict {
    /// The verb.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// What is to be done outside the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Nothing,
    /// Leave.
    Quit,
    /// Read the list anew, then [`Model::list`].
    Reload,
    /// Find out all about a request, then [`Model::read`].
    Read(RequestId),
    /// Find out what a request changes, then [`Model::read_patch`].
    Patch(RequestId),
    /// Work out what would be signed, then [`Model::ask`]. Nothing is signed by this.
    Prepare {
        /// The request.
        id: RequestId,
        /// Yes or no.
        verdict: Verdict,
        /// Why; may be empty for a yes.
        reason: String,
    },
    /// Sign what [`Model::ask`] has shown last: it was confirmed.
    Sign,
}

/// A request in the list. Texts are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The request.
    pub id: RequestId,
    /// Whether it waits for whoever looks.
    pub mine: bool,
    /// How it stands.
    pub state: &'static str,
    /// For how long it waits, in few characters.
    pub age: String,
    /// Who asks.
    pub requester: String,
    /// What is asked for.
    pub what: String,
    /// What it waits for.
    pub next: String,
    /// Whether an approval of it must say why.
    pub wants_reason: bool,
}

/// What is on the screen.
#[derive(Debug, Clone)]
pub(super) enum View {
    List,
    Context(RequestId, Page),
    Patch(RequestId, Page),
    /// Something went wrong.
    Trouble(Page),
    Reason {
        id: RequestId,
        verdict: Verdict,
        wanted: bool,
        input: Input,
    },
    Confirm {
        id: RequestId,
        question: String,
        page: Page,
    },
}

/// The state of the inbox.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) title: String,
    pub(super) viewer: Option<String>,
    pub(super) items: Vec<Item>,
    pub(super) at: usize,
    pub(super) view: View,
    pub(super) note: String,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Rows around a text: the title; a line of notes, the keys.
pub(super) const AROUND_TEXT: usize = 3;

/// Rows around the list: title, heads of columns; what the chosen request waits for, a line of notes, the keys.
pub(super) const AROUND_LIST: usize = 4 + NEXT_ROWS + 1;

/// Rows for what the chosen request waits for.
pub(super) const NEXT_ROWS: usize = 4;

impl Model {
    /// Begins with an empty list of the repository `title`, seen by `viewer`, if their key tells who they are. Both are escaped.
    pub fn new(title: String, viewer: Option<String>) -> Self {
        let (items, at, view, note) = (Vec::new(), 0, View::List, String::new());
        Self { title, viewer, items, at, view, note, width: 80, height: 24 }
    }

    /// Takes the list: what waits for whoever looks first, each part oldest first. The request that was chosen stays so, if it is there.
    pub fn list(&mut self, mut items: Vec<Item>) {
        let chosen = self.chosen().map(|item| item.id.clone());
        items.sort_by_key(|item| !item.mine);
        self.at = chosen.and_then(|id| items.iter().position(|item| item.id == id)).unwrap_or_default();
        self.items = items;
        self.view = View::List;
    }

    /// Shows all about the request `id`.
    pub fn read(&mut self, id: RequestId, text: &str) {
        self.show(View::Context(id, Page::new(text)));
    }

    /// Shows what the request `id` changes.
    pub fn read_patch(&mut self, id: RequestId, patch: &str) {
        self.show(View::Patch(id, Page::patch(patch)));
    }

    /// Shows `signed`, the very text that would be signed for the request `id`, and below it `summary`, and asks `question`.
    pub fn ask(&mut self, id: RequestId, question: String, signed: &str, summary: &str) {
        self.show(View::Confirm { id, question, page: Page::must_see(signed, summary) });
    }

    /// Tells what went wrong.
    pub fn fail(&mut self, text: &str) {
        self.show(View::Trouble(Page::new(text)));
    }

    /// Notes something in a line, until the next key.
    pub fn note(&mut self, text: impl Into<String>) {
        self.note = text.into();
    }

    /// Fits everything to a screen of this size.
    pub fn resize(&mut self, width: usize, height: usize) {
        if (self.width, self.height) != (width, height) {
            (self.width, self.height) = (width, height);
            self.lay_out();
        }
    }

    /// Takes a text that was pasted: it is typed where one types, and presses no key.
    pub fn paste(&mut self, text: &str) -> Effect {
        if let View::Reason { input, .. } = &mut self.view {
            text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).for_each(|c| input.push(c));
        }
        Effect::Nothing
    }

    /// Does what a key means here, and says what is to be done outside.
    pub fn press(&mut self, key: Key) -> Effect {
        self.note.clear();
        if key == Key::Interrupt {
            return Effect::Quit;
        }
        // Each puts the view back, or another in its place; the list where it does neither.
        match std::mem::replace(&mut self.view, View::List) {
            View::List => self.in_list(key),
            View::Context(id, page) => self.in_text(key, id, page, View::Context),
            View::Patch(id, page) => self.in_text(key, id, page, View::Patch),
            View::Trouble(mut page) => {
                if !(leaves(key) || key == Key::Enter) {
                    turn(&mut page, key);
                    self.view = View::Trouble(page);
                }
                Effect::Nothing
            }
            View::Reason { id, verdict, wanted, input } => self.in_reason(key, id, verdict, wanted, input),
            View::Confirm { id, question, page } => self.in_question(key, id, question, page),
        }
    }

    fn in_list(&mut self, key: Key) -> Effect {
        let last = self.items.len().saturating_sub(1);
        let screen = self.list_height().max(1);
        match key {
            Key::Up | Key::Char('k') => self.at = self.at.saturating_sub(1),
            Key::Down | Key::Char('j') => self.at = last.min(self.at + 1),
            Key::PageUp => self.at = self.at.saturating_sub(screen),
            Key::PageDown | Key::Char(' ') => self.at = last.min(self.at + screen),
            Key::Home => self.at = 0,
            Key::End => self.at = last,
            Key::Char('g') => return Effect::Reload,
            Key::Char('q') => return Effect::Quit,
            _ => {
                let Some(id) = self.chosen().map(|item| item.id.clone()) else { return Effect::Nothing };
                return match key {
                    Key::Enter => Effect::Read(id),
                    Key::Char('d') => Effect::Patch(id),
                    _ => self.decide(key, &id),
                };
            }
        }
        Effect::Nothing
    }

    fn in_text(&mut self, key: Key, id: RequestId, mut page: Page, view: fn(RequestId, Page) -> View) -> Effect {
        if leaves(key) {
            return Effect::Nothing;
        }
        turn(&mut page, key);
        self.view = view(id.clone(), page);
        match key {
            Key::Enter => Effect::Read(id),
            Key::Char('d') => Effect::Patch(id),
            _ => self.decide(key, &id),
        }
    }

    /// Asks for the reason of a yes or no, if the key is one of these.
    fn decide(&mut self, key: Key, id: &RequestId) -> Effect {
        let verdict = match key {
            Key::Char('a') => Verdict::Approve,
            Key::Char('r') => Verdict::Reject,
            _ => return Effect::Nothing,
        };
        if self.viewer.is_none() {
            self.note("nobody can sign here: no key tells who you are (`jit key list`)");
            return Effect::Nothing;
        }
        let asked = self.items.iter().any(|item| item.id == *id && item.wants_reason);
        let wanted = asked || verdict == Verdict::Reject;
        self.view = View::Reason { id: id.clone(), verdict, wanted, input: Input::new(MAX_REASON) };
        Effect::Nothing
    }

    fn in_reason(&mut self, key: Key, id: RequestId, verdict: Verdict, wanted: bool, mut input: Input) -> Effect {
        match key {
            Key::Escape => {
                self.note("nothing was signed");
                return Effect::Nothing;
            }
            Key::Enter if wanted && input.text().trim().is_empty() => {
                self.note(format!("to {} this, say why", verdict.word()));
            }
            Key::Enter => {
                let reason = input.text().trim().to_owned();
                return Effect::Prepare { id, verdict, reason };
            }
            Key::Backspace => input.pop(),
            Key::Char(c) => input.push(c),
            _ => {}
        }
        self.view = View::Reason { id, verdict, wanted, input };
        Effect::Nothing
    }

    fn in_question(&mut self, key: Key, id: RequestId, question: String, mut page: Page) -> Effect {
        if leaves(key) || key == Key::Char('n') {
            self.note("nothing was signed");
            return Effect::Nothing;
        }
        if key == Key::Char('y') && page.was_seen() {
            return Effect::Sign;
        }
        if key == Key::Char('y') {
            self.note("read on: what is signed goes on below");
        }
        turn(&mut page, key);
        self.view = View::Confirm { id, question, page };
        Effect::Nothing
    }

    /// Returns the request that the cursor is on.
    pub(super) fn chosen(&self) -> Option<&Item> {
        self.items.get(self.at)
    }

    /// How many requests the screen has room for.
    pub(super) fn list_height(&self) -> usize {
        self.height.saturating_sub(AROUND_LIST)
    }

    fn show(&mut self, view: View) {
        self.view = view;
        self.lay_out();
    }

    fn lay_out(&mut self) {
        let (width, height) = (self.width, self.height.saturating_sub(AROUND_TEXT));
        match &mut self.view {
            View::Context(_, page) | View::Patch(_, page) | View::Trouble(page) | View::Confirm { page, .. } => {
                page.lay_out(width, height);
            }
            View::List | View::Reason { .. } => {}
        }
    }
}

fn leaves(key: Key) -> bool {
    matches!(key, Key::Escape | Key::Char('q'))
}

fn turn(page: &mut Page, key: Key) {
    match key {
        Key::Up | Key::Char('k') => page.scroll(-1),
        Key::Down | Key::Char('j') => page.scroll(1),
        Key::PageUp => page.turn(-1),
        Key::PageDown | Key::Char(' ') => page.turn(1),
        Key::Home => page.go_to_start(),
        Key::End => page.go_to_end(),
        _ => {}
    }
}
