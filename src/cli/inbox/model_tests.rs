//! What each key does where.

use super::model::{Effect, Item, Key, Model, Verdict, View};
use crate::domain::request::RequestId;
use proptest::prelude::*;

/// The request of a number.
pub(super) fn id(number: u8) -> RequestId {
    RequestId::parse(&format!("r-{number:012x}")).expect("an id")
}

/// A request in the list.
pub(super) fn item(number: u8, mine: bool) -> Item {
    Item {
        id: id(number),
        mine,
        state: "open",
        age: format!("{number}h"),
        requester: "alice".to_owned(),
        what: "update refs/heads/main".to_owned(),
        next: "`review` needs 1 approval from `leads`; can sign: bob".to_owned(),
        wants_reason: false,
    }
}

/// An inbox of bob with three requests, of which the second and third wait for him.
pub(super) fn inbox() -> Model {
    let mut model = Model::new("payments".to_owned(), Some("bob".to_owned()));
    model.resize(80, 24);
    model.list(vec![item(1, false), item(2, true), item(3, true)]);
    model
}

fn name(model: &Model) -> String {
    match &model.view {
        View::List => format!("list {}", model.chosen().map_or(String::new(), |item| item.id.to_string())),
        View::Context(id, _) => format!("context {id}"),
        View::Patch(id, _) => format!("patch {id}"),
        View::Trouble(_) => "trouble".to_owned(),
        View::Reason { id, verdict, input, .. } => format!("{} {id}: {}", verdict.word(), input.text()),
        View::Confirm { id, .. } => format!("confirm {id}"),
    }
}

/// Presses keys: a character for itself, `<` for Escape, `>` for Enter, `-` for Backspace, `v` and `^` for the arrows.
fn press(model: &mut Model, keys: &str) -> Effect {
    let mut effect = Effect::Nothing;
    for c in keys.chars() {
        effect = model.press(match c {
            '<' => Key::Escape,
            '>' => Key::Enter,
            '-' => Key::Backspace,
            'v' => Key::Down,
            '^' => Key::Up,
            c => Key::Char(c),
        });
    }
    effect
}

fn prepare(number: u8, verdict: Verdict, reason: &str) -> Effect {
    Effect::Prepare { id: id(number), verdict, reason: reason.to_owned() }
}

#[test]
fn every_key_does_what_the_screen_says() {
    let cases: [(&str, Effect, &str); 22] = [
        ("", Effect::Nothing, "list r-000000000002"),
        ("v", Effect::Nothing, "list r-000000000003"),
        ("vvvvv", Effect::Nothing, "list r-000000000001"),
        ("v^^^", Effect::Nothing, "list r-000000000002"),
        ("jjk", Effect::Nothing, "list r-000000000003"),
        ("x", Effect::Nothing, "list r-000000000002"),
        ("y", Effect::Nothing, "list r-000000000002"),
        ("<", Effect::Nothing, "list r-000000000002"),
        ("q", Effect::Quit, "list r-000000000002"),
        ("g", Effect::Reload, "list r-000000000002"),
        (">", Effect::Read(id(2)), "list r-000000000002"),
        ("vd", Effect::Patch(id(3)), "list r-000000000003"),
        ("a", Effect::Nothing, "approve r-000000000002: "),
        ("aqy-n", Effect::Nothing, "approve r-000000000002: qn"),
        ("a<", Effect::Nothing, "list r-000000000002"),
        ("a>", prepare(2, Verdict::Approve, ""), "list r-000000000002"),
        ("a fine >", prepare(2, Verdict::Approve, "fine"), "list r-000000000002"),
        ("r", Effect::Nothing, "reject r-000000000002: "),
        ("r>", Effect::Nothing, "reject r-000000000002: "),
        ("r   >", Effect::Nothing, "reject r-000000000002:    "),
        ("rno>", prepare(2, Verdict::Reject, "no"), "list r-000000000002"),
        ("r\u{1b}[2J\u{202e}no\u{7}>", prepare(2, Verdict::Reject, "[2Jno"), "list r-000000000002"),
    ];
    for (keys, effect, view) in cases {
        let mut model = inbox();
        assert_eq!(press(&mut model, keys), effect, "{keys:?}");
        assert_eq!(name(&model), view, "{keys:?}");
    }
}

#[test]
fn in_a_text_keys_scroll_decide_and_go_back() {
    let long: String = (0..100).map(|number| format!("line {number}\n")).collect();
    let cases: [(&str, Effect, &str); 8] = [
        ("vvv", Effect::Nothing, "context r-000000000001"),
        ("q", Effect::Nothing, "list r-000000000002"),
        ("<", Effect::Nothing, "list r-000000000002"),
        ("d", Effect::Patch(id(1)), "context r-000000000001"),
        (">", Effect::Read(id(1)), "context r-000000000001"),
        ("a", Effect::Nothing, "approve r-000000000001: "),
        ("rno>", prepare(1, Verdict::Reject, "no"), "list r-000000000002"),
        ("y", Effect::Nothing, "context r-000000000001"),
    ];
    for (keys, effect, view) in cases {
        let mut model = inbox();
        model.read(id(1), &long);
        assert_eq!(press(&mut model, keys), effect, "{keys:?}");
        assert_eq!(name(&model), view, "{keys:?}");
    }
    let mut model = inbox();
    model.fail("error: nobody answers\n");
    assert_eq!((press(&mut model, "v"), name(&model)), (Effect::Nothing, "trouble".to_owned()));
    assert_eq!((press(&mut model, ">"), name(&model)), (Effect::Nothing, "list r-000000000002".to_owned()));
}

