//! Which commits of an update a token covers (docs/spec/semantics.md, 6).

use crate::support::{Build, approve, check, judge_update, policy, rule, told, update};

const ONE: &str = "branches = [\"main\", \"default\"]\nrequire = [{ role = \"team\", approvals = 1 }]";
const SERIES: &str = "c<b; b<a";

#[test]
fn every_commit_must_be_covered() {
    let update = || update("a", "c", SERIES);
    let old = || update().reaching("y");
    check(
        &policy(&rule(ONE)),
        &[
            ("the tip, from the old value", update(), vec![approve("c", "a").by("alice")], "allow | r: +alice/team"),
            ("nothing", update(), vec![], "deny | r: 1 team for cb"),
            (
                "only the lower part",
                update(),
                vec![approve("b", "a").by("alice")],
                "deny | r: 1 team for c, +alice/team",
            ),
            (
                "only the upper part: the base is in the update",
                update(),
                vec![approve("c", "b").by("alice")],
                "deny | r: 1 team for b, +alice/team",
            ),
            (
                "two people a part each",
                update(),
                vec![approve("b", "a").by("alice"), approve("c", "b").by("bob")],
                "allow | r: +alice/team, +bob/team",
            ),
            (
                "the base is the subject",
                update(),
                vec![approve("c", "c").by("alice")],
                "deny | r: 1 team for cb, -alice CoversNothing",
            ),
            (
                "the base lies above the subject",
                update(),
                vec![approve("b", "c").by("alice")],
                "deny | r: 1 team for cb, -alice CoversNothing",
            ),
            (
                "the base is not in the target's history",
                update(),
                vec![approve("c", "z").by("alice")],
                "deny | r: 1 team for cb, -alice UnknownBase",
            ),
            (
                "the base is older than the old value",
                old(),
                vec![approve("c", "y").by("alice")],
                "allow | r: +alice/team",
            ),
            (
                "the subject is not in the update",
                update(),
                vec![approve("z", "a").by("alice")],
                "deny | r: 1 team for cb",
            ),
            ("the subject is the old value", update(), vec![approve("a", "y").by("alice")], "deny | r: 1 team for cb"),
        ],
    );
}

#[test]
fn a_base_takes_away_whatever_it_reaches() {
    // m merges two lines: m<(c<b<a), (e<d<a).
    let fork = || update("a", "m", "m<ce x; c<b; b<a; e<d; d<a");
    check(
        &policy(&rule(ONE)),
        &[
            ("the merge, from below", fork(), vec![approve("m", "a").by("alice")], "allow | r: +alice/team"),
            (
                "the merge, from one line",
                fork(),
                vec![approve("m", "c").by("alice")],
                "deny | r: 1 team for cb, +alice/team",
            ),
            (
                "the merge from one line, and that line",
                fork(),
                vec![approve("m", "c").by("alice"), approve("c", "a").by("bob")],
                "allow | r: +alice/team, +bob/team",
            ),
            ("one line only", fork(), vec![approve("e", "a").by("alice")], "deny | r: 1 team for mcb, +alice/team"),
        ],
    );
}

#[test]
fn several_bases_count_only_if_each_is_known() {
    let update = || update("ab", "c", "c<a").hg();
    check(
        &policy(&rule(ONE)),
        &[
            ("both heads", update(), vec![approve("c", "ab").hg().by("alice")], "allow | r: +alice/team"),
            ("one head", update(), vec![approve("c", "a").hg().by("alice")], "allow | r: +alice/team"),
            (
                "one head and a stranger",
                update(),
                vec![approve("c", "az").hg().by("alice")],
                "deny | r: 1 team for c, -alice UnknownBase",
            ),
        ],
    );
}

#[test]
fn each_gained_head_of_a_branch_needs_its_own_token() {
    // Two lines, c<b<a and e<d<a, arrive on the branch at once.
    let heads = || update("a", "ce", "c<b; b<a; e<d; d<a").hg().does("new-head update");
    let moved = || update("xy", "ce", "c<x; e<y").hg();
    let head = |subject: &str, base: &str| approve(subject, base).hg().to("new-head");
    check(
        &policy(&rule(ONE)),
        &[
            ("a token for one head", heads(), vec![head("c", "a").by("alice")], "deny | r: 1 team for ed, +alice/team"),
            (
                "a token for each",
                heads(),
                vec![head("c", "a").by("alice"), head("e", "a").by("alice")],
                "allow | r: +alice/team",
            ),
            (
                "a token below a head",
                heads(),
                vec![head("c", "a").by("alice"), head("d", "a").by("alice")],
                "deny | r: 1 team for ed, +alice/team, -alice NotTheTip",
            ),
            (
                "two heads that move on, one token",
                moved(),
                vec![approve("c", "xy").hg().by("alice")],
                "deny | r: 1 team for e, +alice/team",
            ),
            (
                "two heads that move on, a token each",
                moved(),
                vec![approve("c", "x").hg().by("alice"), approve("e", "y").hg().by("bob")],
                "allow | r: +alice/team, +bob/team",
            ),
        ],
    );
}

#[test]
fn up_to_date_asks_for_the_old_value_itself() {
    let policy = policy(&rule(&format!("{ONE}\nup_to_date = true")));
    let update = || update("a", "c", SERIES).reaching("y");
    check(
        &policy,
        &[
            ("the old value", update(), vec![approve("c", "a").by("alice")], "allow | r: +alice/team"),
            (
                "an older one",
                update(),
                vec![approve("c", "y").by("alice")],
                "deny | r: 1 team for cb, -alice NotUpToDate",
            ),
            (
                "one in the update",
                update(),
                vec![approve("c", "b").by("alice"), approve("b", "a").by("bob")],
                "deny | r: 1 team for c, +bob/team, -alice NotUpToDate",
            ),
        ],
    );
}

#[test]
fn a_long_series_is_judged_as_a_short_one() {
    let letters: Vec<char> = ('A'..='Z').chain('b'..='z').collect();
    let line = |(at, own): (usize, &char)| format!("{own}<{}", if at == 0 { 'a' } else { letters[at - 1] });
    let mut series: Vec<String> = letters.iter().enumerate().map(line).collect();
    series.reverse();
    let update = update("a", "z", &series.join("; "));
    let policy = policy(&rule(ONE));
    let whole = [approve("z", "a").by("alice")];
    let gap = [approve("M", "a").by("alice"), approve("z", "N").by("alice")];
    assert_eq!(told(&judge_update(&policy, &update, &whole)), "allow | r: +alice/team");
    assert_eq!(told(&judge_update(&policy, &update, &gap)), "deny | r: 1 team for N, +alice/team");
    assert_eq!(update.changesets.len(), 51);
}
