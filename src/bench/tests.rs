//! What is measured is the engine's own work, and nothing is left behind.

use super::*;

fn plan(bytes: usize) -> Plan {
    Plan { bytes, code: Code::new(3, 2).unwrap(), level: 3 }
}

#[test]
fn every_stage_is_measured_and_half_of_the_sample_shrinks() {
    let machine = machine(&plan(3 << 20)).unwrap();
    for stage in
        [Stage::Cut, Stage::Name, Stage::Compress, Stage::Seal, Stage::Code, Stage::Restore]
    {
        assert!(machine.rate(stage).unwrap() > 1e5, "{stage:?}: {machine:?}");
    }
    assert!(machine.ratio() > 0.5 && machine.ratio() < 0.9, "{machine:?}");
    // No stage is faster than all of them together.
    let one = machine.backup_rate().unwrap() / machine.threads as f64;
    assert!(one < machine.rate(Stage::Compress).unwrap(), "{machine:?}");
}

#[test]
fn the_disk_is_measured_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path(), 1 << 20).unwrap();
    assert!(disk.write.unwrap() > 0.0 && disk.files.unwrap() > 0.0 && !disk.sync.is_zero());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(super::disk(&dir.path().join("absent"), 1).is_err());
}
