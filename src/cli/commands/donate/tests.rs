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
    let (disks, scrub) = (vec![disk], ScrubView::default());
    DonateView { schema: "gbak.donate/1".to_owned(), disks, scrub, count: CountView::default() }
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
    let away = DiskView { path: "/mnt/usb".to_owned(), state: "away".to_owned(), ..disk() };
    let two = DonateView { disks: vec![disk(), away], ..view(disk()) };
    let scrub = ScrubView {
        last: Some("2026-01-01T00:00:00Z".to_owned()),
        shards: 12_000,
        bytes: 107 * GIB,
        found: 2,
        skipped: 0,
        running: Some(1),
        rotten: 1,
        missing: 1,
    };
    let count = CountView {
        last: Some("2026-01-01T00:00:00Z".to_owned()),
        files: 11_998,
        bytes: 106 * GIB,
        orphans: 1,
        lost: 2,
        corrected: 3,
        skipped: 0,
    };
    let scrubbed = DonateView { scrub, count, ..view(disk()) };
    let refused = codes::DONATION.failure("The disk cannot carry a donation of 2.0 TiB");
    golden(
        "donate",
        &[
            ran(&Fake::answering(Answer::Donate(view(disk()))), "gbak donate"),
            ran(&Fake::answering(Answer::Donate(view(disk()))), "gbak donate show --json"),
            ran(&Fake::answering(Answer::DonateSet(view(over))), "gbak donate set 50GiB"),
            ran(&Fake::answering(Answer::Donate(two)), "gbak donate"),
            ran(&Fake::answering(Answer::Donate(scrubbed)), "gbak donate"),
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
        let Call::DonateSet(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
        assert_eq!((args.act, args.disks.len()), (DonateAct::Set, 0));
        args.lend
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
        ("off", "Nothing is lent. What is stored stays"),
        ("away", "The disk is away. 107.0 GiB"),
        ("wrong-disk", "Another disk is mounted"),
        ("open", "may take 93.0 GiB"),
    ] {
        let disk = DiskView { state: state.to_owned(), ..disk() };
        let shown = ran(&Fake::answering(Answer::Donate(view(disk))), "gbak donate").out;
        assert!(shown.contains(words), "{state}: {shown}");
    }
}

#[test]
fn disks_are_named_by_absolute_paths() {
    let asked = |line| {
        let fake = Fake::answering(Answer::DonateSet(view(disk())));
        ran(&fake, line);
        let state = fake.0.borrow();
        let Call::DonateSet(args) = &state.calls[0] else { panic!("{:?}", state.calls) };
        args.clone()
    };
    let path = |text: &str| crate::api::PathBytes(text.as_bytes().to_vec());
    let size = |bytes| Lend { donate: Some(Amount::Bytes(bytes)), ..Lend::default() };
    let add = asked("gbak donate add /mnt/usb --size 10GiB --min-free 5% --safe-area 1GiB");
    let (min_free, safe_area) = (Some(Amount::Percent(5.0)), Some(GIB));
    let lend = Lend { min_free, safe_area, ..size(10 * GIB) };
    let disks = vec![path("/mnt/usb")];
    assert_eq!(add, DonateArgs { act: DonateAct::Add, disks, lend });
    let shrink = asked("gbak donate shrink 1GiB --disk /a --disk /b");
    let disks = vec![path("/a"), path("/b")];
    assert_eq!(shrink, DonateArgs { act: DonateAct::Shrink, disks, lend: size(GIB) });
    let stop = asked("gbak donate stop");
    assert_eq!(stop, DonateArgs { act: DonateAct::Stop, disks: Vec::new(), lend: size(0) });
}
