//! Promises of the words for a disk's state.

use store::{DiskNo, DiskSpace, Figures, Usage};

use super::*;

#[test]
fn the_state_names_the_worst_first() {
    let open = Figures {
        total_bytes: 1000,
        reserved_bytes: 900,
        donated_bytes: 100,
        used_bytes: 20,
        free_bytes: 80,
        floor_ok: true,
    };
    assert_eq!(shown(open), "open");
    assert_eq!(shown(Figures { free_bytes: 0, ..open }), "full");
    assert_eq!(shown(Figures { donated_bytes: 0, used_bytes: 0, free_bytes: 0, ..open }), "off");
    assert_eq!(shown(Figures { used_bytes: 101, free_bytes: 0, ..open }), "over");
    assert_eq!(shown(Figures { used_bytes: 101, floor_ok: false, ..open }), "below-floor");
}

#[test]
fn a_refusal_shows_the_sum() {
    let refused = CannotCarry { wanted_bytes: 3 << 30, carried_bytes: 1 << 30 };
    let donation =
        Donation { size_bytes: 3 << 30, min_free_bytes: 2 << 30, safe_area_bytes: 1 << 20 };
    let failure = too_large(refused, donation);
    assert_eq!((failure.code.as_str(), failure.exit), ("gbak::donation::too_large", 25));
    for part in ["of 3.0 GiB", "floor of 2.0 GiB", "safe area of 1.0 MiB", "is 1.0 GiB"] {
        assert!(failure.message.contains(part), "{part}: {}", failure.message);
    }
}

fn shown(figures: Figures) -> &'static str {
    state(&disk(Presence::Here, figures))
}

fn disk(presence: Presence, figures: Figures) -> DiskState {
    DiskState {
        no: DiskNo::HOME,
        path: "/d".into(),
        presence,
        donation: Donation::default(),
        usage: Usage::default(),
        quarantined: store::Usage::default(),
        space: DiskSpace::default(),
        figures,
    }
}

#[test]
fn a_disk_that_is_not_there_says_so_before_anything_else() {
    let none = Figures::default();
    assert_eq!(state(&disk(Presence::Away, none)), "away");
    assert_eq!(state(&disk(Presence::Wrong, none)), "wrong-disk");
}
