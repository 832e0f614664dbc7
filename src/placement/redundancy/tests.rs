//! Tests of the codes: one for every number of domains, and metadata above data.

use super::*;

fn code(k: u8, m: u8) -> Code {
    Code::new(k, m).unwrap()
}

#[test]
fn without_two_others_there_is_no_backup() {
    assert_eq!(auto(0), None);
    assert_eq!(auto(1), None);
}

#[test]
fn the_code_follows_the_number_of_domains() {
    let expected = [
        (2, 1, 1),
        (3, 1, 2),
        (4, 2, 2),
        (5, 3, 2),
        (6, 3, 3),
        (7, 3, 4),
        (9, 3, 4),
        (10, 3, 5),
        (14, 3, 5),
        (15, 4, 8),
        (24, 4, 8),
        (25, 8, 12),
        (37, 8, 12),
        (38, 10, 20),
        (10_000, 10, 20),
    ];
    for (domains, k, m) in expected {
        assert_eq!(auto(domains), Some(code(k, m)), "{domains} domains");
    }
}

#[test]
fn every_shard_has_a_domain_and_two_may_be_lost_from_three_on() {
    for domains in 2..500 {
        let code = auto(domains).unwrap();
        assert!(code.n() <= domains);
        assert!(code.m() >= if domains >= 3 { 2 } else { 1 });
    }
}

#[test]
fn metadata_survives_whatever_data_survives() {
    for domains in 2..500 {
        let data = auto(domains).unwrap();
        let meta = metadata(domains, data);
        assert!(meta.n() <= domains, "{domains}: {meta:?}");
        assert!(meta.k() <= data.k());
        assert!(meta.m() >= data.m(), "{domains}: {meta:?} beside {data:?}");
        // A larger part of its holders may be lost, too.
        let part = |code: Code| f64::from(code.m()) / code.n() as f64;
        assert!(part(meta) >= part(data), "{domains}: {meta:?} beside {data:?}");
    }
}

#[test]
fn metadata_has_twice_the_parity_where_domains_allow() {
    let expected = [
        (2, (1, 1), (1, 1)),
        (3, (1, 2), (1, 2)),
        (5, (3, 2), (1, 4)),
        (7, (3, 4), (1, 6)),
        (9, (3, 4), (1, 8)),
        (12, (3, 5), (2, 10)),
        (20, (4, 8), (4, 16)),
        (28, (8, 12), (4, 24)),
        (44, (10, 20), (4, 40)),
        (1000, (10, 20), (4, 40)),
        (12, (8, 4), (2, 8)),
        (10, (1, 0), (1, 1)),
    ];
    for (domains, (k, m), (meta_k, meta_m)) in expected {
        assert_eq!(metadata(domains, code(k, m)), code(meta_k, meta_m), "{domains}: {k}+{m}");
    }
}

#[test]
fn any_code_asked_for_has_metadata() {
    for domains in [0, 1, 2, 3, 300, usize::MAX] {
        for (k, m) in [(1, 0), (1, 254), (255, 0), (128, 127)] {
            let meta = metadata(domains, code(k, m));
            assert!(meta.n() <= domains.max(1));
            assert!(meta.k() <= k);
        }
    }
}
