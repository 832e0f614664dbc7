//! Limits of a running program: pauses that stop and go on, and the processors it may use.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gbak::demo::agents::Agent;
use serde_json::Value;

use super::rig::{Rig, backup, online, restores};

fn noise(file: &Path, len: usize) {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&[1]).finalize_xof().fill(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// What a running agent has sent.
fn sent(agent: &Agent) -> u64 {
    agent.expect(&["limits", "--json"]).unwrap()["sent_bytes"].as_u64().unwrap()
}

#[test]
fn a_pause_stops_a_backup_under_way_and_it_goes_on_afterwards() {
    let rig = Rig::new(4);
    let source = &rig.agents[0];
    online(source, 3);
    let tree = rig.path("source");
    fs::create_dir(&tree).unwrap();
    noise(&tree.join("noise"), 6 << 20);
    // Slow enough to be caught in the middle.
    let slow = ["limits", "set", "--up", "1MiB/s", "--limit-lan", "true", "--json"];
    source.expect(&slow).unwrap();
    let before = sent(source);
    let mut running = source
        .command(&["backup", tree.to_str().unwrap(), "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    assert!((0..2_000).any(|_| sent(source) > before + 200_000), "nothing was ever sent");
    let paused = source.expect(&["pause", "1h", "--json"]).unwrap();
    assert_eq!(paused["backups"]["reason"], "asked");
    // What was under way may end; then nothing moves.
    let still = |_: &u32| {
        let first = sent(source);
        (0..4).all(|_| sent(source) <= first + 50_000)
    };
    assert!((0..500).any(|n| still(&n)), "shards are still being sent");
    assert!(running.try_wait().unwrap().is_none(), "the backup ended in spite of the pause");
    let refused = source.command(&["backup", tree.to_str().unwrap(), "--json"]).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && told.contains("gbak::run::paused"), "{told}");
    source.expect(&["limits", "set", "--up", "unlimited", "--json"]).unwrap();
    source.expect(&["resume", "--json"]).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success());
    let last = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    restores(&rig, source, last["snapshot_id"].as_str().unwrap(), &tree, &tree);
}

#[test]
fn a_holder_that_does_not_serve_is_walked_past_and_serves_again() {
    let rig = Rig::new(4);
    let (source, holder) = (&rig.agents[0], &rig.agents[1]);
    online(source, 3);
    let tree = rig.path("source");
    fs::create_dir(&tree).unwrap();
    noise(&tree.join("noise"), 1 << 20);
    holder.expect(&["pause", "--serving", "--json"]).unwrap();
    let tree_text = tree.to_str().unwrap();
    let args = ["backup", tree_text, "--redundancy", "1+1", "--json"];
    let (summary, exit) = source.run(&args).unwrap();
    assert!(exit == 0 || exit == 4, "exit {exit}: {summary}");
    let used = |agent: &Agent| {
        agent.expect(&["donate", "--json"]).unwrap()["disks"][0]["used_bytes"].clone()
    };
    assert_eq!(used(holder), 0);
    holder.expect(&["resume", "--json"]).unwrap();
    noise(&tree.join("more"), 2 << 20);
    backup(source, &tree);
    assert_ne!(used(holder), 0);
}

/// Seconds of processor time a process has used, with its threads.
fn processor_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    // Linux counts in hundredths for everybody.
    ticks as f64 / 100.0
}

#[test]
fn an_agent_keeps_to_one_processor_and_lets_others_go_first() {
    let rig = Rig::new(4);
    let source = &rig.agents[0];
    online(source, 3);
    let file = source.home().join("config.toml");
    let text = fs::read_to_string(&file).unwrap();
    let limits = "[limits]\nthreads = 1\nnice = 7\nio = \"idle\"\n";
    fs::write(&file, text.replace("[limits]\n", limits)).unwrap();
    let pid = source.pid().unwrap();
    let tasks = || fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten().map(|it| it.path());
    let line = |task: &Path, name: &str| {
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        status.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
    };
    let one = |task: &Path| {
        let list = line(task, "Cpus_allowed_list:");
        list.is_none_or(|list| !list.contains(['-', ',']))
    };
    let looks = || source.run(&["status", "--json"]).unwrap();
    assert!((0..500).any(|_| {
        looks();
        tasks().all(|task| one(&task))
    }));
    let is_nice = |task: &Path| {
        let stat = fs::read_to_string(task.join("stat")).unwrap_or_default();
        let nice = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().nth(16).unwrap().to_owned());
        nice.is_none_or(|nice| nice == "7")
    };
    assert!((0..500).any(|_| {
        looks();
        tasks().all(|task| is_nice(&task))
    }));
    // One after the other is set: processors, niceness, and then this.
    let is_idle = || {
        let io = Command::new("ionice").args(["-p", &pid.to_string()]).output().unwrap();
        String::from_utf8(io.stdout).unwrap().trim() == "idle"
    };
    assert!((0..500).any(|_| {
        looks();
        is_idle()
    }));
    // It computes no more than one processor can, however much there is to do.
    let tree = rig.path("source");
    fs::create_dir(&tree).unwrap();
    noise(&tree.join("noise"), 48 << 20);
    let (used, began) = (processor_seconds(pid), tokio::time::Instant::now());
    backup(source, &tree);
    let (used, took) = (processor_seconds(pid) - used, began.elapsed());
    assert!(used <= took.as_secs_f64() * 1.05 + 0.1, "{used} s of processor in {took:?}");
    assert!(took < Duration::from_mins(5));
    assert!(tasks().all(|task| one(&task)), "threads made meanwhile as well");
}
