//! Promises about whose turn it is.

use proptest::prelude::*;

use super::*;

/// Nobody has gone.
fn next<K: Ord + Copy>(turns: &mut Turns<K, u32>) -> Option<(K, u64, u32)> {
    turns.next(|_| false)
}

#[test]
fn whoever_holds_least_goes_first() {
    let mut turns = Turns::new(4);
    for ticket in 0..100 {
        turns.wish("greedy", 1, ticket);
    }
    for _ in 0..4 {
        assert_eq!(next(&mut turns).unwrap().0, "greedy");
    }
    assert_eq!(next(&mut turns), None);
    turns.wish("modest", 1, 1000);
    turns.give_back("greedy", 1);
    assert_eq!(next(&mut turns), Some(("modest", 1, 1000)));
    turns.give_back("modest", 1);
    turns.wish("modest", 1, 1001);
    assert_eq!(next(&mut turns), Some(("modest", 1, 1001)), "again and again");
}

#[test]
fn a_large_wish_is_not_passed_over() {
    let mut turns = Turns::new(10);
    turns.wish("small", 1, 1);
    assert!(next(&mut turns).is_some());
    turns.wish("large", 10, 2);
    turns.wish("small", 1, 3);
    assert_eq!(next(&mut turns), None, "all is kept for the large one");
    turns.give_back("small", 1);
    assert_eq!(next(&mut turns).unwrap().0, "large");
    // More than there is counts as all.
    let mut turns = Turns::new(3);
    turns.wish("huge", 99, 1);
    assert_eq!(next(&mut turns), Some(("huge", 3, 1)));
}

#[test]
fn who_has_gone_is_not_called() {
    let mut turns = Turns::new(1);
    turns.wish("a", 1, 1);
    turns.wish("a", 1, 2);
    turns.wish("b", 1, 3);
    assert_eq!(turns.next(|ticket| *ticket != 2), Some(("a", 1, 2)));
}

/// What happens to turns.
#[derive(Debug, Clone, Copy)]
enum Step {
    Wish(u8, u64),
    Back(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wish = (0..5_u8, 1..6_u64).prop_map(|(who, units)| Step::Wish(who, units));
    let back = (0..10_usize).prop_map(Step::Back);
    prop::collection::vec(prop_oneof![wish, back], 1..200)
}

proptest! {
    #[test]
    fn units_never_run_over_and_everybody_is_served_in_order(steps in steps()) {
        let mut turns = Turns::new(8);
        let (mut held, mut granted) = (Vec::new(), Vec::new());
        let mut wishes = 0;
        let mut grant = |turns: &mut Turns<u8, u32>, held: &mut Vec<(u8, u64)>| {
            while let Some((who, units, ticket)) = next(turns) {
                held.push((who, units));
                granted.push((who, ticket));
            }
        };
        for step in steps {
            match step {
                Step::Wish(who, units) => {
                    turns.wish(who, units, wishes);
                    wishes += 1;
                }
                Step::Back(at) if at < held.len() => {
                    let (who, units) = held.swap_remove(at);
                    turns.give_back(who, units);
                }
                Step::Back(_) => {}
            }
            grant(&mut turns, &mut held);
            prop_assert!(held.iter().map(|(_, units)| units).sum::<u64>() <= 8);
        }
        while let Some((who, units)) = held.pop() {
            turns.give_back(who, units);
            grant(&mut turns, &mut held);
        }
        prop_assert_eq!(granted.len(), wishes as usize, "nobody waits for ever");
        for who in 0..5 {
            let mine: Vec<u32> = granted.iter().filter(|it| it.0 == who).map(|it| it.1).collect();
            prop_assert!(mine.is_sorted(), "first come, first served: {:?}", mine);
        }
    }

    #[test]
    fn all_who_always_want_more_get_the_same(kinds in 2..20_u8, units in 1..9_u64) {
        let mut turns = Turns::new(units);
        let mut counts = BTreeMap::new();
        for who in 0..kinds {
            for ticket in 0..u32::from(who) * 10 + 3 {
                turns.wish(who, 1, ticket);
            }
        }
        let mut held = VecDeque::new();
        for _ in 0..u32::from(kinds) * 40 {
            while let Some((who, units, ticket)) = next(&mut turns) {
                held.push_back(who);
                *counts.entry(who).or_insert(0_i64) += units as i64;
                turns.wish(who, 1, ticket);
            }
            if let Some(who) = held.pop_front() {
                turns.give_back(who, 1);
            }
        }
        let (least, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
        prop_assert!(counts.len() == usize::from(kinds) && most - least <= 2, "{:?}", counts);
    }
}
