//! Templates of administrators, and `jit notify test`.

use crate::desk::{notify, repo, set_places};
use crate::payloads::{chat, hostile, notifier};
use crate::server::{Answer, Server};
use crate::support::Guarded as _;
use jit::domain::notify::Event;
use std::fs;

#[test]
fn a_template_of_ones_own_is_escaped_as_the_built_in_one_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("template");
    fs::write(&path, "*{{ title }}* {{ notice.requester }} {{ notice.requester|code }} {{ notice.about.target }}")
        .expect("written");
    let cases = [
        ("slack", "&lt;!channel&gt; @all *bold* `code`", "`&lt;!channel&gt; @all *bold* 'code'"),
        ("mattermost", "\\<\\!channel\\> @\u{2060}all \\*bold\\*", "`<!channel> @all *bold* 'code'"),
    ];
    for (kind, escaped, code) in cases {
        let settings = chat(kind) + &format!("template = {path:?}\n");
        let body = notifier(&settings).preview(&hostile(Event::Opened)).expect("a body");
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let text = if kind == "slack" { &body["blocks"][1]["text"]["text"] } else { &body["attachments"][0]["text"] };
        let text = text.as_str().expect("a text");
        assert!(text.starts_with('*') && text.contains(escaped) && text.contains(code), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.ends_with("main"), "{text}");
    }
}

#[test]
fn trying_the_places_finds_templates_that_do_not_work() {
    let server = Server::new(Answer::Status(200));
    let repo = repo("");
    let path = repo.path("template");
    let place =
        format!("[[notify]]\nname = \"chat\"\nkind = \"slack\"\nurl = {:?}\ntemplate = {path:?}\n", server.url(""));
    set_places(&repo, &place);
    let cases = [
        ("{% for fact in facts %}", "unexpected end"),
        ("{{ notice.nothing.there }}", "undefined"),
        ("{{ title|upper }} {{ title|safe }}", "safe"),
        ("{% include \"/etc/passwd\" %}", ""),
        ("{% for a in range(1000) %}{% for b in range(1000) %}{{ a }}{% endfor %}{% endfor %}", "fuel"),
        ("{% if %}", ""),
    ];
    for (text, why) in cases {
        fs::write(&path, text).expect("written");
        let said = notify(&repo, "test", &[]);
        assert_eq!(said.code, Some(1), "{text}: {}", said.err);
        assert!(said.err.contains("chat: not taken") && said.err.contains(why), "{text}: {}", said.err);
    }
    fs::remove_file(&path).expect("removed");
    assert!(notify(&repo, "test", &[]).err.contains("cannot be read"));
    assert!(server.received().is_empty(), "what does not work was sent");
    fs::write(&path, "{{ title }} <https://example.com|more>\n").expect("written");
    let said = notify(&repo, "test", &[]);
    assert_eq!((said.code, said.text().as_str()), (Some(0), "chat: taken"), "{}", said.err);
    let text = server.received()[0].json()["blocks"][1]["text"]["text"].clone();
    assert_eq!(text, "this is a test: notices arrive here <https://example.com|more>");
}

#[test]
fn a_dry_run_shows_what_would_be_sent_and_sends_nothing() {
    let server = Server::new(Answer::Status(200));
    let repo = repo(&crate::desk::webhook("hook", &server.url("")));
    let said = notify(&repo, "test", &["--dry-run"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.text().contains("\"event\":\"test\""), "{}", said.text());
    assert!(server.received().is_empty());
    assert_eq!(notify(&repo, "test", &["--sink", "nobody"]).code, Some(2));
}

#[test]
fn a_command_gets_the_notice_on_its_standard_input() {
    let repo = repo("");
    let (file, marker) = (repo.path("got"), "$(touch pwned) `x` ; \"'");
    let script = format!("cat > {}; printf '%s' \"$1\" >&2; exit ${{2:-0}}", file.display());
    let place = |code: &str| {
        let argv = serde_json::json!(["/bin/sh", "-c", script, "sh", marker, code]);
        format!("[[notify]]\nname = \"run\"\nkind = \"command\"\nargv = {argv}\n")
    };
    set_places(&repo, &place("0"));
    assert_eq!(notify(&repo, "test", &[]).code, Some(0));
    let got: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("it ran")).expect("JSON");
    assert_eq!((&got["event"], &got["schema"]), (&"test".into(), &"jit-notice/1".into()));
    set_places(&repo, &place("3"));
    let said = notify(&repo, "test", &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("exit status: 3") && said.err.contains(marker), "{}", said.err);
    set_places(&repo, "[[notify]]\nname = \"run\"\nkind = \"command\"\nargv = [\"/nowhere/at/all\"]\n");
    assert!(notify(&repo, "test", &[]).err.contains("could not be run"));
    // One that reads nothing and leaves somebody behind who holds its pipes is done when it ends.
    set_places(
        &repo,
        "[[notify]]\nname = \"run\"\nkind = \"command\"\nargv = [\"/bin/sh\", \"-c\", \"sleep 50 & exit 0\"]\n",
    );
    assert_eq!(notify(&repo, "test", &[]).code, Some(0));
    assert!(repo.jit_path("notify").symlink_metadata().is_err(), "a try left something behind");
}

#[test]
fn the_doctor_says_what_keeps_people_from_being_told() {
    let repo = repo("[[notify]]\nname = \"chat\"\nkind = \"slack\"\n");
    let server = repo.server();
    let doctor = || repo.jit(&["doctor", server.to_str().expect("a plain path")]);
    let said = doctor();
    assert!(said.succeeded(), "{}", said.text());
    assert!(
        said.text().contains("nobody is told anything") && said.text().contains("url_env is missing"),
        "{}",
        said.text()
    );
    set_places(&repo, &chat("slack"));
    assert!(doctor().text().contains("notices go to 1 place"), "{}", doctor().text());
}
