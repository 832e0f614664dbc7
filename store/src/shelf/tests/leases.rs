//! Promises about leases: what goes, when, and what nobody can hurry.

use chunker::{OwnerId, PeerId, ShardId};

use super::{GIB, Rig, owner, shard};
use crate::shelf::Contact;
use crate::{DbAt, Mark, RetainRange, Retained, Shelf, ShelfError, Stored, Terms, Usage};

const DAY: u64 = 24 * 3600;
const LAPTOP: PeerId = PeerId::from_bytes([1; 32]);
const DESKTOP: PeerId = PeerId::from_bytes([2; 32]);
const FIRST: ShardId = ShardId::from_bytes([0; 32]);

fn names(of: &[u32]) -> Vec<ShardId> {
    let mut names: Vec<ShardId> = of.iter().map(|n| shard(*n).0).collect();
    names.sort();
    names
}

fn put(shelf: &Shelf, who: OwnerId, n: u32, day: u64) -> Stored {
    let (id, bytes) = shard(n);
    shelf.put(who, id, &bytes, day * DAY).unwrap()
}

fn put_new(shelf: &Shelf, who: OwnerId, n: u32, day: u64) {
    assert_eq!(put(shelf, who, n, day), Stored::New);
}

/// A whole set of the first owner's device, made and opened on that day.
fn retain(shelf: &Shelf, device: PeerId, of: &[u32], day: u64) -> Result<Retained, ShelfError> {
    let (from, to, shards) = (FIRST, None, &names(of)[..]);
    let range = RetainRange { made_secs: day * DAY, at_secs: day * DAY, from, to, shards };
    shelf.retain(owner(1), device, range, day * DAY)
}

fn held(shelf: &Shelf, of: &[u32]) -> Vec<bool> {
    let ids: Vec<ShardId> = of.iter().map(|n| shard(*n).0).collect();
    shelf.have(owner(1), &ids).unwrap()
}

/// A day at a time, as a shelf in use lives through them.
fn sweep(shelf: &Shelf, days: std::ops::RangeInclusive<u64>) -> u64 {
    days.map(|day| shelf.sweep(1000, day * DAY).unwrap().freed_shards).sum()
}

#[test]
fn what_is_left_out_rests_where_its_owner_reads_it_and_calls_it_back_and_then_is_freed() {
    super::on_both(|rig| {
        let (shelf, _) = rig.open();
        (0..3).for_each(|n| put_new(&shelf, owner(1), n, 10));
        let done = retain(&shelf, LAPTOP, &[0], 11).unwrap();
        assert_eq!((done.kept, done.left, done.next), (1, 2, None));
        assert_eq!(held(&shelf, &[0, 1, 2]), [true, false, false]);
        let all =
            Usage { shards: 3, bytes: [0, 1, 2].map(|n| shard(n).1.len() as u64).iter().sum() };
        let left = Usage { shards: 2, bytes: all.bytes - shard(0).1.len() as u64 };
        assert_eq!((shelf.usage().unwrap(), shelf.quarantined().unwrap()), (all, left));
        assert_eq!(shelf.quarantined_of(owner(1)).unwrap(), left);
        assert_eq!(shelf.usage_of(owner(1)).unwrap().shards, 1);
        assert_eq!(shelf.get(owner(1), shard(2).0).unwrap(), shard(2).1, "readable");
        assert_eq!(sweep(&shelf, 11..=17), 0, "the quarantine is not over");
        let back = shelf.call_back(owner(1), LAPTOP, &[shard(1).0, shard(9).0], 17 * DAY).unwrap();
        assert_eq!(back, [true, false]);
        assert_eq!(sweep(&shelf, 18..=18), 1);
        drop(shelf);
        let (shelf, _) = rig.open();
        assert_eq!(held(&shelf, &[0, 1, 2]), [true, true, false]);
        assert!(matches!(shelf.get(owner(1), shard(2).0), Err(ShelfError::Unknown { .. })));
        assert_eq!(shelf.quarantined().unwrap(), Usage::default());
        let file = crate::shelf::place(shard(2).0);
        assert_eq!(rig.medium.len(&file).unwrap(), None, "the bytes are gone");
        assert_eq!(put(&shelf, owner(1), 2, 19), Stored::New);
        assert_eq!(shelf.get(owner(1), shard(2).0).unwrap(), shard(2).1);
    });
}

