//! `config.toml`: what this machine is called, where it listens, what it lends, what it leaves out.
//!
//! Invariants: a key that is not known is an error, with its line, so that a typing error never
//! passes for a default; every value is checked when the file is read, not when it is used; the
//! file is written durably and whole. Keys and names follow CLI.md.

use std::fmt;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use store::{DiskSpace, Donation};

use crate::api::setup::Lend;
use crate::api::{DomainsRule, UnmetRule};

pub use crate::placement::proximity::{Range, RangeError};

pub mod caring;
pub mod driving;
mod edit;
mod watching;

pub use watching::Grow;
mod leases;
pub mod limits;
mod merge;
mod sets;
pub mod when;
pub mod window;

pub use crate::api::limits::Speed;
pub use leases::{Leases, Span};
pub use limits::Limits;
pub use sets::BackupSet;

/// Largest file that is read, in bytes: a person writes it.
const LIMIT: u64 = 1024 * 1024;

/// The settings of one install.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// What this machine is on the grid.
    pub node: Node,
    /// What it lends.
    pub donate: Donate,
    /// What its backups leave out.
    pub backup: Backup,
    /// How its backups are spread.
    pub placement: Placement,
    /// When holders are given up, and how fast is mended.
    pub repair: caring::Repair,
    /// How often the agent does what nobody asks for.
    pub schedule: caring::Schedule,
    /// For how long it keeps what others gave it.
    pub leases: Leases,
    /// What it may use of line and machine.
    pub limits: Limits,
    /// How its drives are shared with other machines of the owner.
    pub drive: driving::Driving,
}

/// What this machine is on the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Node {
    /// Its name, as others see it.
    pub name: String,
    /// Multiaddresses to listen on; port 0 lets the system choose.
    pub listen: Vec<String>,
    /// Multiaddresses at which others reach this machine, when that is not where it listens:
    /// behind a forwarded port. Without the `/p2p/...` part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub announce: Vec<String>,
    /// Whether to look for the grid's devices on the local network.
    pub mdns: bool,
    /// Which site it stands at: shards of one pack avoid sharing one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Multiaddresses to try first, each with its `/p2p/...` part.
    pub bootstrap: Vec<String>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: "gbak".to_owned(),
            listen: vec!["/ip4/0.0.0.0/tcp/4711".to_owned()],
            announce: Vec::new(),
            mdns: true,
            site: None,
            bootstrap: Vec::new(),
        }
    }
}

/// What this machine lends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Donate {
    /// The most that others' shards may take; a share is of what is free or lent already.
    pub size: Amount,
    /// Free space below which nothing more is taken; a share is of the whole disk.
    pub min_free: Amount,
    /// Kept empty above that; a share is of the whole disk.
    pub safe_area: Amount,
    /// How much more is lent when a disk grows.
    pub grow: Grow,
    /// The most that a disk is lent of by growing; as much as it carries when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Amount>,
    /// How long owners have to move what has to go before it is handed over to others.
    pub grace: Span,
    /// How often the disks are looked at.
    pub look_every: Span,
    /// How fast what is stored here is read again, in bytes a second; 0 is never.
    pub scrub: Rate,
    /// From the beginning of one such pass to that of the next.
    pub scrub_every: Span,
    /// Disks that are lent besides the home's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<LentDisk>,
}

impl Default for Donate {
    fn default() -> Self {
        Self {
            size: Amount::Bytes(0),
            min_free: Amount::Percent(5.0),
            safe_area: Amount::Bytes(256 * 1024 * 1024),
            grow: Grow::Off,
            ceiling: None,
            grace: Span(24 * 3600),
            look_every: Span(10),
            scrub: Rate(2 * 1024 * 1024),
            scrub_every: Span(7 * 24 * 3600),
            disks: Vec::new(),
        }
    }
}

/// A disk that is lent besides the home's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LentDisk {
    /// A directory on it, which is ours alone.
    pub path: PathBuf,
    /// The most that others' shards may take there.
    pub donate: Amount,
    /// Its floor; that of the home's disk when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_free: Option<Amount>,
    /// Its safe area; that of the home's disk when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_area: Option<Amount>,
}

