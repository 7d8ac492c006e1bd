//! Each fault with its exact text and exactly what is underlined. What a case lists is all that is found.

use crate::support::{PEOPLE, check, check_rule, file, seen, with_people};
use jit::domain::policy::load;

/// Names and contents of files, and each fault: its message, what is underlined.
type FilesCase<'c> = (&'c [(&'c str, &'c [u8])], &'c [(&'c str, &'c str)]);

#[test]
fn files_say_what_they_are() {
    let cases: [FilesCase<'_>; 14] = [
        (&[], &[("the policy has no files", "")]),
        (&[("a", b"version = 1")], &[("no file has `default`", "")]),
        (&[("a", b"default = \"deny\"")], &[("the file has no `version`", "")]),
        (&[("a", b"version = 2\nx = 1")], &[("`version` is 1 in every policy that this program reads", "2")]),
        (&[("a", b"version = 99999999999999999999")], &[("`version` is 1 in every policy that this program reads", "99999999999999999999")]),
        (&[("a", b"version = \"1\"")], &[("`version` takes an integer, not a string", "\"1\"")]),
        (&[("a", b"version = 1\ndefault = \"maybe\"")], &[("`default` is `allow` or `deny`, not `maybe`", "\"maybe\"")]),
        (&[("a", b"version = 1\ndefault = true")], &[("`default` takes a string, not true or false", "true")]),
        (
            &[("a", b"version = 1\ndefault = \"deny\""), ("b", b"version = 1\ndefault = \"allow\"")],
            &[("`default` is given in two files", "\"allow\"")],
        ),
        (&[("a", b"version = 1\ndefault = \"deny\"\n#\xff\xfe")], &[("the file is not UTF-8", "\u{fffd}")]),
        (&[("a", b"version = 1\ndefault = \"deny\"\nx = [")], &[("not TOML: unclosed array, expected `]`", "")]),
        (
            &[("a", b"version = 1\ndefault = \"deny\"\n[roles]\n[roles]")],
            &[("not TOML: duplicate key", "roles")],
        ),
        (&[("a", b"version = 1"), ("a", b"version = 1\ndefault = \"deny\"")], &[("two files have the name `a`", "")]),
        (
            // One file is broken; the other is still checked, but nothing is said that the broken one may define.
            &[("a", b"version = 1\n["), ("b", b"version = 1\nx = 1\n[roles.r]\nmembers = [\"zoe\"]\n[[rule]]\nname = \"r\"\nenvironments = [\"e\"]\nrequire = [{ role = \"q\", approvals = 1 }]")],
            &[("not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`", ""), ("a policy has no key `x`", "x")],
        ),
    ];
    for (files, expected) in cases {
        let files: Vec<_> = files.iter().map(|(name, text)| file(name, text)).collect();
        let found = seen(&load(&files).expect_err("faults"));
        let found: Vec<(&str, &str)> = found.iter().map(|(what, underlined)| (&**what, &**underlined)).collect();
        assert_eq!(found, expected, "{files:?}");
    }
}

#[test]
fn keys_that_do_not_exist_or_not_yet_are_refused() {
    check(&[
        ("principls = 1", &[("a policy has no key `principls`", "principls")]),
        ("[checks.y]\nrole = \"dev\"\nttl = 1", &[("a check has no key `ttl`", "ttl")]),
        ("[principals.zoe]\nkey = 1", &[("a principal has no key `key`", "key")]),
        ("[roles.r]\nmembers = [\"bob\"]\ndelegate = true", &[("a role has no key `delegate`", "delegate")]),
        (
            "[roles.r]\nmembers = [\"bob\"]\ndelegable = \"yes\"",
            &[("`delegable` takes true or false, not a string", "\"yes\"")],
        ),
        ("[environments.e]\nbranch = 1", &[("an environment has no key `branch`", "branch")]),
        ("[[rule]]\nname = \"r\"\nrequires = 1", &[("a rule has no key `requires`", "requires")]),
        (
            "[[rule]]\nname = \"r\"\nrequire = [{ role = \"dev\", count = 1 }]",
            &[
                ("an entry of `require` or `any_of` needs `approvals`", "{ role = \"dev\", count = 1 }"),
                ("an entry of `require` or `any_of` has no key `count`", "count"),
            ],
        ),
    ]);
}

