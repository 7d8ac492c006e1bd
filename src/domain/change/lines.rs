//! How many lines two contents differ by: those removed and those added, as few as can be. The same count for every system.
//!
//! The fewest lines to remove and add are found by Myers' greedy walk ("An O(ND) Difference Algorithm and Its Variations", 1986,
//! section 4): for each number of edits in turn, how far down both sides each diagonal gets. Only the number is wanted, so no path is
//! kept. The walk takes time for every edit, and edits are the pusher's choice; so first everything goes that needs no search (equal
//! lines at both ends, lines that only one side has), the walk ends where nobody cares to count further, and it has a limit.
//! Content is bytes: a line ends with a line feed or with the content, and a file that people call binary has lines as well.

use std::collections::HashMap;

/// The longest content whose lines are counted, in bytes.
pub const LONGEST_CONTENT: usize = 8 * 1024 * 1024;
/// Steps of one walk: well below a second.
const MOST_STEPS: usize = 20_000_000;

/// Returns how many lines must be removed from `old` and added to make `new`, as [`most_changed_lines`] does for several.
fn changed_lines(old: &[u8], new: &[u8], most: usize) -> Option<usize> {
    if old.len().max(new.len()) > LONGEST_CONTENT {
        return None;
    }
    let (old, new) = without_equal_ends(old, new);
    let mut numbers = HashMap::new();
    let mut numbered = |text| -> Vec<u32> {
        let number = |line| {
            let next = u32::try_from(numbers.len()).expect("a content has fewer lines than bytes");
            *numbers.entry(line).or_insert(next)
        };
        lines(text).map(number).collect()
    };
    let (mut old, mut new) = (numbered(old), numbered(new));
    let mut sides = vec![0_u8; numbers.len()];
    let place = |line: &u32| usize::try_from(*line).expect("the number of a line in memory");
    old.iter().for_each(|line| sides[place(line)] |= 1);
    new.iter().for_each(|line| sides[place(line)] |= 2);
    let all = old.len() + new.len();
    old.retain(|line| sides[place(line)] == 3);
    new.retain(|line| sides[place(line)] == 3);
    let on_one_side = all - old.len() - new.len();
    if on_one_side > most {
        return Some(most + 1);
    }
    let edits = edits(&old, &new, most - on_one_side, MOST_STEPS)?;
    Some(on_one_side + edits)
}

/// Returns how many lines must be removed and added to make `new` of the one of `olds` that differs most, 0 without any; `most` + 1 stands
/// for all that is more than `most`.
///
/// `None` if that would take too long to find out, or a content is longer than [`LONGEST_CONTENT`].
pub fn most_changed_lines(olds: &[Vec<u8>], new: &[u8], most: usize) -> Option<usize> {
    olds.iter().try_fold(0, |largest, old| changed_lines(old, new, most).map(|lines| largest.max(lines)))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Leaves out whole lines that both begin or end with.
fn without_equal_ends<'t>(old: &'t [u8], new: &'t [u8]) -> (&'t [u8], &'t [u8]) {
    let after_line = |text: &[u8]| text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let same = old.iter().zip(new).take_while(|(one, two)| one == two).count();
    if same == old.len() && same == new.len() {
        return (&[], &[]);
    }
    let start = after_line(&old[..same]);
    let (old, new) = (&old[start..], &new[start..]);
    let same = old.iter().rev().zip(new.iter().rev()).take_while(|(one, two)| one == two).count();
    // The first line of what is equal may go on further up; the line after it begins there in both.
    let tail = &old[old.len() - same..];
    let kept = tail.iter().position(|byte| *byte == b'\n').map_or(0, |end| tail.len() - end - 1);
    (&old[..old.len() - kept], &new[..new.len() - kept])
}

