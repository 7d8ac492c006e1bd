//! The demonstration with Git.

use super::stage::{Expect, Person, Stage};
use crate::cli::{Failure, IntoFailure};
use crate::domain::change::Action;
use std::fs;

pub(super) fn play(stage: &Stage<'_>) -> Result<(), Failure> {
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
    stage.write_policy("main", &[alice, bob])?;
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
    stage.quiet(mallory, "git fetch --quiet origin +refs/jit/approvals:refs/demo/approvals")?;
    let files = stage.quiet(mallory, "git ls-tree -r --name-only refs/demo/approvals")?;
    let path = files.lines().next().ok_or_else(|| Failure::undecided("bob's token is not published"))?;
    let text = stage.quiet(mallory, &format!("git cat-file blob refs/demo/approvals:{path}"))?;
    // He approved a creation; she updates the branch that came of it.
    let forgeries = stage.forge(mallory, &text, &change, Action::Update)?;
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
