//! One drive, several machines of its owner: one writes, whoever takes over overrules it, and
//! nothing that was acknowledged is lost on either side.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use gbak::demo::agents::Agent;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::kit::{can_mount, detach};
use crate::net::rig::{Rig, online};

/// A lease that runs out while a test waits, and one that does not.
pub(super) const SHORT: &str = "3s";
const LONG: &str = "1h";

/// Looks with a process of its own each time: long enough between two, and bounded.
pub(super) const LOOKS: usize = 400;

/// A mounted drive; detached when dropped.
#[derive(Debug)]
pub(super) struct Mounted {
    pub(super) dir: PathBuf,
}

impl Mounted {
    pub(super) fn at(agent: &Agent, dir: PathBuf, args: &[&str]) -> Self {
        Self::tried(agent, dir, args).unwrap()
    }

    /// The error's code, if it is refused.
    pub(super) fn tried(agent: &Agent, dir: PathBuf, args: &[&str]) -> Result<Self, String> {
        fs::create_dir_all(&dir).unwrap();
        let mut all = vec!["drive", "mount", "work", dir.to_str().unwrap(), "--json"];
        all.extend(args);
        let out = agent.command(&all).output().unwrap();
        if out.status.success() {
            return Ok(Self { dir });
        }
        let said = String::from_utf8_lossy(&out.stdout).into_owned()
            + &String::from_utf8_lossy(&out.stderr);
        let values = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut codes = values.filter_map(|value| value["code"].as_str().map(str::to_owned));
        Err(codes.next_back().unwrap_or(said.clone()))
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.dir.join(name)).ok()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        detach(&self.dir);
    }
}

/// An agent that hears and says nothing, like one that is cut off; goes on when dropped.
struct Stopped(Pid);

impl Stopped {
    fn of(agent: &Agent) -> Self {
        let pid = Pid::from_raw(agent.pid().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).unwrap();
    }
}

/// A program that has a file of a drive open. Not this process: what it has open on a mount whose
/// agent is stopped would hold up whoever looks at it.
struct Open(Child);

