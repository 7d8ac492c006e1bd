//! Mail, to a real SMTP server with TLS and accounts: aiosmtpd, one pinned version in a virtual environment below `target/`.

use crate::desk::{happen, notify, set_places, status};
use crate::payloads::{hostile, notifier};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN, TestRepo, command, run};
use jit::domain::notify::Event;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const VERSION: &str = "1.4.6";
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/notify/fixtures/localhost.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/notify/fixtures/localhost.key");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/notify/fixtures/smtp_server.py");

/// Returns the Python that has aiosmtpd; several test processes may come here at once.
fn python() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(tmp).expect("target/tmp can be made");
    let lock = File::create(tmp.join("aiosmtpd.lock")).expect("target/tmp can be written");
    lock.lock().expect("locked");
    let folder = tmp.join(format!("aiosmtpd-{VERSION}"));
    if !folder.join("ready").exists() {
        let _ = fs::remove_dir_all(&folder);
        let must = |command: &mut Command| {
            let output = command.output().expect("these tests need python3 with venv and pip");
            assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        must(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        must(Command::new(folder.join("bin/pip")).args(["install", "--quiet", &format!("aiosmtpd=={VERSION}")]));
        fs::write(folder.join("ready"), "").expect("written");
    }
    folder.join("bin/python3")
}

struct MailServer {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl MailServer {
    fn new(mode: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = Command::new(python())
            .args(["-W", "ignore", SCRIPT, mode, CERTIFICATE, KEY])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a port");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the mail server says `{line}`"));
        Self { process, port, folder }
    }

    /// What it took, oldest first.
    fn taken(&self) -> Vec<Value> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(self.folder.path()).expect("a folder").flatten().map(|entry| entry.path()).collect();
        paths.sort();
        let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).expect("read")).expect("JSON");
        paths.iter().map(read).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A place for mail; the password stands in a file.
fn place(repo: &TestRepo, url: &str, to: &str, password: &str) -> String {
    let file = repo.path("password");
    fs::write(&file, password).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    format!(
        "[[notify]]\nname = \"mail\"\nkind = \"email\"\nsmtp = \"{url}\"\nfrom = \"jit <jit@example.com>\"\nto = [{to}]\n\
         user = \"jit\"\npassword_file = {file:?}\nevents = [\"opened\", \"landed\", \"policy-changed\"]\n"
    )
}

/// Runs `jit notify` with the test's certificate as the only one that is trusted, or none.
fn notify_trusting(repo: &TestRepo, arguments: &[&str], certificate: &str) -> crate::support::Said {
    let mut jit = command(crate::support::PROGRAM, &repo.path("home"), ALICE, 1);
    jit.env("SSL_CERT_FILE", certificate).arg("notify").args(arguments).arg(repo.server());
    run(jit, b"")
}

/// The lines of a message's header named `name`, unfolded.
fn header(message: &Value, name: &str) -> Option<String> {
    let text = message["message"].as_str().expect("a message").replace("\r\n ", " ");
    let head = text.split("\r\n\r\n").next()?.to_owned();
    let found: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect();
    assert!(found.len() <= 1, "{name} stands twice: {found:?}");
    found.first().map(|value| (*value).to_owned())
}

