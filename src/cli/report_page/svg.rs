//! Draws plots as SVG: no script, no font and no picture from elsewhere; each mark says its value when it is pointed at.

use super::plot::{Plot, Shape, Unit};
use std::fmt::Write as _;

/// The width of every plot, in its own units; the page scales it.
const WIDTH: f64 = 480.0;
/// The height of columns, without what stands above and below.
const HEIGHT: f64 = 200.0;
/// What the names of bars take.
const NAMES: f64 = 136.0;
/// What a value behind a bar takes.
const VALUES: f64 = 64.0;
/// What the numbers of an upright axis take.
const TICKS: f64 = 64.0;
/// The height of one bar.
const BAR: f64 = 15.0;
/// What legend and the title of the axis above take.
const TOP: f64 = 46.0;
/// What the axis below takes.
const BOTTOM: f64 = 42.0;
/// The longest name that is written out.
const LONGEST: usize = 17;

/// Escapes a text for HTML and SVG, as content and between double quotes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No character of a text is one that XML forbids.
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Draws a plot that has rows.
pub fn draw(plot: &Plot) -> String {
    let mut svg = Svg::default();
    let height = match plot.shape {
        Shape::Columns => TOP + HEIGHT + BOTTOM,
        Shape::Bars => TOP + bars_height(plot) + BOTTOM,
    };
    let Plot { id, title, note, .. } = plot;
    svg.raw(&format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{} The table below has the values.</desc>",
        escape(title),
        escape(note)
    ));
    svg.legend(plot);
    match plot.shape {
        Shape::Columns => columns(&mut svg, plot),
        Shape::Bars => bars(&mut svg, plot),
    }
    svg.raw("</svg>");
    svg.text
}

fn bars_height(plot: &Plot) -> f64 {
    plot.drawn().len() as f64 * group(plot)
}

/// The height of one category of bars.
fn group(plot: &Plot) -> f64 {
    BAR * plot.series.len() as f64 + 9.0
}

fn bars(svg: &mut Svg, plot: &Plot) {
    let (ticks, top) = scale(plot.largest(), plot.unit);
    let (room, height) = (WIDTH - NAMES - VALUES, bars_height(plot));
    let x = |number: u64| NAMES + room * number as f64 / top as f64;
    svg.words("axis-title", 0.0, TOP - 8.0, "start", plot.category);
    for tick in ticks {
        svg.line("grid", x(tick), TOP, x(tick), TOP + height);
        svg.words("tick", x(tick), TOP + height + 17.0, "middle", &plot.unit.written(tick));
    }
    svg.line("axis", NAMES, TOP, NAMES, TOP + height);
    svg.words("axis-title", NAMES + room / 2.0, TOP + height + 36.0, "middle", quantity(plot));
    for (row, (name, numbers)) in plot.drawn().iter().enumerate() {
        let y = TOP + row as f64 * group(plot) + 4.0;
        svg.raw(&format!("<g><title>{}</title>", escape(name)));
        svg.words("name", NAMES - 6.0, y + (group(plot) - 9.0) / 2.0 + 4.5, "end", &short(name));
        svg.raw("</g>");
        for (series, number) in numbers.iter().enumerate() {
            let Some(number) = *number else { continue };
            let y = y + BAR * series as f64;
            svg.mark(plot, name, series, number, [NAMES, y, x(number) - NAMES, BAR - 2.0]);
            svg.words("value", x(number) + 4.0, y + BAR - 4.0, "start", &plot.unit.written(number));
        }
    }
}

fn columns(svg: &mut Svg, plot: &Plot) {
    let (ticks, top) = scale(plot.largest(), plot.unit);
    let rows = plot.drawn();
    let (room, bottom) = (WIDTH - TICKS - 8.0, TOP + HEIGHT);
    let y = |number: u64| bottom - HEIGHT * number as f64 / top as f64;
    svg.words("axis-title", 0.0, TOP - 12.0, "start", quantity(plot));
    for tick in ticks {
        svg.line("grid", TICKS, y(tick), WIDTH - 8.0, y(tick));
        svg.words("tick", TICKS - 6.0, y(tick) + 4.5, "end", &plot.unit.written(tick));
    }
    svg.line("axis", TICKS, bottom, WIDTH - 8.0, bottom);
    svg.words("axis-title", TICKS + room / 2.0, bottom + 36.0, "middle", plot.category);
    let place = (room / rows.len() as f64).min(48.0);
    let width = (place * 0.84 / plot.series.len() as f64).max(0.8);
    // One name in so many, so that none runs into the next.
    let step = ((84.0 / place).ceil() as usize).max(1);
    for (row, (name, numbers)) in rows.iter().enumerate() {
        let x = TICKS + 4.0 + row as f64 * place;
        if row % step == 0 && x + 40.0 < WIDTH {
            svg.words("tick", x, bottom + 17.0, "start", name);
        }
        for (series, number) in numbers.iter().enumerate() {
            let Some(number) = *number else { continue };
            svg.mark(plot, name, series, number, [x + width * series as f64, y(number), width, bottom - y(number)]);
        }
    }
}

