//! Which of the times holders give counts.

use proptest::prelude::*;

use super::middle;

#[test]
fn the_time_in_the_middle_counts_and_nobodys_is_never() {
    assert_eq!(middle(&[5]), 5);
    assert_eq!(middle(&[9, 1, 5]), 5);
    assert_eq!(middle(&[9, 1]), 9);
    assert_eq!(middle(&[]), u64::MAX);
}

proptest! {
    #[test]
    fn a_minority_of_liars_moves_it_no_further_than_the_honest_are_apart(
        honest in proptest::collection::vec(1_000..2_000_u64, 3..20),
        lies in proptest::collection::vec(any::<u64>(), 0..20),
    ) {
        let lies = &lies[..lies.len().min(honest.len() - 1)];
        let all = [honest.as_slice(), lies].concat();
        let (first, last) = (honest.iter().min().unwrap(), honest.iter().max().unwrap());
        prop_assert!((first..=last).contains(&&middle(&all)));
    }
}
