//! How fast puts are on this machine's disk: `STORE_SPEED=1 cargo test --release -p store speed --
//! --nocapture`. Without the variable it only shows that the load works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Rig, owner};
use crate::{DiskMedium, ShelfAt};

fn load(holders: u8, puts: u32, len: usize) {
    let rig = Rig::disk();
    let medium = Arc::new(DiskMedium::new(rig.dir.path().join("shelf")));
    let shelf = crate::Shelf::open(ShelfAt { medium, ..rig.at() }).unwrap().0;
    let next = AtomicU32::new(0);
    let start = wall_clock();
    std::thread::scope(|scope| {
        for n in 0..holders {
            let (shelf, next) = (&shelf, &next);
            scope.spawn(move || {
                let mut bytes = vec![n; len];
                loop {
                    let count = next.fetch_add(1, Ordering::SeqCst);
                    if count >= puts {
                        break;
                    }
                    bytes[..4].copy_from_slice(&count.to_le_bytes());
                    shelf.put(owner(n), blake3::hash(&bytes).into(), &bytes, 5).unwrap();
                }
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let (rate, bytes) = (f64::from(puts) / seconds, puts as usize * len);
    println!(
        "{holders} at once, {len} bytes: {rate:.0} puts/s, {:.0} MB/s",
        bytes as f64 / seconds / 1e6
    );
}

#[expect(clippy::disallowed_methods, reason = "measures the real disk")]
fn wall_clock() -> std::time::Instant {
    std::time::Instant::now()
}

#[test]
fn speed_of_puts() {
    if std::env::var_os("STORE_SPEED").is_none() {
        return load(2, 8, 4096);
    }
    for holders in [1, 5, 16] {
        load(holders, 600, 64 << 10);
        load(holders, 60, 5 << 20);
    }
}