/// Returns the fewest removals and insertions that make `new` of `old`, `most` + 1 for more than `most`; `None` if that takes more than
/// `most_steps`.
fn edits(old: &[u32], new: &[u32], most: usize, most_steps: usize) -> Option<usize> {
    let furthest = most.min(old.len() + new.len());
    // How far down `old` each diagonal got: that of equal places stands at `origin`. None got beyond the last.
    let origin = furthest;
    let mut reached = vec![0_usize; 2 * furthest + 2];
    let mut steps = 0;
    for count in 0..=furthest {
        for diagonal in (origin - count..=origin + count).step_by(2) {
            let inserts = diagonal == origin - count || reached[diagonal - 1] < reached[diagonal + 1];
            let start = if inserts { reached[diagonal + 1] } else { reached[diagonal - 1] + 1 };
            // A walk that left a side never comes back, and costs more than the one along its edge.
            let (mut x, mut y) = (start, (start + origin).saturating_sub(diagonal));
            while x < old.len() && y < new.len() && old[x] == new[y] {
                (x, y) = (x + 1, y + 1);
            }
            reached[diagonal] = x;
            if x >= old.len() && y >= new.len() {
                return Some(count);
            }
            steps += 1 + x - start;
        }
        if steps > most_steps {
            return None;
        }
    }
    Some(most + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn removed_and_added_lines_are_counted() {
        let cases = [
            ("", "", 0),
            ("a\n", "a\n", 0),
            ("", "a\nb\n", 2),
            ("a\nb\n", "", 2),
            ("a\n", "a", 2),
            ("a\nb\nc\n", "a\nx\nc\n", 2),
            ("a\nb\nc\n", "a\nc\n", 1),
            ("a\nb\nc\n", "c\na\nb\n", 2),
            ("ab\nb\n", "b\nb\n", 2),
            ("a\na\n", "a\na\na\n", 1),
            ("\0\n\0", "\0\n\0\n", 2),
            ("a\r\n", "a\n", 2),
            ("ybc\nxbc\n", "zz\nybc\n", 2),
        ];
        for (old, new, expected) in cases {
            assert_eq!(changed_lines(old.as_bytes(), new.as_bytes(), 100), Some(expected), "{old:?} {new:?}");
            assert_eq!(changed_lines(new.as_bytes(), old.as_bytes(), 100), Some(expected), "{new:?} {old:?}");
        }
    }

    #[test]
    fn nobody_counts_further_than_was_asked() {
        let many = "a\n".repeat(1_000);
        assert_eq!(changed_lines(b"", many.as_bytes(), 999), Some(1_000));
        assert_eq!(changed_lines(b"", many.as_bytes(), 1_000), Some(1_000));
        assert_eq!(changed_lines(b"", many.as_bytes(), 5), Some(6));
        assert_eq!(changed_lines(b"a\nb\na\n", b"b\na\nb\n", 0), Some(1));
        assert_eq!(changed_lines(b"a\nb\nc\nd\ne\n", b"e\nd\nc\nb\na\n", 7), Some(8));
        assert_eq!(changed_lines(b"a\nb\nc\nd\ne\n", b"e\nd\nc\nb\na\n", 5), Some(6));
    }

    #[test]
    fn what_takes_too_long_is_not_counted() {
        // Two sides that share every line and no order.
        let mixed =
            |step: usize| -> String { (0..20_000_usize).map(|line| format!("{}\n", line * step % 19_997)).collect() };
        assert_eq!(changed_lines(mixed(7).as_bytes(), mixed(13).as_bytes(), 1_000_000), None);
        assert_eq!(changed_lines(mixed(7).as_bytes(), mixed(13).as_bytes(), 100), Some(101));
        assert_eq!(changed_lines(&vec![b'a'; LONGEST_CONTENT + 1], b"", 100), None);
    }

    #[test]
    fn a_content_is_counted_up_to_its_longest() {
        assert_eq!(LONGEST_CONTENT, 8_388_608, "docs/spec/policy.md");
        let longest = vec![b'a'; LONGEST_CONTENT];
        assert_eq!(changed_lines(&longest, b"", 100), Some(1));
        assert_eq!(changed_lines(b"", &[&longest[..], b"a"].concat(), 100), None);
    }

    #[test]
    fn each_place_that_a_walk_looks_at_is_a_step() {
        // One step finds that the first lines differ, two more insert the second line first and two remove the first one.
        for (steps, expected) in [(4, None), (5, Some(2))] {
            assert_eq!(edits(&[1, 2], &[2, 1], 9, steps), expected, "{steps}");
        }
    }

    #[test]
    fn of_several_olds_the_one_that_differs_most_counts() {
        let most = |olds: &[&str]| {
            let olds: Vec<Vec<u8>> = olds.iter().map(|old| old.as_bytes().to_vec()).collect();
            most_changed_lines(&olds, b"a\nb\n", 100)
        };
        let cases: [(&[&str], usize); 5] =
            [(&[], 0), (&["a\nb\n"], 0), (&["a\n"], 1), (&["a\n", "x\ny\n", ""], 4), (&["a\nb\n", ""], 2)];
        for (olds, expected) in cases {
            assert_eq!(most(olds), Some(expected), "{olds:?}");
        }
        assert_eq!(most(&["a\n", &"x".repeat(LONGEST_CONTENT + 1)]), None);
    }

    /// The definition: all lines but those of a longest common subsequence, twice.
    fn by_definition(old: &str, new: &str) -> usize {
        let (old, new): (Vec<_>, Vec<_>) = (lines(old.as_bytes()).collect(), lines(new.as_bytes()).collect());
        let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
        for (i, one) in old.iter().enumerate() {
            for (j, other) in new.iter().enumerate() {
                common[i + 1][j + 1] =
                    if one == other { common[i][j] + 1 } else { common[i][j + 1].max(common[i + 1][j]) };
            }
        }
        old.len() + new.len() - 2 * common[old.len()][new.len()]
    }

    proptest! {
        #[test]
        fn the_count_is_the_smallest(old in "[ab\n]{0,40}", new in "[ab\n]{0,40}", most in 0..30_usize) {
            let expected = by_definition(&old, &new).min(most + 1);
            prop_assert_eq!(changed_lines(old.as_bytes(), new.as_bytes(), most), Some(expected));
        }
    }
}
