//! Promises of how well packs are kept, and of seats.

use super::*;

fn domain(no: u8) -> Domain {
    Domain::of_group(PeerId::from_bytes([no; 32]))
}

fn kept(domains: &[u8], k: u8) -> (usize, usize, usize) {
    let domains: Vec<Domain> = domains.iter().map(|no| domain(*no)).collect();
    let code = Code::new(k, 7 - k).unwrap();
    let Kept { spare, missing, domains: count, can_lose } = Kept::of(&domains, code);
    assert_eq!(missing + domains.len(), 7);
    let domains = count;
    (spare, domains, can_lose)
}

#[test]
fn what_can_be_lost_is_counted_in_domains() {
    assert_eq!(kept(&[1, 2, 3, 4, 5], 3), (2, 5, 2));
    assert_eq!(kept(&[1, 1, 2, 2, 3, 3], 2), (4, 3, 2));
    assert_eq!(kept(&[1, 1, 1, 2, 3], 3), (2, 3, 0), "the largest takes three along");
    assert_eq!(kept(&[1, 1, 1, 1], 2), (2, 1, 0), "one house");
    assert_eq!(kept(&[1, 2], 3), (0, 2, 0), "too few are there already");
    assert_eq!(kept(&[], 1), (0, 0, 0));
}

#[test]
fn the_least_is_the_worst_in_each_respect() {
    let one = Kept { spare: 2, missing: 0, domains: 5, can_lose: 0 };
    let other = Kept { spare: 3, missing: 1, domains: 2, can_lose: 1 };
    assert_eq!(one.least(other), Kept { spare: 2, missing: 1, domains: 2, can_lose: 0 });
}

fn target(no: u8) -> Target {
    Target {
        peer: PeerId::from_bytes([no; 32]),
        owner: OwnerId::from_bytes([no; 32]),
        site: None,
        domain: domain(no),
        free_bytes: 1,
        probation: false,
        distance: None,
    }
}

#[test]
fn later_seats_are_taken_when_there_are_too_few_peers_and_never_before() {
    let shards = |peers: u8, per_peer: u8, n: usize, held: &[u8]| {
        let candidates = (1..=peers).map(target);
        let seats = Seats::new(candidates, held.iter().map(|no| target(*no)), per_peer);
        let need = Need { shards: n, safe: 0, shard_bytes: 1 };
        let placement = choose(&Question {
            candidates: &seats.candidates,
            placed: &seats.placed,
            need,
            limits: &Limits::default(),
            between: &|_, _| None,
        });
        placement.map(|found| {
            let mut counts = vec![0; usize::from(peers)];
            for seat in found.targets {
                counts[usize::from(seats.peer(seat).as_bytes()[0]) - 1] += 1;
            }
            counts
        })
    };
    assert_eq!(shards(4, 3, 4, &[]).unwrap(), [1, 1, 1, 1]);
    assert_eq!(shards(3, 3, 6, &[]).unwrap(), [2, 2, 2]);
    assert_eq!(shards(3, 2, 6, &[1, 1]).unwrap(), [0, 2, 2], "both of the first are taken");
    assert_eq!(shards(3, 1, 4, &[]).unwrap_err().found, 3);
}
