//! Parts are disjoint and complete; a share is about as large as it should be.

use super::*;

fn packs() -> impl Iterator<Item = PackId> {
    (0..2000_u32).map(|no| PackId::from(blake3::hash(&no.to_le_bytes())))
}

#[test]
fn parts_together_are_everything_and_no_pack_is_in_two() {
    for pack in packs() {
        let parts = (1..=5).filter(|part| Sample::Part { part: *part, of: 5 }.has(&pack, &[0; 32]));
        assert_eq!(parts.count(), 1);
    }
}

#[test]
fn a_share_is_about_so_large_and_another_each_time() {
    let tenth = Sample::Share { percent: 10.0 };
    let drawn =
        |seed: u8| -> Vec<PackId> { packs().filter(|pack| tenth.has(pack, &[seed; 32])).collect() };
    assert!((130..270).contains(&drawn(1).len()), "{}", drawn(1).len());
    assert_ne!(drawn(1), drawn(2));
    assert!(packs().all(|pack| Sample::Share { percent: 100.0 }.has(&pack, &[3; 32])));
}

#[test]
fn only_parts_and_shares_are_read() {
    assert_eq!("2/5".parse(), Ok(Sample::Part { part: 2, of: 5 }));
    assert_eq!(" 2.5 %".parse(), Ok(Sample::Share { percent: 2.5 }));
    for wrong in ["", "0/5", "6/5", "1/0", "5", "0%", "101%", "NaN%", "-1%", "1/2/3", "a/b"] {
        assert_eq!(wrong.parse::<Sample>(), Err(NotASample), "{wrong}");
    }
}
