//! The set against one that is kept position by position.

use proptest::prelude::*;

use super::*;

const SPACE: u64 = 64;

proptest! {
    #[test]
    fn it_is_the_set_of_its_positions(
        steps in prop::collection::vec((any::<bool>(), 0..SPACE, 0..SPACE), 0..40),
    ) {
        let (mut ranges, mut all) = (Ranges::default(), [false; SPACE as usize]);
        for (adds, from, to) in steps {
            if adds { ranges.insert(from, to) } else { ranges.remove(from, to) }
            for at in from..to {
                all[at as usize] = adds;
            }
            prop_assert_eq!(ranges.bytes(), all.iter().filter(|there| **there).count() as u64);
            let runs: Vec<_> = ranges.runs().collect();
            prop_assert!(runs.windows(2).all(|two| two[0].1 < two[1].0), "{:?}", runs);
            prop_assert_eq!(&Ranges::of(&runs), &ranges);
            for (start, end) in [(0, SPACE), (from, to.max(from)), (to, SPACE)] {
                let mut at = start;
                for (first, last, there) in ranges.parts(start, end) {
                    prop_assert!(first == at && last > first);
                    prop_assert!((first..last).all(|at| all[at as usize] == there));
                    at = last;
                }
                prop_assert_eq!(at, end);
            }
        }
    }
}
