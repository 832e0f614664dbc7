//! What is mounted is kept; what somebody else unmounted stays, when the agent ends soon after.

use super::*;

fn place(dir: &str) -> Place {
    Place { dir: PathBytes(dir.as_bytes().to_vec()), allow_other: true, read_only: false }
}

#[test]
fn mounts_outlive_a_restart_until_they_are_taken_back_and_damage_brings_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mounts = Mounts::of(home.path());
    assert_eq!(mounts.get("work"), None);
    let odd = Place { dir: PathBytes(b"/mnt/\xff".to_vec()), ..place("") };
    mounts.note("work", Some(place("/mnt/work"))).unwrap();
    mounts.note("odd", Some(odd.clone())).unwrap();
    let again = Mounts::of(home.path());
    assert_eq!((again.get("work"), again.get("odd")), (Some(place("/mnt/work")), Some(odd)));
    again.miss("work", "The directory is gone".to_owned());
    assert_eq!(again.missed("work").as_deref(), Some("The directory is gone"));
    again.note("work", None).unwrap();
    assert_eq!((again.get("work"), again.missed("work")), (None, None));
    assert_eq!(Mounts::of(home.path()).names(), BTreeSet::from(["odd".to_owned()]));
    std::fs::write(home.path().join("mounts"), b"damage").unwrap();
    assert!(Mounts::of(home.path()).names().is_empty());
}

#[test]
fn the_first_version_of_the_file_stays_readable() {
    let place = place("/mnt/work");
    let kept = Kept { mounts: BTreeMap::from([("work".to_owned(), place)]) };
    let written = "01a1616da164776f726ba36164692f6d6e742f776f726b616ff56172f4";
    assert_eq!(hex::encode(kept.encode()), written);
    assert_eq!(Kept::decode(&hex::decode(written).unwrap()).unwrap(), kept);
}

#[tokio::test(start_paused = true)]
async fn who_unmounts_and_stops_the_agent_within_a_minute_finds_it_mounted_again() {
    let stopping = CancellationToken::new();
    assert!(goes_on(&stopping, GRACE).await);
    let start = tokio::time::Instant::now();
    let going = tokio::spawn({
        let stopping = stopping.clone();
        async move { goes_on(&stopping, GRACE).await }
    });
    tokio::time::advance(GRACE / 2).await;
    stopping.cancel();
    assert!(!going.await.unwrap());
    assert!(start.elapsed() < GRACE);
}
