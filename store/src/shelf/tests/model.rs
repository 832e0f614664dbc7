//! Random histories of a shelf against a plain map.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chunker::{PeerId, ShardId};
use proptest::prelude::{Strategy, prop_oneof};
use proptest::{collection, proptest, test_runner::Config};

use super::{GIB, Rig, Stored, Usage, copy_db, owner, shard};
use crate::shelf::Contact;
use crate::{FakeGauge, MemMedium, RetainRange, Shelf, ShelfError, Terms};

const DAY: u64 = 24 * 3600;
/// In days: short enough that a history sees the end of it.
const QUARANTINE: u64 = 3;

#[derive(Debug, Clone)]
enum Op {
    Put {
        owner: u8,
        shard: u32,
    },
    Get {
        owner: u8,
        shard: u32,
    },
    Rot {
        shard: u32,
    },
    FailSync {
        owner: u8,
        shard: u32,
    },
    PowerCut {
        surviving: usize,
    },
    /// The owner retains the shards with these bits.
    Retain {
        owner: u8,
        kept: u8,
    },
    CallBack {
        owner: u8,
        shard: u32,
    },
    Sweep,
}

fn op() -> impl Strategy<Value = Op> {
    let (o, s) = (0..3u8, 0..6u32);
    prop_oneof![
        4 => (o.clone(), s.clone()).prop_map(|(owner, shard)| Op::Put { owner, shard }),
        3 => (o.clone(), s.clone()).prop_map(|(owner, shard)| Op::Get { owner, shard }),
        1 => s.clone().prop_map(|shard| Op::Rot { shard }),
        1 => (o, s).prop_map(|(owner, shard)| Op::FailSync { owner, shard }),
        1 => (0..4usize).prop_map(|surviving| Op::PowerCut { surviving }),
        2 => (0..3u8, 0..64u8).prop_map(|(owner, kept)| Op::Retain { owner, kept }),
        1 => (0..3u8, 0..6u32).prop_map(|(owner, shard)| Op::CallBack { owner, shard }),
        2 => proptest::strategy::Just(Op::Sweep),
    ]
}

/// What ought to be: who has what (and the day it went into quarantine, if it did), and which files
/// have rotted since (and whether that is known).
#[derive(Default)]
struct Model {
    leases: BTreeMap<(u8, u32), Option<u64>>,
    rotten: BTreeMap<u32, bool>,
}

impl Model {
    fn usage(&self) -> Usage {
        sum(self.leases.keys().map(|key| key.1).collect())
    }

    fn is_held(&self, who: u8, n: u32) -> bool {
        self.leases.get(&(who, n)) == Some(&None)
    }

    /// Files that nobody holds.
    fn quarantined(&self) -> Usage {
        let mut all: BTreeSet<u32> = self.leases.keys().map(|key| key.1).collect();
        all.retain(|n| (0..3).all(|who| !self.is_held(who, *n)));
        sum(all)
    }
}

fn sum(shards: BTreeSet<u32>) -> Usage {
    let bytes = shards.iter().map(|n| shard(*n).1.len() as u64).sum();
    Usage { shards: shards.len() as u64, bytes }
}

struct World {
    rig: Rig,
    medium: Arc<MemMedium>,
    shelf: Shelf,
    model: Model,
    /// Every operation takes a day.
    day: u64,
}

const TERMS: Terms =
    Terms { quarantine_secs: QUARANTINE * DAY, min_retention_secs: 0, grace_secs: 90 * DAY };

impl World {
    fn new() -> Self {
        let (rig, medium) = Rig::mem();
        let shelf = rig.open().0;
        shelf.set_terms(TERMS);
        Self { rig, medium, shelf, model: Model::default(), day: 1 }
    }

    fn now(&self) -> u64 {
        self.day * DAY
    }

