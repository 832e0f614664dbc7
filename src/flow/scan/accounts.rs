//! Names of owners and groups, from `/etc/passwd` and `/etc/group`, read once.
//!
//! The system's name service is not asked: it may want the network, and needs foreign code. Without
//! the files every owner is just a number.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

/// Account files larger than this are cut: they are not account files.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// Who is who on this machine.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    users: Names,
    groups: Names,
}

#[derive(Debug, Clone, Default)]
struct Names {
    by_id: BTreeMap<u32, String>,
    by_name: BTreeMap<String, u32>,
}

impl Accounts {
    /// This machine's.
    pub fn load() -> Self {
        Self { users: Names::load("/etc/passwd"), groups: Names::load("/etc/group") }
    }

    /// The name of a user.
    pub fn user(&self, uid: u32) -> Option<&str> {
        self.users.by_id.get(&uid).map(String::as_str)
    }

    /// The name of a group.
    pub fn group(&self, gid: u32) -> Option<&str> {
        self.groups.by_id.get(&gid).map(String::as_str)
    }

    /// The number of a user.
    pub fn uid_of(&self, user: &str) -> Option<u32> {
        self.users.by_name.get(user).copied()
    }

    /// The number of a group.
    pub fn gid_of(&self, group: &str) -> Option<u32> {
        self.groups.by_name.get(group).copied()
    }
}

impl Names {
    fn load(path: &str) -> Self {
        let mut text = Vec::new();
        let read = File::open(path).and_then(|file| file.take(FILE_LIMIT).read_to_end(&mut text));
        if let Err(error) = read {
            tracing::debug!(%error, path, "owners have no names");
        }
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// Lines of `name:password:number:...`; where a number has several names, the first counts.
    fn parse(text: &str) -> Self {
        let mut names = Self::default();
        for line in text.lines() {
            let mut fields = line.split(':');
            let (name, number) = (fields.next(), fields.nth(1).and_then(|id| id.parse().ok()));
            let (Some(name), Some(number)) = (name, number) else { continue };
            if !name.is_empty() {
                names.by_id.entry(number).or_insert_with(|| name.to_owned());
                names.by_name.entry(name.to_owned()).or_insert(number);
            }
        }
        names
    }
}
