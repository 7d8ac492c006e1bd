//! `[[notify]]`: what is wrong is said with its line, everything at once.

use crate::support::TestRepo;
use jit::adapters::notify::read;

/// The number of the line that faults should name: the places stand below two others.
const BEFORE: &str = "repository = \"payments@5f0c\"\n\n";

#[test]
fn each_fault_names_its_line() {
    let place = |rest: &str| format!("[[notify]]\nname = \"a\"\n{rest}");
    let mail =
        "kind = \"email\"\nsmtp = \"smtps://mail.example.com\"\nfrom = \"jit@example.com\"\nto = [\"role:dba\"]\n";
    let cases = [
        (place("kind = \"pigeon\"\n"), 5, "pigeon"),
        (place("kind = \"slack\"\nurl = \"http://x\"\nroom = \"x\"\n"), 7, "room"),
        (place("kind = \"slack\"\n"), 3, "url, url_file or url_env is missing"),
        (place("kind = \"slack\"\nurl = \"ftp://x\"\n"), 3, "not an http or https address"),
        (place("kind = \"slack\"\nurl = \"http://x\"\nurl_file = \"/x\"\n"), 3, "url is given twice"),
        (place("kind = \"slack\"\nurl_file = \"x\"\n"), 3, "not an absolute path"),
        (place("kind = \"slack\"\nurl = \"http://x\"\nsecret_env = \"X\"\n"), 3, "secret_env is not for this kind"),
        (place("kind = \"webhook\"\nurl = \"http://x\"\ntemplate = \"/x\"\n"), 3, "template is not for this kind"),
        (place("kind = \"slack\"\nurl = \"http://x\"\nevents = [\"open\"]\n"), 3, "events: an event is one of opened,"),
        (place("kind = \"slack\"\nurl = \"http://x\"\nroles = [\"D B A\"]\n"), 3, "roles: a name is made of"),
        (place("kind = \"slack\"\nurl = \"http://x\"\nremind = \"0s\"\n"), 3, "remind: from 1m to 30days"),
        (place("kind = \"slack\"\nurl = \"http://x\"\nremind = \"daily\"\n"), 3, "remind: "),
        (place("kind = \"slack\"\nurl = \"http://x\"\nevents = [\"reminder\"]\n"), 3, "remind: how often is missing"),
        (place("kind = \"slack\"\nurl = \"http://x\"\ntimeout = \"2m\"\n"), 3, "timeout: from 1s to 1m"),
        (place("kind = \"command\"\nargv = []\n"), 3, "argv: the program is missing"),
        (place("kind = \"command\"\nargv = [\"mail\"]\n"), 3, "not an absolute path"),
        (place("kind = \"email\"\nfrom = \"a@b.example\"\nto = []\n"), 3, "smtp is missing"),
        (place(&mail.replace("smtps://", "https://")), 3, "not smtps://HOST"),
        (place(&mail.replace("mail.example.com", "u:p@mail.example.com")), 3, "not smtps://HOST"),
        (place(&mail.replace("smtps://", "smtp+local://")), 3, "not smtps://HOST"),
        (place(&mail.replace("jit@example.com", "jit")), 3, "from: "),
        (place(&mail.replace("jit@example.com", "jit@example.com\\nBcc: m@example.com")), 3, "from: "),
        (place(&mail.replace("role:dba", "a@b.example\\r\\nBcc: m@example.com")), 3, "to: "),
        (place(&format!("{mail}user = \"jit\"\n")), 3, "user and password belong together"),
        (place("kind = \"slack\"\nurl = \"http://x\"\n").repeat(2), 7, "two places have the name `a`"),
        ("[[notify]\n".to_owned(), 3, ""),
    ];
    for (text, line, what) in cases {
        let faults = read("config.toml".into(), &format!("{BEFORE}{text}")).expect_err(&text);
        let found = faults.found.iter().any(|(at, words)| *at == line && words.contains(what));
        assert!(found, "{what}: {:?}\n{text}", faults.found);
        assert!(faults.to_string().starts_with(&format!("config.toml:{line}: ")), "{faults}");
    }
    let two = place("kind = \"slack\"\n")
        + &place("kind = \"command\"\nargv = [\"x\"]\nevents = [\"x\"]\n").replace("\"a\"", "\"b\"");
    assert_eq!(read("config.toml".into(), &two).expect_err("faults").found.len(), 3);
}

#[test]
fn installing_again_keeps_the_places() {
    let repo = TestRepo::new("");
    let text = "[[notify]]\nname = \"a\"\nkind = \"slack\"\nurl = \"http://127.0.0.1:9/\"\nlabels = { Severity = [\"high\"] }\n";
    crate::desk::set_places(&repo, text);
    let path = crate::support::Guarded::jit_path(&repo, "config.toml");
    let before = std::fs::read_to_string(&path).expect("settings");
    let server = repo.server();
    let said = repo.jit(&["install", server.to_str().expect("a plain path")]);
    assert!(said.succeeded(), "{}", said.err);
    let after = std::fs::read_to_string(&path).expect("settings");
    let places = |text: &str| read("config.toml".into(), text).expect("places");
    assert_eq!(places(&before), places(&after));
    assert_eq!(places(&after).len(), 1);
}
