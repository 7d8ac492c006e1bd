//! The demonstration with Mercurial.

use super::stage::{Expect, Person, Stage};
use crate::adapters::clock::SystemClock;
use crate::adapters::mercurial::Bundle;
use crate::cli::{Failure, IntoFailure};
use crate::domain::change::Action;
use crate::ports::clock::Clock as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// In place of sshd: `REMOTE_USER` says whose key was proved, as in a forced command (docs/operations.md).
const SSH: &str =
    "#!/bin/sh\n# ssh-as LOGIN HOST COMMAND\nREMOTE_USER=$1\nexport REMOTE_USER\ncd 'ROOT' && exec sh -c \"$3\"\n";

/// Plays it.
pub(super) fn play(stage: &Stage<'_>) -> Result<(), Failure> {
    let [alice, bob, mallory] = ["alice", "bob", "mallory"].map(|name| stage.person(name));
    let (alice, bob, mallory) = (alice?, bob?, mallory?);
    for person in [&alice, &bob, &mallory] {
        connect(stage, person)?;
    }
    set_up(stage, &alice, &bob)?;
    let change = refused(stage, &alice)?;
    asked_and_signed(stage, &alice, &bob, &change)?;
    stage.step("The same push, now approved, is let in.");
    stage.run(&alice, "hg push", Expect::Success)?;
    forged(stage, &mallory)?;
    audited(stage)
}

/// Lets somebody reach the server as who they are.
fn connect(stage: &Stage<'_>, person: &Person) -> Result<(), Failure> {
    let ssh = stage.root().join("ssh-as");
    let root = stage.root().display().to_string();
    fs::write(&ssh, SSH.replace("ROOT", &root.replace('\'', "'\\''"))).or_fail()?;
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).or_fail()?;
    let name = person.name();
    let settings = format!("[ui]\nusername = {name} <{name}@example.com>\nssh = '{}' {name}\n", ssh.display());
    fs::write(person.home().join(".hgrc"), settings).or_fail()
}

fn set_up(stage: &Stage<'_>, alice: &Person, bob: &Person) -> Result<(), Failure> {
    stage.step(
        "An administrator has a central repository and installs jit with a policy: nothing reaches `default` unless somebody else approves.",
    );
    stage.write_policy("default", &[alice, bob])?;
    let administrator = stage.administrator();
    fs::write(administrator.home().join(".hgrc"), "[ui]\nusername = administrator\n").or_fail()?;
    stage.quiet(&administrator, "hg init payments")?;
    fs::write(stage.root().join("payments/README"), "payments\n").or_fail()?;
    stage.quiet(&administrator, "hg commit --repository payments --addremove --quiet --message 'Begin'")?;
    stage.run(
        &administrator,
        "jit install payments --policies policies --origin demo.example.com/payments --state-dir state",
        Expect::Success,
    )
}

fn refused(stage: &Stage<'_>, alice: &Person) -> Result<String, Failure> {
    stage.step("Alice writes a change and pushes it over ssh. It is refused, and she is told what is missing.");
    stage.quiet(alice, "hg clone --quiet ssh://server/payments .")?;
    fs::write(alice.folder().join("ledger.txt"), "opening balance 100\n").or_fail()?;
    stage.run(alice, "hg commit --addremove --quiet --message 'Open the ledger'", Expect::Success)?;
    stage.run(alice, "hg push", Expect::Refusal)?;
    Ok(stage.quiet(alice, "hg log --rev . --template {node}")?.trim().to_owned())
}

fn asked_and_signed(stage: &Stage<'_>, alice: &Person, bob: &Person, change: &str) -> Result<(), Failure> {
    stage.step("Alice asks: the changeset goes to the sibling repository, where approvers can fetch it.");
    stage.run(
        alice,
        &format!("jit request {change} --branch default --reason 'needed for the release'"),
        Expect::Success,
    )?;
    stage.step(
        "Bob fetches it, sees what he would sign, and signs with his SSH key. (`--yes` because nobody can type here.)",
    );
    stage.quiet(bob, "hg clone --quiet ssh://server/payments .")?;
    stage.run(bob, &format!("jit sign {change} --branch default --reason 'read it, is fine' --yes"), Expect::Success)
}

fn forged(stage: &Stage<'_>, mallory: &Person) -> Result<(), Failure> {
    stage
        .step("Mallory may push, too. She changes the ledger, copies bob's approval and writes her changeset into it.");
    stage.quiet(mallory, "hg clone --quiet ssh://server/payments .")?;
    fs::write(mallory.folder().join("ledger.txt"), "opening balance 1000000\n").or_fail()?;
    stage.run(mallory, "hg commit --quiet --message 'Correct a typo'", Expect::Success)?;
    stage.run(mallory, "hg push", Expect::Refusal)?;
    let change = stage.quiet(mallory, "hg log --rev . --template {node}")?;
    let tokens =
        stage.quiet(mallory, "hg log --rev 'branch(\"jit-approvals\") and desc(\"re:^jit1\")' --template {desc}")?;
    let forgeries = stage.forge(mallory, &tokens, change.trim(), Action::Update)?;
    for (token, name) in forgeries.iter().zip(["signed-with-mallorys-key.hg", "with-bobs-signature.hg"]) {
        let bundle = Bundle::of_tokens(&[token], mallory.name(), SystemClock.now()).or_fail()?;
        fs::write(mallory.folder().join(name), &bundle.bytes).or_fail()?;
        stage.run(mallory, &format!("hg push --force --repository {name} ssh://server/payments"), Expect::Refusal)?;
    }
    Ok(())
}

fn audited(stage: &Stage<'_>) -> Result<(), Failure> {
    stage.step("Everything that was decided stands in the log, which proves that nothing was changed or removed.");
    let administrator = stage.administrator();
    stage.run(&administrator, "jit audit show payments", Expect::Success)?;
    stage.run(&administrator, "jit audit verify payments", Expect::Success)?;
    stage.run(
        &administrator,
        "hg log --repository payments --branch default --template '{node} {desc}\\n'",
        Expect::Success,
    )
}
