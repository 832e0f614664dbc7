//! The main job with six processes and a source tree of real size.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use gbak::demo::sample;

use super::rig::{Rig, backup, copy_tree, restores};

/// Files of unpacked crates to take.
const FILES: usize = 5_200;
/// The size of the one big file, in bytes.
const BIG: usize = 210 * 1024 * 1024;

#[test]
fn six_processes_two_lost_holders_and_a_lost_source_cost_nothing() {
    let mut rig = Rig::new(6);
    let source = rig.path("source");
    make_source(&source);
    let first = backup(&rig.agents[0], &source);
    assert!(first["total_files_processed"].as_u64().unwrap() >= 5_000, "{first}");
    assert_eq!((&first["redundancy"]["k"], &first["redundancy"]["m"]), (&3.into(), &2.into()));
    let second = backup(&rig.agents[0], &source);
    let (sent, again) =
        (first["bytes_sent"].as_u64().unwrap(), second["bytes_sent"].as_u64().unwrap());
    assert!(sent > BIG as u64, "{first}");
    assert!(again * 100 < sent, "the second backup sent {again} of {sent} bytes");
    let held = rig.agents[0].expect(&["placement", source.to_str().unwrap(), "--json"]).unwrap();
    let packs = held["packs"].as_array().unwrap();
    assert!(packs.len() > 14, "210 MiB of noise do not fit {} packs", packs.len());
    for pack in packs {
        let holders: BTreeSet<_> = pack["shards"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|s| s["peer_id"].as_str())
            .collect();
        let holders = holders.len() as u64;
        assert_eq!(holders, pack["k"].as_u64().unwrap() + pack["m"].as_u64().unwrap(), "{pack}");
    }
    let before = rig.path("before");
    copy_tree(&source, &before);
    change(&source);
    let third = backup(&rig.agents[0], &source);
    assert!(third["bytes_sent"].as_u64().unwrap() * 5 < sent, "{third}");
    for victim in &mut rig.agents[..3] {
        victim.kill();
    }
    fs::remove_dir_all(rig.agents[0].home()).unwrap();
    let (new, found) = rig.recover("new", &rig.agents[5]);
    assert_eq!(found["snapshots"], 3, "{found}");
    let id = |summary: &serde_json::Value| summary["snapshot_id"].as_str().unwrap().to_owned();
    restores(&rig, &new, &id(&first), &source, &before);
    restores(&rig, &new, &id(&third), &source, &source);
    let fourth = backup(&new, &source);
    assert_eq!(
        fourth["data_added"], 0,
        "the old device's packs are deduplicated against: {fourth}"
    );
}

fn make_source(root: &Path) {
    fs::create_dir(root).unwrap();
    sample::odd(&root.join("odd")).unwrap();
    let copied = copy_crates(&root.join("crates"));
    for n in copied..FILES {
        // A vendored registry may hold fewer files than we want.
        let dir = root.join(format!("more/{}", n % 50));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(n.to_string()), format!("file {n}\n").repeat(n % 300)).unwrap();
    }
    let mut big = vec![0; BIG];
    blake3::Hasher::new().update(b"big").finalize_xof().fill(&mut big);
    fs::write(root.join("big.bin"), big).unwrap();
}

/// Copies unpacked crate sources, as cargo keeps them, until there are [`FILES`] files.
fn copy_crates(to: &Path) -> usize {
    fs::create_dir(to).unwrap();
    let cargo = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(registry) = cargo.and_then(|cargo| fs::read_dir(cargo.join("registry/src")).ok())
    else {
        return 0;
    };
    let mut crates: Vec<PathBuf> = registry
        .filter_map(|index| fs::read_dir(index.ok()?.path()).ok())
        .flatten()
        .filter_map(|krate| Some(krate.ok()?.path()))
        .collect();
    crates.sort();
    let mut files = 0;
    for krate in crates {
        let count = count_files(&krate);
        // Generated bindings of whole systems would be most of the tree.
        if count <= 400 && files < FILES {
            copy_tree(&krate, to);
            files += count;
        }
    }
    files
}

fn count_files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count_files(&entry.path()) } else { 1 }).sum()
}

/// Changes one file in fifty, and a bit of the big one.
fn change(root: &Path) {
    let mut files = Vec::new();
    for part in ["crates", "more"] {
        list(&root.join(part), &mut files);
    }
    files.sort();
    for path in files.iter().step_by(50) {
        let mut text = fs::read(path).unwrap();
        text.extend_from_slice(b"\n// changed\n");
        fs::write(path, text).unwrap();
    }
    let big = fs::OpenOptions::new().write(true).open(root.join("big.bin")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&big, &vec![7; 100_000], 99_000_000).unwrap();
    fs::remove_file(files.first().unwrap()).unwrap();
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            list(&path, files);
        } else if entry.file_type().unwrap().is_file() {
            files.push(path);
        }
    }
}
