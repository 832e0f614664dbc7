//! Everything one peer can ask another, and every answer: closed, versioned, bounded.
//!
//! A message is a CBOR header (a versioned [`Record`](chunker::Record)) and, apart from it, at most
//! one body of raw bytes: shard bytes never travel inside CBOR. Headers are at most
//! [`HEADER_LIMIT`] bytes, bodies at most [`BODY_LIMIT`]. There are no strings as errors: a refusal
//! is a value to branch on.

use std::time::Duration;

use bytes::Bytes;
use chunker::{OwnerId, PeerId, SLICE_BODY_MAX, SLICE_MAX, ShardId};
use serde::{Deserialize, Serialize};

use crate::cert::{Charter, NAME_LIMIT, OwnerCert};
use crate::coords::Coord;
use crate::mandate::Mandate;
use crate::peer::Offer;
use crate::usage::UsageStatement;

mod door;
mod header;
mod leases;
mod moves;
mod naming;
mod refusal;
mod sightings;

pub use door::{Hello, Join};
pub use header::{ReplyHeader, RequestHeader};
pub use leases::{HISTORY_PAGE, KeptHead, LEASE_PAGE, Mark, RetainRange, Retained};
pub use moves::{MOVES_PAGE, Spare};
pub use refusal::Refusal;
pub use sightings::{SIGHTINGS_LIMIT, Sighting};

/// Largest header in bytes. A roster page is the biggest thing in one.
pub const HEADER_LIMIT: usize = 256 * 1024;
/// Largest body in bytes: a whole 16 MiB pack as one shard (k = 1), rounded up.
pub const BODY_LIMIT: usize = 17 * 1024 * 1024;
/// Most shard names in one [`Request::Have`].
pub const HAVE_LIMIT: usize = 4096;
/// Largest signed head in bytes.
pub const HEAD_LIMIT: usize = 16 * 1024;
/// Most devices in one [`Reply::Roster`].
pub const ROSTER_PAGE: usize = 64;
/// Most addresses in a [`Hello`] or an invitation.
pub const ADDRESSES_LIMIT: usize = 16;
/// Longest multiaddress in bytes.
pub const ADDRESS_LIMIT: usize = 256;
/// Longest site label in bytes.
pub const SITE_LIMIT: usize = 64;
/// Most heads in one [`Reply::Heads`]: of each device its newest, its twin and the oldest fork.
pub const HEADS_PER_DEVICE: usize = 4;
/// Most devices of one owner that keep a head chain.
pub const HEADS_LIMIT: usize = 64;

/// Most parts of what a guardian is entrusted with, each at most [`BODY_LIMIT`].
pub const WARD_PARTS: u32 = 8;

/// What CBOR adds to each head of a reply, at most.
const HEAD_FRAME: usize = 5;
/// What is in the header of a reply with heads beside them, at most.
const HEAD_SLACK: usize = 64;
/// What an age takes at most in CBOR.
const AGE_FRAME: usize = 5;

