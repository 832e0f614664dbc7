//! Random histories of a shelf against a plain map.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chunker::ShardId;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::{collection, proptest, test_runner::Config};

use super::{GIB, Rig, Stored, Usage, copy_db, owner, shard};
use crate::{FakeGauge, MemMedium, Shelf, ShelfError};

#[derive(Debug, Clone)]
enum Op {
    Put { owner: u8, shard: u32 },
    Get { owner: u8, shard: u32 },
    Rot { shard: u32 },
    FailSync { owner: u8, shard: u32 },
    PowerCut { surviving: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let (o, s) = (0..3u8, 0..6u32);
    prop_oneof![
        4 => (o.clone(), s.clone()).prop_map(|(owner, shard)| Op::Put { owner, shard }),
        3 => (o.clone(), s.clone()).prop_map(|(owner, shard)| Op::Get { owner, shard }),
        1 => s.clone().prop_map(|shard| Op::Rot { shard }),
        1 => (o, s).prop_map(|(owner, shard)| Op::FailSync { owner, shard }),
        1 => (0..4usize).prop_map(|surviving| Op::PowerCut { surviving }),
    ]
}

/// What ought to be: who has what, and which files have rotted since (and whether that is known).
#[derive(Default)]
struct Model {
    leases: BTreeSet<(u8, u32)>,
    rotten: BTreeMap<u32, bool>,
}

impl Model {
    fn usage(&self) -> Usage {
        let shards: BTreeSet<u32> = self.leases.iter().map(|key| key.1).collect();
        let bytes = shards.iter().map(|n| shard(*n).1.len() as u64).sum();
        Usage { shards: shards.len() as u64, bytes }
    }
}

struct World {
    rig: Rig,
    medium: Arc<MemMedium>,
    shelf: Shelf,
    model: Model,
}

impl World {
    fn new() -> Self {
        let (rig, medium) = Rig::mem();
        let shelf = rig.open().0;
        Self { rig, medium, shelf, model: Model::default() }
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Put { owner, shard } => self.put(owner, shard),
            Op::Get { owner, shard } => self.get(owner, shard),
            Op::Rot { shard: n } => {
                if self.medium.rot(&crate::shelf::place(shard(n).0), 2) {
                    // A second flip of the same bit would heal it: the model forbids that.
                    if let Entry::Vacant(entry) = self.model.rotten.entry(n) {
                        entry.insert(false);
                    } else {
                        self.medium.rot(&crate::shelf::place(shard(n).0), 2);
                    }
                }
            }
            Op::FailSync { owner: who, shard: n } => {
                self.medium.fail_syncs(1);
                let (id, bytes) = shard(n);
                let stored = self.shelf.put(owner(who), id, &bytes, 5);
                self.medium.fail_syncs(0);
                if stored.is_ok() {
                    // It needed no file, so the fault met nobody.
                    self.model.leases.insert((who, n));
                }
            }
            Op::PowerCut { surviving } => self.power_cut(surviving),
        }
    }

    fn put(&mut self, who: u8, n: u32) {
        let (id, bytes) = shard(n);
        let stored = self.shelf.put(owner(who), id, &bytes, 5).unwrap();
        let had = !self.model.leases.insert((who, n));
        // Rot that nobody has seen is not found by an owner's own repeated put.
        let unseen = self.model.rotten.get(&n) == Some(&false);
        if !(had && unseen) {
            let healed = self.model.rotten.remove(&n).is_some();
            assert_eq!(stored == Stored::New, !had || healed);
        }
    }

    fn get(&mut self, who: u8, n: u32) {
        let got = self.shelf.get(owner(who), shard(n).0);
        let leased = self.model.leases.contains(&(who, n));
        match (leased, self.model.rotten.get_mut(&n)) {
            (false, _) => assert!(matches!(got, Err(ShelfError::Unknown { .. }))),
            (true, None) => assert_eq!(got.unwrap(), shard(n).1),
            (true, Some(seen)) => {
                assert!(matches!(got, Err(ShelfError::Rotten { .. })));
                *seen = true;
            }
        }
    }

    fn power_cut(&mut self, surviving: usize) {
        let (rig, medium) = Rig::mem();
        copy_db(self.rig.dir.path(), rig.dir.path());
        let medium_after = Arc::new(self.medium.after_power_cut(surviving));
        drop(medium);
        self.rig = Rig { medium: medium_after.clone(), ..rig };
        self.rig.gauge = Arc::new(FakeGauge::new(8 * GIB, 4 * GIB));
        self.medium = medium_after;
        self.shelf = self.rig.open().0;
    }

    fn check(&self) {
        assert_eq!(self.shelf.usage().unwrap(), self.model.usage());
        let seen = self.model.rotten.values().filter(|seen| **seen).count() as u64;
        assert_eq!(self.shelf.damage().unwrap().rotten, seen);
        for who in 0..3 {
            let ids: Vec<ShardId> = (0..6).map(|n| shard(n).0).collect();
            let have = self.shelf.have(owner(who), &ids).unwrap();
            let held = |n: u32| {
                let leased = self.model.leases.contains(&(who, n));
                leased && self.model.rotten.get(&n) != Some(&true)
            };
            assert_eq!(have, (0..6).map(held).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_history_agrees_with_a_plain_map(ops in collection::vec(op(), 1..30)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
            world.check();
        }
    }
}
