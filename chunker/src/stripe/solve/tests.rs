//! The field's rules, and that what is solved is what was lost.

use proptest::prelude::*;
use reed_solomon_simd::ReedSolomonEncoder;

use super::*;

#[test]
fn elements_are_a_field_in_which_one_is_1() {
    for element in (1..=Element::MAX).step_by(251) {
        assert_eq!((times(element, 1), times(1, element)), (element, element));
        assert_eq!((times(element, 0), times(0, element)), (0, 0));
        assert_eq!(times(element, inverse(element)), 1, "{element}");
        let (a, b) = (element ^ 0x5a5a, element.rotate_left(3));
        assert_eq!(times(element, a ^ b), times(element, a) ^ times(element, b));
    }
    assert_eq!(inverse(1), 1);
}

#[test]
fn equations_that_do_not_tell_have_no_solution() {
    let equation = |unknown: [Element; 2]| Equation { unknown: unknown.into(), known: vec![9] };
    assert!(solve(vec![equation([1, 2]), equation([1, 2])]).is_none());
    assert!(solve(vec![equation([1, 2])]).is_none());
    assert!(solve(vec![equation([0, 2]), equation([3, 0])]).is_some());
}

/// Numbers below `count` in an order that follows from the seed.
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_key(|number| {
        let named = [seed.to_le_bytes(), (*number as u64).to_le_bytes()].concat();
        *blake3::hash(&named).as_bytes()
    });
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_solved_is_what_was_lost(
        (k, m) in (2_u8..20, 1_u8..20),
        lost in any::<prop::sample::Index>(),
        blocks in 1_usize..5,
        seed in any::<u64>(),
    ) {
        let (each, data) = (blocks * SHARD_STEP, usize::from(k));
        let lost = 1 + lost.index(data.min(m.into()));
        let mut pack = vec![0; data * each];
        blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut pack);
        let mut encoder = ReedSolomonEncoder::new(data, m.into(), each).unwrap();
        pack.chunks(each).for_each(|shard| encoder.add_original_shard(shard).unwrap());
        let coded = encoder.encode().unwrap();
        let coded: Vec<Bytes> = coded.recovery_iter().map(Bytes::copy_from_slice).collect();

        let mut gone = shuffled(data, seed);
        let here = gone.split_off(lost);
        let used = shuffled(m.into(), seed).into_iter().take(lost);
        let parity: Vec<(usize, Bytes)> =
            used.map(|number| (number, coded[number].clone())).collect();
        let mut torn = pack.clone();
        for index in gone {
            torn[index * each..(index + 1) * each].fill(0xaa);
        }
        make_again(Code::new(k, m).unwrap(), &mut torn, &here, &parity).unwrap();
        prop_assert_eq!(torn, pack);
    }
}
