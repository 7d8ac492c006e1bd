//! A Mercurial server whose hook, or which itself, is killed in a push: what was answered stands in the log, and it goes on.

use crate::guard::Guard;
use crate::hg::Transport;
use crate::support::{ALICE, PROGRAM, Said, run};
use crate::traced::Traced;
use jit::domain::audit::{Event, OutcomeKind, UpdateRecord, Verdict};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const REVIEW: &str =
    "[[rule]]\nname = \"review\"\nbranches = [\"default\"]\nrequire = [{ role = \"leads\", approvals = 1 }]\n";

/// Keeps what the program is told, beside the configuration.
const RECORD: &str = "exec 3<&0\nmkfifo \"$0.$2.pipe\"\ntee \"$0.$2\" <&3 >\"$0.$2.pipe\" &\n\
                      $PROGRAM \"$@\" <\"$0.$2.pipe\"\nstatus=$?\nkill $!\nexit $status";

/// Stops what has been allowed.
const STOPPED: &str = "[hooks]\npriority.pretxnclose.jit = 10\npretxnclose.zz = false\n";

/// Answered so, a transaction goes on.
const ALLOWED: &str = "jit-hg-reply/v1 allow";

/// What the hooks were told of a push that was allowed and then stopped by another hook: so it can be said again.
struct Told {
    arriving: Vec<u8>,
    judged: Vec<u8>,
    undone: Vec<u8>,
}

impl Told {
    /// Has it pushed and stopped.
    fn by(guard: &Guard) -> Self {
        let sound = guard.put_before_program(RECORD);
        guard.configure(STOPPED);
        let ran = guard.push(ALICE, Transport::Ssh, &["--new-branch", "--rev", "."]);
        assert_eq!(ran.code, Some(255), "{}", ran.said);
        guard.set_configuration(&sound);
        let [arriving, judged, undone] = ["pretxnchangegroup", "pretxnclose", "txnabort"].map(|hook| told(guard, hook));
        Self { arriving, judged, undone }
    }
}

/// A server, and a push to it.
struct Replay {
    guard: Guard,
    push: Told,
}

/// A server that has not recorded yet what became of a push.
struct Unrecorded {
    replay: Replay,
    /// What the outcome's hook was told.
    outcome: Vec<u8>,
    /// As the replay's push, which was asked for more: what became of the other one.
    settling: Told,
}

impl Unrecorded {
    /// After a push whose outcome `hook` is told.
    fn by(hook: &str) -> Self {
        let guard = Guard::new(REVIEW);
        let copies = folders(&guard).map(|folder| (guard.hg.path(&format!("before-{}", name(&folder))), folder));
        let keep = copies.iter().map(|(copy, folder)| format!("cp -a {} {}", folder.display(), copy.display()));
        let keep = keep.collect::<Vec<_>>().join(" && ");
        let sound = guard.put_before_program(&format!("[ $2 != hg-{hook} ] || {{ {keep}; }}\n{RECORD}"));
        if hook == "txnabort" {
            guard.configure(STOPPED);
        }
        guard.hg.ok(&guard.work, &["branch", "--quiet", "first"]);
        guard.change("src/a", "first");
        let ran = guard.push(ALICE, Transport::Ssh, &["--new-branch"]);
        assert_eq!(ran.code == Some(0), hook == "txnclose", "{}", ran.said);
        guard.set_configuration(&sound);
        let outcome = told(&guard, hook);
        let restore = || {
            for (copy, folder) in &copies {
                fs::remove_dir_all(folder).expect("removed");
                let mut back = Command::new("cp");
                back.arg("-a").arg(copy).arg(folder);
                assert!(run(back, b"").succeeded());
            }
        };
        restore();
        guard.hg.ok(&guard.work, &["update", "--quiet", "0"]);
        guard.hg.ok(&guard.work, &["branch", "--quiet", "second"]);
        guard.change("src/b", "second");
        let settling = Told::by(&guard);
        let replay = Replay { push: Told::by(&guard), guard };
        restore();
        Self { replay, outcome, settling }
    }

