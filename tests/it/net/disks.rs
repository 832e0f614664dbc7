//! Real disks under real agents: ext4 images on loop devices, which are filled, grown, unmounted.
//!
//! That takes root and loop devices; elsewhere these tests say so and pass.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use gbak::demo::agents::Agent;
use serde_json::Value;
use tempfile::TempDir;

use super::leaving::source;
use super::rig::{Rig, copy_tree, init_args, invite, online, program, restores};

const MIB: u64 = 1 << 20;

/// A file system of its own, until dropped.
struct Image {
    dir: TempDir,
    device: String,
}

fn run(command: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(command).args(args).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(format!("{command}: {}", said(&output.stderr)))
    }
}

impl Image {
    /// Of this many MiB, mounted; or says why there is none.
    fn new(mib: u64) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        match Self::make(dir, mib) {
            Ok(image) => Some(image),
            Err(why) => {
                println!("skipped: no loop-mounted image here: {why}");
                None
            }
        }
    }

    fn make(dir: TempDir, mib: u64) -> Result<Self, String> {
        let file = dir.path().join("image");
        let file_text = file.to_str().unwrap();
        File::create(&file).unwrap().set_len(mib * MIB).unwrap();
        // No blocks for root: the tests run as root, and the agent must not count on them.
        run("mkfs.ext4", &["-q", "-F", "-m", "0", file_text])?;
        let device = run("losetup", &["--find", "--show", file_text])?;
        let image = Self { dir, device };
        fs::create_dir(image.mount_point()).unwrap();
        image.mount()?;
        Ok(image)
    }

    fn mount_point(&self) -> PathBuf {
        self.dir.path().join("mnt")
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &[&self.device, self.mount_point().to_str().unwrap()]).map(drop)
    }

    fn unmount(&self) {
        run("umount", &[self.mount_point().to_str().unwrap()]).unwrap();
    }

    /// Online where the system lets us, else unmounted meanwhile: the agent sees both.
    fn grow(&self, mib: u64) {
        let file = File::options().write(true).open(self.dir.path().join("image")).unwrap();
        file.set_len(mib * MIB).unwrap();
        run("losetup", &["--set-capacity", &self.device]).unwrap();
        if run("resize2fs", &[&self.device]).is_err() {
            self.unmount();
            run("e2fsck", &["-f", "-y", &self.device]).unwrap();
            run("resize2fs", &[&self.device]).unwrap();
            self.mount().unwrap();
        }
    }

    /// Somebody else's data: takes all but `left_bytes`.
    fn fill(&self, left_bytes: u64) -> PathBuf {
        let path = self.mount_point().join("somebody-else");
        let stat = rustix::fs::statvfs(self.mount_point()).unwrap();
        let free = stat.f_bavail * stat.f_frsize;
        // Blocks that describe the file take some as well.
        let len = free.saturating_sub(left_bytes.max(MIB)).to_string();
        run("fallocate", &["-l", &len, path.to_str().unwrap()]).unwrap();
        path
    }

    fn shard_files(&self) -> usize {
        let dirs = fs::read_dir(self.mount_point().join("gbak/shards")).unwrap().flatten();
        dirs.map(|dir| fs::read_dir(dir.path()).unwrap().count()).sum()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Both fail only when it was not mounted; nothing of it outlives the test.
        drop(run("umount", &["-l", self.mount_point().to_str().unwrap()]));
        drop(run("losetup", &["-d", &self.device]));
    }
}

/// Makes an agent look at its disks every second, and grow by half.
fn hurry(agent: &mut Agent) {
    agent.stop();
    let config = agent.home().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("look-every = \"10s\"", "look-every = \"1s\"");
    let text = text.replace("grow = \"off\"", "grow = \"50% of added\"");
    assert!(text.contains("1s") && text.contains("50%"), "{text}");
    fs::write(config, text).unwrap();
    agent.start().unwrap();
}

/// The second agent lends of the image only.
fn lends(rig: &mut Rig, image: &Image, size: &str, min_free: &str) {
    hurry(&mut rig.agents[1]);
    let holder = &rig.agents[1];
    holder.expect(&["donate", "set", "none", "--json"]).unwrap();
    let path = image.mount_point().join("gbak");
    let add = ["donate", "add", path.to_str().unwrap(), "--size", size, "--min-free", min_free];
    holder.expect(&[&add[..], &["--safe-area", "1MiB", "--json"]].concat()).unwrap();
}

/// The added disk.
fn disk(agent: &Agent) -> Value {
    agent.expect(&["donate", "--json"]).unwrap()["disks"][1].clone()
}

/// Waits until the added disk looks like this.
fn becomes(agent: &Agent, wanted: impl Fn(&Value) -> bool) -> Value {
    // Each look takes a process's life: long enough between two, and bounded.
    let mut looks = (0..2_000).map(|_| disk(agent));
    let found = looks.find(wanted);
    assert!(found.is_some(), "it never came to that: {}", disk(agent));
    found.unwrap_or_default()
}

