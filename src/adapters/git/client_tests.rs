//! A clone and its server, with real Git.

use super::testing::TestRepo;
use super::{Checkout, CheckoutError, Pushed, Remote, RemoteError};
use crate::domain::change::{Action, ChangedFile, ChangesetId, IdKind, Target};
use crate::domain::request::Request;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// A server with one commit on `main`, and a clone of it.
pub(super) struct Pair {
    pub(super) server: TestRepo,
    _folder: TempDir,
    pub(super) path: PathBuf,
}

impl Pair {
    pub(super) fn new() -> Self {
        let server = TestRepo::new(IdKind::GitSha1);
        let first = server.commit(&server.tree(&[("README", "one\n")]), &[], "first");
        server.set_ref("refs/heads/main", &first);
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("clone");
        let pair = Self { server, _folder: folder, path };
        pair.server.git(&["clone", "--quiet", ".", pair.path.to_str().expect("a path")]);
        pair
    }

    pub(super) fn git(&self, arguments: &[&str]) -> Vec<u8> {
        let mut all = vec!["-C", self.path.to_str().expect("a path")];
        all.extend(arguments);
        self.server.git(&all)
    }

    pub(super) fn checkout(&self) -> Checkout {
        Checkout::at(&self.path).expect("a clone")
    }

    fn commit(&self, message: &str) -> ChangesetId {
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.server.id_of(&self.git(&["rev-parse", "HEAD"]))
    }

    fn refs(&self) -> Vec<String> {
        let listed = self.git(&["for-each-ref", "--format=%(refname)"]);
        String::from_utf8(listed).expect("text").lines().map(str::to_owned).collect()
    }
}

pub(super) fn origin(checkout: &Checkout) -> Remote {
    Remote::choose(checkout, Some("origin")).expect("a remote")
}

fn target(name: &str) -> Target {
    Target::git_ref(name.as_bytes()).expect("a refname")
}

#[test]
fn the_remote_is_chosen_in_a_fixed_order() {
    type Step<'a> = (&'a [&'a str], Option<&'a str>, Result<&'a str, &'a str>);
    let pair = Pair::new();
    let steps: [Step<'_>; 8] = [
        (&["remote", "rename", "origin", "central"], None, Ok("central")),
        (&["remote", "add", "other", "/nowhere"], None, Ok("central")),
        (&["checkout", "--quiet", "--detach"], None, Err("central, other")),
        (&["remote", "add", "origin", "/nowhere"], None, Ok("origin")),
        (&["checkout", "--quiet", "main"], None, Ok("central")),
        (&["config", "jit.remote", "other"], None, Ok("other")),
        (&["config", "jit.remote", "other"], Some("central"), Ok("central")),
        (&["config", "jit.remote", "other"], Some("https://git.example.com/x"), Ok("https://git.example.com/x")),
    ];
    for (command, wanted, expected) in steps {
        pair.git(command);
        let chosen = Remote::choose(&pair.checkout(), wanted);
        match (chosen, expected) {
            (Ok(remote), Ok(name)) => assert_eq!(remote.name(), name, "{command:?}"),
            (Err(RemoteError::Several(names)), Err(list)) => assert_eq!(names.join(", "), list, "{command:?}"),
            (chosen, expected) => panic!("{command:?}: {chosen:?}, not {expected:?}"),
        }
    }
    for remote in ["central", "other", "origin"] {
        pair.git(&["remote", "remove", remote]);
    }
    pair.git(&["config", "--unset", "jit.remote"]);
    assert!(matches!(Remote::choose(&pair.checkout(), None), Err(RemoteError::None)));
}

#[test]
fn what_was_fetched_from_a_url_stands_under_a_name_that_refs_can_have() {
    let pair = Pair::new();
    let kept =
        Remote::choose(&pair.checkout(), Some("https://git.example.com/a b?x=[1]")).expect("a URL").kept("policy");
    assert!(git2::Reference::is_valid_name(&kept), "{kept}");
    assert_eq!(origin(&pair.checkout()).kept("policy"), "refs/jit/remotes/origin/policy");
}

#[test]
fn only_what_is_named_is_fetched() {
    let pair = Pair::new();
    let policy = pair.server.commit(&pair.server.tree(&[("repository.toml", "x")]), &[], "policy");
    for name in ["refs/jit/policy", "refs/jit/requests/r-0123456789ab", "refs/heads/new", "refs/tags/v1"] {
        pair.server.set_ref(name, &policy);
    }
    let (checkout, before) = (pair.checkout(), pair.refs());
    let remote = origin(&checkout);
    let listing = remote.list(&checkout).expect("listed");
    assert_eq!(listing.get(&target("refs/jit/policy")), Some(&policy));
    assert_eq!(listing.len(), 5);

    remote.fetch(&checkout, &[(&target("refs/jit/policy"), Some(remote.kept("policy")))]).expect("fetched");

    let mut expected = before;
    expected.push("refs/jit/remotes/origin/policy".to_owned());
    expected.sort();
    assert_eq!(pair.refs(), expected);
    assert!(!pair.path.join(".git/FETCH_HEAD").exists());
    let files = checkout.repository().files_in("refs/jit/remotes/origin/policy", "", 10).expect("read");
    assert_eq!(files.into_iter().collect::<Vec<_>>(), [(b"repository.toml".to_vec(), b"x".to_vec())]);
}

