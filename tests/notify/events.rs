//! Each event is sent, once, by the timer alone.

use crate::desk::{REVIEW, notify, set_places, webhook};
use crate::past::{decision, since, step};
use crate::server::{Answer, Server};
use crate::support::{ALICE, BOB, CAROL, Guarded as _, MAIN, TestRepo, now};
use jit::domain::approval::{Kind, Token};
use jit::domain::audit::{
    Applied, Event as Entry, Hash, Obstacle, Outcome, OutcomeKind, Override, PolicyChange, Recovery, RecoveryKind,
    Step, Verdict,
};
use jit::domain::change::Target;
use jit::domain::name::{RoleName, RuleName};
use jit::domain::notify::Event;
use jit::domain::time::Span;
use std::collections::BTreeSet;

/// [`REVIEW`], and whom else to tell after four hours.
fn rules() -> String {
    format!("{REVIEW}escalate = {{ after = \"4h\", notify = [\"role:maintainers\"] }}\n")
}

fn hours(hours: u64) -> Span {
    Span::seconds(hours * 3600)
}

#[test]
fn each_event_is_sent_once_however_often_somebody_delivers() {
    use Event::{
        Approved, Cancelled, Complete, Denied, Escalated, Expired, Expiring, Landed, NotLanded, Opened, Overridden,
        PolicyChanged, Reminder, ReviewDue, Superseded, Trouble,
    };
    let server = Server::new(Answer::Status(200));
    let repo = TestRepo::new(&rules());
    set_places(&repo, &(webhook("hook", &server.url("")) + "remind = \"24h\"\n"));
    let sent_by_hooks = repo.path("hooks");
    // What is judged stands on a branch that nobody guards; no hook delivers anything of that.
    std::fs::rename(repo.path("server.git/hooks"), &sent_by_hooks).expect("moved");
    let commit = || {
        let tip = repo.commit(ALICE, &["src/lib.rs"]);
        assert!(repo.push(ALICE, &["HEAD:refs/heads/free"]).succeeded());
        tip
    };
    let (tip, other) = (commit(), commit());
    let asked = decision(&repo, Verdict::Deny, tip);
    let sent = |tip| step(&repo, tip, Step::Sent { bytes: 1 });
    let target = Target::parse(MAIN).expect("a target");
    let overridden = Entry::Override(Override {
        of: 1,
        target: target.clone(),
        rule: RuleName::new("review").expect("a name"),
        subjects: vec![tip],
        overriders: Vec::new(),
        roles: vec![RoleName::new("maintainers").expect("a name")],
        barred: Vec::new(),
        due: now().minus(hours(1)),
        blob: None,
    });
    let landed = Entry::Outcome(Outcome {
        of: 1,
        applied: vec![Applied { target, value: vec![tip] }],
        how: OutcomeKind::Applied,
        settled: false,
        blob: None,
    });
    let changed = Entry::Policy(PolicyChange {
        digest: Hash::of(b""),
        files: Hash::of(b"{}"),
        by: "carol".to_owned(),
        changed: Vec::new(),
        blob: None,
    });
    let recovered =
        Entry::Recovery(Recovery { what: RecoveryKind::BadTail, size: 1, anchored: None, moved: None, reason: None });
    let allowed = || decision(&repo, Verdict::Allow, tip);
    let nobody: &dyn Fn() = &|| {};
    let by_bob = || {
        repo.approve(BOB, tip, MAIN);
    };
    let by_carol = || {
        repo.approve(CAROL, tip, MAIN);
    };
    let no = || {
        repo.keep(CAROL, Token { kind: Kind::Reject, ..repo.approval(tip, MAIN) });
    };
    let not_landed = step(&repo, tip, Step::NotLanded { why: Obstacle::Moved });
    type Case<'a> = (u64, Vec<Entry>, &'a dyn Fn(), &'a [Event]);
    let cases: [Case<'_>; 12] = [
        (1, vec![asked.clone()], nobody, &[Opened]),
        (6 * 24 + 12, vec![asked.clone()], nobody, &[Opened, Expiring, Reminder, Escalated]),
        (8 * 24, vec![asked.clone()], nobody, &[Opened, Expired]),
        (8, vec![allowed(), overridden], nobody, &[Overridden, ReviewDue]),
        (8, vec![allowed(), landed], nobody, &[Landed]),
        (1, vec![sent(tip), sent(other)], nobody, &[Opened, Opened, Superseded]),
        (1, vec![sent(tip), step(&repo, tip, Step::Cancelled)], nobody, &[Opened, Cancelled]),
        (1, vec![sent(tip), not_landed], nobody, &[Opened, NotLanded]),
        (1, vec![changed, recovered], nobody, &[PolicyChanged, Trouble]),
        // Tokens stay, so these come last.
        (1, vec![asked.clone()], &by_bob, &[Opened, Approved]),
        (1, vec![asked.clone()], &by_carol, &[Opened, Complete]),
        (1, vec![asked], &no, &[Opened, Denied]),
    ];
    let mut all = BTreeSet::new();
    for (age, entries, sign, expected) in cases {
        since(&repo, hours(age), entries);
        sign();
        let before = server.received().len();
        let sent = || {
            let said = notify(&repo, "deliver", &[]);
            assert_eq!(said.code, Some(0), "{expected:?}: {}", said.err);
            let of = |one: &crate::server::Received| Event::parse(one.header("X-Jit-Event").unwrap_or_default());
            let mut events: Vec<Event> =
                server.received()[before..].iter().map(|one| of(one).expect("an event")).collect();
            events.sort();
            events
        };
        let mut wanted = expected.to_vec();
        wanted.sort();
        assert_eq!(sent(), wanted);
        assert_eq!(sent(), wanted, "told twice");
        all.extend(wanted);
    }
    assert_eq!(all, BTreeSet::from(Event::ALL));
}

