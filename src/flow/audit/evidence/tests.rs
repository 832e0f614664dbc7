//! Promises of the evidence.

use chunker::PackId;

use super::*;

fn finding(verdict: Verdict) -> Finding {
    let (peer, pack) = (PeerId::from_bytes([1; 32]), PackId::from_bytes([2; 32]));
    Finding { peer, shard: ShardId::from_bytes([3; 32]), pack, verdict }
}

#[test]
fn evidence_is_bounded_whatever_is_found() {
    let mut holder = Holder::default();
    for day in 0..100 {
        for _ in 0..10 {
            holder.add(&finding(Verdict::Wrong), day * DAY_SECS);
        }
    }
    assert_eq!((holder.days.len(), holder.failures.len()), (WINDOW_DAYS as usize, FAILURES));
    assert_eq!(
        holder.days.last(),
        Some(&Day { date: 99, counts: [0, 10, 0, 0, 0], looks: [0, 0] })
    );
}

#[test]
fn evidence_survives_its_encoding_and_absence_is_no_failure() {
    let mut evidence = Evidence::default();
    for verdict in [Verdict::Proved, Verdict::Refused, Verdict::Unreachable, Verdict::Slow] {
        let finding = finding(verdict);
        evidence.holders.entry(finding.peer).or_default().add(&finding, 5);
    }
    assert_eq!(Evidence::decode(&evidence.encode()).unwrap(), evidence);
    let holder = &evidence.holders[&PeerId::from_bytes([1; 32])];
    assert_eq!((holder.failures.len(), holder.days[0].counts), (1, [1, 0, 1, 1, 1]));
}

#[test]
fn evidence_without_looks_is_still_read() {
    // As the first version wrote it.
    #[derive(Serialize, Deserialize)]
    struct OldDay {
        d: u64,
        n: [u64; 5],
    }
    #[derive(Serialize, Deserialize)]
    struct OldHolder {
        d: Vec<OldDay>,
        f: Vec<u8>,
    }
    #[derive(Serialize, Deserialize)]
    struct OldEvidence {
        h: BTreeMap<PeerId, OldHolder>,
    }
    impl Record for OldEvidence {
        const NAME: &'static str = Evidence::NAME;
        const VERSION: u8 = Evidence::VERSION;
        const LIMIT: usize = Evidence::LIMIT;
    }
    let peer = PeerId::from_bytes([1; 32]);
    let days = vec![OldDay { d: 7, n: [59, 0, 0, 1, 0] }];
    let old = OldEvidence { h: [(peer, OldHolder { d: days, f: Vec::new() })].into() };
    let read = Evidence::decode(&old.encode()).unwrap();
    assert_eq!(
        read.holders[&peer].days,
        [Day { date: 7, counts: [59, 0, 0, 1, 0], looks: [0, 0] }]
    );
}