#[test]
fn a_shard_goes_only_when_no_device_of_its_owner_retains_it() {
    let (shelf, _) = Rig::mem().0.open();
    (0..3).for_each(|n| put_new(&shelf, owner(1), n, 10));
    retain(&shelf, DESKTOP, &[0, 1, 2], 11).unwrap();
    let done = retain(&shelf, LAPTOP, &[0], 11).unwrap();
    assert_eq!((done.released, done.left), (2, 0));
    let page = shelf.held(owner(1), LAPTOP, FIRST, 11 * DAY).unwrap();
    let marks = |wanted: Mark| page.shards.iter().filter(|(_, mark)| *mark == wanted).count();
    assert_eq!((marks(Mark::Held), marks(Mark::Released), marks(Mark::Left)), (1, 2, 0));
    assert_eq!(held(&shelf, &[0, 1, 2]), [true; 3]);
    let done = retain(&shelf, DESKTOP, &[1], 12).unwrap();
    assert_eq!((done.released, done.left), (1, 1), "0 is the laptop's, 2 is nobody's");
    // Whoever wants it again first has it for both.
    let done = retain(&shelf, LAPTOP, &[0, 2], 13).unwrap();
    assert_eq!((done.kept, done.back), (2, 1));
    assert_eq!(held(&shelf, &[0, 1, 2]), [true; 3]);
}

#[test]
fn a_device_that_only_just_wrote_retains_everything() {
    let (shelf, _) = Rig::mem().0.open();
    let desktop = Contact { owner: owner(1), device: DESKTOP, writes: true };
    shelf.contact(desktop, 10 * DAY).unwrap();
    assert!(!shelf.contact_due(desktop, 10 * DAY + 60));
    put(&shelf, owner(1), 0, 10);
    assert_eq!(retain(&shelf, LAPTOP, &[], 11).unwrap().released, 1);
    assert_eq!(held(&shelf, &[0]), [true]);
}

#[test]
fn what_came_since_a_set_was_opened_stays_also_if_it_was_here_before() {
    let (shelf, _) = Rig::mem().0.open();
    (0..2).for_each(|n| put_new(&shelf, owner(1), n, 10));
    let at_secs = shelf.held(owner(1), LAPTOP, FIRST, 11 * DAY).unwrap().at_secs;
    let (id, bytes) = shard(1);
    assert_eq!(shelf.put(owner(1), id, &bytes, 11 * DAY + 5).unwrap(), Stored::Already);
    let (id, bytes) = shard(2);
    shelf.put(owner(1), id, &bytes, 11 * DAY + 5).unwrap();
    let range = RetainRange { made_secs: 11 * DAY, at_secs, from: FIRST, to: None, shards: &[] };
    let done = shelf.retain(owner(1), LAPTOP, range, 11 * DAY + 9).unwrap();
    assert_eq!((done.left, done.young), (1, 2));
    assert_eq!(held(&shelf, &[0, 1, 2]), [false, true, true]);
}

#[test]
fn nothing_younger_than_the_minimum_goes_whatever_the_device_says_the_time_is() {
    let (shelf, _) = Rig::mem().0.open();
    shelf.set_terms(Terms { min_retention_secs: 30 * DAY, ..Terms::default() });
    put(&shelf, owner(1), 0, 10);
    let opened = |at_secs| {
        let made_secs = 11 * DAY + 3600;
        let range = RetainRange { made_secs, at_secs, from: FIRST, to: None, shards: &[] };
        shelf.retain(owner(1), LAPTOP, range, 11 * DAY).unwrap()
    };
    assert_eq!(opened(u64::MAX), Retained { young: 1, ..Retained::default() });
    for day in 12..40 {
        assert_eq!(retain(&shelf, LAPTOP, &[], day).unwrap().left, 0, "day {day}");
    }
    assert_eq!(retain(&shelf, LAPTOP, &[], 40).unwrap().left, 1);
}

#[test]
fn old_sets_sets_from_the_future_and_sets_without_order_change_nothing() {
    let (shelf, _) = Rig::mem().0.open();
    (0..4).for_each(|n| put_new(&shelf, owner(1), n, 10));
    retain(&shelf, LAPTOP, &[0, 1, 2, 3], 12).unwrap();
    let stale = retain(&shelf, LAPTOP, &[], 11).unwrap_err();
    assert!(matches!(stale, ShelfError::StaleSet { newest_secs } if newest_secs == 12 * DAY));
    let set = |made_secs, from, to, shards: &[ShardId]| {
        let range = RetainRange { made_secs, at_secs: 12 * DAY, from, to, shards };
        shelf.retain(owner(1), LAPTOP, range, 12 * DAY).unwrap_err()
    };
    let future = set(14 * DAY, FIRST, None, &[]);
    assert!(matches!(future, ShelfError::FutureSet { .. }), "{future}");
    let all = names(&[0, 1, 2, 3]);
    let mut swapped = all.clone();
    swapped.swap(1, 2);
    for (from, to, shards) in [
        (FIRST, None, &swapped[..]),
        (FIRST, None, &[all[0], all[0]][..]),
        (all[1], None, &all[..]),
        (FIRST, Some(all[3]), &all[..]),
    ] {
        let error = set(12 * DAY, from, to, shards);
        assert!(matches!(error, ShelfError::Unordered), "{error}");
    }
    let many = vec![FIRST; crate::LEASE_PAGE + 1];
    let error = set(12 * DAY, FIRST, None, &many);
    assert!(matches!(error, ShelfError::TooLarge { .. }), "{error}");
    assert_eq!(held(&shelf, &[0, 1, 2, 3]), [true; 4]);
}

