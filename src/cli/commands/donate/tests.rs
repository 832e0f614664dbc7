//! The split as people and scripts see it.

use super::*;
use crate::api::codes;
use crate::api::setup::Amount;
use crate::cli::commands::fake::{Fake, golden, ran};

const GIB: u64 = 1 << 30;

fn disk() -> DiskView {
    DiskView {
        path: "/home/ada/gbak/shelf\u{202e}".to_owned(),
        total_bytes: 1000 * GIB,
        free_bytes: 300 * GIB,
        reserved_bytes: 800 * GIB,
        donated_bytes: 200 * GIB,
        used_bytes: 107 * GIB,
        quarantined_bytes: 0,
        safe_area_bytes: 10 * GIB,
        floor_bytes: 150 * GIB,
        floor_ok: true,
        available_bytes: 93 * GIB,
        state: "open".to_owned(),
    }
}

fn view(disk: DiskView) -> DonateView {
    DonateView { schema: "gbak.donate/1".to_owned(), disks: vec![disk] }
}

#[test]
fn the_split_is_a_sum_or_one_document() {
    let over = DiskView {
        reserved_bytes: 950 * GIB,
        donated_bytes: 50 * GIB,
        available_bytes: 0,
        state: "over".to_owned(),
        ..disk()
    };
    let refused = codes::DONATION.failure("The disk cannot carry a donation of 2.0 TiB");
    golden(
        "donate",
        &[
            ran(&Fake::answering(Answer::Donate(view(disk()))), "gbak donate"),
            ran(&Fake::answering(Answer::Donate(view(disk()))), "gbak donate show --json"),
            ran(&Fake::answering(Answer::DonateSet(view(over))), "gbak donate set 50GiB"),
            ran(&Fake::answering(Err(refused)), "gbak donate set 2TiB"),
        ],
    );
}

#[test]
fn what_is_not_said_is_not_changed() {
    let set = |line| {
        let fake = Fake::answering(Answer::DonateSet(view(disk())));
        ran(&fake, line);
        let state = fake.0.borrow();
        let Call::DonateSet(lend) = state.calls[0] else { panic!("{:?}", state.calls) };
        lend
    };
    let size = set("gbak donate set 40%");
    let only = Lend { donate: Some(Amount::Percent(40.0)), min_free: None, safe_area: None };
    assert_eq!(size, only);
    let all = set("gbak donate set none --min-free 15% --safe-area 1GiB");
    let expected = Lend {
        donate: Some(Amount::Bytes(0)),
        min_free: Some(Amount::Percent(15.0)),
        safe_area: Some(GIB),
    };
    assert_eq!(all, expected);
}

#[test]
fn every_state_says_what_follows() {
    for (state, words) in [
        ("full", "no room left"),
        ("below-floor", "to its floor"),
        ("off", "Nothing is lent"),
        ("open", "may take 93.0 GiB"),
    ] {
        let disk = DiskView { state: state.to_owned(), ..disk() };
        let shown = ran(&Fake::answering(Answer::Donate(view(disk))), "gbak donate").out;
        assert!(shown.contains(words), "{state}: {shown}");
    }
}
