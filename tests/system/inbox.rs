//! The inbox in a real terminal, which tmux plays: what is on the screen at two sizes, and that a yes on it is a signature.
//!
//! The screens that are expected stand in `screens/`, with what differs from run to run written as zeros.

use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, BOB, CAROL, Guarded as _, PROGRAM, TestRepo};
use regex::Regex;
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const RULES: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n\
                     message = \"Read docs/review.md first.\"\n\
                     [[rule]]\nname = \"owner\"\nbranches = [\"topic\"]\nrequire = [{ role = \"owner\", approvals = 1 }]\n\
                     [roles.owner]\nmembers = [\"carol\"]\n";

/// How long a screen may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal in which the inbox runs.
struct Pane {
    prepare: Box<dyn Fn(&str) -> Command>,
    socket: PathBuf,
    /// The screens that are not what they were.
    changed: RefCell<Vec<String>>,
}

impl Pane {
    /// Opens the inbox in the folder and surroundings that `prepare` gives a program.
    fn open(socket: PathBuf, prepare: impl Fn(&str) -> Command + 'static) -> Self {
        let pane = Self { prepare: Box::new(prepare), socket, changed: RefCell::default() };
        pane.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", PROGRAM, "inbox"]);
        pane.tmux(&["set-option", "-g", "status", "off"]);
        pane.size(80, 24);
        pane
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut tmux = (self.prepare)("tmux");
        tmux.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").arg("-u").arg("-S").arg(&self.socket);
        let output = tmux.args(arguments).output().expect("these tests need `tmux`");
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn size(&self, columns: usize, rows: usize) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Presses a key by tmux's name for it.
    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits for a screen with these words.
    #[track_caller]
    fn wait_for(&self, words: &str) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(words) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "no `{words}` on\n{screen}");
            sleep(Duration::from_millis(50));
        }
    }

    /// Waits for a screen with these words, at 80 and at 200 columns, and compares both with what they were.
    #[track_caller]
    fn is_as_before(&self, name: &str, words: &str) {
        self.wait_for(words);
        for (columns, height) in [(200, 30), (80, 24)] {
            self.size(columns, height);
            // The new picture is there once its last row is.
            let start = Instant::now();
            let full = |screen: &str| {
                let rows: Vec<&str> = screen.lines().collect();
                rows.len() == height
                    && rows[0].contains("jit inbox")
                    && rows.last().is_some_and(|last| !last.trim().is_empty())
            };
            while !(full(&self.screen()) && self.screen().contains(words)) {
                assert!(start.elapsed() < PATIENCE, "at {columns} columns\n{}", self.screen());
                sleep(Duration::from_millis(50));
            }
            // Both captures agree: nothing is being drawn.
            let mut screen = self.screen();
            loop {
                sleep(Duration::from_millis(100));
                let again = self.screen();
                if again == screen {
                    break;
                }
                screen = again;
            }
            self.changed.borrow_mut().extend(changed(&format!("{name}-{columns}.txt"), &steady(&screen)));
        }
    }

    /// Leaves the inbox; no screen may have been another one than before.
    #[track_caller]
    fn ends(&self) {
        self.press("q");
        let start = Instant::now();
        let alive = || {
            let mut tmux = (self.prepare)("tmux");
            tmux.arg("-S").arg(&self.socket).arg("has-session").output().is_ok_and(|output| output.status.success())
        };
        while alive() {
            assert!(start.elapsed() < PATIENCE, "still there:\n{}", self.screen());
            sleep(Duration::from_millis(50));
        }
        let changed = self.changed.borrow();
        assert!(changed.is_empty(), "{}", changed.join("\n"));
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        let mut tmux = (self.prepare)("tmux");
        let _gone = tmux.arg("-S").arg(&self.socket).arg("kill-server").output();
    }
}