impl Open {
    fn at(path: &Path) -> Self {
        let script = r#"exec 3>>"$1"; echo open; read -r go; echo more | cat >&3"#;
        let mut child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0; 5];
        child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        Self(child)
    }

    /// What it says when it appends now.
    fn append(&mut self) -> String {
        drop(self.0.stdin.take());
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        self.0.wait().unwrap();
        said
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(super) fn status(agent: &Agent) -> Value {
    agent.expect(&["drive", "status", "work", "--json"]).unwrap()
}

pub(super) fn sync(agent: &Agent) {
    agent.expect(&["drive", "sync", "work", "--wait", "grid", "--json"]).unwrap();
}

pub(super) fn unmount(agent: &Agent) {
    agent.expect(&["drive", "unmount", "work", "--json"]).unwrap();
}

pub(super) fn written(path: &Path, content: impl AsRef<[u8]>) {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(content.as_ref()).unwrap();
    file.sync_all().unwrap();
}

/// A grid of four, and a second machine of the first member's, all with a short lease.
pub(super) fn two_machines(lease: &str) -> (Rig, Agent) {
    let mut rig = Rig::new(4);
    rig.agents[0].stop();
    set(&rig.agents[0], &[("lease", lease)]);
    rig.agents[0].start().unwrap();
    let (mut second, _) = rig.recover("second", &rig.agents[1]);
    set(&second, &[("lease", lease)]);
    second.start().unwrap();
    online(&second, 4);
    online(&rig.agents[0], 4);
    (rig, second)
}

/// Sets what `[drive]` says in a stopped agent's settings.
pub(super) fn set(agent: &Agent, values: &[(&str, &str)]) {
    set_in(agent, "drive", values);
}

/// Sets what a section says in a stopped agent's settings.
pub(super) fn set_in(agent: &Agent, section: &str, values: &[(&str, &str)]) {
    let path = agent.home().join("config.toml");
    let (mut text, section) = (fs::read_to_string(&path).unwrap(), format!("[{section}]\n"));
    if !text.contains(&section) {
        text = text + "\n" + &section;
    }
    let (before, after) = text.split_once(&section).unwrap();
    let end = after.find("\n[").map_or(after.len(), |at| at + 1);
    let (own, after) = after.split_at(end);
    let is_set =
        |line: &&str| values.iter().any(|(name, _)| line.starts_with(&format!("{name} =")));
    let own = own.lines().filter(|line| !is_set(line)).map(|line| format!("{line}\n"));
    let new = values.iter().map(|(name, value)| format!("{name} = \"{value}\"\n"));
    let own: String = new.chain(own).collect();
    fs::write(path, format!("{before}{section}{own}{after}")).unwrap();
}

#[test]
fn a_second_writer_is_refused_until_the_first_gives_the_drive_back() {
    if !can_mount() {
        return;
    }
    let (rig, second) = two_machines(LONG);
    let first = &rig.agents[0];
    first.expect(&["drive", "create", "work", "--json"]).unwrap();
    let here = Mounted::at(first, rig.path("here"), &[]);
    written(&here.dir.join("a"), "by the first");
    sync(first);
    assert_eq!((&status(first)["role"], &status(first)["epoch"]), (&"writer".into(), &1.into()));
    for args in [&[][..], &["--take-over"]] {
        let refused = Mounted::tried(&second, rig.path("there"), args);
        assert_eq!(refused.err().as_deref(), Some("gbak::drive::fenced"), "{args:?}");
    }
    unmount(first);
    let there = Mounted::at(&second, rig.path("there"), &[]);
    assert_eq!(there.text("a").as_deref(), Some("by the first"));
    written(&there.dir.join("b"), "by the second");
    sync(&second);
    assert_eq!(status(&second)["epoch"], 2);
    let refused = Mounted::tried(first, rig.path("here"), &[]);
    assert_eq!(refused.err().as_deref(), Some("gbak::drive::fenced"));
    unmount(&second);
    // What the first has on its disk is older: it goes on from what the second made.
    let here = Mounted::at(first, rig.path("here"), &[]);
    assert_eq!(here.text("b").as_deref(), Some("by the second"));
    assert_eq!(status(first)["conflict_snapshot"], Value::Null);
}

#[test]
fn a_writer_that_was_cut_off_is_overruled_and_what_only_it_had_is_kept_beside() {
    if !can_mount() {
        return;
    }
    let (rig, second) = two_machines(SHORT);
    let first = &rig.agents[0];
    first.expect(&["drive", "create", "work", "--json"]).unwrap();
    let here = Mounted::at(first, rig.path("here"), &[]);
    written(&here.dir.join("safe"), "acknowledged as on the grid");
    sync(first);
    written(&here.dir.join("late"), "only on the first machine's disk");
    let mut open = Open::at(&here.dir.join("safe"));
    let stopped = Stopped::of(first);
    let takes = |_| Mounted::tried(&second, rig.path("there"), &["--take-over"]).ok();
    let there = (0..LOOKS).find_map(takes).expect("the lease never runs out");
    assert_eq!(there.text("safe").as_deref(), Some("acknowledged as on the grid"));
    assert_eq!(there.text("late"), None);
    written(&there.dir.join("since"), "by the second machine");
    sync(&second);
    drop(stopped);
    let fenced = |_: &usize| status(first)["conflict_snapshot"].is_string();
    assert!((0..LOOKS).any(|n| fenced(&n)), "the first is never fenced: {}", status(first));
    let stands = status(first);
    assert_eq!(stands["role"], "fenced");
    let rofs = Some(rustix::io::Errno::ROFS.raw_os_error());
    assert_eq!(fs::write(here.dir.join("more"), "").unwrap_err().raw_os_error(), rofs);
    let said = open.append();
    assert!(said.contains("Read-only file system"), "{said}");
    // Read as before where it was written, and from the snapshot that was made of it.
    assert_eq!(here.text("late").as_deref(), Some("only on the first machine's disk"));
    let kept = stands["conflict_snapshot"].as_str().unwrap();
    let target = rig.path("kept");
    let restored = ["restore", kept, "--target", target.to_str().unwrap(), "--json"];
    first.expect(&restored).unwrap();
    let late = fs::read_to_string(target.join("work/late")).unwrap();
    assert_eq!(late, "only on the first machine's disk");
    let synced = first.command(&["drive", "sync", "work"]).status().unwrap();
    assert_eq!(synced.code(), Some(1), "nothing of a fenced drive is called safe");
    unmount(first);
    unmount(&second);
    let here = Mounted::at(first, rig.path("here"), &[]);
    assert_eq!(here.text("since").as_deref(), Some("by the second machine"));
    assert_eq!(here.text("late"), None);
    let line = first.expect(&["drive", "snapshots", "work", "--json"]).unwrap();
    let line = line["snapshots"].as_array().unwrap().clone();
    assert!(line.iter().all(|commit| commit["id"] != stands["conflict_snapshot"]), "{line:?}");
}
