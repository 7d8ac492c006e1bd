//! What is said of two policies that somebody is about to swap.

use crate::support::with_people;
use jit::domain::policy::{diff, keys_of, load};

#[test]
fn every_kind_of_thing_that_changes_is_named() {
    let window = |to: &str| format!("[windows.freeze]\nfrom = 2026-12-20T00:00:00\nto = {to}\ntimezone = \"UTC\"");
    let weekly = "[windows.freeze]\ndays = [\"fri\"]\nfrom = \"09:00\"\nto = \"17:00\"\ntimezone = \"UTC\"";
    let check = |role: &str| format!("[checks.tests]\nrole = \"{role}\"");
    let dan = |keys: &str| format!("[principals.dan]\n{keys}");
    let cases: [(&str, &str, &[&str]); 11] = [
        ("", &window("2027-01-04T08:00:00"), &["window `freeze`: added"]),
        (
            &window("2027-01-04T08:00:00"),
            &window("2027-01-05T08:00:00"),
            &[
                "window `freeze`: time -2026-12-20T00:00:00 to 2027-01-04T08:00:00 UTC +2026-12-20T00:00:00 to 2027-01-05T08:00:00 UTC",
            ],
        ),
        (
            weekly,
            &weekly.replace("fri", "mon"),
            &["window `freeze`: time -fri 09:00 to 17:00 UTC +mon 09:00 to 17:00 UTC"],
        ),
        (&check("dev"), "", &["check `tests`: removed"]),
        (&check("dev"), &check("lead"), &["check `tests`: role -dev +lead"]),
        (&dan("logins = [\"dan\"]"), &dan("logins = [\"dan\", \"d\"]"), &["principal `dan`: logins +d"]),
        (
            &dan("emails = [\"d@x.org\"]"),
            &dan("emails = [\"e@x.org\"]"),
            &["principal `dan`: emails -d@x.org +e@x.org"],
        ),
        (
            &dan("logins = [\"d\"]"),
            &dan("logins = [\"d\"]\nvalid_until = 2027-01-01T00:00:00Z"),
            &["principal `dan`: valid_until +2027-01-01T00:00:00Z"],
        ),
        (
            "[roles.x]\nmembers = [\"bob\"]",
            "[roles.x]\nmembers = [\"alice\", \"bob\"]\ndelegable = true",
            &["role `x`: delegable -false +true; members +alice"],
        ),
        (
            "[environments.e]\nbranches = [\"a\"]\ntags = [\"b\"]\nbookmarks = [\"c\"]",
            "[environments.e]\nbranches = [\"d\"]\ntags = [\"e\"]\nbookmarks = [\"f\"]",
            &["environment `e`: bookmarks -`c` +`f`; branches -`a` +`d`; tags -`b` +`e`"],
        ),
        ("[environments.e]\nbranches = [\"a\", \"!ab\"]", "[environments.e]\nbranches = [\"!ab\", \"a\"]", &[]),
    ];
    for (old, new, lines) in cases {
        let policy = |text| with_people(text).expect(text);
        assert_eq!(diff(&policy(old), &policy(new)), lines, "{old}\n{new}");
    }
}

#[test]
fn another_default_is_named() {
    let policy = |default: &str| {
        let text = format!("version = 1\ndefault = \"{default}\"");
        load(&[crate::support::file("a.toml", text)]).expect("it loads")
    };
    let (allow, deny) = (policy("allow"), policy("deny"));
    assert_eq!(diff(&allow, &deny), ["default: was allow, becomes deny"]);
    assert_eq!(diff(&deny, &allow), ["default: was deny, becomes allow"]);
    assert!(diff(&deny, &deny).is_empty());
}

/// A key of a rule and its values.
type Key<'k> = (&'k str, &'k [&'k str]);

#[test]
fn every_key_of_a_rule_is_said_and_none_that_it_does_not_give() {
    let cases: [(&str, &[Key<'_>]); 13] = [
        ("deny = true", &[("deny", &["true"])]),
        (
            "branches = [\"main\"]\nenvironments = [\"production\"]",
            &[("branches", &["`main`"]), ("environments", &["production"])],
        ),
        ("labels = { Kind = [\"b\", \"a\"] }", &[("labels", &["kind `a`, `b`"])]),
        (
            "larger_than = { files = 1, lines = 2, commits = 3 }",
            &[("larger_than", &["1 files", "2 lines", "3 commits"])],
        ),
        ("larger_than = { lines = 2 }", &[("larger_than", &["2 lines"])]),
        ("during = \"work\"", &[("when", &["during work"])]),
        ("outside = \"work\"", &[("when", &["outside work"])]),
        ("actions = [\"create\"]", &[("actions", &["create"])]),
        ("bind = \"content\"\nup_to_date = true", &[("bind", &["content"]), ("up_to_date", &["true"])]),
        ("reason = \"required\"\nmode = \"observe\"", &[("mode", &["observe"]), ("reason", &["required"])]),
        (
            "reason = \"[A-Z]+\"\nauthors = \"known\"\npushers = \"known\"",
            &[("authors", &["known"]), ("pushers", &["known"]), ("reason", &["`[A-Z]+`"])],
        ),
        (
            "any_of = [[{ role = \"lead\", approvals = 1 }, { role = \"dev\", approvals = 1 }], [{ role = \"dev\", approvals = 2 }]]",
            &[("any_of", &["[1 of dev, 1 of lead]", "[2 of dev]"])],
        ),
        (
            "override = { role = \"lead\", approvals = 1, ttl = \"1h\", review_within = \"3d\" }",
            &[("override", &["1 of lead for 1h, reviewed within 3days"])],
        ),
    ];
    let work = "[windows.work]\ndays = [\"mon\"]\nfrom = \"09:00\"\nto = \"17:00\"\ntimezone = \"UTC\"\n";
    for (lines, keys) in cases {
        let asks = if lines.contains("deny") || lines.contains("any_of") {
            ""
        } else {
            "\nrequire = [{ role = \"dev\", approvals = 1 }]"
        };
        let policy = with_people(&format!("{work}[[rule]]\nname = \"r\"\n{lines}{asks}")).expect(lines);
        let mut said = keys_of(&policy.rules[0]);
        assert_eq!(said.remove("require").is_some(), !asks.is_empty(), "{lines}");
        let said: Vec<(&str, Vec<&str>)> =
            said.iter().map(|(key, values)| (*key, values.iter().map(String::as_str).collect())).collect();
        let keys: Vec<(&str, Vec<&str>)> = keys.iter().map(|(key, values)| (*key, values.to_vec())).collect();
        assert_eq!(said, keys, "{lines}");
    }
}
