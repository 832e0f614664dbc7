//! Lists survive being parted, written and read.

use proptest::prelude::*;

use super::*;

fn peer(n: u16) -> PeerId {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_le_bytes());
    PeerId::from_bytes(bytes)
}

fn code(k: u8, m: u8) -> Code {
    Code::new(k, m).unwrap()
}

type Shards = Vec<(ShardId, Option<PeerId>)>;

fn shards(seed: u16, n: usize) -> Shards {
    let one = |at: usize| {
        let id = ShardId::from_bytes([seed as u8 ^ at as u8; 32]);
        (id, (at % 5 != 4).then(|| peer(seed % 97 + at as u16)))
    };
    (0..n).map(one).collect()
}

proptest! {
    #[test]
    fn every_pack_is_in_one_part_with_its_holders_and_its_walk(
        packs in prop::collection::vec((any::<u16>(), 1..6u8, 0..5u8, 0..3u8), 0..40),
    ) {
        let walk: Vec<PeerId> = (500..600).map(peer).collect();
        let mut parts = Parts::default();
        for (at, (seed, k, m, lane)) in packs.iter().enumerate() {
            let id = PackId::from_bytes([at as u8; 32]);
            let shards = shards(*seed, usize::from(k + m));
            parts.add((id, u32::from(*seed), code(*k, *m), *lane), &shards, &walk);
        }
        let parts = parts.finish();
        prop_assert!(!parts.is_empty() && parts.iter().all(Ward::is_sound));
        let read: Vec<Ward> =
            parts.iter().map(|part| Ward::decode(&part.encode()).unwrap()).collect();
        prop_assert_eq!(&read, &parts);
        let all = read.iter().flat_map(|part| part.packs.iter().map(move |pack| (part, pack)));
        let mut count = 0;
        for ((part, pack), (seed, k, m, lane)) in all.zip(&packs) {
            count += 1;
            let named = |(id, holder): &(ShardId, Option<u16>)| {
                (*id, holder.map(|number| part.peer(number).unwrap()))
            };
            let found: Shards = pack.shards.iter().map(named).collect();
            prop_assert_eq!(found, shards(*seed, usize::from(k + m)));
            prop_assert_eq!(part.walk(*lane).collect::<Vec<_>>(), &walk[..WALK_PEERS]);
        }
        prop_assert_eq!(count, packs.len());
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(ward) = Ward::decode(&bytes) {
            ward.is_sound();
        }
        drop(Charge::decode(&bytes));
        drop(Watch::decode(&bytes));
    }
}

#[test]
fn a_long_list_comes_in_parts_that_fit_the_wire() {
    let mut parts = Parts::default();
    let shards = shards(1, 12);
    for n in 0..30_000_u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_le_bytes());
        parts.add((PackId::from_bytes(id), 16 << 20, code(8, 4), 1), &shards, &[peer(1)]);
    }
    let parts = parts.finish();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts.iter().map(|part| part.packs.len()).sum::<usize>(), 30_000);
    assert!(parts.iter().all(|part| part.encode().len() <= p2p::wire::BODY_LIMIT));
}

#[test]
fn a_list_that_refers_to_nobody_is_not_sound() {
    let mut parts = Parts::default();
    parts.add((PackId::from_bytes([1; 32]), 1, code(2, 2), 0), &shards(1, 4), &[peer(1)]);
    let good = parts.finish().remove(0);
    let fewer = Ward { peers: Vec::new(), ..good.clone() };
    let mut short = good.clone();
    short.packs[0].shards.pop();
    assert!(good.is_sound() && !fewer.is_sound() && !short.is_sound());
}
