//! Mounted snapshots: every byte, lazily, and an error instead of a hang.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use gbak::demo::compare::compare;
use gbak::demo::sample;

use super::kit::{Mount, below, can_mount};
use crate::net::rig::{Rig, backup};

#[test]
fn every_snapshot_of_the_vault_is_there_byte_for_byte() {
    if !can_mount() {
        return;
    }
    let rig = Rig::new(3);
    let source = rig.path("source");
    sample::odd(&source).unwrap();
    let mut big = vec![0; 40 << 20];
    blake3::Hasher::new().update(b"mounted").finalize_xof().fill(&mut big);
    fs::write(source.join("big.bin"), &big).unwrap();
    let first = backup(&rig.agents[0], &source);
    let id = first["snapshot_id"].as_str().unwrap()[..8].to_owned();
    let mut mount = Mount::of(&rig.agents[0], &[], &rig.path("mnt"));
    let tree = below(&mount.dir.join("ids").join(&id), &source);
    let same = compare(&source, &tree).unwrap();
    assert_eq!(same.differences, Vec::<String>::new());
    // One made while it is mounted appears.
    fs::write(source.join("later"), "made later").unwrap();
    backup(&rig.agents[0], &source);
    let newest = mount.dir.join("snapshots/latest");
    let later = || fs::read(below(&newest, &source).join("later")).is_ok();
    assert!((0..1_000_000).any(|_| later()), "the new snapshot never appears");
    assert!(!tree.join("later").exists());
    let refused = fs::write(tree.join("later"), "").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnlyFilesystem);
    let unmounted = rig.agents[0].command(&["unmount", mount.dir.to_str().unwrap()]).status();
    assert!(unmounted.unwrap().success());
    assert_eq!(mount.next()["busy"], false);
    assert_eq!((mount.exit(), mount.dir.join("ids").exists()), (Some(0), false));
}

#[test]
fn without_an_agent_the_command_serves_it_and_ctrl_c_ends_it() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(3);
    let source = rig.path("source");
    sample::odd(&source).unwrap();
    backup(&rig.agents[0], &source);
    rig.agents[0].stop();
    let spec = format!("latest:{}", source.display());
    let mut mount = Mount::of(&rig.agents[0], &[&spec], &rig.path("mnt"));
    let same = compare(&source, &mount.dir).unwrap();
    assert_eq!(same.differences, Vec::<String>::new());
    mount.interrupt();
    assert_eq!(mount.next()["message_type"], "unmounted");
    assert_eq!((mount.exit(), fs::read_dir(&mount.dir).unwrap().count()), (Some(0), 0));
}

#[test]
fn data_that_no_holder_answers_for_is_an_error_and_not_a_hang() {
    if !can_mount() {
        return;
    }
    let mut rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    for (name, seed) in [("one", 1_u8), ("two", 2)] {
        let mut bytes = vec![0; 3 << 20];
        blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
        fs::write(source.join(name), bytes).unwrap();
    }
    backup(&rig.agents[0], &source);
    // Nothing of it is on the source's own disk any more but the listings.
    let mount = Mount::of(&rig.agents[0], &["latest"], &rig.path("mnt"));
    let tree = below(&mount.dir, &source);
    assert_eq!(fs::metadata(tree.join("one")).unwrap().len(), 3 << 20);
    for holder in &mut rig.agents[1..] {
        holder.kill();
    }
    let (said, heard) = std::sync::mpsc::channel();
    let path = tree.join("two");
    let reader = std::thread::spawn(move || said.send(fs::read(path)).unwrap());
    let read = heard.recv_timeout(Duration::from_secs(60)).unwrap();
    reader.join().unwrap();
    assert_eq!(read.unwrap_err().raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
    // What needs no holder still answers.
    assert_eq!(fs::read_dir(&tree).unwrap().count(), 2);
    rustix::fs::statfs(&mount.dir).unwrap();
}
