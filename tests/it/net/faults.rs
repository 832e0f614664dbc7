//! Accidents of real processes: a damaged catalog, Ctrl-C, a home that is in use for a while.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::rig::{Rig, backup, restores};

fn noise(path: &Path, len: usize) {
    let mut bytes = vec![0; len];
    blake3::Hasher::new()
        .update(path.as_os_str().as_encoded_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_catalog_is_named_and_made_anew_from_the_grid() {
    let mut rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    noise(&source.join("file"), 3_000_000);
    let first = backup(&rig.agents[0], &source);
    rig.agents[0].stop();
    let catalog = rig.agents[0].home().join("catalog.db");
    let file = OpenOptions::new().write(true).open(catalog).unwrap();
    file.write_all_at(&[0x5a; 8192], 0).unwrap();
    let ada = &rig.agents[0];
    let output = ada.command(&["snapshots"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("gbak::home::catalog") && said.contains("recover --rebuild"), "{said}");
    let found = ada.expect(&["recover", "--rebuild", "--json"]).unwrap();
    assert_eq!(found["snapshots"], 1, "{found}");
    restores(&rig, ada, first["snapshot_id"].as_str().unwrap(), &source, &source);
    assert_eq!(backup(ada, &source)["data_added"], 0);
}

/// A child that does not outlive its test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a backup in its own process and returns once holders took some of it.
fn begun(rig: &Rig, source: &Path) -> (Running, BufReader<ChildStdout>) {
    let args = ["backup", source.to_str().unwrap(), "--json"];
    let mut command = rig.agents[0].command(&args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Running(child);
    let mut lines = BufReader::new(child.0.stdout.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before anything was read");
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_ne!(event["message_type"], "summary", "too fast to be stopped");
        if event["bytes_sent"].as_u64().is_some_and(|sent| sent > 0) {
            return (child, lines);
        }
    }
}

#[test]
fn ctrl_c_keeps_what_was_read_and_the_next_run_goes_on_from_there() {
    let mut rig = Rig::new(4);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    for n in 0..24 {
        noise(&source.join(format!("file-{n:02}")), 12_000_000);
    }
    rig.agents[0].stop();
    let (mut child, lines) = begun(&rig, &source);
    kill_process(Pid::from_child(&child.0), Signal::INT).unwrap();
    drop(lines);
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    let listed = rig.agents[0].expect(&["snapshots", "--json"]).unwrap();
    assert_eq!(listed["snapshots"][0]["state"], "interrupted", "{listed}");
    let rest = backup(&rig.agents[0], &source);
    let added = rest["data_added"].as_u64().unwrap();
    assert!(added < 24 * 12_000_000, "what was kept is not read into packs again: {added}");
    restores(&rig, &rig.agents[0], rest["snapshot_id"].as_str().unwrap(), &source, &source);
}

#[test]
fn a_busy_home_is_waited_for_when_asked_to() {
    let mut rig = Rig::new(3);
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    noise(&source.join("file"), 1000);
    rig.agents[0].stop();
    let lock = store::Home::open(rig.agents[0].home()).unwrap().lock().unwrap();
    let args = ["backup", source.to_str().unwrap(), "--retry-lock", "5m", "--json"];
    let mut command = rig.agents[0].command(&args);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut child = Running(child);
    // It looks at the lock again and again: once it was seen at it, it waits.
    let fds = format!("/proc/{}/fd", child.0.id());
    let at_lock = || {
        let open = fs::read_dir(&fds).into_iter().flatten().flatten();
        open.filter_map(|fd| fs::read_link(fd.path()).ok()).any(|path| path.ends_with("lock"))
    };
    while !at_lock() {
        assert!(child.0.try_wait().unwrap().is_none(), "it did not wait");
    }
    drop(lock);
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}