#[test]
fn values_have_their_types() {
    check(&[
        (
            // What may be defined by what could not be read is not called missing.
            "principls.zoe = {}\n[roles.r]\nmembers = [\"zoe\"]",
            &[("a policy has no key `principls`", "principls")],
        ),
        ("principals.zoe = 1\n[roles.r]\nmembers = [\"zoe\"]", &[("`principals` takes a table, not an integer", "1")]),
        ("principals = 1", &[("`principals` takes a table, not an integer", "1")]),
        ("principals.zoe = 1.5", &[("`principals` takes a table, not a float", "1.5")]),
        ("roles.r = []", &[("`roles` takes a table, not a list", "[]")]),
        ("rule = 1", &[("`rule` takes a list of tables (`[[rule]]`), not an integer", "1")]),
        ("rule = [1]", &[("`rule` takes a table, not an integer", "1")]),
        ("[principals.zoe]\nkeys = \"x\"", &[("`keys` takes a list of strings, not a string", "\"x\"")]),
        (
            "[principals.zoe]\nlogins = [\"a\", 1, {}]",
            &[("`logins` takes strings, not an integer", "1"), ("`logins` takes strings, not a table", "{}")],
        ),
    ]);
    check_rule(&[
        ("deny = \"yes\"", &[("`deny` takes true or false, not a string", "\"yes\"")]),
        ("require = 1", &[("`require` takes a list of `{ role = …, approvals = … }`, not an integer", "1")]),
        ("require = [\"dev\"]", &[("`require` takes a table, not a string", "\"dev\"")]),
        (
            "any_of = [{ role = \"dev\", approvals = 1 }]",
            &[(
                "`any_of` takes a list of `{ role = …, approvals = … }`, not a table",
                "{ role = \"dev\", approvals = 1 }",
            )],
        ),
        ("pushers = \"all\"", &[("`pushers` is `known`, not `all`", "\"all\"")]),
        ("deny = true\nmode = \"warn\"", &[("`mode` is `enforce` or `observe`, not `warn`", "\"warn\"")]),
        ("deny = true\nmessage = 2020-01-01", &[("`message` takes a string, not a date or time", "2020-01-01")]),
        (
            "require = [{ role = \"dev\", approvals = \"1\" }]",
            &[("`approvals` takes an integer, not a string", "\"1\"")],
        ),
    ]);
}

#[test]
fn names_keep_to_their_alphabet_and_are_given_once() {
    let alphabet = "a name is made of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or digit";
    check(&[
        ("[principals.Zoe]", &[(alphabet, "Zoe")]),
        ("[roles.\"\"]\nmembers = [\"bob\"]", &[("a name cannot be empty", "\"\"")]),
        (
            "[roles.r]\nmembers = [\"Bob\", \"role:\"]",
            &[(alphabet, "\"Bob\""), ("a name cannot be empty", "\"role:\"")],
        ),
        ("[[rule]]\nname = \"a b\"\ndeny = true", &[(alphabet, "\"a b\"")]),
        ("[[rule]]\ndeny = true", &[("a rule needs `name`", "[[rule]]")]),
        ("[principals.bob]", &[("the principal `bob` is defined twice", "bob")]),
        ("[roles.dev]\nmembers = [\"bob\"]", &[("the role `dev` is defined twice", "dev")]),
        (
            "[environments.production]\ntags = [\"x\"]",
            &[("the environment `production` is defined twice", "production")],
        ),
        (
            "[[rule]]\nname = \"r\"\ndeny = true\n[[rule]]\nname = 'r'\ndeny = true",
            &[("the rule `r` is defined twice", "'r'")],
        ),
    ]);
}

#[test]
fn names_that_nothing_defines_are_refused() {
    check(&[
        ("[roles.r]\nmembers = [\"alicia\"]", &[("there is no principal `alicia`", "\"alicia\"")]),
        ("[roles.r]\nmembers = [\"role:devs\"]", &[("there is no role `devs`", "\"role:devs\"")]),
        (
            "[[rule]]\nname = \"r\"\nrequire = [{ role = \"dba\", approvals = 9 }]",
            &[("there is no role `dba`", "\"dba\"")],
        ),
        (
            "[[rule]]\nname = \"r\"\nenvironments = [\"prod\"]\ndeny = true",
            &[("there is no environment `prod`", "\"prod\"")],
        ),
    ]);
}

#[test]
fn where_something_could_not_be_read_no_name_is_called_unknown() {
    let takes = "takes a table, not an integer";
    for (broken, whole) in [
        ("principals.x = 1", "[roles.r]\nmembers = [\"alicia\"]"),
        ("roles.x = 1", "[checks.c]\nrole = \"devs\""),
        ("environments.x = 1", "[[rule]]\nname = \"r\"\nenvironments = [\"prod\"]\ndeny = true"),
        ("windows.x = 1", "[[rule]]\nname = \"r\"\nduring = \"nights\"\ndeny = true"),
        ("checks.x = 1", "[[rule]]\nname = \"r\"\nchecks = [\"tests\"]"),
    ] {
        let (key, _) = broken.split_once('.').expect("a dot");
        let faults = with_people(&format!("{broken}\n{whole}")).expect_err(broken);
        let found = seen(&faults);
        assert!(found.len() == 1 && found[0].0.ends_with(takes) && found[0].1 == "1", "{key}: {found:?}");
        assert!(seen(&with_people(whole).expect_err(whole))[0].0.starts_with("there is no "), "{whole}");
    }
}