/// Writes what differs from run to run as zeros of the same length.
fn steady(screen: &str) -> String {
    let zeros = |found: &regex::Captures<'_>| "0".repeat(found[0].len());
    let hex = Regex::new(r"\b[0-9a-f]{12,64}\b").expect("an expression");
    let time = Regex::new(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").expect("an expression");
    let age = Regex::new(r"\b(open|approved|denied)( +)(now|\dm )").expect("an expression");
    let text = hex.replace_all(screen, zeros);
    let text = time.replace_all(&text, "0000-00-00T00:00:00Z");
    age.replace_all(&text, "$1${2}now").into_owned()
}

/// Compares a screen with what it was; if it is another one, writes it beside the built tests and says where.
fn changed(name: &str, screen: &str) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system/screens").join(name);
    if fs::read_to_string(&file).is_ok_and(|expected| expected == screen) {
        return None;
    }
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&new, screen).expect("written");
    Some(format!("{} is not what is in {}:\n{screen}", file.display(), new.display()))
}

#[test]
fn a_request_is_read_and_approved_in_a_terminal() {
    let repo = TestRepo::new(RULES);
    let (alice, bob) = (repo.desk(ALICE), repo.desk(BOB));
    alice.commit("topic.txt");
    alice.must(&["request", "HEAD", "--branch", "topic"]);
    // The order is that of their seconds.
    sleep(Duration::from_millis(1_100));
    alice.commit("src/名前.txt");
    let commit = alice.commit("src/ledger.txt");
    alice.must(&["request", "HEAD", "--branch", "main", "--reason", "for the release\u{1b}[2J\u{202e}"]);

    let home = bob.key().parent().and_then(Path::parent).expect("a home").to_owned();
    let work = bob.work();
    let pane = Pane::open(repo.path("tmux"), move |program| {
        let mut command = crate::support::command(program, &home, BOB, 1);
        command.env("REMOTE_USER", BOB.name).current_dir(&work);
        command
    });
    pane.is_as_before("list", "2 requests wait, 1 for you");
    pane.press("Enter");
    pane.is_as_before("context", "rule `review`");
    pane.press("d");
    pane.is_as_before("diff", "what r-");
    pane.press("Escape");
    pane.wait_for("2 requests wait");

    pane.press("r");
    pane.wait_for("Why?");
    pane.tmux(&["send-keys", "-l", "not yet"]);
    pane.is_as_before("reason", "> not yet_");
    pane.press("Enter");
    pane.is_as_before("confirm", "This text is signed");
    pane.press("n");
    pane.wait_for("nothing was signed");
    assert_eq!(repo.kept(&commit), 0);

    pane.press("a");
    pane.wait_for("Why?");
    pane.press("Enter");
    let screen = pane.wait_for("approve this?");
    assert!(screen.contains("kind approve") && screen.contains(&commit.hex()), "{screen}");
    assert_eq!(repo.kept(&commit), 0, "nothing is signed before the yes");
    pane.press("y");
    pane.is_as_before("approved", "approved by bob");
    assert_eq!(repo.kept(&commit), 1);
    pane.ends();
    assert!(alice.push(&["HEAD:main"]).succeeded());
}

#[test]
fn a_request_is_rejected_in_a_terminal_in_mercurial() {
    let guard = Guard::new(
        "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n",
    );
    let (alice, carol) = (guard.desk(ALICE, Transport::Ssh), guard.desk(CAROL, Transport::Ssh));
    let commit = alice.change("src/a", "change").hex();
    alice.must(&["request", &commit]);
    let mut surroundings: Vec<_> = carol
        .command(Path::new("tmux"))
        .get_envs()
        .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
        .collect();
    surroundings.retain(|(_, value)| value.is_some());
    let folder = carol.clone.clone();
    let pane = Pane::open(guard.hg.path("tmux"), move |program| {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(surroundings.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))))
            .current_dir(&folder);
        command
    });
    pane.wait_for("1 request waits, 1 for you");
    pane.press("r");
    pane.wait_for("Why?");
    pane.tmux(&["send-keys", "-l", "not this way"]);
    pane.press("Enter");
    pane.wait_for("reject this?");
    pane.press("y");
    pane.wait_for("rejected by carol");
    pane.ends();
    let refused = alice.push(&[]);
    assert!(refused.said.contains("rejected by carol") && refused.said.contains("not this way"), "{}", refused.said);
}