fn bytes(disk: &Value, what: &str) -> u64 {
    disk[what].as_u64().unwrap()
}

fn snapshot(agent: &Agent, path: &Path, code: &str) -> String {
    let args = ["backup", path.to_str().unwrap(), "--redundancy", code, "--json"];
    agent.expect(&args).unwrap()["snapshot_id"].as_str().unwrap().to_owned()
}

/// Waits until the holder is connected and known to lend that much.
fn hears(source: &Agent, holder: &Agent, donated: impl Fn(u64) -> bool) {
    let heard = |_: &u32| {
        let (view, _) = source.run(&["peers", "--json"]).unwrap();
        let peers = view["peers"].as_array().unwrap();
        let fits = |peer: &Value| {
            peer["state"] == "online" && donated(peer["donated_bytes"].as_u64().unwrap())
        };
        peers.iter().any(|peer| peer["name"] == holder.name() && fits(peer))
    };
    assert!((0..2_000).any(|n| heard(&n)), "the source never heard of it");
}

/// The names of all shards of the newest snapshot.
fn shards(agent: &Agent) -> Vec<String> {
    let view = agent.expect(&["placement", "latest", "--json"]).unwrap();
    let packs = view["packs"].as_array().unwrap().iter();
    let shards = packs.flat_map(|pack| pack["shards"].as_array().unwrap().iter());
    let ids: Vec<_> = shards.map(|shard| shard["shard_id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.len() >= 8, "{view}");
    ids
}

/// Every one of these shards is a file on some disk of the grid, wherever the records say it is: so
/// each pack has as many as ever, and more than it takes to rebuild it.
fn none_is_missing(rig: &Rig, image: &Image, ids: &[String]) {
    let mut shelves: Vec<_> = rig.agents.iter().map(|it| it.home().join("shelf")).collect();
    shelves.push(image.mount_point().join("gbak"));
    let is_at = |shelf: &Path, id: &str| {
        shelf.join("incoming").join(id).exists()
            || shelf.join("shards").join(&id[..2]).join(id).exists()
    };
    for id in ids {
        let somewhere = |_: &u32| shelves.iter().any(|shelf| is_at(shelf, id));
        // One that is on its way may be at its new place only after that was looked at.
        assert!((0..3).any(|n| somewhere(&n)), "shard {id} is nowhere");
    }
}

/// Every pack of this owner has all its shards.
fn all_full(agent: &Agent) {
    let status = agent.run(&["status", "--json"]).unwrap().0;
    let packs = &status["packs"];
    assert_eq!((&packs["at_risk"], &packs["lost"]), (&0.into(), &0.into()), "{status}");
    let check = agent.run(&["check", "--json"]).unwrap().0;
    assert_eq!(check["ok"], true, "{check}");
}

#[test]
fn a_disk_that_somebody_fills_is_given_back_until_its_floor_is_free() {
    let Some(image) = Image::new(256) else { return };
    let mut rig = Rig::new(5);
    lends(&mut rig, &image, "150MiB", "32MiB");
    let (owner, holder) = (&rig.agents[0], &rig.agents[1]);
    online(owner, 4);
    hears(owner, holder, |bytes| bytes == 150 * MIB);
    let source = source(&rig, "source", 40);
    // All four others have a shard of each pack: what moves has to share a peer with another.
    let id = snapshot(owner, &source, "3+1");
    let before = disk(holder);
    assert!(bytes(&before, "used_bytes") > 2 * MIB, "{before}");
    let records = shards(owner);
    none_is_missing(&rig, &image, &records);
    image.fill(30 * MIB);
    let after = becomes(holder, |disk| {
        // While shards are on their way as well.
        none_is_missing(&rig, &image, &records);
        disk["floor_ok"] == true && disk["free_bytes"] != 0
    });
    assert!(bytes(&after, "used_bytes") < bytes(&before, "used_bytes"), "{after}");
    // No more than it takes: what is left over is less than one shard.
    assert!(bytes(&after, "free_bytes") < 32 * MIB + 9 * MIB, "{after}");
    all_full(owner);
    restores(&rig, owner, &id, &source, &source);
}

#[test]
fn a_disk_that_grows_is_lent_more_of() {
    let Some(image) = Image::new(128) else { return };
    let mut rig = Rig::new(2);
    lends(&mut rig, &image, "40MiB", "16MiB");
    let (other, holder) = (&rig.agents[0], &rig.agents[1]);
    hears(other, holder, |bytes| bytes == 40 * MIB);
    let before = disk(holder);
    image.grow(256);
    let after = becomes(holder, |disk| bytes(disk, "donated_bytes") > 40 * MIB);
    let added = bytes(&after, "total_bytes") - bytes(&before, "total_bytes");
    assert_eq!(bytes(&after, "donated_bytes"), 40 * MIB + added / 2, "half of what was added");
    hears(other, holder, |bytes| bytes == 40 * MIB + added / 2);
    rig.agents[1].stop();
    rig.agents[1].start().unwrap();
    assert_eq!(disk(&rig.agents[1])["donated_bytes"], after["donated_bytes"]);
}

#[test]
fn a_disk_that_is_unmounted_under_the_agent_comes_back_whole() {
    let Some(image) = Image::new(128) else { return };
    let mut rig = Rig::new(4);
    lends(&mut rig, &image, "80MiB", "8MiB");
    let (owner, holder) = (&rig.agents[0], &rig.agents[1]);
    online(owner, 3);
    hears(owner, holder, |bytes| bytes == 80 * MIB);
    let source = source(&rig, "source", 20);
    let id = snapshot(owner, &source, "2+1");
    let first = rig.path("first");
    copy_tree(&source, &first);
    let (before, files) = (disk(holder), image.shard_files());
    assert!(files > 0);
    image.unmount();
    let away = becomes(holder, |disk| disk["state"] == "away");
    assert_eq!(away["used_bytes"], before["used_bytes"], "known, though it is away");
    // Away is not gone: no audit calls it wrong, and nothing is written in its place.
    let audit = owner.run(&["audit", holder.name(), "--json"]).unwrap().0;
    assert_eq!((&audit["summary"]["wrong"], &audit["summary"]["refused"]), (&0.into(), &0.into()));
    restores(&rig, owner, &id, &source, &source);
    fs::write(source.join("more"), vec![7; 300_000]).unwrap();
    let (more, _) = owner.run(&["backup", source.to_str().unwrap(), "--json"]).unwrap();
    assert!(more["snapshot_id"].is_string(), "{more}");
    assert_eq!(fs::read_dir(image.mount_point()).unwrap().count(), 0);
    image.mount().unwrap();
    let back = becomes(holder, |disk| disk["state"] == "open");
    assert_eq!(back["used_bytes"], before["used_bytes"]);
    assert_eq!(image.shard_files(), files);
    let audit = owner.expect(&["audit", holder.name(), "--json"]).unwrap();
    assert!(audit["summary"]["proved"].as_u64().unwrap() > 0, "{audit}");
    restores(&rig, owner, &id, &source, &first);
}

#[test]
fn a_disk_that_is_full_to_the_last_byte_refuses_in_type_and_serves_again_when_it_is_cleared() {
    let Some(image) = Image::new(128) else { return };
    let mut rig = Rig::new(3);
    // The whole home is on it, databases and all.
    let mut holder = Agent::new(program(), &image.mount_point(), "home");
    let words = rig.words("home");
    let mut args = init_args("home", &words);
    let invite = invite(&rig.agents[0]);
    args.extend(["--join", &invite]);
    for arg in &mut args {
        *arg = match *arg {
            "4GiB" => "64MiB",
            "64MiB" => "1MiB",
            other => other,
        };
    }
    args.extend(["--safe-area", "1MiB"]);
    holder.expect(&args).unwrap();
    holder.start().unwrap();
    rig.agents.push(holder);
    let (owner, holder) = (&rig.agents[0], &rig.agents[3]);
    online(owner, 3);
    let source = source(&rig, "source", 10);
    let id = snapshot(owner, &source, "2+1");
    let first = rig.path("first");
    copy_tree(&source, &first);
    let stored = |agent: &Agent| {
        let view = agent.expect(&["donate", "--json"]).unwrap();
        view["disks"][0]["used_bytes"].as_u64().unwrap()
    };
    let before = stored(holder);
    assert!(before > 0);
    let theirs = image.fill(0);
    // To the last byte, whatever fallocate left over.
    let mut rest = File::create(image.mount_point().join("rest")).unwrap();
    let chunk = [1_u8; 4096];
    while std::io::Write::write_all(&mut rest, &chunk).is_ok() {}
    drop(rest);
    fs::write(source.join("while-full"), vec![3; 700_000]).unwrap();
    let args = ["backup", source.to_str().unwrap(), "--redundancy", "2+1", "--json"];
    let (queued, exit) = owner.run(&args).unwrap();
    assert!([0, 4, 22].contains(&exit), "exit {exit}: {queued}");
    // Reads go on.
    restores(&rig, owner, &id, &source, &first);
    let audit = owner.run(&["audit", "home", "--json"]).unwrap().0;
    assert_eq!((&audit["summary"]["wrong"], &audit["summary"]["refused"]), (&0.into(), &0.into()));
    fs::remove_file(theirs).unwrap();
    fs::remove_file(image.mount_point().join("rest")).unwrap();
    // Full service, without a restart.
    hears(owner, holder, |bytes| bytes > 32 * MIB);

    let mut noise = vec![0; 900_000];
    blake3::Hasher::new().update(b"after").finalize_xof().fill(&mut noise);
    fs::write(source.join("after"), noise).unwrap();
    let last = snapshot(owner, &source, "2+1");
    assert!(stored(holder) > before);
    restores(&rig, owner, &last, &source, &source);
}
