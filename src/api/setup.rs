//! What sets a device up and runs it, beside the calls of a running one: plain data.
//!
//! None of this goes over the agent's socket: a home is made before there is an agent. Secrets are
//! wiped when dropped and never show in `Debug`; what `--json` prints of a view never has them.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::PathBytes;

/// A passphrase or recovery phrase.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub const fn new(text: String) -> Self {
        Self(text)
    }
}

impl std::ops::Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a backend is opened with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `GBAK_HOME`, absolute.
    pub home: PathBuf,
    /// Opens the key file, when it is wrapped. When it is needed and absent, fail with
    /// [`codes::PASSPHRASE_NEEDED`](super::codes::PASSPHRASE_NEEDED) before anything else is done:
    /// the command line then asks for it and opens a backend again.
    pub passphrase: Option<Secret>,
    /// How long to wait for a busy home, in seconds; 0 gives up at once.
    pub retry_lock_secs: u64,
    /// Limits for whatever is run.
    pub limits: super::limits::CallLimits,
}

/// An amount of disk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// So many bytes.
    Bytes(u64),
    /// Of the disk's size for a floor, of what is free now for a donation; 0 to 100.
    Percent(f64),
}

/// What a device lends, as far as it was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lend {
    /// Lent to the grid; nothing when absent or zero.
    pub donate: Option<Amount>,
    /// Free space below which nothing more is taken in.
    pub min_free: Option<Amount>,
    /// Bytes of the donation that stay empty.
    pub safe_area: Option<u64>,
}

/// Where a device listens and how it finds others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reach {
    /// Multiaddresses; the engine's own choice when empty.
    pub listen: Vec<String>,
    /// Addresses of members to begin with.
    pub bootstrap: Vec<String>,
    /// Whether to look for members on the local network.
    pub mdns: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { listen: Vec::new(), bootstrap: Vec::new(), mdns: true }
    }
}

/// How to make a home.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitArgs {
    /// Of the device and, for a founder, of the member.
    pub name: String,
    /// What it lends.
    pub lend: Lend,
    /// How it is reached.
    pub reach: Reach,
    /// Its declared site: a failure domain.
    pub site: Option<String>,
    /// Name of the grid to found; the member's name when absent. Not used with `join`.
    pub grid: Option<String>,
    /// An invitation; absent founds a grid.
    pub join: Option<String>,
    /// The recovery phrase to use; absent makes a new one, which [`InitView::words`] returns.
    pub phrase: Option<Secret>,
    /// Wraps the key file; absent leaves a 0600 key file for unattended use.
    pub passphrase: Option<Secret>,
}

/// A home that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitView {
    /// `gbak.init/1`.
    pub schema: String,
    /// The device's name.
    pub name: String,
    /// The device's full id.
    pub peer_id: String,
    /// The member's full id.
    pub owner_id: String,
    /// The grid's full id.
    pub grid_id: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Addresses for the recovery kit: with the words, the way back in.
    pub bootstrap: Vec<String>,
    /// The words, new or given. Never serialized.
    #[serde(skip)]
    pub words: Option<Secret>,
}

/// How to bring a member back from the words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoverArgs {
    /// The recovery phrase.
    pub phrase: Secret,
    /// Wraps the new key file; absent leaves a 0600 key file.
    pub passphrase: Option<Secret>,
    /// Of the new device.
    pub name: String,
    /// What it lends.
    pub lend: Lend,
    /// How it is reached, and where the grid is.
    pub reach: Reach,
    /// Its declared site.
    pub site: Option<String>,
    /// Go back to what was there at this time, in seconds since 1970.
    #[serde(default)]
    pub as_of_secs: Option<u64>,
}

/// How to run the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DaemonArgs {
    /// Listens here instead of what the home's settings say; empty keeps them.
    pub listen: Vec<String>,
    /// Addresses to try besides the known ones.
    pub bootstrap: Vec<String>,
    /// Keeps away from mDNS, whatever the settings say.
    pub no_mdns: bool,
}

/// What to demonstrate on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DemoArgs {
    /// The tree to back up, absolute; a generated one when absent.
    pub dir: Option<PathBytes>,
}

/// One step of the demonstration, when it is through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DemoLine {
    /// What was done, a few words: `back up 412 files`.
    pub step: String,
    /// What came of it, one sentence.
    pub outcome: String,
    /// How long it took.
    pub seconds: f64,
}

/// What the demonstration came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DemoView {
    /// `gbak.demo/1`.
    pub schema: String,
    /// Agents that ran, the source's included.
    pub peers: u64,
    /// Of them killed, the source's included.
    pub killed: u64,
    /// Entries compared: files, directories, links and the rest.
    pub entries: u64,
    /// Bytes of file content compared.
    pub bytes: u64,
    /// Whether every byte and attribute came back.
    pub identical: bool,
    /// What did not, one sentence each.
    pub differences: Vec<String>,
    /// From start to end.
    pub seconds: f64,
}
