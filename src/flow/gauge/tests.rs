//! Which shards a link is measured with; the rest is in `tests/it/sim/gauging.rs`.

use super::*;

const MIB: u64 = 1024 * 1024;

fn known(of: &[&[u64]]) -> BTreeMap<PeerId, Vec<(u64, ShardId)>> {
    let peer = |nth: usize| PeerId::from_bytes([nth as u8; 32]);
    let shards =
        |lens: &[u64]| lens.iter().map(|len| (*len, ShardId::from_bytes([0; 32]))).collect();
    of.iter().enumerate().map(|(nth, lens)| (peer(nth), shards(lens))).collect()
}

fn room(slots: &[Slot]) -> u64 {
    slots.iter().map(|slot| slot.len).sum()
}

#[test]
fn everybody_is_measured_with_one_shard_before_anybody_with_two() {
    let all = known(&[&[2 * MIB; 4], &[2 * MIB; 4], &[MIB]]);
    let slots = slots(&all, 9 * MIB);
    let of = |nth: u8| slots.iter().filter(|slot| slot.peer.as_bytes()[0] == nth).count();
    assert_eq!((of(0), of(1), of(2)), (2, 2, 1));
    assert_eq!(room(&slots), 9 * MIB);
}

#[test]
fn no_more_goes_each_way_than_the_bound_nor_is_held_than_there_is_room() {
    for lens in [&[EACH_WAY][..], &[MIB; 4], &[5 * MIB, 3 * MIB], &[SHORT; 3]] {
        let slots = slots(&known(&[lens]), 24 * MIB);
        let again: u64 = slots.iter().map(|slot| slot.times * slot.len).sum();
        assert!(again <= EACH_WAY && !slots.is_empty(), "{again} of {lens:?}");
        assert!(room(&slots) <= 24 * MIB);
    }
    assert!(slots(&known(&[&[MIB], &[MIB]]), MIB).len() == 1);
}

#[test]
fn a_rate_is_of_what_went_while_all_were_at_it() {
    let one = Flown { bytes: 3_000, took: Duration::from_secs(1) };
    let other = Flown { bytes: 1_000, took: Duration::from_secs(2) };
    assert_eq!(one.with(other).rate(), Some(2_000.0));
    assert_eq!(Flown::default().rate(), None);
}