fn quantity(plot: &Plot) -> &'static str {
    match plot.unit {
        Unit::Time => "length of time",
        Unit::Count => "how many",
    }
}

/// Chooses about four numbers from 0 on that are round in their unit, and the end of the axis.
fn scale(largest: u64, unit: Unit) -> (Vec<u64>, u64) {
    let steps: &[u64] = match unit {
        Unit::Time => &[1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800],
        Unit::Count => &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000],
    };
    let fits = |step: &&u64| largest.div_ceil(**step) <= 4;
    let coarsest = steps[steps.len() - 1];
    let step = steps.iter().find(fits).copied().unwrap_or_else(|| largest.div_ceil(4).next_multiple_of(coarsest));
    let top = largest.max(1).next_multiple_of(step);
    ((0..=top / step).map(|tick| tick * step).collect(), top)
}

fn short(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[derive(Default)]
struct Svg {
    text: String,
}

impl Svg {
    fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn line(&mut self, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
        write!(self.text, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>")
            .expect("a String grows");
    }

    fn words(&mut self, class: &str, x: f64, y: f64, anchor: &str, words: &str) {
        let words = escape(words);
        write!(self.text, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>")
            .expect("a String grows");
    }

    /// A rectangle at x, y, of some width and height, that says its value.
    fn mark(&mut self, plot: &Plot, name: &str, series: usize, number: u64, [x, y, width, height]: [f64; 4]) {
        let (value, of) = (plot.unit.written(number), plot.series[series]);
        let title = escape(&format!("{name}, {of}: {value}"));
        write!(
            self.text,
            "<rect class=\"mark s{series}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{title}</title></rect>",
            width.max(0.8),
            height.max(0.8)
        )
        .expect("a String grows");
    }

    /// Says which colour is what, where there are several.
    fn legend(&mut self, plot: &Plot) {
        if plot.series.len() < 2 {
            return;
        }
        let mut x = if plot.shape == Shape::Bars { NAMES } else { TICKS };
        for (series, name) in plot.series.iter().enumerate() {
            write!(self.text, "<rect class=\"s{series}\" x=\"{x:.1}\" y=\"4\" width=\"11\" height=\"11\"/>")
                .expect("a String grows");
            self.words("legend", x + 16.0, 14.0, "start", name);
            x += 34.0 + 8.4 * name.len() as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_from_outside_becomes_markup() {
        let cases = [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\" onload='x' & more", "&quot; onload=&#39;x&#39; &amp; more"),
            ("a\u{0}b\u{1b}c", "a\u{fffd}b\u{fffd}c"),
            ("refs/heads/é", "refs/heads/é"),
        ];
        for (text, escaped) in cases {
            assert_eq!(escape(text), escaped);
        }
    }

    #[test]
    fn an_axis_has_round_numbers_up_to_the_largest() {
        let cases = [
            (0, Unit::Count, vec![0, 1]),
            (3, Unit::Count, vec![0, 1, 2, 3]),
            (7, Unit::Count, vec![0, 2, 4, 6, 8]),
            (41, Unit::Count, vec![0, 20, 40, 60]),
            (9_999, Unit::Count, vec![0, 3_000, 6_000, 9_000, 12_000]),
            (500, Unit::Time, vec![0, 300, 600]),
            (183_610, Unit::Time, vec![0, 86_400, 172_800, 259_200]),
        ];
        for (largest, unit, ticks) in cases {
            let (found, top) = scale(largest, unit);
            assert_eq!((found.as_slice(), Some(&top)), (&ticks[..], ticks.last()), "{largest}");
        }
        let (ticks, top) = scale(u64::MAX / 2, Unit::Time);
        assert!(ticks.len() <= 6 && top >= u64::MAX / 2, "{ticks:?}");
    }
}