#[test]
fn mail_is_encrypted_authenticated_threaded_and_goes_to_whom_it_concerns() {
    for (mode, scheme) in [("tls", "smtps"), ("starttls", "smtp")] {
        let server = MailServer::new(mode);
        let repo = TestRepo::new(crate::desk::REVIEW);
        let url = format!("{scheme}://localhost:{}", server.port);
        let place = place(&repo, &url, "\"role:maintainers\", \"ops@example.com\"", "hunter2\n");
        // No hook delivers, for none would trust this server; what has happened is delivered afterwards.
        let deliver = || {
            set_places(&repo, &place);
            let said = notify_trusting(&repo, &["deliver"], CERTIFICATE);
            assert_eq!(said.code, Some(0), "{mode}: {} {}", said.text(), said.err);
            set_places(&repo, "");
        };
        let commit = repo.commit(ALICE, &["a"]);
        repo.refused(ALICE, &["HEAD:refs/heads/main"], &["`review`"]);
        deliver();
        for who in [BOB, CAROL] {
            repo.approve(who, commit, MAIN);
        }
        repo.accepted(ALICE, &["HEAD:refs/heads/main"]);
        deliver();
        let taken = server.taken();
        assert!(taken.iter().all(|one| one["tls"] == true && one["login"] == "jit"), "{taken:?}");
        let of = |event: &str| -> Vec<&Value> {
            taken.iter().filter(|one| header(one, "X-Jit-Event").as_deref() == Some(event)).collect()
        };
        let people = |mails: &[&Value]| {
            let mut people: Vec<String> =
                mails.iter().map(|one| one["to"][0].as_str().unwrap_or_default().to_owned()).collect();
            people.sort();
            people.join(" ")
        };
        let (opened, landed) = (of("opened"), of("landed"));
        assert_eq!(people(&opened), "bob@example.com carol@example.com ops@example.com");
        assert_eq!(people(&landed), "alice@example.com bob@example.com carol@example.com ops@example.com");
        let root = header(opened[0], "Message-ID").expect("an id");
        assert!(root.starts_with("<r-") && root.ends_with("@example.com>"), "{root}");
        assert_eq!(header(landed[0], "In-Reply-To"), Some(root.clone()));
        assert_eq!(header(landed[0], "References"), Some(root));
        assert_eq!(header(opened[0], "Auto-Submitted").as_deref(), Some("auto-generated"));
        let text = opened[0]["message"].as_str().expect("a message").replace("=\r\n", "");
        assert!(text.contains(&format!("jit sign {} --branch main", commit.hex())), "{text}");
        assert!(text.contains("text/plain") && text.contains("text/html"), "{text}");
    }
}

#[test]
fn mail_that_is_not_taken_waits_and_the_password_is_told_to_nobody() {
    let server = MailServer::new("tls");
    let repo = TestRepo::new(crate::desk::REVIEW);
    let url = format!("smtps://localhost:{}", server.port);
    let cases = [
        ("\"ops@example.com\"", "wrong-pass", CERTIFICATE, "did not take it"),
        ("\"ops@example.com\"", "hunter2", "/dev/null", "could not be reached"),
        ("\"gone@example.com\"", "hunter2", CERTIFICATE, "no such person"),
        ("\"role:nobody\"", "hunter2", CERTIFICATE, "nobody to send it to"),
    ];
    for (to, password, certificate, why) in cases {
        set_places(&repo, &place(&repo, &url, to, password));
        happen(&repo, 1);
        notify_trusting(&repo, &["deliver", "--now"], certificate);
        let found = status(&repo, "mail");
        assert!(found["error"].as_str().is_some_and(|error| error.contains(why)), "{why}: {found}");
        assert!(!found.to_string().contains(password), "{found}");
        assert!(server.taken().is_empty());
    }
    // One address that does not exist keeps nobody else from it.
    set_places(&repo, &place(&repo, &url, "\"gone@example.com\", \"ops@example.com\"", "hunter2"));
    notify_trusting(&repo, &["deliver", "--now"], CERTIFICATE);
    assert_eq!(status(&repo, "mail")["waiting"], 0);
    assert!(!server.taken().is_empty());
    assert_eq!(notify(&repo, "status", &[]).code, Some(0));
}

#[test]
fn nothing_from_outside_becomes_a_header_or_markup_of_a_mail() {
    let place = "[[notify]]\nname = \"mail\"\nkind = \"email\"\nsmtp = \"smtps://localhost\"\nfrom = \"jit@example.com\"\n\
                 to = [\"ops@example.com\"]\n";
    let text = notifier(place).preview(&hostile(Event::Opened)).expect("a message");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let head = head.replace("\r\n ", " ");
    let subjects: Vec<&str> = head.lines().filter(|line| line.starts_with("Subject:")).collect();
    assert_eq!(subjects.len(), 1, "{head}");
    assert!(!body.contains("<b>&amp;\n") && !body.contains("\u{1b}"), "{body}");
    let html = body.replace("=\r\n", "").replace("=3D", "=");
    let commit = "020202020202 &lt;!channel&gt; @all *bold* `code` &lt;b&gt;&amp;amp;";
    assert!(html.contains("<b>commits</b></td><td><code>12</code>") && html.contains(commit), "{html}");
    assert!(html.contains("&lt;!channel&gt; @all *bold* `code` &lt;b&gt;&amp;amp;"), "{html}");
}