#[test]
fn each_entry_must_be_met_where_one_person_may_fill_several() {
    let entry = |role: &str| format!("{{ role = \"{role}\", approvals = 1 }}");
    for (one, other, loads) in [("lead", "dev", true), ("lead", "guests", false), ("guests", "lead", false)] {
        let entries = format!("require = [{}, {}]", entry(one), entry(other));
        let rule = format!("[[rule]]\nname = \"r\"\ndistinct_people = false\n{entries}");
        let found = with_people(&rule).map_err(|faults| seen(&faults).remove(0).0);
        let never = || "`require` can never be met: 0 of 1 places can be filled".to_owned();
        assert_eq!(found.err(), (!loads).then(never), "{entries}");
    }
}

#[test]
fn roles_have_members_and_do_not_contain_themselves() {
    check(&[
        ("[roles.r]", &[("the role `r` has no members", "r")]),
        ("[roles.r]\nmembers = []", &[("`members` is an empty list", "[]")]),
        ("[roles.r]\nmembers = [\"bob\", \"bob\"]", &[("`bob` stands twice in this list", "\"bob\"")]),
        ("[roles.r]\nmembers = [\"role:r\"]", &[("the role `r` contains itself: r > r", "\"role:r\"")]),
        ("[roles.r]\nmembers = [\"role:dev\", \"role:r\"]", &[("the role `r` contains itself: r > r", "\"role:r\"")]),
        (
            "[roles.a]\nmembers = [\"bob\", \"role:b\"]\n[roles.b]\nmembers = [\"role:c\"]\n[roles.c]\nmembers = [\"role:a\"]\n[roles.d]\nmembers = [\"role:a\"]",
            &[("the role `a` contains itself: a > b > c > a", "\"role:a\"")],
        ),
        (
            "[roles.a]\nmembers = [\"role:b\"]\n[roles.b]\nmembers = [\"role:c\"]\n[roles.c]\nmembers = [\"role:b\"]",
            &[("the role `b` contains itself: b > c > b", "\"role:b\"")],
        ),
        (
            "[roles.a]\nmembers = [\"role:a\"]\n[roles.b]\nmembers = [\"role:b\"]\n[[rule]]\nname = \"r\"\nrequire = [{ role = \"a\", approvals = 9 }]",
            &[
                ("the role `a` contains itself: a > a", "\"role:a\""),
                ("the role `b` contains itself: b > b", "\"role:b\""),
            ],
        ),
    ]);
}

#[test]
fn nobody_counts_the_members_of_a_role_with_a_fault() {
    let cases = [
        ("members = [\"alicia\"]", "there is no principal `alicia`", "\"alicia\""),
        ("members = [\"bob\", \"role:devs\"]", "there is no role `devs`", "\"role:devs\""),
        ("members = [\"bob\", 1]", "`members` takes strings, not an integer", "1"),
    ];
    for (members, what, underlined) in cases {
        for role in ["inner", "outer"] {
            let roles = format!("[roles.inner]\n{members}\n[roles.outer]\nmembers = [\"role:inner\"]\n");
            let rule = format!("[[rule]]\nname = \"r\"\nrequire = [{{ role = \"{role}\", approvals = 9 }}]");
            check(&[(&format!("{roles}{rule}"), &[(what, underlined)])]);
        }
    }
}

#[test]
fn a_key_an_address_and_a_login_have_one_owner() {
    let alice = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd";
    let shared = format!("[principals.zoe]\nkeys = [\"{alice} elsewhere\"]");
    let faults = with_people(&shared).expect_err("a shared key");
    let fault = &faults.list()[0];
    assert!(fault.what.to_string().starts_with("the key `SHA256:"), "{}", fault.what);
    assert_eq!(faults.underlined(fault.place.as_ref().expect("a place")), format!("\"{alice} elsewhere\"").as_bytes());
    assert_eq!(fault.notes[0].remark.to_string(), "first given here, to `alice`");
    assert_eq!(faults.underlined(&fault.notes[0].place), format!("\"{alice}\"").as_bytes());
    check(&[
        ("[principals.zoe]\nlogins = [\"carol\"]", &[("the login `carol` is given twice", "\"carol\"")]),
        ("[principals.zoe]\nlogins = [\"z\", \"z\"]", &[("the login `z` is given twice", "\"z\"")]),
        (
            "[principals.y]\nemails = [\"Y@x.org\"]\n[principals.z]\nemails = [\"y@X.org\"]",
            &[("the e-mail address `y@x.org` is given twice", "\"y@X.org\"")],
        ),
    ]);
}