/// What one peer asks another. `Hello` and `Join` are the door: the only two a stranger may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Request {
    /// Shows who we are; must be the first request on every connection.
    Hello(Box<Hello>),
    /// Spends an invitation.
    Join(Box<Join>),
    /// Is it you, how far, and what do you offer now? The nonce comes back.
    Ping {
        /// Fresh for every ping, so that nobody can answer early.
        nonce: u64,
        /// What we offer now.
        offer: Offer,
    },
    /// The devices you know, from this position on, ordered by peer id.
    Roster {
        /// How many to skip.
        skip: u32,
    },
    /// Keep these bytes, whose BLAKE3 is `shard`, for my owner.
    Put {
        /// The bytes' name.
        shard: ShardId,
        /// The bytes; they travel outside the header.
        #[serde(skip)]
        body: Bytes,
    },
    /// Give me these bytes back.
    Get {
        /// The bytes' name.
        shard: ShardId,
    },
    /// Which of these do you hold for my owner? At most [`HAVE_LIMIT`].
    Have {
        /// The names asked about.
        shards: Vec<ShardId>,
    },
    /// Keep this signed head of mine, durably.
    HeadPut {
        /// The head's signed bytes, at most [`HEAD_LIMIT`].
        #[serde(with = "serde_bytes")]
        head: Vec<u8>,
    },
    /// Every newest head (and every proof of a fork) you hold for my owner.
    HeadGet,
    /// Prove that you have these bytes of a shard of my owner: at most [`SLICE_MAX`] of them.
    Slice {
        /// The shard's name.
        shard: ShardId,
        /// Where the part begins.
        offset: u64,
        /// How long it is.
        len: u32,
    },
    /// My owner can do without these shards so well: which of them have to go from you? At most
    /// [`MOVES_PAGE`].
    Moves {
        /// How well.
        spare: Vec<Spare>,
    },
    /// These that you asked to be moved are confirmed elsewhere: let go of them. At most
    /// [`MOVES_PAGE`].
    Moved {
        /// Their names.
        shards: Vec<ShardId>,
    },
    /// Keep these bytes for another owner, for whom I cannot keep them any longer.
    HandOver {
        /// Whose they are.
        owner: OwnerId,
        /// The bytes' name.
        shard: ShardId,
        /// The bytes; they travel outside the header.
        #[serde(skip)]
        body: Bytes,
    },
    /// Do this for the owner who gave me this mandate: only what [`Request::is_for_guardians`].
    Under {
        /// The owner's word.
        mandate: Box<Mandate>,
        /// What to do.
        request: Box<Self>,
    },
    /// Be the guardian of my shards: a part of the list of them.
    Entrust {
        /// What lets you act for me.
        mandate: Box<Mandate>,
        /// Which part, from 0 on.
        part: u32,
        /// How many there are, at most [`WARD_PARTS`].
        parts: u32,
        /// The list; it travels outside the header.
        #[serde(skip)]
        body: Bytes,
    },
    /// What did you do as my guardian?
    WardNews,
    /// Mandates of mine for this guardian end, if they were signed up to then.
    Revoke {
        /// Whose mandates.
        guardian: PeerId,
        /// Those signed at this time or before, in seconds since the Unix epoch.
        through_secs: u64,
    },
    /// Which shards of my owner do you have, from this name on, and how do they stand with me?
    Held {
        /// The first name of interest.
        from: ShardId,
    },
    /// Keep these of a range of my owner's shards; my device needs no others.
    Retain(Box<RetainRange>),
    /// Take these out of quarantine. At most [`LEASE_PAGE`].
    CallBack {
        /// Their names.
        shards: Vec<ShardId>,
    },
    /// Every head you keep for my owner, older ones too, and when it came: from this position on,
    /// ordered by device and number.
    HeadHistory {
        /// How many to skip.
        skip: u32,
    },
    /// These that I kept for your owner are lost on my disk. At most [`MOVES_PAGE`].
    Lost {
        /// Their names.
        shards: Vec<ShardId>,
    },
    /// Where are you, and whom did you measure near? This is where we are.
    Locate {
        /// Our coordinate, if we have one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coord: Option<Coord>,
    },
    /// How much do you keep for my owner? Say it signed, with this number.
    Usage {
        /// Fresh for every question, so that an older answer is none.
        nonce: u64,
    },
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Reply {
    /// You are in; this is who we are. Carries the asker's own owner certificate, which a device
    /// that recovers from the words does not have yet.
    Welcome {
        /// Our own proof of membership.
        hello: Box<Hello>,
        /// The charter's word for the asker's owner.
        your_owner: Box<OwnerCert>,
    },
    /// You are a member now.
    Joined {
        /// The grid's charter.
        charter: Box<Charter>,
        /// The charter's word for your owner.
        owner: Box<OwnerCert>,
    },
    /// Here we are.
    Pong {
        /// The ping's nonce.
        nonce: u64,
        /// What we offer now.
        offer: Offer,
    },
    /// A page of the devices we know.
    Roster {
        /// Up to [`ROSTER_PAGE`] devices' own words, verified by us and to be verified by you.
        peers: Vec<Hello>,
        /// How many devices we know in all.
        total: u32,
    },
    /// The bytes are durable here.
    Stored,
    /// The bytes asked for.
    Shard {
        /// The bytes; they travel outside the header.
        #[serde(skip)]
        body: Bytes,
    },
    /// For each name asked about, whether we hold it, in the order asked.
    Have {
        /// One entry for each name.
        held: Vec<bool>,
    },
    /// The head is durable here.
    HeadStored {
        /// When it came, by the holder's clock, in seconds since 1970.
        at_secs: u64,
    },
    /// Every head we hold for your owner: the newest of each device, and both of a forked pair.
    Heads {
        /// Signed bytes of each.
        heads: Vec<serde_bytes::ByteBuf>,
        /// For how many seconds its device has not said a head to us, one for each; none by peers
        /// that do not tell.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ages: Vec<u32>,
    },
    /// Understood, and declined.
    Refused(Refusal),
    /// The part asked for, with its proof.
    Slice {
        /// A `bao` slice, at most [`SLICE_BODY_MAX`]; it travels outside the header.
        #[serde(skip)]
        body: Bytes,
    },
    /// What has to go.
    Moves {
        /// Some of the shards told of, at most [`MOVES_PAGE`].
        shards: Vec<ShardId>,
    },
    /// For each name, whether it was let go of, in the order given.
    LetGo {
        /// One entry for each name.
        gone: Vec<bool>,
    },
    /// The part of the list is durable here.
    Entrusted,
    /// Where your guardian put shards since you entrusted it.
    WardNews {
        /// The moves; they travel outside the header.
        #[serde(skip)]
        body: Bytes,
    },
    /// The mandates are void here.
    Revoked,
    /// Some shards of your owner, ordered by name.
    Held {
        /// Our time, to be given back with the retain set.
        at_secs: u64,
        /// At most [`LEASE_PAGE`].
        shards: Vec<ShardId>,
        /// One for each.
        marks: Vec<Mark>,
        /// Whether there are more after the last one.
        more: bool,
    },
    /// What a range did.
    Retained(Retained),
    /// For each name, whether we hold it now, in the order given.
    CalledBack {
        /// One entry for each name.
        held: Vec<bool>,
    },
    /// A page of the heads we keep for your owner.
    HeadHistory {
        /// At most [`HISTORY_PAGE`].
        heads: Vec<KeptHead>,
        /// How many there are in all.
        total: u32,
    },
    /// The notice is durable here, as far as it is true by our records.
    Noted,
    /// Here we are.
    Located {
        /// Our coordinate, if we have one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coord: Option<Coord>,
        /// The nearest of those we measured, at most [`SIGHTINGS_LIMIT`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seen: Vec<Sighting>,
    },
    /// So much.
    Usage(Box<UsageStatement>),
}

