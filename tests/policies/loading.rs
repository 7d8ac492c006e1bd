//! What a policy that loads says, and what makes no difference.

use crate::support::{PEOPLE, file, with_people};
use jit::domain::change::{Action, Target};
use jit::domain::name::{PrincipalId, RoleName};
use jit::domain::policy::{Mode, ReasonRule, diff, load};
use jit::domain::time::{Span, Timestamp};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

#[test]
fn every_key_reaches_the_policy() {
    let policy = with_people(
        r#"
[principals.mallory]
emails = ["Mallory@Example.com"]
logins = ["Mallory"]
valid_until = 2027-06-30T02:00:00+02:00
[roles.all]
members = ["role:dev", "role:guests"]
[[rule]]
name = "r"
branches = ["main", "!x"]
environments = ["production"]
paths = ["db/**"]
actions = ["create", "new-head"]
require = [{ role = "dev", approvals = 1 }]
any_of = [[{ role = "all", approvals = 1 }], [{ role = "lead", approvals = 1 }]]
ttl = "24h"
self_approval = true
distinct_people = false
bind = "content"
up_to_date = true
promoted_from = ["develop"]
reason = "[A-Z]+-[0-9]+"
authors = "known"
pushers = "known"
land = "auto"
mode = "observe"
message = "see docs"
"#,
    )
    .expect("it loads");
    let mallory = &policy.principals[&PrincipalId::new("mallory").expect("a name")];
    assert_eq!(mallory.emails, ["mallory@example.com"]);
    assert_eq!(mallory.logins, ["Mallory"]);
    assert_eq!(mallory.valid_until, Timestamp::parse("2027-06-30T00:00:00Z").ok());
    let all = &policy.roles[&RoleName::new("all").expect("a name")];
    assert_eq!(all.members.iter().map(PrincipalId::as_str).collect::<Vec<_>>(), ["alice", "bob", "carol"]);

    let rule = &policy.rules[0];
    assert_eq!(rule.place, ("a.toml".to_owned(), 9));
    assert!(policy.names_target(rule, &Target::parse("refs/heads/main").expect("a target")));
    assert!(!policy.names_target(rule, &Target::parse("refs/heads/x").expect("a target")));
    assert_eq!(rule.paths.as_ref().map(|list| list.written().to_vec()), Some(vec!["db/**".to_owned()]));
    assert!(rule.names_action(&Action::NewHead) && !rule.names_action(&Action::Update));
    assert_eq!((rule.require.len(), rule.any_of.len()), (1, 2));
    assert_eq!(rule.ttl, Span::days(1));
    assert!(rule.self_approval && !rule.distinct_people && rule.up_to_date && rule.follows_content());
    assert!(rule.promoted_from.as_ref().is_some_and(|list| list.matches(b"develop")));
    assert!(matches!(&rule.reason, Some(ReasonRule::Matches(e)) if e.is_match("ABC-1") && !e.is_match("abc")));
    assert!(rule.authors_known && rule.pushers_known && rule.lands_itself);
    assert_eq!(rule.mode, Mode::Observe);
    assert_eq!(rule.message.as_deref(), Some("see docs"));
}

#[test]
fn what_is_not_given_has_its_default() {
    let policy =
        with_people("rule = [{ name = \"r\", require = [{ role = \"dev\", approvals = 2 }] }]").expect("it loads");
    let rule = &policy.rules[0];
    assert_eq!(rule.ttl, Span::days(7));
    assert!(!rule.self_approval && rule.distinct_people && !rule.up_to_date && !rule.deny && !rule.lands_itself);
    assert!(!rule.follows_content());
    assert_eq!(rule.mode, Mode::Enforce);
    assert!(rule.actions.is_none() && rule.paths.is_none() && rule.reason.is_none());
}