impl LentDisk {
    /// Takes over what was said; the rest stays.
    pub fn apply(&mut self, said: Lend) {
        if let Some(size) = said.donate {
            self.donate = size.into();
        }
        self.min_free = said.min_free.map(Into::into).or(self.min_free);
        self.safe_area = said.safe_area.map(Amount::Bytes).or(self.safe_area);
    }
}

impl Donate {
    /// Takes over what was said; the rest stays.
    pub fn apply(&mut self, said: Lend) {
        if let Some(size) = said.donate {
            self.size = size.into();
        }
        if let Some(floor) = said.min_free {
            self.min_free = floor.into();
        }
        if let Some(bytes) = said.safe_area {
            self.safe_area = Amount::Bytes(bytes);
        }
    }

    /// The donation of the home's disk when it has this much room and shards take `used_bytes`.
    pub fn on(&self, space: DiskSpace, used_bytes: u64) -> Donation {
        Donation {
            size_bytes: self.size.of(space.free_bytes.saturating_add(used_bytes)),
            min_free_bytes: self.min_free.of(space.total_bytes),
            safe_area_bytes: self.safe_area.of(space.total_bytes),
        }
    }

    /// The same of an added disk.
    pub fn on_disk(&self, disk: &LentDisk, space: DiskSpace, used_bytes: u64) -> Donation {
        let split = Self {
            size: disk.donate,
            min_free: disk.min_free.unwrap_or(self.min_free),
            safe_area: disk.safe_area.unwrap_or(self.safe_area),
            ..Self::default()
        };
        split.on(space, used_bytes)
    }

    /// The settings of an added disk.
    pub fn disk(&self, path: &Path) -> Option<&LentDisk> {
        self.disks.iter().find(|disk| disk.path == path)
    }
}

/// What backups leave out. The command line adds to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backup {
    /// Glob patterns (gitignore syntax).
    pub exclude: Vec<String>,
    /// Directories with a valid `CACHEDIR.TAG`.
    pub exclude_caches: bool,
    /// Directories that hold a file of one of these names.
    pub exclude_if_present: Vec<String>,
    /// What is backed up together, and when.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "sets::checked")]
    pub sets: Vec<BackupSet>,
}

/// How backups are spread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Placement {
    /// k+m, like `8+4`; solved from the grid when absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "redundancy")]
    pub redundancy: Option<String>,
    /// A pack with fewer shards left than this is repaired; by its code when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair_at: Option<u8>,
    /// Round trips between this machine and each holder.
    #[serde(skip_serializing_if = "Range::is_any")]
    pub latency: Range,
    /// Round trips between any two holders of a pack.
    #[serde(skip_serializing_if = "Range::is_any")]
    pub spread: Range,
    /// Most shards of a pack with one machine; 1 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_shards_per_peer: Option<NonZeroU8>,
    /// Most shards of a pack at one site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_shards_per_site: Option<NonZeroU8>,
    /// Most shards of a pack with one member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_shards_per_owner: Option<NonZeroU8>,
    /// What to do with fewer failure domains than shards.
    pub domains: DomainsRule,
    /// What to do when limits cannot be met.
    pub unmet: UnmetRule,
}

/// An amount of disk: `200 GiB`, or a share like `15%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths, 0 to 100.
    Percent(f64),
}

impl From<crate::api::setup::Amount> for Amount {
    fn from(amount: crate::api::setup::Amount) -> Self {
        match amount {
            crate::api::setup::Amount::Bytes(bytes) => Self::Bytes(bytes),
            crate::api::setup::Amount::Percent(percent) => Self::Percent(percent),
        }
    }
}

impl Amount {
    /// The bytes this is, of `whole`.
    pub fn of(self, whole: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => (whole as f64 * percent / 100.0) as u64,
        }
    }
}

/// Text that is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount like \"200 GiB\" or \"15%\"")]
pub struct NotAnAmount;