#[test]
fn a_push_says_whether_the_remote_took_it_and_runs_no_hook_of_the_client() {
    let pair = Pair::new();
    let hook = pair.path.join(".git/hooks/pre-push");
    fs::create_dir_all(hook.parent().expect("a folder")).expect("made");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").expect("written");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("set");
    let new = pair.commit("mine");
    let (checkout, name) = (pair.checkout(), "refs/jit/approvals");
    let remote = origin(&checkout);

    assert_eq!(remote.push(&checkout, &new, name).expect("reached"), Pushed::Done);
    assert_eq!(pair.server.rev(name), new);

    let other = pair.server.commit(&pair.server.tree(&[]), &[], "somebody else's");
    pair.server.set_ref(name, &other);
    let rejected = remote.push(&checkout, &pair.commit("mine again"), name).expect("reached");
    assert!(matches!(rejected, Pushed::Rejected { .. }), "{rejected:?}");
    assert_eq!(pair.server.rev(name), other);

    pair.git(&["remote", "set-url", "origin", "/nowhere"]);
    let unreached = remote.push(&pair.checkout(), &new, name);
    assert!(matches!(&unreached, Err(RemoteError::Failed { said, .. }) if !said.is_empty()), "{unreached:?}");
}

#[test]
fn a_remote_that_looks_like_an_option_is_only_a_name() {
    let pair = Pair::new();
    let trace = pair.path.join("trace");
    let checkout = pair.checkout();
    let hostile = format!("--upload-pack=touch {}", trace.display());
    let remote = Remote::choose(&checkout, Some(&hostile)).expect("a name");
    assert!(remote.list(&checkout).is_err());
    assert!(remote.fetch(&checkout, &[(&target("refs/heads/main"), None)]).is_err());
    assert!(!trace.exists());
}

#[test]
fn the_push_target_is_what_git_would_push_to() {
    let pair = Pair::new();
    let seen = || {
        let checkout = pair.checkout();
        checkout.push_target(&origin(&checkout)).expect("asked").map(|target| target.to_string())
    };
    assert_eq!(seen().as_deref(), Some("refs/heads/main"));
    pair.git(&["checkout", "--quiet", "-b", "feature/x"]);
    assert_eq!(seen(), None, "a branch without an upstream");
    pair.git(&["config", "push.default", "current"]);
    assert_eq!(seen().as_deref(), Some("refs/heads/feature/x"));
    pair.git(&["config", "remote.origin.push", "refs/heads/*:refs/heads/users/alice/*"]);
    assert_eq!(seen().as_deref(), Some("refs/heads/users/alice/feature/x"));
    pair.git(&["remote", "add", "other", "/nowhere"]);
    pair.git(&["config", "remote.pushDefault", "other"]);
    assert_eq!(seen(), None, "another remote is pushed to");
    pair.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(seen(), None, "no branch is checked out");
}

#[test]
fn revisions_are_resolved_as_git_does_and_are_never_options() {
    let pair = Pair::new();
    let new = pair.commit("second");
    let checkout = pair.checkout();
    for (name, expected) in
        [("HEAD", Some(new)), ("main", Some(new)), (&new.hex()[..7], Some(new)), (":/second", Some(new))]
    {
        assert_eq!(checkout.resolve(name).expect("asked"), expected, "{name}");
    }
    for name in ["", "nothing", "--all", "-h", "HEAD:README", "HEAD..main", "a\nb", &"1".repeat(40)] {
        assert_eq!(checkout.resolve(name).expect("asked"), None, "{name}");
    }
}

#[test]
fn a_folder_outside_of_any_repository_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let found = Checkout::at(folder.path());
    assert!(matches!(found, Err(CheckoutError::NoRepository { .. })), "{found:?}");
}

#[test]
fn a_request_is_a_commit_on_its_subject_that_changes_no_ref() {
    let pair = Pair::new();
    pair.git(&["config", "user.name", "Alice"]);
    pair.git(&["config", "user.email", "alice@example.com"]);
    let subject = pair.commit("second");
    let (checkout, before) = (pair.checkout(), pair.refs());
    let request = Request {
        target: target("refs/heads/main"),
        action: Action::Update,
        base: vec![pair.server.rev("refs/heads/main")],
        reason: "two\nlines".to_owned(),
    };
    let ident = checkout.committer().expect("asked");
    let written = checkout.repository().write_request(&subject, &request, &ident).expect("written");
    let read = checkout.repository().request(&written).expect("a request");
    assert_eq!(read.subject, subject);
    assert_eq!(Request::parse(&read.message), Ok(request));
    assert_eq!(pair.refs(), before);
}

#[test]
fn the_size_of_a_change_names_every_file_with_its_lines() {
    let pair = Pair::new();
    let server = &pair.server;
    let one = server.commit(&server.tree(&[("a", "1\n2\n"), ("gone", "x\n"), ("same", "y\n")]), &[], "one");
    let two = server.commit(&server.tree(&[("a", "1\n3\n4\n"), ("dir/new", "n\n"), ("same", "y\n")]), &[&one], "two");
    let repository = server.open();

    let size = repository.change_size(Some(&one), &two).expect("measured");

    let file = |path: &str, how, added, removed| ChangedFile { path: path.into(), how, added, removed };
    assert_eq!(size.files, [file("a", 'M', 2, 1), file("dir/new", 'A', 1, 0), file("gone", 'D', 0, 1)]);
    assert_eq!((size.added, size.removed), (3, 2));
    let whole = repository.change_size(None, &one).expect("measured");
    assert_eq!((whole.files.len(), whole.added), (3, 4));
    let lost: Vec<ChangesetId> =
        repository.commits_without(&two, &[one]).expect("walked").into_iter().map(|commit| commit.id).collect();
    assert_eq!(lost, [two]);
}