#[test]
fn what_has_waited_for_long_comes_to_places_of_the_roles_that_the_rule_names() {
    let (asked, named, other) =
        (Server::new(Answer::Status(200)), Server::new(Answer::Status(200)), Server::new(Answer::Status(200)));
    let rules = "[roles.directors]\nmembers = [\"carol\"]\n[roles.others]\nmembers = [\"carol\"]\n".to_owned()
        + &rules().replace("role:maintainers", "role:directors");
    let repo = TestRepo::new(&rules);
    let place = |name: &str, server: &Server, role: &str| {
        webhook(name, &server.url("")) + &format!("roles = [\"{role}\"]\nevents = [\"opened\", \"escalated\"]\n")
    };
    set_places(
        &repo,
        &(place("hook", &asked, "maintainers")
            + &place("named", &named, "directors")
            + &place("other", &other, "others")),
    );
    let tip = repo.commit(ALICE, &["a"]);
    since(&repo, hours(5), vec![decision(&repo, Verdict::Deny, tip)]);
    let state = crate::desk::outbox(&repo, "hook", "state");
    for place in ["named", "other"] {
        let folder = crate::desk::outbox(&repo, place, "");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::copy(&state, folder.join("state")).expect("copied");
    }
    assert_eq!(notify(&repo, "deliver", &[]).code, Some(0));
    let events = |server: &Server| {
        server
            .received()
            .iter()
            .map(|one| one.json()["event"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (events(&asked), events(&named), events(&other)),
        (vec!["opened".to_owned(), "escalated".to_owned()], vec!["escalated".to_owned()], vec![])
    );
    // Nobody has its commits, so nobody can judge it; it is told all the same, with what is known.
    let notice = named.received()[0].json();
    assert_eq!(notice["rules"][0]["name"], "review");
    assert_eq!(notice["change"], serde_json::Value::Null);
    let details = notice["details"].to_string();
    assert!(
        details.contains("after 4h told to directors as well") && details.contains("its commits are not here"),
        "{details}"
    );
}
