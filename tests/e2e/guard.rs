//! What is not the policy's to allow: `refs/jit/`, replacements, and claims that do not hold.

use crate::support::{
    ALICE, APPROVALS, BOB, Guarded, MAIN, MALLORY, RawUpdate, TestRepo, now, option, sign, token_file,
};
use jit::domain::approval::Token;
use jit::domain::change::Action;
use jit::domain::request::Request;

const REVIEW: &str = "[[rule]]\nname = \"review\"\nbranches = [\"main\", \"release/**\"]\n\
                      require = [{ role = \"maintainers\", approvals = 1 }]\n";

#[test]
fn what_is_jits_own_cannot_be_pushed() {
    let repo = TestRepo::new(REVIEW);
    repo.accepted(ALICE, &["HEAD:refs/heads/topic"]);
    assert!(repo.server_tip("refs/jit/checkpoint").is_some());
    let words = ["belongs to jit: only approvals and requests may be added"];
    for refname in ["refs/jit/policy", "refs/jit/checkpoint", "refs/jit/anything", "refs/jit/requests"] {
        repo.refused(ALICE, &["--force", &format!("HEAD:{refname}")], &words);
    }
    for refname in ["refs/jit/policy", "refs/jit/checkpoint"] {
        repo.refused(ALICE, &["--delete", refname], &words);
    }
    // Neither alone nor hidden among other refs.
    repo.refused(ALICE, &["--force", "HEAD:refs/heads/other", "HEAD:refs/jit/policy"], &words);
}

#[test]
fn a_mirror_of_a_clone_does_not_take_jits_own_refs_away() {
    let repo = TestRepo::new("");
    repo.refused(ALICE, &["--mirror"], &["refs/jit/policy belongs to jit"]);
}

#[test]
fn approvals_are_only_added() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.rev("HEAD");
    let before = repo.commit_approvals(&[token_file(&sign(BOB, repo.approval(commit, MAIN)))]);
    repo.accepted(MALLORY, &[APPROVALS]);
    let listing = repo.git(&["ls-tree", "-r", "--full-tree", APPROVALS]) + "\n";
    let path = listing.trim_end().rsplit('\t').next().expect("a path").to_owned();

    repo.refused(MALLORY, &["--delete", APPROVALS], &["belongs to jit"]);
    // A history of its own without what was there.
    repo.git(&["update-ref", "-d", APPROVALS]);
    repo.commit_approvals(&[token_file(&sign(BOB, repo.approval(commit, "refs/heads/other")))]);
    repo.refused(MALLORY, &["--force", APPROVALS], &["does not descend from"]);

    let another = sign(BOB, Token { nonce: [3; 16], ..repo.approval(commit, MAIN) });
    let blob = repo.git_with(&["hash-object", "-w", "--stdin"], another.text.as_bytes());
    let link = repo.git_with(&["hash-object", "-w", "--stdin"], b"elsewhere");
    let new = token_file(&another).0;
    let cases = [
        (String::new(), "is removed"),
        (listing.replace(&path, &new), "is removed"),
        (format!("100644 blob {blob}\t{path}\n"), "is changed"),
        (listing.replace("100644", "100755"), "is changed"),
        (format!("{listing}120000 blob {link}\t{new}\n"), "is not a plain file"),
        (format!("{listing}100755 blob {blob}\t{new}\n"), "is not a plain file"),
        (format!("{listing}160000 commit {}\t{new}\n", commit.hex()), "is not a plain file"),
        (format!("{listing}100644 blob {link}\tREADME\n"), "README"),
        (format!("{listing}100644 blob {link}\t{new}\n"), "not a token"),
        (format!("{listing}100644 blob {blob}\t{}\n", new.to_uppercase()), "belongs at"),
        (format!("{listing}100644 blob {blob}\tab/{}\n", &new[3..]), "belongs at"),
        (format!("{listing}100644 blob {blob}\t{}\n", &new[..20]), "belongs at"),
    ];
    for (listing, why) in cases {
        repo.git(&["update-ref", APPROVALS, &before.hex()]);
        repo.commit_listing(&listing);
        repo.refused(MALLORY, &[APPROVALS], &[why]);
    }
    repo.git(&["update-ref", APPROVALS, &before.hex()]);
    repo.commit_listing(&format!("{listing}100644 blob {blob}\t{new}\n"));
    repo.accepted(MALLORY, &[APPROVALS]);
}

#[test]
fn approvals_that_are_no_commit_do_not_land() {
    let repo = TestRepo::new(REVIEW);
    let blob = repo.git(&["rev-parse", "HEAD:README"]);
    repo.refused(MALLORY, &[&format!("{blob}:{APPROVALS}")], &["is not a commit"]);
    repo.git(&["tag", "-m", "of a commit", "approvals"]);
    repo.refused(MALLORY, &[&format!("refs/tags/approvals:{APPROVALS}")], &["is not a commit"]);
}

/// mallory signs the message that bob will sign: the id is the same, and bob's token must still find a place.
#[test]
fn a_copied_message_does_not_keep_the_approval_out() {
    let repo = TestRepo::new(REVIEW);
    let commit = repo.commit(ALICE, &["a"]);
    let message = repo.approval(commit, MAIN);
    repo.refused(
        MALLORY,
        &["-o", &option(&sign(MALLORY, message.clone())), "HEAD:main"],
        &["a token of the push is not kept"],
    );
    repo.refused(ALICE, &["-o", &option(&sign(ALICE, message.clone())), "HEAD:main"], &["the pusher's own approval"]);
    repo.accepted(ALICE, &["-o", &option(&sign(BOB, message)), "HEAD:main"]);
}

