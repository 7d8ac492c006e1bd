//! The page of the log with fixed times.

use super::{page, plots};
use crate::cli::figures::{Gathered, json};
use crate::domain::metrics::history::{NOW, at, everything, notices};
use crate::domain::name::{PrincipalId, RuleName};
use serde_json::Value;

fn gathered() -> Gathered {
    let mut figures = everything().figures(0, NOW, None);
    figures.logs[0].is_sound = Some(true);
    figures.notices = notices();
    Gathered { figures, key: None, since: None, now: at(NOW), faults: Vec::new() }
}

/// Each `<data value="…" title="…">` of the page: the place in the document and the value.
fn figures_of(page: &str) -> Vec<(String, String)> {
    let parts = page.split("<data value=\"").skip(1);
    let figure = |part: &str| {
        let (value, rest) = part.split_once('"')?;
        let place = rest.strip_prefix(" title=\"")?.split_once('"')?.0;
        Some((place.replace("&#x2f;", "/"), value.to_owned()))
    };
    parts.filter_map(figure).collect()
}

#[test]
fn the_page_says_what_json_says() {
    let found = gathered();
    let (page, document) = (page(&found).expect("a page"), json(&found));
    let figures = figures_of(&page);
    assert!(figures.len() > 40, "{figures:?}");
    for (place, value) in figures {
        let expected = match document.pointer(&place).expect("a place of the document") {
            Value::Null => String::new(),
            known => known.to_string(),
        };
        assert_eq!(value, expected, "{place}");
    }
    for plot in plots(&document) {
        let (_, table) = page.split_once(&format!("<table id=\"{}-values\">", plot.id)).expect("a table");
        let (table, _) = table.split_once("</table>").expect("its end");
        let told: Vec<&str> =
            table.split("<data value=\"").skip(1).filter_map(|part| Some(part.split_once('"')?.0)).collect();
        let number = |number: &Option<u64>| number.map_or(String::new(), |number| number.to_string());
        let expected: Vec<String> = plot.rows.iter().flat_map(|(_, numbers)| numbers.iter().map(number)).collect();
        assert_eq!(told, expected, "{}", plot.id);
        assert!(!told.is_empty(), "{}", plot.id);
    }
}

#[test]
fn the_page_fetches_and_runs_nothing() {
    let page = page(&gathered()).expect("a page");
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for word in ["<script", "http://", "https://", "url(", "@import", " src=", "onclick", "onload", "javascript:"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn no_text_from_outside_becomes_markup() {
    let mut found = gathered();
    found.figures.logs[0].repository = "<img src=x onerror=alert(1)>@00".to_owned();
    found.figures.paths.insert("\"><script>x</script>/**".to_owned(), 5);
    let page = page(&found).expect("a page");
    assert!(!page.contains("<img") && !page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;x"), "{page}");
}

#[test]
fn long_lists_are_drawn_in_part_and_stand_whole_in_the_table() {
    let mut found = gathered();
    for number in 0..50 {
        let who = PrincipalId::new(&format!("person-{number}")).expect("a name");
        found.figures.approvers.entry(who).or_default().decisions = number + 10;
        let rule = RuleName::new(&format!("rule-{number}")).expect("a name");
        *found.figures.overrides.used.entry(rule).or_default() = 1;
    }
    let page = page(&found).expect("a page");
    assert!(page.contains("person-49, decisions: 59") && !page.contains("person-0, decisions: 10"), "{page}");
    assert!(page.contains(">person-0<") && page.contains("33 more stand in the table."), "{page}");
}