#[test]
fn what_could_be_met_is_not_refused() {
    let cases = [
        "branches = [\"!main\"]\ndeny = true",
        "refs = [\"refs/heads/*\", \"!refs/heads/wip/**\"]\nbranches = [\"main\"]\ndeny = true",
        "refs = [\"**\"]\ntags = [\"v*\"]\ndeny = true",
        "refs = [\"refs/**\"]\nactions = [\"update\"]\ndeny = true",
        "refs = [\"refs/notes/*\"]\ndeny = true",
        "bookmarks = [\"@\"]\nenvironments = [\"production\", \"marked\"]\ndeny = true",
        "tags = [\"v*\"]\nactions = [\"update\", \"rewrite\"]\ndeny = true",
        "authors = \"known\"",
        "pushers = \"known\"",
        "deny = false\nauthors = \"known\"",
        "require = [{ role = \"lead\", approvals = 1 }, { role = \"dev\", approvals = 1 }]",
        "require = [{ role = \"lead\", approvals = 1 }, { role = \"lead\", approvals = 1 }]\ndistinct_people = false",
        "require = [{ role = \"lead\", approvals = 1 }]\nttl = \"30d\"",
    ];
    for keys in cases {
        with_people(&format!("[[rule]]\nname = \"r\"\n{keys}")).expect(keys);
    }
}

#[test]
fn an_expired_principal_is_no_fault_because_loading_needs_no_clock() {
    with_people("[principals.mallory]\nvalid_until = 1970-01-01T00:00:00Z").expect("it loads");
}

#[test]
fn the_digest_is_over_names_lengths_and_contents_in_the_order_of_names() {
    let (a, b) = ("version = 1\ndefault = \"deny\"", "version = 1");
    let policy = load(&[file("b.toml", b), file("a.toml", a)]).expect("it loads");
    let text = format!("a.toml\0{}\0{a}b.toml\0{}\0{b}", a.len(), b.len());
    assert_eq!(policy.digest[..], Sha256::digest(text)[..]);
}

#[test]
fn a_chain_of_ten_thousand_roles_is_resolved() {
    let mut text = "[roles.r0]\nmembers = [\"bob\"]\n".to_owned();
    for n in 1..10_000 {
        text += &format!("[roles.r{n}]\nmembers = [\"role:r{}\"]\n", n - 1);
    }
    let policy = with_people(&text).expect("it loads");
    let last = RoleName::new("r9999").expect("a name");
    assert!(policy.holds_role(&PrincipalId::new("bob").expect("a name"), &last));
}

#[test]
fn a_difference_names_what_is_added_removed_and_changed() {
    let old = "[principals.dan]\nlogins = [\"dan\"]\n[[rule]]\nname = \"r\"\npaths = [\"a\", \"b\"]\ndeny = true\n[[rule]]\nname = \"gone\"\ndeny = true";
    let new = "[roles.new]\nmembers = [\"bob\"]\n[[rule]]\nname = \"r\"\npaths = [\"b\", \"c\"]\nrequire = [{ role = \"dev\", approvals = 1 }]\n";
    let (old, new) = (with_people(old).expect("it loads"), with_people(new).expect("it loads"));
    assert_eq!(
        diff(&old, &new),
        [
            "principal `dan`: removed",
            "role `new`: added",
            "rule `gone`: removed",
            "rule `r`: deny -true +false; paths -`a` +`c`; require +1 of dev",
        ]
    );
    assert_eq!(diff(&old, &old), Vec::<String>::new());
}

proptest! {
    #[test]
    fn the_order_of_files_makes_no_difference(order in Just(vec![0, 1, 2, 3]).prop_shuffle(), broken in any::<bool>()) {
        let files = [
            file("0.toml", PEOPLE),
            file("1.toml", "version = 1\n[[rule]]\nname = \"a\"\ndeny = true"),
            file("2.toml", if broken { "version = 1\nx = 1\n[roles.lead]" } else { "version = 1" }),
            file("3.toml", "version = 1\n[[rule]]\nname = \"b\"\npushers = \"known\""),
        ];
        let shuffled: Vec<_> = order.iter().map(|at: &usize| files[*at].clone()).collect();
        match (load(&files), load(&shuffled)) {
            (Ok(one), Ok(other)) => {
                prop_assert!(!broken);
                prop_assert_eq!(one.digest, other.digest);
                prop_assert_eq!(format!("{:?}", one.rules), format!("{:?}", other.rules));
            }
            (one, other) => prop_assert_eq!(one.expect_err("faults"), other.expect_err("faults")),
        }
    }
}
