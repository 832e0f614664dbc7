//! A mounted directory, for one test, and whether mounting is possible here.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use gbak::demo::agents::Agent;
use serde_json::Value;

/// Whether this machine lets us mount.
pub(crate) fn can_mount() -> bool {
    let device = std::fs::OpenOptions::new().read(true).write(true).open("/dev/fuse");
    let can = device.is_ok() && rustix::process::geteuid().is_root();
    if !can {
        println!("not run: mounting needs root and /dev/fuse");
    }
    can
}

/// The next line of a command that is not a warning.
pub(crate) fn next_of(lines: &mut impl BufRead) -> Value {
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the command ended");
        let value: Value = serde_json::from_str(&line).unwrap();
        if value["message_type"] != "warning" {
            return value;
        }
    }
}

/// A mount that a command serves or waits for; unmounted when dropped.
pub(crate) struct Mount {
    pub(crate) dir: PathBuf,
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Mount {
    /// Runs `gbak mount ARGS DIR` until it says that it is mounted.
    pub(crate) fn of(agent: &Agent, args: &[&str], dir: &Path) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let mut all = vec!["mount"];
        all.extend(args);
        all.extend([dir.to_str().unwrap(), "--json"]);
        let mut child = agent.command(&all).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut mount = Self { dir: dir.to_owned(), child, lines };
        assert_eq!(mount.next()["message_type"], "mounted");
        mount
    }

    /// The next line that is not a warning.
    pub(crate) fn next(&mut self) -> Value {
        next_of(&mut self.lines)
    }

    /// Sends the command a Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for the command's end.
    pub(crate) fn exit(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // All of them fail only when it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
        detach(&self.dir);
    }
}

/// Takes away what is mounted, whoever serves it.
pub(crate) fn detach(dir: &Path) {
    rustix::mount::unmount(dir, rustix::mount::UnmountFlags::DETACH).unwrap_or_default();
}

/// The directory below `root` that stands for an absolute path.
pub(crate) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap())
}