impl FromStr for Amount {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let text = text.trim();
        if let Some(percent) = text.strip_suffix('%') {
            let percent = percent.trim_end().parse::<f64>().map_err(|_| NotAnAmount)?;
            return if (0.0..=100.0).contains(&percent) {
                Ok(Self::Percent(percent))
            } else {
                Err(NotAnAmount)
            };
        }
        let bytes = bytesize::ByteSize::from_str(text).map_err(|_| NotAnAmount)?;
        Ok(Self::Bytes(bytes.as_u64()))
    }
}

/// Exact: what is printed reads back as the same amount.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] =
            [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        match *self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Bytes(bytes) => {
                let fits = |(unit, _): &&(u64, &str)| bytes >= *unit && bytes.is_multiple_of(*unit);
                match UNITS.iter().find(fits) {
                    Some((unit, name)) => write!(f, "{} {name}", bytes / unit),
                    None => write!(f, "{bytes} B"),
                }
            }
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Bytes a second, like `2 MiB`; what 0 means is said where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub u64);

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Amount::Bytes(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.parse() {
            Ok(Amount::Bytes(bytes)) => Ok(Self(bytes)),
            _ => Err(de::Error::custom("not bytes a second like \"2 MiB\"")),
        }
    }
}

impl Placement {
    /// The code that is asked for, if one is.
    pub fn code(&self) -> Option<chunker::Code> {
        // Checked when it was read.
        self.redundancy.as_ref()?.parse().ok()
    }
}

fn redundancy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<chunker::Code>() {
        Ok(_) => Ok(Some(text)),
        Err(_) => Err(de::Error::custom("not a redundancy like \"8+4\"")),
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("Cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Larger than any settings.
    #[error("{} has {len} bytes, settings have at most {LIMIT}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        len: u64,
    },
    /// A key or value is wrong.
    #[error("{}, line {line}: {}", path.display(), wrong.message())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong. Not called `source`, which would tell it twice.
        wrong: Box<toml::de::Error>,
    },
    /// The settings cannot be changed in place.
    #[error("Cannot change settings in {}", path.display())]
    Edit {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<toml_edit::TomlError>,
    },
    /// The settings cannot be written as TOML.
    #[error("Cannot write settings for {}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: toml::ser::Error,
    },
    /// The file cannot be written.
    #[error("Cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl Config {
    /// The settings in the file at `path`; the defaults when there is none.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        read(path)?.map_or_else(|| Ok(Self::default()), |text| Self::parse(&text, path))
    }

    /// The settings in `text`; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|wrong: toml::de::Error| {
            let before = wrong.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            ConfigError::Wrong { path: path.to_owned(), line, wrong: Box::new(wrong) }
        })
    }

    /// Writes the settings to `path`; when this returns `Ok`, they survive a power cut. In a file
    /// that is there, only what differs is changed: comments, order and everything else a person
    /// wrote stay.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        let text = match read(path)? {
            None => self.text(path)?,
            Some(there) => {
                let before = Self::parse(&there, path)?.text(path)?;
                let edited = merge::merge(&there, &before, &self.text(path)?);
                edited.map_err(|source| {
                    let source = Box::new(source);
                    ConfigError::Edit { path: path.to_owned(), source }
                })?
            }
        };
        store::write_file_durable(path, text.as_bytes())
            .map_err(|source| ConfigError::Write { path: path.to_owned(), source })
    }

    fn text(&self, path: &Path) -> Result<String, ConfigError> {
        toml::to_string(self)
            .map_err(|source| ConfigError::Encode { path: path.to_owned(), source })
    }
}

/// The file's text; none when there is no file.
fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let read_error = |source| ConfigError::Read { path: path.to_owned(), source };
    let len = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_error(error)),
    };
    if len > LIMIT {
        return Err(ConfigError::TooLarge { path: path.to_owned(), len });
    }
    std::fs::read_to_string(path).map(Some).map_err(read_error)
}

#[cfg(test)]
mod tests;
