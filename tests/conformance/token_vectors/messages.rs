//! Messages whose values are good or bad. A case is its name and why, the lines that differ from the message that it
//! starts from (an approval, where the name does not begin with another kind), and the answer.

use super::{APPROVAL, Vector, bad, good, kinds, signed, start, with};

const CASES: &str = "\
approve: an approval of a Git commit for its branch
  => ok
approve-role: meant for one role
  role dba
  => ok
approve-content: names the content of the commits too
  content sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  => ok
approve-create: the branch does not exist yet, so there is no base
  action create
  base -
  => ok
approve-sha256: a repository with SHA-256 ids
  subject git-sha256:3f2a91c0d4e5b6978812ab34cd56ef78901234563f2a91c0d4e5b6978812ab34
  base git-sha256:77aa91c0d4e5b6978812ab34cd56ef78901234563f2a91c0d4e5b6978812ab34
  => ok
approve-hg-branch: a Mercurial branch with two heads, and a comma in its name
  subject hg-sha1:3f2a91c0d4e5b6978812ab34cd56ef7890123456
  target branch:eu%2Cus
  base hg-sha1:1111111111111111111111111111111111111111,hg-sha1:2222222222222222222222222222222222222222
  => ok
approve-gate: a gate's environment has no value
  target env:production
  action gate:deploy
  base -
  => ok
approve-bytes: a refname need not be UTF-8
  target refs/heads/caf%E9,x
  => ok
approve-silent: no reason
  reason -
  => ok
approve-dash: the reason is a dash
  reason %2D
  => ok
