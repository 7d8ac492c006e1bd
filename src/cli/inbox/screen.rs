//! The terminal, taken over for as long as the inbox is open: raw, on its other screen, and given back on every way out.

use super::draw::draw;
use super::model::{Key, Model};
use crate::cli::{Failure, IntoFailure};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, MoveTo, Show};
use ratatui::crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use std::io::{self, IsTerminal as _, Stdout};
use std::time::Duration;

/// The terminal while the inbox is open.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// Pressed a key.
    Key(Key),
    /// Pasted a text.
    Pasted(String),
    /// Gave the window another size.
    Resized,
}

impl Screen {
    /// Refuses where there is nothing to draw on, before anything is fetched.
    ///
    /// # Errors
    /// A usage [`Failure`] without a terminal on both sides, and on one that cannot place its cursor.
    pub fn check() -> Result<(), Failure> {
        let dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        if dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(Failure::usage("there is no terminal here that the inbox could be drawn on")
                .hint("`jit pending` lists what waits, `jit show r-…` shows one request"));
        }
        Ok(())
    }

    /// Takes the terminal over.
    ///
    /// # Errors
    /// [`Failure`] if it does not let itself be taken.
    pub fn open() -> Result<Self, Failure> {
        // From here on it is given back, whatever fails.
        let mut screen = Self { terminal: Terminal::new(CrosstermBackend::new(io::stdout())).or_fail()? };
        screen.enter().or_fail()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        self.terminal.clear()
    }

    /// Shows `model` as large as the window is.
    ///
    /// # Errors
    /// [`Failure`] if the terminal is gone.
    pub fn show(&mut self, model: &mut Model) -> Result<(), Failure> {
        let (width, height) = size().or_fail()?;
        model.resize(usize::from(width), usize::from(height));
        self.terminal.draw(|frame| draw(model, frame)).or_fail()?;
        Ok(())
    }

    /// Waits for what somebody does.
    ///
    /// # Errors
    /// [`Failure`] if the terminal is gone.
    pub fn wait(&mut self) -> Result<Happened, Failure> {
        loop {
            match read().or_fail()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if let Some(key) = meaning(&key) {
                        return Ok(Happened::Key(key));
                    }
                }
                Event::Paste(text) => return Ok(Happened::Pasted(text)),
                Event::Resize(..) => return Ok(Happened::Resized),
                _ => {}
            }
        }
    }

    /// Runs `work`, during which programs may ask something at the bottom of the screen: `ssh` for a passphrase, say. What was typed
    /// meanwhile and not read is forgotten: it was not meant for what is shown next.
    ///
    /// # Errors
    /// [`Failure`] if the terminal is gone.
    pub fn aside<T>(&mut self, work: impl FnOnce() -> T) -> Result<T, Failure> {
        let (_, height) = size().or_fail()?;
        execute!(io::stdout(), MoveTo(0, height.saturating_sub(1)), Show).or_fail()?;
        disable_raw_mode().or_fail()?;
        let made = work();
        enable_raw_mode().or_fail()?;
        execute!(io::stdout(), Hide).or_fail()?;
        while poll(Duration::ZERO).or_fail()? {
            read().or_fail()?;
        }
        self.terminal.clear().or_fail()?;
        Ok(made)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to give back.
        let _gone = disable_raw_mode();
        let _gone = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    }
}

fn meaning(event: &KeyEvent) -> Option<Key> {
    let with = |modifier| event.modifiers.contains(modifier);
    Some(match event.code {
        KeyCode::Char('c' | 'C') if with(KeyModifiers::CONTROL) => Key::Interrupt,
        KeyCode::Char(_) if with(KeyModifiers::CONTROL) || with(KeyModifiers::ALT) => return None,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        _ => return None,
    })
}