#[test]
fn principals_have_keys_addresses_and_moments() {
    let cases = [
        ("keys = [\"\"]", "not an OpenSSH public key", "\"\""),
        ("keys = [\"AAAA\"]", "not an OpenSSH public key", "\"AAAA\""),
        ("keys = [\"ssh-ed25519 AAAA\"]", "not an OpenSSH public key", "\"ssh-ed25519 AAAA\""),
        ("keys = [\"ssh-rsa AAAA\"]", "a key must be ssh-ed25519, not ssh-rsa", "\"ssh-rsa AAAA\""),
        (
            "keys = [\"ecdsa-sha2-nistp256 AAAA\"]",
            "a key must be ssh-ed25519, not ecdsa-sha2-nistp256",
            "\"ecdsa-sha2-nistp256 AAAA\"",
        ),
        (
            "keys = [\"sk-ssh-ed25519@openssh.com AAAA\"]",
            "`sk-ssh-ed25519@openssh.com` is not supported yet",
            "\"sk-ssh-ed25519@openssh.com AAAA\"",
        ),
        (
            "keys = [\"-----BEGIN OPENSSH PRIVATE KEY-----\"]",
            "a private key does not belong into a policy",
            "\"-----BEGIN OPENSSH PRIVATE KEY-----\"",
        ),
        (
            // The neutral element: every signature with a small-order part would pass.
            "keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]",
            "a weak ed25519 key: everyone can sign with it",
            "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
        ),
        (
            "keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO7/////////////////////////////////////////3//\"]",
            "not an OpenSSH public key",
            "\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO7/////////////////////////////////////////3//\"",
        ),
        ("emails = [\"\"]", "`` is not an e-mail address", "\"\""),
        ("emails = [\"Zoe <z@x.org>\"]", "`Zoe <z@x.org>` is not an e-mail address", "\"Zoe <z@x.org>\""),
        ("logins = [\"z \"]", "`z ` is not a login", "\"z \""),
        (
            "valid_until = 2027-06-30",
            "`valid_until` takes a date and time with its offset, in whole seconds, from 1970 to 9999",
            "2027-06-30",
        ),
        (
            "valid_until = \"soon\"",
            "`valid_until` takes a date and time with its offset, in whole seconds, from 1970 to 9999",
            "\"soon\"",
        ),
    ];
    for (line, what, underlined) in cases {
        check(&[(&format!("[principals.zoe]\n{line}"), &[(what, underlined)])]);
    }
}

#[test]
fn all_faults_of_all_files_are_reported_at_once() {
    let ten = r#"
versoin = 1
[principals.zoe]
keys = ["ssh-rsa AAAA"]
emails = 1
[roles.none]
members = []
[roles.loop]
members = ["role:loop"]
[[rule]]
name = "dev"
branches = ["main"]
tags = ["v*"]
require = [{ role = "dev", approvals = 3 }]
ttl = "31d"
[[rule]]
name = "dev"
escalation = {}
paths = ["/etc"]
"#;
    let files = [
        file("0.toml", PEOPLE),
        file("a.toml", format!("version = 1\n{ten}")),
        file("b.toml", "version = 3"),
        file("c.toml", "="),
    ];
    let faults = load(&files).expect_err("faults");
    let found: Vec<(&str, usize, String)> = faults
        .list()
        .iter()
        .map(|fault| {
            let place = fault.place.as_ref().expect("a place");
            (faults.file_name(place), faults.line_and_column(place).0, fault.what.to_string())
        })
        .collect();
    let found: Vec<(&str, usize, &str)> = found.iter().map(|(file, line, what)| (*file, *line, &**what)).collect();
    assert_eq!(
        found,
        [
            ("a.toml", 3, "a policy has no key `versoin`"),
            ("a.toml", 5, "a key must be ssh-ed25519, not ssh-rsa"),
            ("a.toml", 6, "`emails` takes a list of strings, not an integer"),
            ("a.toml", 8, "`members` is an empty list"),
            ("a.toml", 10, "the role `loop` contains itself: loop > loop"),
            ("a.toml", 14, "`branches` and `tags` exclude each other"),
            ("a.toml", 15, "3 approvals are asked of `dev`, which has 2 members"),
            ("a.toml", 16, "`ttl` is longer than 30days"),
            ("a.toml", 18, "the rule `dev` is defined twice"),
            ("a.toml", 19, "a rule has no key `escalation`"),
            ("a.toml", 20, "no path can match `/etc`"),
            ("b.toml", 1, "`version` is 1 in every policy that this program reads"),
            ("c.toml", 1, "not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`"),
        ]
    );
}