#[test]
fn nothing_is_signed_without_a_yes_to_a_text_that_was_shown_to_its_end() {
    let short = "jit-token/v1\nkind approve\n";
    let long: String = (0..60).map(|number| format!("line {number}\n")).collect();
    let cases: [(&str, &str, Effect, &str); 9] = [
        (short, "y", Effect::Sign, "list r-000000000002"),
        (short, "n", Effect::Nothing, "list r-000000000002"),
        (short, "<", Effect::Nothing, "list r-000000000002"),
        (short, "q", Effect::Nothing, "list r-000000000002"),
        (short, ">", Effect::Nothing, "confirm r-000000000002"),
        (short, "Yard", Effect::Nothing, "confirm r-000000000002"),
        (&long, "y", Effect::Nothing, "confirm r-000000000002"),
        (&long, " y", Effect::Nothing, "confirm r-000000000002"),
        (&long, "   y", Effect::Sign, "list r-000000000002"),
    ];
    for (signed, keys, effect, view) in cases {
        let mut model = inbox();
        model.ask(id(2), "approve this?".to_owned(), signed, "\nwhich means a lot\n");
        assert_eq!(press(&mut model, keys), effect, "{keys:?}");
        assert_eq!(name(&model), view, "{keys:?}");
    }
    // What was pasted is no answer.
    let mut model = inbox();
    model.ask(id(2), "approve this?".to_owned(), short, "");
    assert_eq!((model.paste("y\ny"), name(&model)), (Effect::Nothing, "confirm r-000000000002".to_owned()));
}

#[test]
fn a_reason_is_typed_or_pasted_in_one_line_and_asked_for_where_it_is_needed() {
    let mut model = inbox();
    press(&mut model, "r");
    model.paste("no:\nsee\tdocs\u{1b}[2J\r\n");
    assert_eq!(press(&mut model, ">"), prepare(2, Verdict::Reject, "no: see docs[2J"));

    let wants = Item { wants_reason: true, ..item(2, true) };
    model.list(vec![wants]);
    assert_eq!((press(&mut model, "a>"), name(&model)), (Effect::Nothing, "approve r-000000000002: ".to_owned()));
    model.paste("CHG-1");
    assert_eq!(press(&mut model, ">"), prepare(2, Verdict::Approve, "CHG-1"));

    let mut nobody = Model::new("payments".to_owned(), None);
    nobody.list(vec![item(1, false)]);
    assert_eq!((press(&mut nobody, "a"), name(&nobody)), (Effect::Nothing, "list r-000000000001".to_owned()));
    assert!(nobody.note.contains("nobody can sign here"), "{}", nobody.note);

    let mut endless = inbox();
    press(&mut endless, "r");
    endless.paste(&"é".repeat(5_000));
    let Effect::Prepare { reason, .. } = press(&mut endless, ">") else { panic!("a reason") };
    assert_eq!(reason.len(), 2_000, "what a token may say");
}

#[test]
fn the_list_is_for_whoever_looks_first_and_keeps_what_was_chosen() {
    let mut model = inbox();
    let order: Vec<_> = model.items.iter().map(|item| item.id.clone()).collect();
    assert_eq!(order, [id(2), id(3), id(1)]);
    press(&mut model, "vv");
    model.list(vec![item(1, true), item(4, true), item(2, false)]);
    assert_eq!(name(&model), "list r-000000000001");
    model.list(vec![item(4, false)]);
    assert_eq!(name(&model), "list r-000000000004");
    model.list(Vec::new());
    assert_eq!((press(&mut model, ">var^d"), name(&model)), (Effect::Nothing, "list ".to_owned()));
}

proptest! {
    #[test]
    fn only_a_yes_signs_and_only_after_asking(keys in "[a-z<>^ -]{0,40}", sizes in prop::collection::vec((1..200_usize, 1..60_usize), 0..4)) {
        let mut model = inbox();
        for (at, c) in keys.chars().enumerate() {
            if let Some((width, height)) = sizes.get(at) {
                model.resize(*width, *height);
            }
            let asked = matches!(model.view, View::Confirm { .. });
            match press(&mut model, &c.to_string()) {
                Effect::Sign => prop_assert!(asked && c == 'y'),
                Effect::Prepare { id, .. } => model.ask(id, "approve this?".to_owned(), "jit-token/v1\n", "so\n"),
                Effect::Read(id) => model.read(id, "text\n"),
                Effect::Patch(id) => model.read_patch(id, "+a\n-b\n"),
                _ => {}
            }
            prop_assert_eq!(super::draw::picture(&model).len(), model.height);
        }
    }
}
