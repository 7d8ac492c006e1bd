//! Cases of the kinds beside approvals, rejections and revocations, in the form of `messages`; each starts from the message of its kind.

pub const CASES: &str = "\
attest: a check passed
  => ok
attest-failed: a check failed, and why
  detail a.b_c-d failed
  reason 2%20of%2090%20failed
  => ok
attest-hg: a check of a Mercurial changeset
  subject hg-sha1:3f2a91c0d4e5b6978812ab34cd56ef7890123456
  => ok
override: passes a rule, for a reason
  => ok
override-delete: a deletion that a rule forbids
  action delete
  role oncall
  => ok
review: somebody looked at an override
  => ok
delegate: somebody else stands in
  => ok

attest-nothing: of no changeset
  subject -
  => `subject` is `-`, but a token of kind `attest` needs it
attest-token: of a token
  subject sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  => `subject` is malformed: an id begins with git-sha1:, git-sha256: or hg-sha1:
attest-no-detail: of no check
  detail -
  => `detail` is `-`, but a token of kind `attest` needs it
attest-no-status: a check without how it ended
  detail unit-tests
  => `detail` is malformed: not a name and `passed` or `failed`
attest-status: neither passed nor failed
  detail unit-tests skipped
  => `detail` is malformed: not a name and `passed` or `failed`
attest-status-case: a status in capitals
  detail unit-tests Passed
  => `detail` is malformed: not a name and `passed` or `failed`
attest-two: two checks
  detail unit-tests lint passed
  => `detail` is malformed: not a name and `passed` or `failed`
attest-name: a check in capitals
  detail Unit-Tests passed
  => `detail` is malformed: a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit
attest-space: two spaces
  detail unit-tests  passed
  => `detail` is malformed: not a name and `passed` or `failed`
attest-target: attestations have no target
  target refs/heads/main
  => `target` has a value, but a token of kind `attest` has none
attest-action: attestations have no action
  action update
  => `action` has a value, but a token of kind `attest` has none
attest-base: attestations have no base
  base git-sha1:1111111111111111111111111111111111111111
  => `base` has a value, but a token of kind `attest` has none
attest-content: attestations have no content
  content sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  => `content` has a value, but a token of kind `attest` has none
attest-role: attestations are meant for no role
  role ci
  => `role` has a value, but a token of kind `attest` has none
attest-no-end: for ever
  not-after -
  => `not-after` is `-`, but a token of kind `attest` needs it
attest-window: ends as it begins
  not-after 2026-11-21T20:00:00Z
  => `not-after` is not later than `not-before`

override-silent: for no reason
  reason -
  => a token of kind `override` needs a reason
override-blank: for a reason that is none
  reason %20%0A
  => a token of kind `override` needs a reason
override-everything: of no rule
  detail -
  => `detail` is `-`, but a token of kind `override` needs it
override-two: of two rules
  detail freeze review
  => `detail` is malformed: a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit
override-no-target: for every branch
  target -
  => `target` is `-`, but a token of kind `override` needs it
override-no-end: for ever
  not-after -
  => `not-after` is `-`, but a token of kind `override` needs it

review-everything: of no rule
  detail -
  => `detail` is `-`, but a token of kind `review` needs it
review-nothing: of no commit
  subject -
  => `subject` is `-`, but a token of kind `review` needs it
review-no-target: of every branch
  target -
  => `target` is `-`, but a token of kind `review` needs it
review-action: reviews have no action
  action update
  => `action` has a value, but a token of kind `review` has none
review-base: reviews have no base
  base git-sha1:1111111111111111111111111111111111111111
  => `base` has a value, but a token of kind `review` has none
review-content: reviews have no content
  content sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  => `content` has a value, but a token of kind `review` has none
review-role: reviews are meant for no role
  role oncall
  => `role` has a value, but a token of kind `review` has none
review-end: reviews do not expire
  not-after 2026-11-22T20:00:00Z
  => `not-after` has a value, but a token of kind `review` has none

delegate-nobody: a role and nobody
  detail dba
  => `detail` is malformed: not two names
delegate-nothing: neither a role nor anybody
  detail -
  => `detail` is `-`, but a token of kind `delegate` needs it
delegate-two: to two people
  detail dba carol bob
  => `detail` is malformed: a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit
delegate-commit: for one commit
  subject git-sha1:3f2a91c0d4e5b6978812ab34cd56ef7890123456
  => `subject` has a value, but a token of kind `delegate` has none
delegate-target: for one branch
  target refs/heads/main
  => `target` has a value, but a token of kind `delegate` has none
delegate-action: for one action
  action update
  => `action` has a value, but a token of kind `delegate` has none
delegate-role: the role stands in the detail
  role dba
  => `role` has a value, but a token of kind `delegate` has none
delegate-no-end: for ever
  not-after -
  => `not-after` is `-`, but a token of kind `delegate` needs it
delegate-window: ends as it begins
  not-after 2026-11-21T20:00:00Z
  => `not-after` is not later than `not-before`
";