approve-hostile: control characters in a reason stay escaped
  reason %1B[2J%0Aok
  => ok
reject: a rejection
  kind reject
  reason drops%20a%20column%C2%A0!
  => ok
revoke: takes back a token
  => ok

kind-unknown: no such kind
  kind bless
  => unknown kind of token
kind-case: a kind in capitals
  kind Approve
  => unknown kind of token

repo-space: a space that is not escaped
  repo pay ments
  => `repo` is malformed: not in percent-encoded form
repo-absent: no repository
  repo -
  => `repo` is `-`, but a token of kind `approve` needs it
subject-short: a shortened id
  subject git-sha1:3f2a91c
  => `subject` is malformed: an id has 40 lowercase hex digits
subject-upper: digits in capitals
  subject git-sha1:3F2A91C0D4E5B6978812AB34CD56EF7890123456
  => `subject` is malformed: an id has 40 lowercase hex digits
subject-length: a SHA-1 id under the name of SHA-256
  subject git-sha256:3f2a91c0d4e5b6978812ab34cd56ef7890123456
  => `subject` is malformed: an id has 64 lowercase hex digits
subject-bare: an id without its system
  subject 3f2a91c0d4e5b6978812ab34cd56ef7890123456
  => `subject` is malformed: an id begins with git-sha1:, git-sha256: or hg-sha1:
subject-zero: the id of nothing
  subject git-sha1:0000000000000000000000000000000000000000
  => `subject` is malformed: the all-zero id names no changeset
subject-token: an approval of a token
  subject sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  => `subject` is malformed: an id begins with git-sha1:, git-sha256: or hg-sha1:
target-short: a branch without its full name
  target main
  => `target` is malformed: TARGET
target-escape: an escape that was not needed
  target refs/heads/%6Dain
  => `target` is malformed: TARGET
target-lower-escape: an escape in lowercase
  target refs/heads/caf%c3%a9
  => `target` is malformed: TARGET
target-newline: a refname with a line end
  target refs/heads/a%0Ab
  => `target` is malformed: TARGET
target-comma: a comma that is not escaped
  target branch:eu,us
  => `target` is malformed: TARGET
action-unknown: no such action
  action push
  => `action` is malformed: not an action (create, update, rewrite, delete, close, new-head, publish or gate:NAME)
base-bare: an id without its system
  base 77aa01e2b3c4d5e6f708192a3b4c5d6e7f809102
  => `base` is malformed: an id begins with git-sha1:, git-sha256: or hg-sha1:
base-comma: a list that goes on
  base git-sha1:77aa01e2b3c4d5e6f708192a3b4c5d6e7f809102,
  => `base` is malformed: an id begins with git-sha1:, git-sha256: or hg-sha1:
content-short: a shortened digest
  content sha256:bbbb
  => `content` is malformed: not `sha256:` and 64 lowercase hex digits
content-hash: another hash
  content sha512:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  => `content` is malformed: not `sha256:` and 64 lowercase hex digits
role-upper: a role in capitals
  role DBA
  => `role` is malformed: a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit
role-absent: no role
  role -
  => `role` is `-`, but a token of kind `approve` needs it
detail-value: approvals have no detail
  detail x
  => `detail` has a value, but a token of kind `approve` has none
time-offset: an offset
  not-before 2026-11-21T20:00:00+00:00
  => `not-before` is malformed: not a UTC time of the form 2026-11-21T20:00:00Z
time-fraction: a fraction of a second
  not-before 2026-11-21T20:00:00.5Z
  => `not-before` is malformed: not a UTC time of the form 2026-11-21T20:00:00Z
time-no-day: a day that does not exist
  not-before 2026-02-30T00:00:00Z
  => `not-before` is malformed: not a UTC time of the form 2026-11-21T20:00:00Z
time-leap-second: a leap second
  not-before 2016-12-31T23:59:60Z
  => `not-before` is malformed: not a UTC time of the form 2026-11-21T20:00:00Z
time-absent: no first moment
  not-before -
  => `not-before` is `-`, but a token of kind `approve` needs it
nonce-short: 31 digits
  nonce 000102030405060708090a0b0c0d0e0
  => `nonce` is malformed: not 32 lowercase hex digits
nonce-upper: digits in capitals
  nonce 000102030405060708090A0B0C0D0E0F
  => `nonce` is malformed: not 32 lowercase hex digits
nonce-absent: no nonce
  nonce -
  => `nonce` is `-`, but a token of kind `approve` needs it
reason-space: a space that is not escaped
  reason Looks good
  => `reason` is malformed: not in percent-encoded form
reason-escape: an escape that was not needed
  reason %4Cooks%20good
  => `reason` is malformed: not in percent-encoded form
reason-lower-escape: an escape in lowercase
  reason caf%c3%a9
  => `reason` is malformed: not in percent-encoded form
reason-cut-escape: half an escape
  reason 100%2
  => `reason` is malformed: not in percent-encoded form
reason-latin1: bytes that are not UTF-8
  reason caf%E9
  => `reason` is malformed: not UTF-8

approve-no-subject: approves nothing
  subject -
  => `subject` is `-`, but a token of kind `approve` needs it
approve-no-target: for every branch
  target -
  => `target` is `-`, but a token of kind `approve` needs it
approve-no-action: for every action
  action -
  => `action` is `-`, but a token of kind `approve` needs it
approve-no-end: for ever
  not-after -
  => `not-after` is `-`, but a token of kind `approve` needs it
approve-no-base: an update of a branch that was not there
  base -
  => `base` is `-`, but action `update` needs a target that exists
reject-no-end: for ever
  kind reject
  not-after -
  => `not-after` is `-`, but a token of kind `reject` needs it
create-with-base: a creation of what was there
  action create
  => `base` has a value, but action `create` is for a target that does not exist
window-empty: ends as it begins
  not-after 2026-11-21T20:00:00Z
  => `not-after` is not later than `not-before`
window-backward: ends before it begins
  not-after 2026-11-20T20:00:00Z
  => `not-after` is not later than `not-before`
base-unsorted: ids in descending order
  base git-sha1:2222222222222222222222222222222222222222,git-sha1:1111111111111111111111111111111111111111
  => the ids of `base` are not sorted
base-double: an id twice
  base git-sha1:1111111111111111111111111111111111111111,git-sha1:1111111111111111111111111111111111111111
  => the ids of `base` are not sorted
base-several: a Git branch with two values
  base git-sha1:1111111111111111111111111111111111111111,git-sha1:2222222222222222222222222222222222222222
  => `base` has several ids, but only a Mercurial branch has several heads
base-mixed: a Mercurial base of a Git commit
  base hg-sha1:1111111111111111111111111111111111111111
  => `base` belongs to another kind of repository than `subject`
target-mixed: a Git commit on a Mercurial branch
  target branch:default
  => `target` belongs to another kind of repository than `subject`
target-mixed-hg: a Mercurial changeset on a Git branch
  subject hg-sha1:3f2a91c0d4e5b6978812ab34cd56ef7890123456
  => `target` belongs to another kind of repository than `subject`

revoke-commit: a revocation of a commit
  subject git-sha1:3f2a91c0d4e5b6978812ab34cd56ef7890123456
  => `subject` is malformed: not `sha256:` and 64 lowercase hex digits
revoke-nothing: a revocation of everything
  subject -
  => `subject` is `-`, but a token of kind `revoke` needs it
revoke-upper: digits in capitals
  subject sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  => `subject` is malformed: not `sha256:` and 64 lowercase hex digits
revoke-target: revocations have no target
  target refs/heads/main
  => `target` has a value, but a token of kind `revoke` has none
revoke-action: revocations have no action
  action update
  => `action` has a value, but a token of kind `revoke` has none
revoke-base: revocations have no base
  base git-sha1:1111111111111111111111111111111111111111
  => `base` has a value, but a token of kind `revoke` has none
revoke-content: revocations have no content
  content sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  => `content` has a value, but a token of kind `revoke` has none
revoke-role: revocations are meant for no role
  role dba
  => `role` has a value, but a token of kind `revoke` has none
revoke-end: revocations do not expire
  not-after 2026-11-22T20:00:00Z
  => `not-after` has a value, but a token of kind `revoke` has none
revoke-detail: revocations have no detail
  detail unit-tests passed
  => `detail` has a value, but a token of kind `revoke` has none
";

const TARGET: &str = "a target is a full refname (refs/heads/main), branch:NAME, bookmark:NAME, tag:NAME or env:NAME";

pub fn vectors() -> Vec<Vector> {
    let mut vectors = Vec::new();
    let mut lines = CASES.lines().chain(kinds::CASES.lines()).filter(|line| !line.is_empty());
    while let Some((name, why)) = lines.next().and_then(|line| line.split_once(": ")) {
        let mut message = start(name);
        loop {
            let line = lines.next().and_then(|line| line.strip_prefix("  ")).expect("a case ends with its answer");
            let (field, value) = line.split_once(' ').expect("a field and its value");
            if field != "=>" {
                message = with(&message, field, value);
                continue;
            }
            vectors.push(if value == "ok" {
                good(name, why, &message)
            } else {
                bad(name, why, signed(message), value.replace("TARGET", TARGET))
            });
            break;
        }
    }
    vectors.extend(empty_and_long());
    vectors
}

fn empty_and_long() -> Vec<Vector> {
    let reason = |text: &str| with(APPROVAL, "reason", text);
    let no_repo = signed(with(APPROVAL, "repo", ""));
    let no_base = signed(with(APPROVAL, "base", ""));
    let no_spelling = "the message is not in its one accepted spelling";
    vec![
        good("longest-reason", "2,000 bytes", &reason(&"x".repeat(2_000))),
        bad(
            "reason-long",
            "2,001 bytes",
            signed(reason(&"x".repeat(2_001))),
            "the reason has 2001 bytes, 2000 are allowed",
        ),
        bad("reason-empty", "an empty reason is written `-`", signed(reason("")), no_spelling),
        bad("repo-empty", "no repository", no_repo, "`repo` is `-`, but a token of kind `approve` needs it"),
        bad(
            "base-empty",
            "an empty list",
            no_base,
            "`base` is malformed: an id begins with git-sha1:, git-sha256: or hg-sha1:",
        ),
    ]
}