#[test]
fn requests_are_added_under_their_own_id_and_never_moved() {
    let repo = TestRepo::new(REVIEW);
    let subject = repo.commit(ALICE, &["a"]);
    let request = Request {
        target: jit::domain::change::Target::parse(MAIN).expect("a target"),
        action: Action::Update,
        base: repo.server_tip(MAIN).into_iter().collect(),
        reason: "please".to_owned(),
    };
    let commit = |message: &str, parents: &[&str]| {
        let mut arguments = vec!["commit-tree", "HEAD^{tree}", "-F", "-"];
        parents.iter().for_each(|parent| arguments.extend(["-p", parent]));
        repo.git_with(&arguments, message.as_bytes())
    };
    let place = format!("refs/jit/requests/{}", request.id(&repo.repository(), &subject));
    let foreign = format!("refs/jit/requests/{}", request.id("server@0000", &subject));
    let (parent, root) = (subject.hex(), repo.rev("HEAD~1").hex());
    let good = commit(&request.message(), &[&parent]);
    let cases = [
        (good.clone(), foreign.as_str(), "its id is not that of its repository, target and subject"),
        (good.clone(), "refs/jit/requests/r-000000000000", "its id is not that of"),
        (good.clone(), "refs/jit/requests/mine", "its id is not that of"),
        (commit("please", &[&parent]), &place, "is not a request"),
        (commit(&request.message(), &[]), &place, "has 0 parents, a request has one"),
        (commit(&request.message(), &[&parent, &root]), &place, "has 2 parents, a request has one"),
        (commit(&request.message(), &[&root]), &place, "its id is not that of"),
    ];
    for (value, refname, why) in cases {
        repo.refused(MALLORY, &[&format!("{value}:{refname}")], &[why]);
    }
    repo.accepted(ALICE, &[&format!("{good}:{place}")]);
    let other = commit(&Request { reason: "now".to_owned(), ..request }.message(), &[&parent]);
    repo.refused(MALLORY, &["--force", &format!("{other}:{place}")], &["belongs to jit"]);
    repo.refused(MALLORY, &["--delete", &place], &["can only be taken back by who made it"]);
    // What was put there to be looked at is not approved by that, neither here nor on a new branch.
    repo.refused(ALICE, &[&format!("{parent}:main")], &["`review` needs 1 approval"]);
    repo.refused(ALICE, &[&format!("{parent}:refs/heads/release/1")], &["`review` needs 1 approval"]);
}

#[test]
fn nothing_can_be_made_to_stand_for_something_else() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD").hex();
    repo.commit(MALLORY, &["a"]);
    repo.refused(ALICE, &[&format!("HEAD:refs/replace/{start}")], &["would replace an object"]);
    repo.refused(
        ALICE,
        &["HEAD:refs/heads/topic", &format!("HEAD:refs/replace/{start}")],
        &["would replace an object"],
    );

    // One that is there already is not believed.
    let approved = repo.commit(ALICE, &["b"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/parked"]);
    repo.approve(BOB, repo.rev(&start), MAIN);
    repo.server_git(&["update-ref", &format!("refs/replace/{}", approved.hex()), &start]);
    repo.refused(ALICE, &["HEAD:main"], &["`review` needs 1 approval", &approved.hex()[..12]]);
}

#[test]
fn claims_that_do_not_hold_are_refused() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD");
    let parked = repo.commit(ALICE, &["a"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/parked"]);
    let (old, new) = (Some(start), Some(parked));
    let free = "refs/heads/free";
    let cases: [(&str, &[RawUpdate<'_>]); 9] = [
        ("refs/heads/main is not at nothing but at", &[(None, new, MAIN)]),
        ("refs/heads/main is not at", &[(new, new, MAIN)]),
        ("refs/heads/main is not at", &[(new, None, MAIN)]),
        ("both ids are zero", &[(None, None, free)]),
        ("refs/heads/free is not at", &[(old, new, free)]),
        ("occurs twice", &[(None, new, free), (None, old, free)]),
        ("occurs twice", &[(old, old, MAIN), (old, new, MAIN)]),
        ("which is not there", &[(None, Some(repo.id(&"1".repeat(40))), free)]),
        ("is not a refname below refs/", &[(None, new, "HEAD")]),
    ];
    for (why, updates) in cases {
        let said = repo.must_refuse(|| repo.push_raw(ALICE, updates), &[]);
        assert!(said.contains(why) || !said.contains("jit:"), "{why}: {said}");
    }
}

/// An approval of `main` as it was cannot be used by claiming that it still is so.
#[test]
fn an_old_value_that_is_made_up_does_not_turn_a_rewrite_into_an_update() {
    let repo = TestRepo::new(REVIEW);
    let start = repo.rev("HEAD");
    let one = repo.commit(ALICE, &["a"]);
    repo.approve(BOB, one, MAIN);
    repo.accepted(ALICE, &["HEAD:main"]);
    repo.git(&["reset", "--quiet", "--hard", &start.hex()]);
    let other = repo.commit(ALICE, &["b"]);
    repo.accepted(ALICE, &["HEAD:refs/heads/parked"]);
    repo.keep(BOB, Token { base: vec![start], not_before: now(), ..repo.approval(other, MAIN) });
    let words = ["refs/heads/main is not at"];
    repo.must_refuse(|| repo.push_raw(ALICE, &[(Some(start), Some(other), MAIN)]), &words);
}
