//! What is on the screen, drawn to a buffer.

use super::draw::draw;
use super::model::{Item, Key, Model};
use super::model_tests::{id, inbox, item};
use super::page::width;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

/// Draws to a screen of this size.
fn drawn(model: &mut Model, columns: u16, rows: u16) -> TestBackend {
    model.resize(usize::from(columns), usize::from(rows));
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a buffer");
    terminal.draw(|frame| draw(model, frame)).expect("drawn");
    terminal.backend().clone()
}

fn rows(model: &mut Model, columns: u16, height: u16) -> Vec<String> {
    let backend = drawn(model, columns, height);
    let buffer = backend.buffer();
    let row = |y| {
        let mut text = String::new();
        // The cell after a wide character is its other half.
        while width(&text) < usize::from(columns) {
            text.push_str(buffer[(u16::try_from(width(&text)).expect("a column"), y)].symbol());
        }
        text.trim_end().to_owned()
    };
    (0..height).map(row).collect()
}

#[test]
fn the_list_says_what_waits_for_whom_and_which_keys_there_are() {
    let expected = [
        " jit inbox: payments: 3 requests wait, 2 for you                            bob",
        "   request         state      for   by              what",
        ">* r-000000000002  open       2h    alice           update refs/heads/main",
        " * r-000000000003  open       3h    alice           update refs/heads/main",
        "   r-000000000001  open       1h    alice           update refs/heads/main",
        "",
        "",
        "--------------------------------------------------------------------------------",
        "`review` needs 1 approval from `leads`; can sign: bob",
        "",
        "",
        "",
        "",
        " Enter read  d diff  a approve  r reject  g look again  q quit",
    ];
    assert_eq!(rows(&mut inbox(), 80, 14), expected);
}

#[test]
fn what_is_to_be_signed_stands_there_word_by_word() {
    let mut model = inbox();
    let signed = "This text is signed, with the key SHA256:x:\n\n  jit-token/v1\n  kind approve\n  reason -\n";
    model.ask(id(2), "approve this?".to_owned(), signed, "\nThat means:\n\nbob approves\n");
    let expected = [
        " jit inbox: payments: to be signed for r-000000000002                       bob",
        "This text is signed, with the key SHA256:x:",
        "",
        "  jit-token/v1",
        "  kind approve",
        "  reason -",
        "",
        "That means:",
        "",
        "bob approves",
        "",
        "",
        "approve this?",
        " up/down/space scroll  y sign  n do not",
    ];
    assert_eq!(rows(&mut model, 80, 14), expected);
    // Where it does not fit, it says so, and a yes is not taken.
    let small = rows(&mut model, 40, 12);
    assert_eq!(small[11], " up/down/space scroll  y sig… 1-9 of 10");
}

#[test]
fn whatever_stands_in_a_request_stays_in_its_place() {
    let hostile = Item {
        requester: "名前名前名前名前名前名前".to_owned(),
        what: "update refs/heads/\\u{1b}[2J\\u{202e}".repeat(9),
        next: "x".repeat(5_000),
        ..item(7, true)
    };
    let mut model = inbox();
    model.list(vec![hostile, item(8, true)]);
    for columns in [40, 41, 80, 200] {
        let all = rows(&mut model, columns, 24);
        assert!(all.iter().all(|row| width(row) <= usize::from(columns)), "{all:#?}");
        assert!(all[2].starts_with(">* r-000000000007  open       7h"), "{}", all[2]);
        assert!(all[3].starts_with(" * r-000000000008  open       8h"), "{}", all[3]);
        assert!(all[21].starts_with("… (Enter shows all)"), "{}", all[21]);
    }
    // A character that steers a terminal reaches no cell, whoever forgot to escape it.
    model.read(id(7), "a\u{1b}[2Jb\u{9b}31m\u{7}\n");
    let backend = drawn(&mut model, 80, 24);
    let cells = backend.buffer().content().iter();
    assert!(cells.clone().count() == 80 * 24 && !cells.flat_map(|cell| cell.symbol().chars()).any(char::is_control));
}

#[test]
fn a_list_that_is_longer_than_the_screen_follows_the_cursor() {
    let mut model = inbox();
    model.list((0..200).map(|number| item(number, true)).collect());
    model.press(Key::Home);
    assert!(rows(&mut model, 80, 14)[2].starts_with(">* r-000000000000"));
    model.press(Key::End);
    let end = rows(&mut model, 80, 14);
    assert!(end[6].starts_with(">* r-0000000000c7") && end[2].starts_with(" * r-0000000000c3"), "{end:#?}");
    model.press(Key::Home);
    assert!(rows(&mut model, 80, 14)[2].starts_with(">* r-000000000000"));
}

#[test]
fn a_window_that_is_too_small_says_so_and_comes_back() {
    let mut model = inbox();
    let before = rows(&mut model, 80, 24);
    for (columns, height) in [(39, 24), (80, 11), (1, 1)] {
        let all = rows(&mut model, columns, height);
        assert!("the window is too small".starts_with(all[0].trim_end_matches('…')), "{all:?}");
    }
    assert_eq!(rows(&mut model, 80, 24), before);
}

#[test]
fn a_patch_is_told_apart_by_its_signs_and_by_colour() {
    let mut model = inbox();
    model.read_patch(id(2), "diff --git a/x b/x\n@@ -1 +1 @@\n-old\n+new\n same\n");
    let backend = drawn(&mut model, 80, 24);
    let colour = |y| backend.buffer()[(0, y)].fg;
    assert_eq!((colour(3), colour(4), colour(5)), (Color::Red, Color::Green, Color::Reset));
    let all = rows(&mut model, 80, 24);
    assert_eq!(all[1..6], ["diff --git a/x b/x", "@@ -1 +1 @@", "-old", "+new", " same"]);
}

#[test]
fn a_reason_is_shown_as_it_is_typed_and_what_it_does() {
    let mut model = inbox();
    model.press(Key::Char('r'));
    "not yet".chars().for_each(|c| drop(model.press(Key::Char(c))));
    let all = rows(&mut model, 80, 14);
    assert_eq!(all[0], " jit inbox: payments: reject r-000000000002                                 bob");
    assert!(all.contains(&"> not yet_".to_owned()) && all.contains(&"It must be given.".to_owned()), "{all:#?}");
    assert!(all[1].starts_with("No push with this commit is let in until you revoke this"), "{all:#?}");
}