    fn retain(&mut self, who: u8, kept: u8) {
        let is_kept = |n: u32| kept & (1 << n) != 0;
        let mut names: Vec<ShardId> = (0..6).filter(|n| is_kept(*n)).map(|n| shard(n).0).collect();
        names.sort();
        let range = RetainRange {
            made_secs: self.now(),
            at_secs: self.now(),
            from: ShardId::from_bytes([0; 32]),
            to: None,
            shards: &names,
        };
        let device = PeerId::from_bytes([who; 32]);
        let done = self.shelf.retain(owner(who), device, range, self.now()).unwrap();
        let day = self.day;
        let mut expected = (0, 0, 0);
        for n in 0..6 {
            match (self.model.leases.get_mut(&(who, n)), is_kept(n)) {
                (Some(left), true) => {
                    expected.0 += 1;
                    expected.1 += u32::from(left.is_some());
                    *left = None;
                }
                (Some(left @ None), false) => {
                    expected.2 += 1;
                    *left = Some(day);
                }
                _ => {}
            }
        }
        assert_eq!((done.kept, done.back, done.left), expected);
    }

    fn call_back(&mut self, who: u8, n: u32) {
        let device = PeerId::from_bytes([who; 32]);
        let back = self.shelf.call_back(owner(who), device, &[shard(n).0], self.now()).unwrap();
        let leased = self.model.leases.get_mut(&(who, n));
        assert_eq!(back, [leased.is_some()]);
        if let Some(left) = leased {
            *left = None;
        }
    }

    fn sweep(&mut self) {
        let before = self.model.usage();
        let swept = self.shelf.sweep(1000, self.now()).unwrap();
        let day = self.day;
        self.model.leases.retain(|_, left| left.is_none_or(|left| left + QUARANTINE > day));
        let usage = self.model.usage();
        assert_eq!(swept.freed_bytes, before.bytes - usage.bytes);
        let leases = &self.model.leases;
        self.model.rotten.retain(|n, _| leases.keys().any(|key| key.1 == *n));
        let files = self.medium.paths().into_iter().filter(|path| path.starts_with("shards/"));
        assert_eq!(files.count() as u64, usage.shards, "no file without a lease");
    }

    fn apply(&mut self, op: &Op) {
        self.day += 1;
        // A shelf that nobody asks anything sees a leap of the clock, which counts one day; and one
        // that notes nothing does not know after a power cut how late it was.
        let from = Contact { owner: owner(0), device: PeerId::from_bytes([0; 32]), writes: false };
        self.shelf.contact(from, self.now()).unwrap();
        match *op {
            Op::Retain { owner, kept } => self.retain(owner, kept),
            Op::CallBack { owner, shard } => self.call_back(owner, shard),
            Op::Sweep => self.sweep(),
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
                let stored = self.shelf.put(owner(who), id, &bytes, self.now());
                self.medium.fail_syncs(0);
                if stored.is_ok() {
                    // It needed no file, so the fault met nobody.
                    self.model.leases.insert((who, n), None);
                }
            }
            Op::PowerCut { surviving } => self.power_cut(surviving),
        }
    }

    fn put(&mut self, who: u8, n: u32) {
        let (id, bytes) = shard(n);
        let stored = self.shelf.put(owner(who), id, &bytes, self.now()).unwrap();
        let held = self.model.is_held(who, n);
        let had = self.model.leases.insert((who, n), None).is_some();
        // Rot that nobody has seen is not found by an owner's own repeated put.
        let unseen = self.model.rotten.get(&n) == Some(&false);
        let healed = !(had && unseen) && self.model.rotten.remove(&n).is_some();
        assert_eq!(stored == Stored::New, !held || healed);
    }

    fn get(&mut self, who: u8, n: u32) {
        let got = self.shelf.get(owner(who), shard(n).0);
        let leased = self.model.leases.contains_key(&(who, n));
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
        self.shelf.set_terms(TERMS);
    }

    fn check(&self) {
        assert_eq!(self.shelf.usage().unwrap(), self.model.usage());
        assert_eq!(self.shelf.quarantined().unwrap(), self.model.quarantined());
        let seen = self.model.rotten.values().filter(|seen| **seen).count() as u64;
        assert_eq!(self.shelf.damage().unwrap().rotten, seen);
        for who in 0..3 {
            let ids: Vec<ShardId> = (0..6).map(|n| shard(n).0).collect();
            let have = self.shelf.have(owner(who), &ids).unwrap();
            let held =
                |n: u32| self.model.is_held(who, n) && self.model.rotten.get(&n) != Some(&true);
            assert_eq!(have, (0..6).map(held).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_history_agrees_with_a_plain_map(ops in collection::vec(op(), 1..30)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
            world.check();
        }
    }
}