    /// Kills the outcome's hook at each of its system calls; the next push finds out what it did not record.
    fn is_recorded_once(&self, hook: &str, how: OutcomeKind) {
        let Replay { guard, push } = &self.replay;
        assert_eq!(outcomes(guard), []);
        let both = [0, 1].map(|_| Cell::new(0));
        self.replay.killed_at_each_call(hook, &self.outcome, |what, _| {
            let recorded = outcomes(guard).len();
            both[recorded].set(both[recorded].get() + 1);
            self.replay.again([&self.settling, push][recorded], what);
            assert_eq!(outcomes(guard), [how, OutcomeKind::NotApplied], "{what}");
        });
        assert!(both.iter().all(|cases| cases.get() > 0), "{both:?}");
    }
}

impl Replay {
    fn new() -> Self {
        let guard = Guard::new(REVIEW);
        guard.hg.ok(&guard.work, &["branch", "--quiet", "free"]);
        guard.change("src/a", "change");
        Self { push: Told::by(&guard), guard }
    }

    /// Runs a hook once for each of its system calls, killed as it enters that one; `after` looks at what is left.
    fn killed_at_each_call(&self, hook: &str, input: &[u8], after: impl Fn(&str, &Said)) {
        let traced = Traced {
            strace: &|| self.command("strace"),
            command: &[PROGRAM, "hook", hook],
            input,
            folders: &folders(&self.guard),
            trace: self.guard.hg.path("trace"),
        };
        traced.killed_at_each_call(after);
    }

    /// A program where Mercurial starts the hooks.
    fn command(&self, program: &str) -> Command {
        let mut command = self.guard.hg.command(program.as_ref(), &self.guard.hg.server());
        command.env("REMOTE_USER", "alice");
        command
    }

    fn hook(&self, name: &str, told: &[u8]) -> String {
        let mut hook = self.command(PROGRAM);
        hook.args(["hook", name]);
        let said = run(hook, told);
        assert!(said.succeeded(), "{name}: {}{}", said.text(), said.err);
        said.text()
    }

    /// Says a push again, which must be allowed, and undone.
    fn again(&self, push: &Told, what: &str) {
        assert!(self.hook("hg-pretxnchangegroup", &push.arriving).contains(ALLOWED), "{what}");
        assert!(self.hook("hg-pretxnclose", &push.judged).contains(ALLOWED), "{what}");
        let newest = self.guard.decisions().pop().expect("a decision");
        assert_eq!((newest.verdict, newest.updates[0].found.clone()), (Verdict::Allow, None), "{what}");
        self.hook("hg-txnabort", &push.undone);
        self.guard.log_is_sound();
    }
}

/// What the server keeps beside its repository: the `jit` folder, and the state folder.
fn folders(guard: &Guard) -> [PathBuf; 2] {
    [guard.hg.server().join(".hg/jit"), guard.hg.path("state")]
}

/// What the hook was told the last time.
fn told(guard: &Guard, hook: &str) -> Vec<u8> {
    fs::read(guard.hg.path(&format!("wrapper.hg-{hook}"))).expect("a conversation")
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("a name").to_string_lossy().into_owned()
}

/// What became of the pushes so far.
fn outcomes(guard: &Guard) -> Vec<OutcomeKind> {
    let events = guard.entries().into_iter().map(|entry| entry.event);
    events.filter_map(|event| if let Event::Outcome(outcome) = event { Some(outcome.how) } else { None }).collect()
}

#[test]
fn a_transaction_whose_hook_is_killed_at_any_system_call_leaves_a_log_that_goes_on() {
    let replay = Replay::new();
    replay.again(&replay.push, "before");
    let guard = &replay.guard;
    let before = guard.entries();
    replay.killed_at_each_call("hg-pretxnclose", &replay.push.judged, |what, said| {
        let left = guard.entries();
        assert_eq!(left[..before.len()], before, "{what}");
        let newest = left[before.len()..].iter().map(|entry| &entry.event).collect::<Vec<_>>();
        assert!(matches!(newest[..], [] | [Event::Decision(_)]), "{what}: {newest:?}");
        if said.text().contains(ALLOWED) {
            assert_eq!(newest.len(), 1, "{what}: allowed, and not recorded");
        }
        // Mercurial undoes the transaction, and says so.
        replay.hook("hg-txnabort", &replay.push.undone);
        replay.again(&replay.push, what);
    });
}

#[test]
fn what_landed_in_mercurial_is_recorded_once_wherever_the_outcomes_hook_is_killed() {
    Unrecorded::by("txnclose").is_recorded_once("hg-txnclose", OutcomeKind::Applied);
}

#[test]
fn what_mercurial_undid_is_recorded_once_wherever_the_outcomes_hook_is_killed() {
    Unrecorded::by("txnabort").is_recorded_once("hg-txnabort", OutcomeKind::NotApplied);
}

