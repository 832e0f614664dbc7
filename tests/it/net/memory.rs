//! What an agent keeps of the memory it used.

use super::rig::Rig;

#[test]
fn an_agent_runs_with_an_allocator_that_gives_memory_back() {
    let rig = Rig::new(1);
    let agent = &rig.agents[0];
    let pid = agent.pid().unwrap();
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let set: Vec<&[u8]> = environment.split(|byte| *byte == 0).collect();
    for value in [b"MALLOC_ARENA_MAX=2".as_slice(), b"MALLOC_MMAP_THRESHOLD_=1048576"] {
        assert!(set.contains(&value), "{}", String::from_utf8_lossy(value));
    }
    // Still the process that was started, and it answers.
    assert_eq!(agent.run(&["status", "--json"]).unwrap().0["agent"], true);
}