impl Request {
    /// Takes the body out, leaving the header.
    #[must_use]
    pub fn split(mut self) -> (RequestHeader, Bytes) {
        let body = self.body_mut().map(std::mem::take).unwrap_or_default();
        (RequestHeader { body_len: body.len() as u32, request: self }, body)
    }

    /// Puts the body back that [`Self::split`] took out. `None` when this request has no body but
    /// bytes came with it.
    #[must_use]
    pub fn join(header: RequestHeader, bytes: Bytes) -> Option<Self> {
        let mut request = header.request;
        match request.body_mut() {
            Some(body) => *body = bytes,
            None if bytes.is_empty() => {}
            None => return None,
        }
        Some(request)
    }

    /// Whether this stays within the limits of its kind, body included. What does not is declined
    /// with [`Refusal::TooLarge`] and should not be sent at all.
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::Hello(hello) => hello.is_bounded(),
            Self::Join(join) => {
                join.name.len() <= NAME_LIMIT && join.device.name.len() <= NAME_LIMIT
            }
            Self::Put { body, .. } | Self::HandOver { body, .. } => body.len() <= BODY_LIMIT,
            Self::Moves { spare } => spare.len() <= MOVES_PAGE,
            Self::Moved { shards } | Self::Lost { shards } => shards.len() <= MOVES_PAGE,
            Self::Have { shards } => shards.len() <= HAVE_LIMIT,
            Self::HeadPut { head } => head.len() <= HEAD_LIMIT,
            Self::Slice { len, .. } => (1..=SLICE_MAX).contains(len),
            Self::Under { mandate, request } => {
                mandate.is_bounded() && request.is_for_guardians() && request.is_bounded()
            }
            Self::Entrust { mandate, part, parts, body } => {
                mandate.is_bounded()
                    && *parts <= WARD_PARTS
                    && part < parts
                    && body.len() <= BODY_LIMIT
            }
            Self::Retain(range) => range.is_bounded(),
            Self::CallBack { shards } => shards.len() <= LEASE_PAGE,
            _ => true,
        }
    }

    /// Whether `reply` is one this request can have. A refusal fits all.
    pub fn fits(&self, reply: &Reply) -> bool {
        match (self, reply) {
            (Self::Under { request, .. }, reply) => request.fits(reply),
            (_, Reply::Refused(_))
            | (Self::Join(_), Reply::Joined { .. })
            | (Self::Put { .. } | Self::HandOver { .. }, Reply::Stored)
            | (Self::HeadPut { .. }, Reply::HeadStored { .. })
            | (Self::Lost { .. }, Reply::Noted)
            | (Self::Entrust { .. }, Reply::Entrusted)
            | (Self::Revoke { .. }, Reply::Revoked) => true,
            (Self::WardNews, Reply::WardNews { body }) => body.len() <= BODY_LIMIT,
            (Self::Hello(_), Reply::Welcome { hello, .. }) => hello.is_bounded(),
            (Self::Ping { nonce, .. }, Reply::Pong { nonce: back, .. }) => nonce == back,
            (Self::Usage { nonce }, Reply::Usage(said)) => {
                said.nonce == *nonce && said.is_bounded()
            }
            (Self::Roster { .. }, Reply::Roster { peers, .. }) => peers.len() <= ROSTER_PAGE,
            (Self::Locate { .. }, Reply::Located { seen, .. }) => seen.len() <= SIGHTINGS_LIMIT,
            (Self::Get { .. }, Reply::Shard { body }) => body.len() <= BODY_LIMIT,
            (Self::Slice { .. }, Reply::Slice { body }) => body.len() <= SLICE_BODY_MAX,
            (Self::Have { shards }, Reply::Have { held }) => shards.len() == held.len(),
            (Self::Moves { spare }, Reply::Moves { shards }) => shards.len() <= spare.len(),
            (Self::Moved { shards }, Reply::LetGo { gone }) => shards.len() == gone.len(),
            (Self::HeadGet, Reply::Heads { heads, ages }) => {
                let bytes: usize = heads.iter().map(|head| head.len() + HEAD_FRAME).sum();
                let bytes = bytes + ages.len() * AGE_FRAME;
                (ages.is_empty() || ages.len() == heads.len())
                    && heads.len() <= HEADS_LIMIT * HEADS_PER_DEVICE
                    && bytes <= HEADER_LIMIT - HEAD_SLACK
            }
            (Self::Held { from }, Reply::Held { shards, marks, .. }) => {
                shards.len() <= LEASE_PAGE
                    && marks.len() == shards.len()
                    && shards.is_sorted_by(|one, next| one < next)
                    && shards.first().is_none_or(|first| first >= from)
            }
            (Self::Retain(range), Reply::Retained(done)) => {
                done.next.is_none_or(|next| next > range.from)
            }
            (Self::CallBack { shards }, Reply::CalledBack { held }) => shards.len() == held.len(),
            (Self::HeadHistory { .. }, Reply::HeadHistory { heads, .. }) => {
                heads.len() <= HISTORY_PAGE
                    && heads.iter().all(|kept| kept.head.len() <= HEAD_LIMIT)
            }
            _ => false,
        }
    }

    /// How long an answer may take, from the question's first byte to the answer's last.
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(match self {
            Self::Under { request, .. } => return request.deadline(),
            Self::Hello(_) | Self::Ping { .. } | Self::Locate { .. } => 10,
            // These wait for a disk, which may have to spin up first.
            Self::Join(_)
            | Self::Roster { .. }
            | Self::Have { .. }
            | Self::HeadPut { .. }
            | Self::HeadGet
            | Self::Moves { .. }
            | Self::Moved { .. }
            | Self::Held { .. }
            | Self::Retain(_)
            | Self::CallBack { .. }
            | Self::HeadHistory { .. }
            | Self::Slice { .. }
            | Self::Lost { .. }
            | Self::Usage { .. }
            | Self::Revoke { .. } => 30,
            // The largest body over a line of 1.2 megabits a second.
            Self::Put { .. }
            | Self::Get { .. }
            | Self::HandOver { .. }
            | Self::Entrust { .. }
            | Self::WardNews => 120,
        })
    }

    /// Bytes that travel beside the header.
    pub fn body_len(&self) -> usize {
        self.body().map_or(0, Bytes::len)
    }

    /// Whether bytes travel beside the header.
    pub fn has_body(&self) -> bool {
        self.body().is_some()
    }

    /// Whether the answer carries shard bytes.
    pub fn reads_shards(&self) -> bool {
        match self {
            Self::Under { request, .. } => request.reads_shards(),
            _ => matches!(self, Self::Get { .. } | Self::Slice { .. }),
        }
    }

    /// Whether a guardian may do this under a mandate: what rebuilding shards takes, and carrying
    /// signed heads to new holders. Nothing that deletes.
    pub fn is_for_guardians(&self) -> bool {
        matches!(
            self,
            Self::Put { .. }
                | Self::Get { .. }
                | Self::Have { .. }
                | Self::Slice { .. }
                | Self::HeadGet
                | Self::HeadPut { .. }
        )
    }

    fn body(&self) -> Option<&Bytes> {
        match self {
            Self::Put { body, .. } | Self::HandOver { body, .. } | Self::Entrust { body, .. } => {
                Some(body)
            }
            Self::Under { request, .. } => request.body(),
            _ => None,
        }
    }

    fn body_mut(&mut self) -> Option<&mut Bytes> {
        match self {
            Self::Put { body, .. } | Self::HandOver { body, .. } | Self::Entrust { body, .. } => {
                Some(body)
            }
            Self::Under { request, .. } => request.body_mut(),
            _ => None,
        }
    }
}

