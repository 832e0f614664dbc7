//! The index of a large vault stays on the disk: what it takes of memory is bounded.

use chunker::{ChunkId, PackId};
use gbak::demo::agents::Agent;
use store::{Catalog, PackState};

use super::rig::Rig;

/// Chunks in the large vault.
const CHUNKS: u64 = 300_000;
/// Chunks of one pack.
const OF_PACK: u64 = 1_000;
/// Bytes of memory that one chunk may take.
const EACH: u64 = 56;

fn name(kind: &str, number: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&number.to_le_bytes());
    *hasher.finalize().as_bytes()
}

fn fill(agent: &Agent) {
    let catalog = Catalog::open(&agent.home().join("catalog.db")).unwrap();
    for pack in 0..CHUNKS / OF_PACK {
        let chunk = |no| ChunkId::from_bytes(name("chunk", pack * OF_PACK + no));
        let chunks: Vec<_> = (0..OF_PACK).map(|no| (chunk(no), 0, no as u32, 1)).collect();
        let id = PackId::from_bytes(name("pack", pack));
        catalog.add_pack(&id, PackState::Indexed, 0, b"not looked at", &chunks).unwrap();
    }
}

/// The most memory of an agent that starts, backs everything up and stops.
fn peak(rig: &mut Rig, source: &str) -> u64 {
    let agent = &mut rig.agents[0];
    agent.start().unwrap();
    let (said, code) = agent.run(&["backup", source, "--force", "--spool", "--json"]).unwrap();
    assert_eq!(code, 4, "{said}");
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.pid().unwrap())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = line.trim().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(agent.stop(), Some(0));
    kib * 1024
}

#[test]
fn an_index_takes_less_than_56_bytes_of_memory_for_each_chunk() {
    let mut rig = Rig::new(1);
    assert_eq!(rig.agents[0].stop(), Some(0));
    let source = rig.path("source");
    std::fs::create_dir(&source).unwrap();
    // Each is looked for in the index, somewhere else.
    for number in 0..1_000 {
        std::fs::write(source.join(format!("{number}")), name("file", number)).unwrap();
    }
    let source = source.to_str().unwrap().to_owned();
    let small = peak(&mut rig, &source);
    fill(&rig.agents[0]);
    let large = peak(&mut rig, &source);
    let more = large.saturating_sub(small);
    println!("{small} bytes with a new vault, {large} with {CHUNKS} chunks");
    assert!(more < CHUNKS * EACH, "{more} bytes more for {CHUNKS} chunks");
}
