//! `jit demo`: a throwaway central repository and three people, with real pushes. Every step shows the command that it runs.

mod stage;

use crate::cli::{Context, Exit, Failure, IntoFailure};
use stage::{Expect, Person, Stage};
use std::fs;
use std::path::PathBuf;

/// The arguments of `jit demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which system's pushes to show
    #[arg(value_enum, default_value_t)]
    system: System,
    /// Keep everything in this folder, which must not exist yet [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum System {
    /// A bare Git repository
    #[default]
    Git,
}

/// Plays the demonstration.
///
/// # Errors
/// A [`Failure`] if a step does not end as it should, with what it printed.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let System::Git = args.system;
    let temporary = tempfile::tempdir().or_fail()?;
    let root = match &args.keep {
        Some(dir) => {
            fs::create_dir(dir).or_fail().map_err(|failure| failure.context("--keep wants a new folder"))?;
            dir.canonicalize().or_fail()?
        }
        None => temporary.path().canonicalize().or_fail()?,
    };
    let stage = Stage::new(root.clone(), cx)?;
    play(&stage)?;
    if args.keep.is_some() {
        cx.terminal.say(&format!("everything is kept in {}", root.display()));
    }
    Ok(Exit::Done)
}

fn play(stage: &Stage<'_>) -> Result<(), Failure> {
    let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(|name| stage.person(name));
    let (alice, bob, mallory) = (alice?, bob?, mallory?);
    set_up(stage, &alice, &bob)?;
    let change = refused(stage, &alice)?;
    asked_and_signed(stage, &alice, &bob, &change)?;
    stage.step("The same push, now approved, is let in.");
    stage.run(&alice, "git push origin main", Expect::Success)?;
    forged(stage, &mallory)?;
    audited(stage, &alice)
}

fn set_up(stage: &Stage<'_>, alice: &Person, bob: &Person) -> Result<(), Failure> {
    stage.step("An administrator makes a central repository and installs jit with a policy: nothing reaches `main` unless somebody else approves.");
    let policy = format!(
        r#"version = 1
default = "allow"

[principals.alice]
keys = ["{}"]
emails = ["alice@example.com"]
logins = ["alice"]

[principals.bob]
keys = ["{}"]
emails = ["bob@example.com"]
logins = ["bob"]

[roles.maintainers]
members = ["alice", "bob"]

[[rule]]
name = "main-review"
branches = ["main"]
require = [{{ role = "maintainers", approvals = 1 }}]
message = "Every change of main is read by a second person."
"#,
        stage.public_key(alice)?,
        stage.public_key(bob)?,
    );
    let folder = stage.root().join("policies");
    fs::create_dir(&folder).or_fail()?;
    fs::write(folder.join("policy.toml"), &policy).or_fail()?;
    stage.show_file("policies/policy.toml", &policy);
    let administrator = stage.administrator();
    stage.run(&administrator, "git init --quiet --bare --initial-branch=main payments.git", Expect::Success)?;
    stage.run(
        &administrator,
        "jit install payments.git --policies policies --origin demo.example.com/payments --state-dir state",
        Expect::Success,
    )?;
    Ok(())
}

fn refused(stage: &Stage<'_>, alice: &Person) -> Result<String, Failure> {
    stage.step("Alice writes a change and pushes it. It is refused, and she is told what is missing.");
    stage.quiet(alice, "git clone --quiet ../payments.git .")?;
    fs::write(alice.folder().join("ledger.txt"), "opening balance 100\n").or_fail()?;
    stage.run(alice, "git add ledger.txt", Expect::Success)?;
    stage.run(alice, "git commit --quiet --message 'Open the ledger'", Expect::Success)?;
    stage.run(alice, "git push origin main", Expect::Refusal)?;
    Ok(stage.quiet(alice, "git rev-parse HEAD")?.trim().to_owned())
}

fn asked_and_signed(stage: &Stage<'_>, alice: &Person, bob: &Person, change: &str) -> Result<(), Failure> {
    stage.step("Alice asks: the commit goes where approvers can fetch it, not to `main`.");
    stage.run(
        alice,
        &format!("jit request {change} --branch main --reason 'needed for the release'"),
        Expect::Success,
    )?;
    stage.step(
        "Bob fetches it, sees what he would sign, and signs with his SSH key. (`--yes` because nobody can type here.)",
    );
    stage.quiet(bob, "git clone --quiet ../payments.git .")?;
    stage.run(bob, &format!("jit sign {change} --branch main --reason 'read it, is fine' --yes"), Expect::Success)?;
    Ok(())
}

fn forged(stage: &Stage<'_>, mallory: &Person) -> Result<(), Failure> {
    stage.step("Mallory may push, too. She changes the ledger, copies bob's approval and writes her commit into it.");
    stage.quiet(mallory, "git clone --quiet ../payments.git .")?;
    fs::write(mallory.folder().join("ledger.txt"), "opening balance 1000000\n").or_fail()?;
    stage.run(mallory, "git commit --quiet --all --message 'Correct a typo'", Expect::Success)?;
    let change = stage.quiet(mallory, "git rev-parse HEAD")?.trim().to_owned();
    let forgeries = stage.forge(mallory, &change)?;
    for (token, what) in forgeries.iter().zip(["<signed with mallory's key>", "<with bob's signature>"]) {
        stage.run_as(
            mallory,
            &format!("git push --push-option=jit-token={token} origin main"),
            &format!("git push --push-option=jit-token={what} origin main"),
            Expect::Refusal,
        )?;
    }
    Ok(())
}

fn audited(stage: &Stage<'_>, alice: &Person) -> Result<(), Failure> {
    stage.step("Everything that was decided stands in the log, which proves that nothing was changed or removed.");
    let administrator = stage.administrator();
    stage.run(&administrator, "jit audit show payments.git", Expect::Success)?;
    stage.run(&administrator, "jit audit verify payments.git", Expect::Success)?;
    stage.run(alice, "git ls-remote origin refs/heads/main", Expect::Success)?;
    Ok(())
}
