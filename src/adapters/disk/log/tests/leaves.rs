//! An audit of the leaves alone: what it hands over is proven by the newest root and what others remember.

use super::*;

/// The bytes of a line from its root on, its newline included.
const CLAIM: usize = 44 + "\",\"sig\":\"".len() + 88 + "\"}\n".len();

/// The leaves that are handed over, and what is wrong.
fn leaves(log: &TestLog) -> (Vec<Vec<u8>>, Option<Fault>) {
    let mut seen = Vec::new();
    let take = &mut |line: &Accepted<'_>| seen.push(line.frame.leaf.to_vec());
    let fault = verify_each(&log.paths, Depth::Leaves, &[], take).expect("an audit").fault;
    (seen, fault)
}

#[test]
fn whichever_byte_is_changed_no_other_leaf_is_taken_for_sound() {
    let log = TestLog::new();
    log.append(&[deny(1, 2), deny(2, 3)]);
    let (sound, fault) = leaves(&log);
    assert!(fault.is_none() && sound.len() == 3, "{fault:?}");
    let (whole, lines) = (log.lines().concat(), log.lines());
    let mut unnoticed = 0;
    for at in 0..whole.len() {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1;
        fs::write(log.journal(), &spoilt).expect("a spoilt journal");
        let (seen, fault) = leaves(&log);
        if fault.is_none() {
            assert_eq!(seen, sound, "byte {at}");
            unnoticed += 1;
        }
    }
    // Roots and signatures of the older lines are not looked at, but for their form. Of the last line everything is.
    assert!(unnoticed > 0 && unnoticed < 2 * (44 + 88), "{unnoticed}");
    let last = whole.len() - lines[2].len();
    for at in last..whole.len() {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 1;
        fs::write(log.journal(), &spoilt).expect("a spoilt journal");
        assert!(leaves(&log).1.is_some(), "byte {at}");
    }
}

#[test]
fn what_is_remembered_is_held_against_the_leaves_and_not_against_the_roots_that_lines_claim() {
    let log = TestLog::new();
    log.append(&[deny(1, 2), deny(2, 3)]);
    log.open().renew_anchor().expect("an anchor");
    let (anchor, remembered) = (log.paths.anchor(&log.new_log().origin), log.lines());
    let kept = fs::read(&anchor).expect("the anchor");
    fs::remove_file(&anchor).expect("the anchor");
    fs::write(log.journal(), remembered[..2].concat()).expect("a restored journal");
    log.append(&[deny(3, 7), deny(4, 8)]);
    fs::write(&anchor, kept).expect("the anchor");
    // The third line claims the root that the anchor remembers, over other entries.
    let claim = |line: &[u8]| line[line.len() - CLAIM..].to_vec();
    let mut lines = log.lines();
    let (end, forged) = (lines[2].len() - CLAIM, claim(&remembered[2]));
    lines[2].truncate(end);
    lines[2].extend(forged);
    fs::write(log.journal(), lines.concat()).expect("a forged journal");
    let fault = leaves(&log).1;
    assert!(matches!(fault, Some(Fault::RolledBack { by: Memory::Anchor, remembered: 3, .. })), "{fault:?}");
}