#[test]
fn a_server_that_is_killed_in_a_push_goes_on_after_a_recovery() {
    // Before the decision; after it was recorded, and before the transaction is closed.
    for script in ["kill -9 $PPID", "$PROGRAM \"$@\"\nkill -9 $PPID"] {
        let guard = Guard::new("");
        let before = guard.server_ids("default");
        let commit = guard.change("src/a", "change");
        let sound = guard
            .put_before_program(&format!("case $2 in hg-pretxnclose) ;; *) exec $PROGRAM \"$@\" ;; esac\n{script}"));
        let ran = guard.push(ALICE, Transport::Ssh, &[]);
        assert_eq!(ran.code, Some(255), "{}", ran.said);
        guard.set_configuration(&sound);
        // Until somebody puts it in order nothing lands.
        let ran = guard.push(ALICE, Transport::Ssh, &[]);
        assert!(ran.code == Some(255) && ran.said.contains("hg recover"), "{}", ran.said);
        guard.hg.ok(&guard.hg.server(), &["recover", "--quiet"]);
        assert_eq!(guard.server_ids("default"), before);
        guard.accepted(ALICE, Transport::Ssh, &[]);
        assert_eq!(guard.server_ids("default"), [commit]);
        let outcomes = outcomes(&guard);
        assert_eq!(outcomes.last(), Some(&OutcomeKind::Applied), "{script}");
        assert!(outcomes[..outcomes.len() - 1].iter().all(|how| *how == OutcomeKind::NotApplied), "{outcomes:?}");
        assert_eq!(guard.decisions().pop().expect("a decision").updates[0].found, None);
    }
}

const WRITERS: usize = 4;

/// How many pushes each writer makes whose hooks are killed at some moment, or run to their end.
const PUSHES: usize = 10;

#[test]
fn whichever_hooks_die_among_four_writers_what_landed_stands_in_the_log() {
    let guard = Guard::new(REVIEW);
    let clones: Vec<PathBuf> = (0..WRITERS).map(|number| guard.hg.clone(&format!("writer-{number}"))).collect();
    // Every other one within 25 ms, by which some are done.
    let sound = guard.put_before_program(
        "byte=$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')\n[ \"$byte\" -lt 128 ] || exec $PROGRAM \"$@\"\n\
         exec timeout --signal=KILL \"0.0$(printf %02d $((byte * 25 / 128)))\" $PROGRAM \"$@\"",
    );
    let landed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for (number, clone) in clones.iter().enumerate() {
            let (guard, landed) = (&guard, &landed);
            scope.spawn(move || {
                guard.hg.ok(clone, &["branch", "--quiet", &format!("writer-{number}")]);
                for push in 0..PUSHES {
                    guard.hg.change(clone, "src/a", &format!("{number} {push}"));
                    let url = guard.hg.url_of("alice", Transport::Ssh);
                    let ran = guard.hg.hg(clone, &["push", "--force", "--new-branch", &url]);
                    assert!(matches!(ran.code, Some(0 | 255)), "{}", ran.said);
                    landed.fetch_add(usize::from(ran.code == Some(0)), Ordering::SeqCst);
                }
            });
        }
    });
    guard.set_configuration(&sound);
    guard.log_is_sound();
    let landed = landed.into_inner();
    assert!(landed > 0 && landed < WRITERS * PUSHES, "{landed} landed: nobody was killed, or everybody");
    // Every head that is there was allowed, and the log knows where each branch stands.
    let allowed: Vec<_> = guard.decisions().into_iter().filter(|decision| decision.verdict == Verdict::Allow).collect();
    for head in guard.server_ids("head() and not default and not branch('jit-approvals')") {
        let named = |update: &UpdateRecord| update.new.contains(&head);
        assert!(allowed.iter().any(|decision| decision.updates.iter().any(named)), "{head} landed unrecorded");
    }
    for (number, clone) in clones.iter().enumerate() {
        guard.hg.change(clone, "src/a", &format!("{number} at the end"));
        let url = guard.hg.url_of("alice", Transport::Ssh);
        guard.hg.ok(clone, &["push", "--quiet", "--force", "--new-branch", &url]);
        assert_eq!(guard.decisions().pop().expect("a decision").updates[0].found, None, "writer {number}");
    }
    guard.log_is_sound();
}
