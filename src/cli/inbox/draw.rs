//! Makes a picture of the inbox: rows of text, of which only the place on the screen is the terminal's affair. No meaning is carried by colour alone.

use super::model::{Model, NEXT_ROWS, Verdict, View};
use super::page::{Page, Row, Tone, fit, width, wrapped};
use ratatui::Frame;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

/// The narrowest screen that is drawn.
const NARROWEST: usize = 40;
const LOWEST: usize = 12;

const BAR: Style = Style::new().add_modifier(Modifier::REVERSED);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const PLAIN: Style = Style::new();

const LIST_KEYS: &str = "Enter read  d diff  a approve  r reject  g look again  q quit";
const CONTEXT_KEYS: &str = "up/down/space scroll  d diff  a approve  r reject  q back";
const PATCH_KEYS: &str = "up/down/space scroll  Enter all  a approve  r reject  q back";
const TROUBLE_KEYS: &str = "up/down/space scroll  q back";
const REASON_KEYS: &str = "Enter go on to what is signed  Esc back";
const CONFIRM_KEYS: &str = "up/down/space scroll  y sign  n do not";

/// Draws `model`; where it leaves the cursor says where one types.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let rows = picture(model);
    let area = frame.area();
    for (y, row) in (area.y..area.bottom()).zip(rows) {
        frame.buffer_mut().set_line(area.x, y, &row, area.width);
    }
}

/// Returns the rows of the screen, each as wide as it.
pub(super) fn picture(model: &Model) -> Vec<Line<'static>> {
    if model.width < NARROWEST || model.height < LOWEST {
        let mut rows = vec![line("the window is too small", model.width, PLAIN)];
        rows.resize(model.height.max(1), line("", model.width, PLAIN));
        return rows;
    }
    match &model.view {
        View::List => list(model),
        View::Context(id, page) => text(model, &format!("request {id}"), page, &model.note, CONTEXT_KEYS),
        View::Patch(id, page) => text(model, &format!("what {id} changes"), page, &model.note, PATCH_KEYS),
        View::Trouble(page) => text(model, "this did not work", page, &model.note, TROUBLE_KEYS),
        View::Confirm { id, question, page } => {
            let asked = if model.note.is_empty() { question } else { &model.note };
            text(model, &format!("to be signed for {id}"), page, asked, CONFIRM_KEYS)
        }
        View::Reason { id, verdict, wanted, input } => {
            let title = format!("{} {id}", verdict.word());
            reason(model, &title, *verdict, *wanted, input.text())
        }
    }
}

fn line(text: &str, columns: usize, style: Style) -> Line<'static> {
    Line::styled(fit(text, columns), style)
}

/// The first row: what is shown, whose repository it is, and who looks.
fn title(model: &Model, what: &str) -> Line<'static> {
    let who = model.viewer.as_ref().map(|who| format!("{who} ")).unwrap_or_default();
    let left = format!(" jit inbox: {}: {what}", model.title);
    let room = model.width.saturating_sub(width(&who) + 1);
    Line::styled(format!("{} {who}", fit(&left, room)), BAR)
}

fn list(model: &Model) -> Vec<Line<'static>> {
    let mine = model.items.iter().filter(|item| item.mine).count();
    let what = match model.items.len() {
        0 => "nothing waits".to_owned(),
        1 => format!("1 request waits, {mine} for you"),
        many => format!("{many} requests wait, {mine} for you"),
    };
    let columns = Columns::of(model.width);
    let mut rows = vec![title(model, &what)];
    rows.push(line(&columns.row(" ", ["request", "state", "for", "by", "what"]), model.width, BOLD));
    let room = model.list_height();
    let top = (model.at + 1).saturating_sub(room);
    for (number, item) in model.items.iter().enumerate().skip(top).take(room) {
        let mark = if item.mine { "*" } else { " " };
        let id = item.id.to_string();
        let cells = [&*id, item.state, &item.age, &item.requester, &item.what];
        let is_chosen = number == model.at;
        let mark = format!("{}{mark}", if is_chosen { ">" } else { " " });
        rows.push(line(&columns.row(&mark, cells), model.width, if is_chosen { BAR } else { PLAIN }));
    }
    rows.resize(2 + room, line("", model.width, PLAIN));
    rows.push(line(&"-".repeat(model.width), model.width, PLAIN));
    rows.extend(next(model));
    rows.push(line(&model.note, model.width, BOLD));
    rows.push(line(&format!(" {LIST_KEYS}"), model.width, BAR));
    rows
}

