//! Promises of the policy, over every disk.

use proptest::prelude::*;

use super::*;

const MOST: u64 = 1 << 50;

fn lent() -> impl Strategy<Value = Lent> {
    let sizes = (0..MOST, 0..MOST, 0..MOST, 0..MOST, 0..MOST);
    (sizes, 0..MOST, 0.0..1.0_f64).prop_map(|((total, size, floor, safe, used), free, part)| {
        let space = DiskSpace { total_bytes: total.max(free), free_bytes: free };
        let donation = Donation { size_bytes: size, min_free_bytes: floor, safe_area_bytes: safe };
        let quarantined_bytes = (used as f64 * part) as u64;
        Lent { space, donation, used_bytes: used, quarantined_bytes }
    })
}

fn movable() -> impl Strategy<Value = Movable> {
    (any::<u8>(), any::<u64>(), 0..MOST, any::<Option<u8>>()).prop_map(|(owner, n, len, others)| {
        let shard = ShardId::from(blake3::hash(&n.to_le_bytes()));
        Movable { owner: OwnerId::from_bytes([owner; 32]), shard, len, others }
    })
}

proptest! {
    #[test]
    fn a_disk_that_is_well_is_left_alone(lent in lent()) {
        let well = lent.space.free_bytes >= lent.donation.min_free_bytes
            && lent.used_bytes <= lent.donation.size_bytes;
        let steps = steps(&lent);
        prop_assert_eq!(well, steps.free_bytes == 0 && steps.move_bytes == 0
            || !well && lent.used_bytes == 0);
    }

    #[test]
    fn each_step_goes_only_as_far_as_needed_and_after_the_one_before(lent in lent()) {
        let steps = steps(&lent);
        let Lent { space, donation, used_bytes, quarantined_bytes } = lent;
        prop_assert!(steps.free_bytes <= quarantined_bytes);
        prop_assert!(steps.move_bytes == 0 || steps.free_bytes == quarantined_bytes);
        prop_assert!(steps.move_bytes == 0 || steps.refuse_new);
        let gone = steps.free_bytes + steps.move_bytes;
        prop_assert!(gone <= used_bytes);
        // Enough: the floor is free and no more is stored than lent, or nothing of ours is left.
        let enough = |gone: u64| space.free_bytes + gone >= donation.min_free_bytes
            && used_bytes - gone <= donation.size_bytes;
        prop_assert!(enough(gone) || gone == used_bytes);
        // And not a byte more.
        prop_assert!(gone == 0 || !enough(gone - 1));
    }

    #[test]
    fn no_more_is_offered_than_the_disk_keeps_above_floor_and_safe_area(lent in lent()) {
        let steps = steps(&lent);
        let Donation { size_bytes, min_free_bytes, safe_area_bytes } = lent.donation;
        prop_assert!(steps.offer_bytes <= size_bytes);
        let gone = steps.free_bytes + steps.move_bytes;
        let new = steps.offer_bytes.saturating_sub(lent.used_bytes - gone);
        prop_assert!(new == 0 || lent.space.free_bytes - new >= min_free_bytes + safe_area_bytes);
        prop_assert!(!steps.refuse_new || new == 0 || gone > 0, "{:?}", steps);
    }

    #[test]
    fn the_least_harmful_go_and_no_more_than_needed(
        all in prop::collection::vec(movable(), 0..40),
        bytes in 0..MOST,
    ) {
        let picked = pick(all.clone(), bytes);
        let sum: u64 = picked.iter().map(|one| one.len).sum();
        prop_assert!(sum >= bytes || picked.len() == all.len());
        if let Some((_, before)) = picked.split_last() {
            prop_assert!(before.iter().map(|one| one.len).sum::<u64>() < bytes);
        }
        let spare = |one: &Movable| one.others.map_or(-1, i32::from);
        let worst = picked.iter().map(spare).min().unwrap_or(i32::MAX);
        let stay = all.iter().filter(|one| !picked.contains(one));
        prop_assert!(stay.map(spare).all(|left| left <= worst));
    }

    #[test]
    fn a_donation_grows_within_its_ceiling_and_never_shrinks(
        size in 0..MOST, added in 0..MOST, percent in 0.0..120.0_f64, ceiling in 0..MOST,
    ) {
        let new = grown(size, added, percent, ceiling);
        prop_assert!(new >= size && new <= size + added && new <= ceiling.max(size));
    }
}

#[test]
fn a_floor_that_somebody_else_violates_is_restored_in_order() {
    let donation = Donation { size_bytes: 1000, min_free_bytes: 100, safe_area_bytes: 50 };
    let space = |free_bytes| DiskSpace { total_bytes: 2000, free_bytes };
    let lent = |free, quarantined_bytes| {
        steps(&Lent { space: space(free), donation, used_bytes: 500, quarantined_bytes })
    };
    assert_eq!(lent(700, 80), Steps { offer_bytes: 1000, ..Steps::default() });
    // Into the safe area: nothing new, nothing has to go.
    let refuses = Steps { refuse_new: true, offer_bytes: 500, ..Steps::default() };
    assert_eq!(lent(120, 80), refuses);
    let frees = Steps { free_bytes: 60, offer_bytes: 440, ..refuses };
    assert_eq!(lent(40, 80), frees);
    let moves = Steps { free_bytes: 80, move_bytes: 20, offer_bytes: 400, ..refuses };
    assert_eq!(lent(0, 80), moves);
}
