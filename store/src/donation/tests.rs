//! Promises of the arithmetic, for all disks.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{CannotCarry, Donation};
use crate::gauge::DiskSpace;

#[test]
fn a_donation_larger_than_the_disk_lends_the_disk() {
    let donation = Donation { size_bytes: 100, min_free_bytes: 5, safe_area_bytes: 5 };
    let figures = donation.figures(DiskSpace { total_bytes: 60, free_bytes: 50 }, 0);
    assert_eq!((figures.donated_bytes, figures.reserved_bytes, figures.free_bytes), (60, 0, 40));
    assert!(figures.floor_ok);
}

#[test]
fn at_the_floor_nothing_more_is_taken() {
    let donation = Donation { size_bytes: 100, min_free_bytes: 20, safe_area_bytes: 5 };
    let figures = donation.figures(DiskSpace { total_bytes: 1000, free_bytes: 19 }, 10);
    assert_eq!((figures.free_bytes, figures.floor_ok), (0, false));
}

#[test]
fn lending_less_than_is_stored_is_no_promise_that_breaks() {
    let donation = Donation { size_bytes: 10, min_free_bytes: 5, safe_area_bytes: 5 };
    let space = DiskSpace { total_bytes: 100, free_bytes: 20 };
    assert_eq!(donation.check(space, 50), Ok(()));
    assert_eq!(donation.figures(space, 50).free_bytes, 0);
}

#[test]
fn nothing_can_always_be_lent() {
    let donation = Donation { size_bytes: 0, min_free_bytes: 500, safe_area_bytes: u64::MAX };
    assert_eq!(donation.check(DiskSpace { total_bytes: 100, free_bytes: 0 }, 0), Ok(()));
}

proptest! {
    #[test]
    fn a_carried_donation_can_be_filled_to_the_last_byte_and_one_byte_more_is_refused(
        min_free_bytes in 0_u64..1 << 40, safe_area_bytes in 0_u64..1 << 40,
        used in 0_u64..1 << 42, free_bytes in 0_u64..1 << 42, others in 0_u64..1 << 42,
    ) {
        let space = DiskSpace { total_bytes: used + free_bytes + others, free_bytes };
        let kept = Donation { size_bytes: 0, min_free_bytes, safe_area_bytes };
        let size_bytes = kept.carried_bytes(space, used);
        let most = Donation { size_bytes, ..kept };
        prop_assert_eq!(most.check(space, used), Ok(()));
        let figures = most.figures(space, used);
        prop_assert_eq!(figures.free_bytes, size_bytes.saturating_sub(used));
        let more = Donation { size_bytes: size_bytes + 1, ..kept };
        let refused = CannotCarry { wanted_bytes: size_bytes + 1, carried_bytes: size_bytes };
        prop_assert_eq!(more.check(space, used), Err(refused));
    }

    #[test]
    fn accepted_puts_never_touch_floor_or_safe_area(
        size_bytes in any::<u64>(), min_free_bytes in any::<u64>(),
        safe_area_bytes in any::<u64>(), total_bytes in any::<u64>(), free in any::<u64>(),
        used in any::<u64>(), part in 0.0..=1.0f64,
    ) {
        let donation = Donation { size_bytes, min_free_bytes, safe_area_bytes };
        let free_bytes = free.min(total_bytes);
        let figures = donation.figures(DiskSpace { total_bytes, free_bytes }, used);
        let kept = u128::from(min_free_bytes) + u128::from(safe_area_bytes);
        prop_assert_eq!(figures.donated_bytes + figures.reserved_bytes, total_bytes);
        if figures.free_bytes > 0 {
            prop_assert!(u128::from(figures.free_bytes) <= u128::from(free_bytes) - kept);
            let put = ((figures.free_bytes as f64 * part) as u64).min(figures.free_bytes);
            let after = DiskSpace { total_bytes, free_bytes: free_bytes - put };
            let then = donation.figures(after, used + put);
            prop_assert!(then.floor_ok);
            prop_assert!(u128::from(after.free_bytes) >= kept);
            prop_assert!(then.used_bytes <= size_bytes);
        }
    }
}
