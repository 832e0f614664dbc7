//! The cutter against the algorithm written out one byte at a time.

use fastcdc::v2020::{Normalization, select_masks};

use super::{CutParams, Cutter, gear};
use crate::keys::VaultKeys;

/// FastCDC as its paper has it, without taking two bytes at once.
fn cut_slowly(gear: &[u64; 256], params: CutParams, window: &[u8]) -> usize {
    let (min, avg, max) = (params.min as usize, params.avg as usize, params.max as usize);
    let (strict, loose) = select_masks(avg, Normalization::Level2);
    let end = window.len().min(max);
    let mut hash = 0u64;
    // The last byte of an odd window is never tried: the crate takes them in pairs.
    for at in min..end & !1 {
        hash = (hash << 1).wrapping_add(gear[usize::from(window[at])]);
        let mask = if at < avg.min(end) & !1 { strict } else { loose };
        if hash & mask == 0 {
            return at;
        }
    }
    end
}

#[test]
fn the_tables_and_masks_belong_together() {
    let keys = VaultKeys::derive(&[1; 32]);
    let params = CutParams::new(64, 256, 1024).unwrap();
    let (cutter, gear) = (Cutter::new(&keys, params), gear(&keys));
    let mut file = vec![0; 100_001];
    blake3::Hasher::new().finalize_xof().fill(&mut file);
    let mut rest = file.as_slice();
    let mut cuts = 0;
    while let Some(len) = cutter.cut(rest, true) {
        assert_eq!(len, cut_slowly(&gear, params, rest));
        rest = &rest[len..];
        cuts += 1;
    }
    assert!(cuts > 200);
}

#[test]
fn tables_are_random_and_a_vaults_own() {
    let one = gear(&VaultKeys::derive(&[1; 32]));
    let other = gear(&VaultKeys::derive(&[2; 32]));
    // The crate's seed would give tables that differ by one and the same number everywhere.
    let first = one[0] ^ other[0];
    assert!((1..256).all(|byte| one[byte] ^ other[byte] != first));
    let ones: u32 = one.iter().map(|value| value.count_ones()).sum();
    assert!((7800..8600).contains(&ones), "{ones} of 16384 bits are set");
}
