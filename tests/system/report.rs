//! The report in a real browser, headless: it is drawn in both schemes and at two widths, says nothing on the console, and asks for nothing.

use crate::support::{ALICE, BOB, Guarded as _, MAIN, TestRepo};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const RULES: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";

/// Opens a page in the browser, which finds no other machine. Returns what was written to the console and which addresses the page asked for.
fn chromium(folder: &Path, dark: bool, width: u32, picture: &Path, page: &Path) -> (String, Vec<String>) {
    let mut chromium = Command::new("chromium");
    let log = picture.with_extension("json");
    chromium
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", folder)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"])
        .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=5000"])
        .arg(format!("--user-data-dir={}", folder.join(format!("profile-{dark}-{width}")).display()))
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-extensions"])
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!dark)))
        .arg(format!("--window-size={width},2000"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{}", page.display()));
    let output = chromium.output().expect("these tests need `chromium`");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let console: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    (console.join("\n"), asked_by_page(&log))
}

/// The addresses in the browser's log of its network that a page asked for: of what the browser wants for itself nothing is the origin.
fn asked_by_page(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).expect("a log");
    let log: Value = serde_json::from_str(&text).expect("JSON");
    let events = log["events"].as_array().expect("a list");
    assert!(!events.is_empty(), "nothing was logged");
    let asked = |event: &Value| {
        let by = event["params"]["initiator"].as_str()?;
        (by != "not an origin").then(|| event["params"]["url"].to_string())
    };
    events.iter().filter_map(asked).collect()
}

/// Width and height of a PNG, and how many bytes it has.
fn size(picture: &Path) -> (u32, u32, usize) {
    let bytes = fs::read(picture).expect("a picture");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20), bytes.len())
}

#[test]
fn the_report_is_drawn_in_both_schemes_and_at_two_widths_and_asks_for_nothing() {
    let repo = TestRepo::new(RULES);
    for path in ["a", "b"] {
        let commit = repo.commit(ALICE, &[path]);
        repo.refused(ALICE, &["HEAD:refs/heads/main"], &["needs"]);
        repo.approve(BOB, commit, MAIN);
        repo.accepted(ALICE, &["HEAD:refs/heads/main"]);
    }
    repo.commit(ALICE, &["c"]);
    repo.refused(ALICE, &["HEAD:refs/heads/main"], &["needs"]);
    let (page, figures) = (repo.path("report.html"), repo.path("figures"));
    let server = repo.server();
    let text = |path: &Path| path.to_str().expect("a text").to_owned();
    let said = repo.jit(&["report", &text(&server), "--html", &text(&page), "--csv", &text(&figures)]);
    assert!(said.succeeded(), "{}", said.err);
    let queue = fs::read_to_string(figures.join("queue.csv")).expect("figures");
    assert!(queue.contains("up to 1h,1\n"), "{queue}");

    let home = repo.path("browser");
    fs::create_dir(&home).expect("a folder");
    let mut pictures = Vec::new();
    for dark in [false, true] {
        for width in [390, 1_400] {
            let picture = repo.path(&format!("report-{dark}-{width}.png"));
            let (console, asked) = chromium(&home, dark, width, &picture, &page);
            assert_eq!((console.as_str(), asked), ("", Vec::new()));
            let (drawn, height, bytes) = size(&picture);
            assert_eq!((drawn, height), (width, 2_000));
            assert!(bytes > 20_000, "an empty page: {bytes} bytes");
            pictures.push(fs::read(&picture).expect("a picture"));
        }
    }
    assert_ne!(pictures[0], pictures[2], "dark is not light");

    // The same browser does ask, and does complain, where a page gives it reason to: the two checks above can fail.
    let bad = repo.path("bad.html");
    fs::write(&bad, "<img src=\"http://example.com/x.png\"><script>console.log('said')</script>").expect("written");
    let (console, asked) = chromium(&home, false, 391, &repo.path("bad.png"), &bad);
    assert!(console.contains("said"), "{console}");
    assert_eq!(asked, ["\"http://example.com/x.png\""]);
}
