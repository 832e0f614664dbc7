//! A drive over WebDAV: the same files as at the mount point, on the grid like them, and without
//! FUSE at all.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use gbak::demo::agents::Agent;
use gbak::demo::sample;
use serde_json::Value;

use super::following::another;
use super::kit::{below, can_mount, next_of};
use super::sharing::{LOOKS, Mounted, status};
use super::working::{Drive, noise, sync, text};
use crate::net::rig::{Rig, backup, online};

/// `gbak drive serve` or `gbak webdav`; killed when dropped.
struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
    host: String,
    token: String,
}

/// What came back.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Served {
    /// Runs the command until it says where it serves.
    fn by(agent: &Agent, args: &[&str]) -> Self {
        let mut command = agent.command(&[args, &["--json"]].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut served = Self { child, lines, host: String::new(), token: String::new() };
        let said = served.next();
        assert_eq!(said["message_type"], "serving", "{said}");
        served.token = said["token"].as_str().unwrap().to_owned();
        let url = said["url"].as_str().unwrap();
        let host = url.strip_prefix(&format!("http://gbak:{}@", served.token)).unwrap();
        served.host = host.strip_suffix('/').unwrap().to_owned();
        served
    }

    /// The next line that is not a warning.
    fn next(&mut self) -> Value {
        next_of(&mut self.lines)
    }

    fn ask(&self, verb: &str, path: &str, more: &[&str], body: &[u8]) -> Answer {
        let known = format!("authorization: Bearer {}", self.token);
        self.ask_as(&known, verb, path, more, body)
    }

    fn ask_as(&self, who: &str, verb: &str, path: &str, more: &[&str], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let more = more.concat();
        let head = format!(
            "{verb} {path} HTTP/1.0\r\nhost: {}\r\n{who}\r\ncontent-length: {}\r\n{more}\r\n",
            self.host,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Who is refused is not heard to the end.
        drop(stream.write_all(body));
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        let end = said.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(said[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: said[end + 4..].to_vec() }
    }

    fn get(&self, path: &str) -> Vec<u8> {
        let got = self.ask("GET", path, &[], b"");
        assert_eq!(got.status, 200, "{path}: {}", got.head);
        got.body
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let put = self.ask("PUT", path, &[], bytes);
        assert!(matches!(put.status, 201 | 204), "{path}: {}", put.head);
    }

    /// Ends it as a Ctrl-C does.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        assert_eq!(self.next()["message_type"], "stopped");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Everything below a directory, put through WebDAV.
fn upload(served: &Served, from: &Path, to: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_encoded_bytes();
        let name: Vec<String> = name.iter().map(|byte| format!("%{byte:02x}")).collect();
        let name = name.concat();
        let path = format!("{to}/{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            assert_eq!(served.ask("MKCOL", &path, &[], b"").status, 201, "{path}");
            upload(served, &entry.path(), &path);
        } else if kind.is_file() {
            served.put(&path, &fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn a_drive_that_is_never_mounted_is_worked_on_committed_and_restored() {
    let mut rig = Rig::new(3);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let served = Served::by(&rig.agents[0], &["drive", "serve", "work"]);
    let wrong = format!("authorization: Bearer {}", "0".repeat(40));
    let refused = served.ask_as(&wrong, "GET", "/", &[], b"");
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains("www-authenticate: basic"), "{}", refused.head);
    let source = rig.path("source");
    fs::create_dir_all(source.join("a dir/deeper")).unwrap();
    for (name, len) in [("empty", 0), ("a dir/50% ü", 70_000), ("a dir/deeper/big", 9 << 20)] {
        fs::write(source.join(name), noise(name, len)).unwrap();
    }
    upload(&served, &source, "");
    let status = rig.agents[0].expect(&["drive", "status", "work", "--json"]).unwrap();
    assert_eq!((&status["mounted"], &status["served"]), (&false.into(), &true.into()));
    let exit = |args: &[&str]| rig.agents[0].command(args).output().unwrap().status.code();
    assert_eq!(exit(&["drive", "delete", "work", "--force"]), Some(1));
    assert_eq!(exit(&["drive", "serve", "work", "--listen", "0.0.0.0:0"]), Some(1));
    sync(&rig.agents[0]);
    served.put("/late", b"in the last commit");
    let two = Served::by(&rig.agents[0], &["drive", "serve", "work", "--read-only"]);
    assert_eq!(two.get("/late"), b"in the last commit");
    assert_eq!(two.ask("DELETE", "/late", &[], b"").status, 405);
    served.stop();
    assert_eq!(two.get("/late"), b"in the last commit");
    // The last to leave makes the last commit.
    two.stop();
    let left = rig.agents[0].expect(&["drive", "status", "work", "--json"]).unwrap();
    assert_eq!((&left["served"], &left["dirty_bytes"]), (&false.into(), &0.into()));
    fs::write(source.join("late"), "in the last commit").unwrap();
    let target = rig.path("restored");
    let commits = rig.agents[0].expect(&["drive", "snapshots", "work", "--json"]).unwrap();
    let commits = commits["snapshots"].as_array().unwrap();
    let id = commits.last().unwrap()["id"].as_str().unwrap();
    let spec = format!("{id}:work");
    rig.agents[0].expect(&["restore", &spec, "-t", text(&target), "--json"]).unwrap();
    let same =
        |path: &str| fs::read(target.join(path)).unwrap() == fs::read(source.join(path)).unwrap();
    for path in ["empty", "a dir/50% ü", "a dir/deeper/big", "late"] {
        assert!(same(path), "{path}");
    }
    // And over WebDAV, from the commit.
    let snapshot = Served::by(&rig.agents[0], &["webdav", &spec]);
    let part =
        snapshot.ask("GET", "/a%20dir/deeper/big", &["range: bytes=5000000-5000009\r\n"], b"");
    let big = fs::read(source.join("a dir/deeper/big")).unwrap();
    assert_eq!((part.status, &part.body[..]), (206, &big[5_000_000..5_000_010]));
    snapshot.stop();
    // Killed while it is served: what was answered for is there.
    let served = Served::by(&rig.agents[0], &["drive", "serve", "work"]);
    served.put("/late", b"answered for");
    rig.agents[0].kill();
    rig.agents[0].start().unwrap();
    let again = Served::by(&rig.agents[0], &["drive", "serve", "work"]);
    assert_eq!(again.get("/late"), b"answered for");
    rig.agents[0].stop();
}

#[test]
fn the_mount_shows_at_once_what_was_done_over_webdav_and_the_other_way_round() {
    if !can_mount() {
        return;
    }
    let rig = Rig::new(3);
    let agent = &rig.agents[0];
    agent.expect(&["drive", "create", "work", "--json"]).unwrap();
    let drive = Drive::mount(agent, rig.path("mnt"));
    let served = Served::by(agent, &["drive", "serve", "work"]);
    let at = |name: &str| drive.dir.join(name);
    for round in 0..5 {
        let (one, two) = (noise(&format!("a{round}"), 300_000), noise(&format!("b{round}"), 4_000));
        served.put("/file", &one);
        // The kernel has it in its memory from now on.
        assert!(fs::read(at("file")).unwrap() == one, "round {round}");
        served.put("/file", &two);
        assert_eq!(fs::metadata(at("file")).unwrap().len(), 4_000, "round {round}");
        assert!(fs::read(at("file")).unwrap() == two, "round {round}");
        let part = ["content-range: bytes 100-102/4000\r\n"];
        assert_eq!(served.ask("PUT", "/file", &part, b"new").status, 204);
        assert_eq!(
            &fs::read(at("file")).unwrap()[99..104],
            [&two[99..100], b"new", &two[103..104]].concat()
        );
        fs::write(at("back"), &one).unwrap();
        assert!(served.get("/back") == one, "round {round}");
        assert_eq!(
            served.ask("MOVE", "/back", &["destination: /moved\r\n"], b"").status % 10,
            201 % 10
        );
        assert_eq!((at("back").exists(), fs::read(at("moved")).unwrap() == one), (false, true));
        assert_eq!(served.ask("DELETE", "/moved", &[], b"").status, 204);
        assert!(!at("moved").exists());
    }
    // What is mapped, and who has it open, sees other bytes as well.
    let mut open = fs::File::open(at("file")).unwrap();
    let mut read = Vec::new();
    open.read_to_end(&mut read).unwrap();
    served.put("/file", b"other bytes");
    assert_eq!(std::os::unix::fs::FileExt::read_at(&open, &mut read, 0).unwrap(), 11);
    assert_eq!(&read[..11], b"other bytes");
    drop(open);
    served.ask("MKCOL", "/dir", &[], b"");
    assert_eq!(fs::read_dir(&drive.dir).unwrap().count(), 2);
    // Unmounted, it is still served; and mounted again on the way.
    agent.expect(&["drive", "unmount", "work", "--json"]).unwrap();
    served.put("/dir/in", b"without a mount");
    let drive = Drive::mount(agent, drive.dir.clone());
    assert_eq!(fs::read_to_string(drive.dir.join("dir/in")).unwrap(), "without a mount");
    served.put("/dir/in", b"with it");
    assert_eq!(fs::read_to_string(drive.dir.join("dir/in")).unwrap(), "with it");
    served.stop();
    assert_eq!(fs::read_to_string(drive.dir.join("dir/in")).unwrap(), "with it");
    agent.expect(&["drive", "unmount", "work", "--json"]).unwrap();
}

#[test]
fn what_another_machine_writes_is_served_and_its_next_commits_as_well() {
    let mut rig = Rig::new(4);
    rig.agents.swap(0, 1);
    let other = another(&rig, "other", &[("follow", "1s")]);
    online(&other, 4);
    online(&rig.agents[0], 4);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let writer = Served::by(&rig.agents[0], &["drive", "serve", "work"]);
    writer.put("/file", b"first");
    sync(&rig.agents[0]);
    let refused = other.command(&["drive", "serve", "work"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "it is another machine's to write");
    let reader = Served::by(&other, &["drive", "serve", "work", "--read-only"]);
    assert_eq!(reader.get("/file"), b"first");
    assert_eq!(reader.ask("PUT", "/file", &[], b"mine").status, 405);
    writer.put("/file", b"second");
    writer.put("/next", &noise("next", 300_000));
    sync(&rig.agents[0]);
    // Nothing says when: it is looked at again and again, with a process's life in between.
    let seen = |_: &usize| {
        status(&rig.agents[0]);
        reader.get("/file") == b"second"
    };
    assert!((0..LOOKS).any(|n| seen(&n)), "the next commit is never shown");
    assert!(reader.get("/next") == noise("next", 300_000));
    reader.stop();
    if can_mount() {
        // Also where it is mounted at the same time.
        let there = Mounted::at(&other, rig.path("there"), &["--read-only"]);
        let reader = Served::by(&other, &["drive", "serve", "work", "--read-only"]);
        assert_eq!(reader.get("/file"), b"second");
        assert_eq!(there.text("file").as_deref(), Some("second"));
        reader.stop();
    }
    writer.stop();
}

#[test]
fn the_test_suite_of_webdav_passes_where_it_is_installed() {
    let rig = Rig::new(3);
    rig.agents[0].expect(&["drive", "create", "work", "--json"]).unwrap();
    let served = Served::by(&rig.agents[0], &["drive", "serve", "work"]);
    let mut litmus = Command::new("litmus");
    // Locks are granted to everybody, and lock nothing.
    litmus.env("TESTS", "basic copymove props http").current_dir(rig.dir.path());
    litmus.args(["-k", &format!("http://{}/", served.host), "gbak", &served.token]);
    match litmus.output() {
        Ok(said) => {
            let text = String::from_utf8_lossy(&said.stdout);
            assert_eq!(text.matches(" 0 failed").count(), 4, "{text}");
        }
        Err(_) => println!("not run: litmus is not installed"),
    }
    served.stop();
}

#[test]
fn other_programs_find_their_way() {
    let rig = Rig::new(3);
    let source = rig.path("source");
    sample::odd(&source).unwrap();
    backup(&rig.agents[0], &source);
    let token = rig.path("token");
    let args = ["webdav", "--token-file", text(&token)];
    let served = Served::by(&rig.agents[0], &args);
    assert_eq!(fs::read_to_string(&token).unwrap().trim(), served.token);
    // All snapshots, the newest through its link.
    let path = below(Path::new("/snapshots/latest"), &source);
    let listed = served.ask("PROPFIND", text(&path), &["depth: 1\r\n"], b"");
    assert_eq!(listed.status, 207);
    let curl = Command::new("curl")
        .args(["-sS", "--fail", "--user", &format!("any:{}", served.token)])
        .args(["-X", "OPTIONS", "-D", "-", "-o", "/dev/null"])
        .arg(format!("http://{}/", served.host))
        .output();
    match curl {
        Ok(said) => {
            let head = String::from_utf8_lossy(&said.stdout).to_lowercase();
            assert!(said.status.success() && head.contains("\ndav: 1"), "{head}");
        }
        Err(_) => println!("not run: curl is not installed"),
    }
    served.stop();
    // The same password again.
    let again = Served::by(&rig.agents[0], &args);
    assert_eq!(fs::read_to_string(&token).unwrap().trim(), again.token);
}