/// What the chosen request waits for, in so many rows.
fn next(model: &Model) -> Vec<Line<'static>> {
    let words = model.chosen().map_or_else(
        || "What others ask you to approve, and what waits for others, is listed here.".to_owned(),
        |item| item.next.clone(),
    );
    let mut all = wrapped(&words, model.width);
    if all.len() > NEXT_ROWS {
        all.truncate(NEXT_ROWS - 1);
        all.push("… (Enter shows all)".to_owned());
    }
    all.resize(NEXT_ROWS, String::new());
    all.iter().map(|row| line(row, model.width, PLAIN)).collect()
}

fn text(model: &Model, what: &str, page: &Page, note: &str, keys: &str) -> Vec<Line<'static>> {
    let mut rows = vec![title(model, what)];
    rows.extend(page.shown().iter().map(|row| toned(row, model.width)));
    rows.resize(model.height - 2, line("", model.width, PLAIN));
    rows.push(line(note, model.width, BOLD));
    let position = page.position().map(|position| format!(" {position} ")).unwrap_or_default();
    let room = model.width.saturating_sub(width(&position));
    rows.push(Line::styled(format!("{}{position}", fit(&format!(" {keys}"), room)), BAR));
    rows
}

fn toned(row: &Row, columns: usize) -> Line<'static> {
    let style = match row.tone {
        Tone::Plain => PLAIN,
        Tone::Added => PLAIN.fg(Color::Green),
        Tone::Removed => PLAIN.fg(Color::Red),
        Tone::Heading => BOLD,
    };
    line(&row.text, columns, style)
}

fn reason(model: &Model, what: &str, verdict: Verdict, wanted: bool, typed: &str) -> Vec<Line<'static>> {
    let need = if wanted { "It must be given." } else { "It may be empty." };
    let effect = match verdict {
        Verdict::Approve => "Your approval counts for this commit and target alone.",
        Verdict::Reject => "No push with this commit is let in until you revoke this, for 30 days at most.",
    };
    let asks = [effect, "", "Why? Everybody who can see the repository can read it, and it is signed.", need, ""];
    let mut rows = vec![title(model, what)];
    rows.extend(asks.iter().flat_map(|ask| wrapped(ask, model.width)).map(|row| line(&row, model.width, PLAIN)));
    let room = (model.height - 2).saturating_sub(rows.len());
    let all = wrapped(&format!("> {typed}_"), model.width);
    // The end is where one types.
    rows.extend(all.iter().skip(all.len().saturating_sub(room)).map(|row| line(row, model.width, BOLD)));
    rows.resize(model.height - 2, line("", model.width, PLAIN));
    rows.push(line(&model.note, model.width, BOLD));
    rows.push(line(&format!(" {REASON_KEYS}"), model.width, BAR));
    rows
}

/// How wide the columns of the list are.
struct Columns([usize; 5]);

impl Columns {
    fn of(width: usize) -> Self {
        let fixed = [14, 9, 4];
        let rest = width.saturating_sub(2 + fixed.iter().sum::<usize>() + 2 * 4 + 1);
        let by = (rest / 3).clamp(8, 40);
        Self([fixed[0], fixed[1], fixed[2], by, rest.saturating_sub(by)])
    }

    fn row(&self, mark: &str, cells: [&str; 5]) -> String {
        let cells: Vec<String> = cells.iter().zip(self.0).map(|(cell, columns)| fit(cell, columns)).collect();
        format!("{} {}", fit(mark, 2), cells.join("  "))
    }
}