impl Reply {
    /// Whether bytes travel beside the header.
    pub fn has_body(&self) -> bool {
        matches!(self, Self::Shard { .. } | Self::Slice { .. } | Self::WardNews { .. })
    }

    /// Bytes that travel beside the header.
    pub fn body_len(&self) -> usize {
        match self {
            Self::Shard { body } | Self::Slice { body } | Self::WardNews { body } => body.len(),
            _ => 0,
        }
    }

    /// Takes the body out, leaving the header.
    #[must_use]
    pub fn split(mut self) -> (ReplyHeader, Bytes) {
        let body = match &mut self {
            Self::Shard { body } | Self::Slice { body } | Self::WardNews { body } => {
                std::mem::take(body)
            }
            _ => Bytes::new(),
        };
        (ReplyHeader { body_len: body.len() as u32, reply: self }, body)
    }

    /// Puts the body back that [`Self::split`] took out. `None` when this reply has no body but
    /// bytes came with it.
    #[must_use]
    pub fn join(header: ReplyHeader, bytes: Bytes) -> Option<Self> {
        let mut reply = header.reply;
        match &mut reply {
            Self::Shard { body } | Self::Slice { body } | Self::WardNews { body } => *body = bytes,
            _ if bytes.is_empty() => {}
            _ => return None,
        }
        Some(reply)
    }
}

#[cfg(test)]
mod tests;