#[test]
fn a_range_leaves_what_is_outside_it_and_a_set_that_is_cut_off_leaves_the_rest() {
    let (shelf, _) = Rig::mem().0.open();
    (0..4).for_each(|n| put_new(&shelf, owner(1), n, 10));
    let all = names(&[0, 1, 2, 3]);
    let (made_secs, at_secs) = (11 * DAY, 11 * DAY);
    let range =
        RetainRange { made_secs, at_secs, from: all[1], to: Some(all[3]), shards: &all[2..3] };
    let done = shelf.retain(owner(1), LAPTOP, range, 11 * DAY).unwrap();
    assert_eq!((done.kept, done.left), (1, 1));
    assert_eq!(shelf.have(owner(1), &all).unwrap(), [true, false, true, true]);
}

#[test]
fn sets_touch_nobody_elses_shards_and_free_no_byte_another_owner_holds() {
    let (shelf, _) = Rig::mem().0.open();
    put(&shelf, owner(1), 0, 10);
    put(&shelf, owner(2), 0, 10);
    put(&shelf, owner(2), 1, 10);
    let done = retain(&shelf, LAPTOP, &[], 11).unwrap();
    assert_eq!((done.left, shelf.quarantined().unwrap().shards), (1, 0), "owner 2 holds it");
    let back = shelf.call_back(owner(1), LAPTOP, &[shard(1).0], 11 * DAY).unwrap();
    assert_eq!(back, [false], "not theirs to call");
    assert_eq!(sweep(&shelf, 12..=20), 0);
    assert_eq!(shelf.get(owner(2), shard(0).0).unwrap(), shard(0).1);
    assert!(shelf.get(owner(1), shard(0).0).is_err());
    assert_eq!(shelf.usage_of(owner(2)).unwrap().shards, 2);
}

#[test]
fn an_owner_without_room_can_still_give_back_and_has_room_afterwards() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    put(&shelf, owner(1), 0, 10);
    let mut donation = shelf.donation();
    donation.size_bytes = shard(0).1.len() as u64 + 1;
    shelf.set_donation(donation);
    let (id, bytes) = shard(1);
    assert!(shelf.put(owner(1), id, &bytes, 10 * DAY).unwrap_err().is_full());
    retain(&shelf, LAPTOP, &[], 11).unwrap();
    assert!(shelf.put(owner(1), id, &bytes, 11 * DAY).unwrap_err().is_full(), "it counts");
    sweep(&shelf, 12..=18);
    donation.size_bytes = bytes.len() as u64;
    shelf.set_donation(donation);
    shelf.put(owner(1), id, &bytes, 18 * DAY).unwrap();
    assert!(GIB > donation.size_bytes);
}

#[test]
fn a_clock_set_years_ahead_ends_no_quarantine() {
    let (shelf, _) = Rig::mem().0.open();
    put(&shelf, owner(1), 0, 10);
    retain(&shelf, LAPTOP, &[], 11).unwrap();
    for day in [4000, 11, 9000, 12, 20_000, 13] {
        assert_eq!(shelf.sweep(1000, day * DAY).unwrap().ended, 0, "day {day}");
    }
    assert_eq!(shelf.call_back(owner(1), LAPTOP, &[shard(0).0], 13 * DAY).unwrap(), [true]);
}

#[test]
fn what_only_a_silent_device_retained_goes_after_the_grace_and_its_slot_is_free() {
    let (shelf, _) = Rig::mem().0.open();
    (0..2).for_each(|n| put_new(&shelf, owner(1), n, 10));
    retain(&shelf, DESKTOP, &[0, 1], 10).unwrap();
    for day in 11..=110 {
        retain(&shelf, LAPTOP, &[0], day).unwrap();
        shelf.sweep(1000, day * DAY).unwrap();
        assert_eq!(held(&shelf, &[0, 1]), [true, day < 100], "day {day}");
    }
    // A third device in the freed slot has left nothing out.
    put(&shelf, owner(1), 2, 110);
    let third = Contact { owner: owner(1), device: PeerId::from_bytes([3; 32]), writes: true };
    shelf.contact(third, 110 * DAY).unwrap();
    assert_eq!(retain(&shelf, LAPTOP, &[], 111).unwrap().released, 2);
}

