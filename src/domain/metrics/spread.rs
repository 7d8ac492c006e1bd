//! Many numbers as how often each occurred: exact percentiles in memory that grows with the distinct numbers, not with how many there are.

use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::collections::BTreeMap;

/// Of fewer numbers than this no mean and no percentile is told: they would say more of single cases than of how things go.
pub const FEWEST: u64 = 5;

/// Numbers of one unit: seconds, or milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    counts: BTreeMap<u64, u64>,
    n: u64,
    sum: u64,
}

impl Spread {
    /// Adds a number.
    pub fn add(&mut self, number: u64) {
        self.add_times(number, 1);
    }

    /// Adds the numbers of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.counts.iter().for_each(|(number, times)| self.add_times(*number, *times));
    }

    fn add_times(&mut self, number: u64, times: u64) {
        *self.counts.entry(number).or_default() += times;
        self.n += times;
        self.sum = self.sum.saturating_add(number.saturating_mul(times));
    }

    /// Returns how many numbers there are.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Returns their sum; it stops at the largest number there is.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Returns the mean, rounded half up; `None` of fewer than [`FEWEST`].
    pub fn mean(&self) -> Option<u64> {
        (self.n >= FEWEST).then(|| self.sum.saturating_add(self.n / 2) / self.n)
    }

    /// Returns the `percent`th percentile by nearest rank: the smallest number that at least so many percent do not exceed. `None` of fewer
    /// than [`FEWEST`].
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = u128::from(self.n) * u128::from(percent);
        let rank = rank.div_ceil(100).max(1);
        let mut below = 0_u128;
        let reaches = |(number, times): (&u64, &u64)| {
            below += u128::from(*times);
            (below >= rank).then_some(*number)
        };
        if self.n < FEWEST { None } else { self.counts.iter().find_map(reaches) }
    }

    /// Returns the largest.
    pub fn max(&self) -> Option<u64> {
        self.counts.keys().next_back().copied()
    }

    /// Returns how many do not exceed `bound`.
    pub fn up_to(&self, bound: u64) -> u64 {
        self.counts.range(..=bound).map(|(_, times)| times).sum()
    }

    /// Returns each number that occurs and how often, the smallest first.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts.iter().map(|(number, times)| (*number, *times))
    }
}

impl Serialize for Spread {
    /// Writes `n`, `sum`, `mean`, `p50`, `p95` and `max`; null where nothing is told.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Spread", 6)?;
        fields.serialize_field("n", &self.n)?;
        fields.serialize_field("sum", &self.sum)?;
        fields.serialize_field("mean", &self.mean())?;
        fields.serialize_field("p50", &self.percentile(50))?;
        fields.serialize_field("p95", &self.percentile(95))?;
        fields.serialize_field("max", &self.max())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 to 1.
    static HUNDRED: [u64; 100] = {
        let (mut numbers, mut at) = ([0; 100], 0);
        while at < 100 {
            numbers[at] = 100 - at as u64;
            at += 1;
        }
        numbers
    };

    fn spread(numbers: &[u64]) -> Spread {
        let mut spread = Spread::default();
        numbers.iter().for_each(|number| spread.add(*number));
        spread
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        // Rank of the 50th of n: ceil(n/2); of the 95th: ceil(0.95 n).
        type Case = (&'static [u64], Option<u64>, Option<u64>, Option<u64>, Option<u64>);
        let cases: [Case; 6] = [
            (&[], None, None, None, None),
            (&[7], None, None, None, Some(7)),
            (&[1, 2, 3, 4], None, None, None, Some(4)),
            (&[9, 1, 2, 2, 1], Some(3), Some(2), Some(9), Some(9)),
            (&[1, 2, 3, 4, 5, 6], Some(4), Some(3), Some(6), Some(6)),
            (&HUNDRED, Some(51), Some(50), Some(95), Some(100)),
        ];
        for (numbers, mean, median, late, max) in cases {
            let spread = spread(numbers);
            assert_eq!(
                (spread.mean(), spread.percentile(50), spread.percentile(95), spread.max()),
                (mean, median, late, max),
                "{numbers:?}"
            );
        }
    }

    #[test]
    fn numbers_that_come_together_are_as_if_they_had_always_been() {
        let mut both = spread(&[1, 5, 5]);
        both.merge(&spread(&[2, 5, u64::MAX]));
        assert_eq!(both, spread(&[5, 5, 5, 1, 2, u64::MAX]));
        assert_eq!((both.n(), both.sum(), both.up_to(4), both.up_to(5)), (6, u64::MAX, 2, 5));
    }
}
