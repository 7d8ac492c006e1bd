//! What two people do over any transport: a push is refused, somebody else signs, the same push is let in.

use crate::person::Said;
use crate::site::{Decided, Site};

impl Site {
    /// Plays it from the first clone on, each person from the URL that is theirs, and looks at what the log says of it.
    pub fn alice_pushes_and_bob_approves(&self, alices_url: &str, bobs_url: &str) {
        let (alice, bob) = (&self.alice, &self.bob);
        assert!(alice.clone(alices_url).succeeded);
        let commit = alice.commit("ledger.txt");
        let (said, gained) = self.must_fail(|| alice.git(&["push", "origin", "main"]));
        for words in
            ["alice may not create refs/heads/main", "`main-review` needs 1 approval from `maintainers`; has 0"]
        {
            assert!(said.err.contains(words), "no `{words}` in:\n{}", said.err);
        }
        assert_eq!(gained, [decided("alice", "deny")]);

        // Her own approval does not help her, and the server knows her without being told.
        alice.must_jit(&["sign", &commit, "--branch", "main", "--yes"]);
        let (said, gained) = self.must_fail(|| alice.git(&["push", "origin", "main"]));
        assert!(said.err.contains("not counted: alice"), "{}", said.err);
        assert_eq!(gained, [decided("alice", "deny")]);

        alice.must_jit(&["request", &commit, "--branch", "main", "--reason", "for the release"]);
        assert!(bob.clone(bobs_url).succeeded);
        let known = self.decisions().len();
        bob.must_jit(&["sign", &commit, "--branch", "main", "--yes"]);
        assert_eq!(self.decisions().split_off(known), [decided("bob", "allow")]);

        let said = alice.git(&["push", "origin", "main"]);
        assert!(said.succeeded, "{}", said.err);
        assert!(said.err.contains("`main-review` is met: bob (maintainers)"), "{}", said.err);
        assert_eq!(self.main(), commit);
        self.log_is_sound();
        assert_eq!(self.decisions().last(), Some(&decided("alice", "allow")));
        bob.must_git(&["pull", "--quiet", "origin", "main"]);
    }

    /// Lets bob commit `file` in alice's name and approve it himself: it may land as soon as the server takes him for her.
    pub fn bob_approves_what_alice_seems_to_have_written(&self, file: &str) -> String {
        let (alice, bob) = (&self.alice, &self.bob);
        bob.must_git(&["config", "user.name", alice.name]);
        bob.must_git(&["config", "user.email", "alice@example.com"]);
        let commit = bob.commit(file);
        bob.must_jit(&["sign", &commit, "--branch", "main", "--yes"]);
        commit
    }

    /// Runs a push by bob, which must be refused as his.
    #[track_caller]
    pub fn must_be_bobs(&self, what: &str, push: impl FnOnce() -> Said) {
        let (said, gained) = self.must_fail(push);
        assert_eq!(gained, [decided("bob", "deny")], "{what}:\n{}", said.err);
        for words in ["bob may not update refs/heads/main", "not counted: bob, token", "the pusher's own approval"] {
            assert!(said.err.contains(words), "{what}: no `{words}` in:\n{}", said.err);
        }
    }
}

/// A decision about a push by `login`.
pub fn decided(login: &str, verdict: &str) -> Decided {
    Decided { login: Some(login.to_owned()), verdict: verdict.to_owned() }
}