#[test]
fn an_owner_nobody_hears_of_keeps_its_shards_for_grace_and_quarantine_and_any_contact_renews() {
    let (shelf, _) = Rig::mem().0.open();
    put(&shelf, owner(1), 0, 10);
    put(&shelf, owner(2), 1, 10);
    shelf.sweep(1000, 10 * DAY).unwrap();
    let reader = Contact { owner: owner(2), device: DESKTOP, writes: false };
    for day in 11..107 {
        assert_eq!(shelf.sweep(1000, day * DAY).unwrap().ended, 0, "day {day}");
        if day == 100 {
            shelf.contact(reader, day * DAY).unwrap();
        }
    }
    let swept = shelf.sweep(1000, 107 * DAY).unwrap();
    assert_eq!((swept.ended, swept.owners, swept.freed_shards), (1, 1, 1));
    assert!(shelf.get(owner(1), shard(0).0).is_err());
    assert_eq!(shelf.get(owner(2), shard(1).0).unwrap(), shard(1).1);
}

#[test]
fn a_range_over_more_shards_than_are_done_at_a_time_says_where_it_got_to() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = Shelf::open(crate::ShelfAt { db: DbAt::Memory, ..rig.at() }).unwrap();
    let count = crate::LEASE_PAGE as u32 + 10;
    (0..count).for_each(|n| put_new(&shelf, owner(1), n, 10));
    let page = shelf.held(owner(1), LAPTOP, FIRST, 11 * DAY).unwrap();
    assert_eq!((page.shards.len(), page.more), (crate::LEASE_PAGE, true));
    let done = retain(&shelf, LAPTOP, &[], 11).unwrap();
    assert_eq!(done.left as usize, crate::LEASE_PAGE);
    let from = done.next.unwrap();
    let (made_secs, at_secs) = (11 * DAY, 11 * DAY);
    let range = RetainRange { made_secs, at_secs, from, to: None, shards: &[] };
    let done = shelf.retain(owner(1), LAPTOP, range, 11 * DAY).unwrap();
    assert_eq!((done.left, done.next), (10, None));
    assert_eq!(sweep(&shelf, 12..=18), 1000, "at most so many at once");
    let swept: u64 = (0..5).map(|_| sweep(&shelf, 18..=18)).sum();
    assert_eq!((1000 + swept, shelf.usage().unwrap()), (u64::from(count), Usage::default()));
}

#[test]
fn every_head_that_was_the_newest_within_the_quarantine_is_kept_with_its_time() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = rig.open();
    let put = |seq: u64, day: u64| {
        let hash = super::hash(seq as u8);
        shelf.head_put(owner(1), LAPTOP, seq, hash, &[seq as u8], day * DAY).unwrap();
    };
    put(1, 10);
    put(2, 11);
    put(3, 12);
    shelf.sweep(1, 13 * DAY).unwrap();
    sweep(&shelf, 14..=33);
    // Somebody with the device's key publishes one after another.
    (4..=40).for_each(|seq| put(seq, 34));
    let kept = |shelf: &Shelf| -> Vec<(u8, u64)> {
        let kept = shelf.kept_heads(owner(1), 0, 1 << 20).unwrap();
        assert_eq!(kept.total as usize, kept.heads.len());
        kept.heads.iter().map(|head| (head.bytes[0], head.since_secs / DAY)).collect()
    };
    assert_eq!(kept(&shelf)[0], (3, 12), "the newest before that");
    assert_eq!(shelf.heads(owner(1)).unwrap(), [[40]], "the newest is one");
    let page = shelf.kept_heads(owner(1), 36, 1).unwrap();
    assert_eq!((page.heads[0].bytes.as_slice(), page.heads.len()), (&[39][..], 1));
    sweep(&shelf, 35..=41);
    put(41, 42);
    let kept = kept(&shelf);
    assert_eq!((kept[0].0, kept.len()), (34, 8), "then only the last ones: {kept:?}");
}

#[test]
fn an_owners_heads_are_bounded_and_what_is_more_is_refused_not_traded() {
    let (rig, _) = Rig::mem();
    let (shelf, _) = Shelf::open(crate::ShelfAt { db: DbAt::Memory, ..rig.at() }).unwrap();
    let large = vec![0; crate::MAX_HEAD_LEN];
    let put = |seq: u64| {
        let hash = blake3::hash(&seq.to_le_bytes()).into();
        shelf.head_put(owner(1), LAPTOP, seq, hash, &large, 10 * DAY)
    };
    let most = 64 * 1024 * 1024 / crate::MAX_HEAD_LEN as u64;
    (1..=most).for_each(|seq| assert_eq!(put(seq).unwrap(), crate::HeadStored::New));
    assert!(matches!(put(most + 1), Err(ShelfError::TooManyHeads { .. })));
    let first = shelf.kept_heads(owner(1), 0, 1 << 20).unwrap();
    assert_eq!(first.total, most);
}
