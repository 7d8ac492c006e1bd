//! Repositories of other formats are judged as well, or refused for what they are.

use crate::branches::pushed;
use crate::hg::{TestHg, Transport};
use crate::hg_judge::{Judge, configure};

#[test]
fn own_paths_do_not_depend_on_the_format_of_the_repository() {
    let unstable = "format.exp-use-changelog-v2=enable-unstable-format-and-corrupt-my-data";
    let cases: [&[&str]; 6] = [
        &["format.usegeneraldelta=no"],
        &["format.sparse-revlog=no"],
        &["format.revlog-compression=none"],
        &["format.use-share-safe=no"],
        &["format.exp-use-copies-side-data-changeset=yes", unstable],
        &["format.dotencode=no", "format.usefncache=no"],
    ];
    for format in cases {
        let test = TestHg::with_format(format);
        let judge = Judge::allowing(&test);
        let clone = test.clone("clone");
        test.ok(&clone, &["rename", "src/a", "src/moved"]);
        test.commit(&clone, "rename");
        test.ok(&clone, &["update", "-q", "desc(base)"]);
        test.change(&clone, "src/b", "other");
        test.ok(&clone, &["merge", "-q"]);
        test.write(&clone, "src/evil", "x");
        test.commit(&clone, "merge");
        assert_eq!(
            pushed(&test, &judge, &clone, &[]),
            ["branch:default update,publish base -> merge: merge(src/evil) other(src/b) rename(src/a src/moved)"],
            "{format:?}"
        );
    }
}

#[test]
fn a_repository_whose_manifests_do_not_tell_all_is_refused() {
    let test = TestHg::with_format(&["experimental.treemanifest=yes"]);
    test.set_everywhere("[experimental]\nchangegroup3 = yes\n");
    let _judge = Judge::allowing(&test);
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    let before = test.server_state();
    let push = test.push(&clone, Transport::Ssh, &[]);
    assert_eq!(push.code, Some(255), "{}", push.said);
    assert!(push.said.contains("cannot read the repository"), "{}", push.said);
    assert_eq!(test.server_state(), before);
}

#[test]
fn a_large_file_counts_by_its_own_path() {
    let test = TestHg::new();
    test.set_everywhere("[extensions]\nlargefiles =\n");
    let judge = Judge::allowing(&test);
    let clone = test.clone("clone");
    for (file, message) in [("bin/big", "first"), ("bin/other", "second")] {
        test.write(&clone, file, "big");
        test.ok(&clone, &["add", "-q", "--large", file]);
        test.ok(&clone, &["commit", "-q", "-m", message]);
        let found = pushed(&test, &judge, &clone, &[]);
        assert!(found[0].ends_with(&format!("{message}({file})")), "{found:?}");
    }
}

#[test]
fn a_push_to_a_share_is_judged_by_the_source() {
    let test = TestHg::new();
    let judge = Judge::allowing(&test);
    configure(&test, "");
    let share = test.path("share").to_string_lossy().into_owned();
    test.ok(test.root.path(), &["share", "-q", "--config", "extensions.share=", "server", "share"]);
    let clone = test.clone("clone");
    test.change(&clone, "src/a", "change");
    judge.seen("");
    let push = test.hg(&clone, &["push", &share]);
    assert_eq!(push.code, Some(0), "{}", push.said);
    let seen = judge.seen("pretxnclose");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header.folder, test.server().join(".hg/jit"));
    assert_eq!(seen[0].updates.as_ref().expect("not refused").len(), 1);
}
