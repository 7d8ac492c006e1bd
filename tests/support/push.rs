//! Pushes, and what must hold after each: a refused one has changed nothing, and the log is whole.

use super::git::{Said, command, run};
use super::guarded::Guarded as _;
use super::people::{ALICE, NOBODY, Person};
use super::repo::TestRepo;
use jit::domain::audit::Verdict;
use jit::domain::change::ChangesetId;
use std::process::Command;

/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_jit");

/// One line of a push that no Git client would send: old value, new value, refname.
pub type RawUpdate<'a> = (Option<ChangesetId>, Option<ChangesetId>, &'a str);

impl TestRepo {
    /// Runs `git push origin` with `arguments` (refspecs and options) from the clone, as `who`.
    pub fn push(&self, who: Person, arguments: &[&str]) -> Said {
        let mut git = self.as_pusher("git", who);
        git.current_dir(self.work()).args(["push", "origin"]).args(arguments);
        run(git, b"")
    }

    /// Pushes what the server must refuse for a reason that the answer names in `words`.
    #[track_caller]
    pub fn refused(&self, who: Person, arguments: &[&str], words: &[&str]) -> String {
        self.must_refuse(|| self.push(who, arguments), words)
    }

    /// Runs `push`, which the server must refuse; nothing of the server may have changed but its log.
    #[track_caller]
    pub fn must_refuse(&self, push: impl FnOnce() -> Said, words: &[&str]) -> String {
        let before = self.all_refs();
        let said = push();
        assert!(!said.succeeded(), "let in:\n{}", said.err);
        for word in words {
            assert!(said.err.contains(word), "no `{word}` in:\n{}", said.err);
        }
        assert_eq!(self.all_refs(), before, "a refused push has changed a ref");
        self.log_is_sound();
        let newest = self.last_decision();
        assert_eq!(newest.verdict, Verdict::Deny, "{}", said.err);
        said.err
    }

    /// Pushes what the server must let in.
    #[track_caller]
    pub fn accepted(&self, who: Person, arguments: &[&str]) -> String {
        let said = self.push(who, arguments);
        assert!(said.succeeded(), "refused:\n{}", said.err);
        self.log_is_sound();
        said.err
    }

    /// Every ref of the server, HEAD included, with its value.
    pub fn all_refs(&self) -> String {
        let refs = self.server_git(&["for-each-ref", "--format=%(refname) %(objectname) %(symref)"]);
        let head = std::fs::read_to_string(self.server().join("HEAD")).expect("a HEAD");
        format!("{head}{refs}")
    }

    /// Speaks Git's protocol to the server directly, with old values that the client makes up. Objects that the push
    /// needs must be there already.
    pub fn push_raw(&self, who: Person, updates: &[RawUpdate<'_>]) -> Said {
        let mut git = self.as_pusher("git", who);
        git.arg("receive-pack").arg(self.server());
        reported(run(git, &self.request(updates)))
    }

    /// As [`TestRepo::push_raw`], through Git's CGI program in the way of a web server that authenticated `who`.
    pub fn push_http(&self, who: Person, updates: &[RawUpdate<'_>]) -> Said {
        let body = self.request(updates);
        let mut git = self.as_pusher("git", who);
        git.arg("http-backend")
            .env_remove("HOME")
            .env("GIT_PROJECT_ROOT", self.server().parent().expect("a folder"))
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", "/server.git/git-receive-pack")
            .env("REQUEST_METHOD", "POST")
            .env("CONTENT_TYPE", "application/x-git-receive-pack-request")
            .env("CONTENT_LENGTH", body.len().to_string());
        reported(run(git, &body))
    }

    /// What a client sends for these updates, with a pack that holds nothing.
    fn request(&self, updates: &[RawUpdate<'_>]) -> Vec<u8> {
        let hex = |id: &Option<ChangesetId>| id.map_or_else(|| "0".repeat(40), |id| id.hex());
        let mut request = Vec::new();
        for (place, (old, new, refname)) in updates.iter().enumerate() {
            let asks = if place == 0 { "\0report-status" } else { "" };
            let line = format!("{} {} {refname}{asks}", hex(old), hex(new));
            request.extend(format!("{:04x}{line}", line.len() + 4).into_bytes());
        }
        request.extend(b"0000");
        if updates.iter().any(|(_, new, _)| new.is_some()) {
            let mut pack = command("git", &self.home(), ALICE, 1);
            pack.current_dir(self.work()).args(["pack-objects", "--stdout", "--quiet"]);
            request.extend(run(pack, b"").out);
        }
        request
    }

    /// Prepares a hook as Git starts it on the server, for a push by alice.
    pub fn hook(&self, name: &str) -> Command {
        let script = self.server().join("hooks").join(name);
        let mut hook = self.as_pusher(script.to_str().expect("a plain path"), ALICE);
        hook.env("GIT_DIR", ".").current_dir(self.server());
        hook
    }

    /// Prepares a program of `who`, whom the transport has authenticated.
    pub fn as_pusher(&self, program: &str, who: Person) -> Command {
        let mut command = command(program, &self.home(), if who == NOBODY { ALICE } else { who }, 1);
        if who != NOBODY {
            command.env("REMOTE_USER", who.name);
        }
        command
    }
}

/// The report comes on standard output; a refused ref stands there as `ng`, and the exit code says nothing.
fn reported(mut said: Said) -> Said {
    let report = String::from_utf8_lossy(&said.out).into_owned();
    if report.contains("ng ") || !report.contains("unpack ok") {
        said.code = Some(1);
    }
    said
}
