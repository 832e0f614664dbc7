//! Who belongs to our grid, as far as this device can prove it.
//!
//! Every row rests on a chain charter -> owner -> device whose signatures were checked here. What a
//! device says of itself over its own connection beats what others say of it: hearsay may add a
//! device or an address, but never changes whose device it is, nor anything of a device we are
//! connected to. An owner once proven stays known while its devices are away, so that a device made
//! from the recovery words is let in with nothing but its owner's signature.
//!
//! Bounds: [`DEVICES_LIMIT`] devices, [`DEVICES_PER_OWNER`] of one owner (its oldest absent one
//! makes room). All calls are short, and hold no lock across an await. How it fails: with a
//! [`Refusal`] to send back; nothing unverified is ever kept.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chunker::{GridId, OwnerId, PeerId};
use tokio::sync::watch;

use crate::cert::{Charter, DeviceCert, OwnerCert};
use crate::coords::Coord;
use crate::grid::Clock;
use crate::peer::{Offer, Path, PeerInfo};
use crate::wire::{
    ADDRESS_LIMIT, ADDRESSES_LIMIT, HEADER_LIMIT, Hello, ROSTER_PAGE, Refusal, Reply, Request,
    SIGHTINGS_LIMIT, SITE_LIMIT, Sighting,
};

mod chain;
mod chart;
mod roster;

pub use chart::Chart;
use chart::Drawing;
use roster::{Remote, Roster, Row, Source};

/// Most devices kept. A grid of this size still fits in a few megabytes.
pub const DEVICES_LIMIT: usize = 10_000;
/// Most devices kept of one owner.
pub const DEVICES_PER_OWNER: usize = 64;
/// Longest round trip to a device on the local network. A private address alone may be a tunnel's.
const LAN_RTT: Duration = Duration::from_millis(5);
/// Bytes of a roster page that are certificates, framing and slack rather than addresses.
const PAGE_SLACK: usize = 16 * 1024;

/// This device's own chain of certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The grid we are a member of.
    pub charter: Charter,
    /// The charter's word for our owner.
    pub owner: OwnerCert,
    /// Our owner's word for this device.
    pub device: DeviceCert,
}

/// The devices of our grid. Clones share one roster.
#[derive(Clone)]
pub struct Members {
    inner: Arc<Inner>,
}

struct Inner {
    identity: Identity,
    grid: GridId,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

struct State {
    offer: Offer,
    /// Part of what we offer, said by somebody else.
    away_until_secs: u64,
    addresses: Vec<String>,
    site: Option<String>,
    /// Where others should reach us, when that is not where we listen.
    announced: Vec<String>,
    roster: Roster,
    drawing: Drawing,
}

impl State {
    /// Where others should reach us.
    fn told(&self) -> &[String] {
        if self.announced.is_empty() { &self.addresses } else { &self.announced }
    }

    fn offer(&self) -> Offer {
        Offer { away_until_secs: self.away_until_secs, ..self.offer }
    }
}

impl Members {
    /// A roster for the device `identity` proves, filled with what was `known` before: each entry
    /// is verified again, and one that does not verify is left out.
    pub fn new(identity: Identity, known: Vec<Hello>, clock: Arc<dyn Clock>) -> Self {
        let grid = identity.charter.id();
        let roster = Roster::new(identity.owner.clone());
        let drawing = Drawing::new(&identity.device.peer);
        let (offer, addresses, announced) = (Offer::default(), Vec::new(), Vec::new());
        let (site, away_until_secs) = (None, 0);
        let state = State { offer, away_until_secs, addresses, site, announced, roster, drawing };
        let (changes, _) = watch::channel(0);
        let inner = Inner { identity, grid, clock, state: Mutex::new(state), changes };
        let members = Self { inner: Arc::new(inner) };
        members.learn(known);
        members
    }

    /// The device we are.
    pub fn me(&self) -> PeerId {
        self.inner.identity.device.peer
    }

    /// Our own certificates.
    pub fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    /// The grid we belong to.
    pub fn grid(&self) -> GridId {
        self.inner.grid
    }

    /// What we say of ourselves.
    pub fn hello(&self) -> Hello {
        let Identity { charter, owner, device } = self.inner.identity.clone();
        let state = self.state();
        Hello {
            charter: Some(charter),
            owner: Some(owner),
            device,
            addresses: state.told().to_vec(),
            offer: state.offer(),
            site: state.site.clone(),
        }
    }

    /// Says from now on that we offer this.
    pub fn set_offer(&self, offer: Offer) {
        self.state().offer = offer;
        self.note_change();
    }

    /// So many bytes more are kept here: said at once, not only when the disk is measured again.
    pub fn took_in(&self, bytes: u64) {
        let mut state = self.state();
        state.offer.used_bytes = state.offer.used_bytes.saturating_add(bytes);
        state.offer.free_bytes = state.offer.free_bytes.saturating_sub(bytes);
    }

    /// Says from now on that we are away until then, in seconds since 1970; 0 takes it back.
    pub fn set_away(&self, until_secs: u64) {
        self.state().away_until_secs = until_secs;
        self.note_change();
    }

    /// What we say that we offer.
    pub fn offer(&self) -> Offer {
        self.state().offer()
    }

    /// Says from now on that we listen there. What is beyond the wire's limits is left out.
    pub fn set_addresses(&self, mut addresses: Vec<String>) {
        addresses.retain(|address| address.len() <= ADDRESS_LIMIT);
        addresses.truncate(ADDRESSES_LIMIT);
        self.state().addresses = addresses;
        self.note_change();
    }

    /// Says from now on that others should reach us there, wherever we listen: behind a forwarded
    /// port, say. Nothing takes it back.
    pub fn announce(&self, mut addresses: Vec<String>) {
        addresses.retain(|address| address.len() <= ADDRESS_LIMIT);
        addresses.truncate(ADDRESSES_LIMIT);
        self.state().announced = addresses;
        self.note_change();
    }

    /// Where others should reach us, if that was said; else nothing.
    pub fn announced(&self) -> Vec<String> {
        self.state().announced.clone()
    }

    /// Goes on at the coordinate this device had before a restart.
    pub fn resume_at(&self, coord: Coord) {
        self.state().drawing.resume(coord);
    }

    /// Where everybody is, as far as it was said and measured.
    pub fn chart(&self) -> Chart {
        let mut state = self.state();
        let State { roster, drawing, .. } = &mut *state;
        drawing.retain(|peer| roster.row(peer).is_some());
        drawing.chart()
    }

    /// Says from now on that we are at this site, if the label is within the wire's limit.
    pub fn set_site(&self, site: Option<String>) {
        self.state().site = site.filter(|site| site.len() <= SITE_LIMIT);
        self.note_change();
    }

    /// Decides on what a device says of itself over a connection that proved it is `from`: in, with
    /// the welcome to send, or why not. A recovering device, which has neither charter nor owner
    /// certificate, is in when its owner is known here.
    pub fn admit(&self, from: PeerId, hello: &Hello) -> Result<Reply, Refusal> {
        let owner = self.take_in(from, hello, Source::Itself)?;
        Ok(Reply::Welcome { hello: Box::new(self.hello()), your_owner: Box::new(owner) })
    }

    /// Checks what a welcome says of the device `from`, as [`Self::admit`] does; but a device that
    /// lets others in must show its whole chain.
    pub fn accept(&self, from: PeerId, hello: &Hello) -> Result<(), Refusal> {
        if hello.charter.is_none() {
            return Err(Refusal::NotAdmitted);
        }
        self.take_in(from, hello, Source::Itself).map(|_| ())
    }

    /// Takes in what others say about devices, each entry verified; what fails is left out.
    pub fn learn(&self, heard: Vec<Hello>) {
        for hello in heard {
            if let Err(refusal) = self.take_in(hello.device.peer, &hello, Source::Others) {
                tracing::debug!(peer = %hello.device.peer.short(), ?refusal, "hearsay left out");
            }
        }
    }

    /// Answers what needs nothing but the roster (hello, ping, roster); `None` for all the rest.
    /// Whether `from` may ask is the caller's to check, except for a hello.
    pub fn answer(&self, from: PeerId, request: &Request) -> Option<Reply> {
        match request {
            Request::Hello(hello) => Some(self.admit(from, hello).unwrap_or_else(Reply::Refused)),
            Request::Ping { nonce, offer } => {
                self.offered(from, *offer);
                Some(Reply::Pong { nonce: *nonce, offer: self.state().offer() })
            }
            Request::Roster { skip } => Some(self.roster_page(*skip)),
            Request::Locate { coord } => {
                self.located(from, *coord, &[]);
                Some(self.sightings())
            }
            _ => None,
        }
    }

    /// Takes in what a peer's reply tells about it and others, `rtt` after the question.
    pub fn heard(&self, from: PeerId, rtt: Duration, reply: &Reply) -> Result<(), Refusal> {
        match reply {
            Reply::Welcome { hello, .. } => {
                self.accept(from, hello)?;
                self.measured(from, rtt, hello.offer);
            }
            Reply::Pong { offer, .. } => self.measured(from, rtt, *offer),
            Reply::Roster { peers, .. } => self.learn(peers.clone()),
            Reply::Located { coord, seen } => self.located(from, *coord, seen),
            _ => {}
        }
        Ok(())
    }

    /// Whose device this is, ourselves included; none while no chain was verified for it.
    pub fn owner_of(&self, peer: &PeerId) -> Option<OwnerId> {
        if *peer == self.me() {
            return Some(self.inner.identity.owner.owner);
        }
        self.state().roster.row(peer).map(|row| row.device.owner)
    }

    /// Whether this is a member's, by a certificate that was verified here.
    pub fn knows(&self, owner: &OwnerId) -> bool {
        self.state().roster.owner(owner).is_some()
    }

    /// Whether the device said a valid hello over the connection it has now.
    pub fn is_admitted(&self, peer: &PeerId) -> bool {
        self.state().roster.row(peer).is_some_and(Row::is_online)
    }

    /// Whether the device is on the local network: connected from a private address, and measured
    /// to be close.
    pub fn is_near(&self, peer: &PeerId) -> bool {
        self.state()
            .roster
            .row(peer)
            .is_some_and(|row| row.is_local() && row.rtt.min().is_some_and(|rtt| rtt <= LAN_RTT))
    }

    /// A connection to `peer` is up; together with a verified hello this makes it online. The two
    /// may come in either order.
    pub fn online(&self, peer: PeerId) {
        self.state().roster.connected(peer, None);
        self.note_change();
    }

    /// As [`Self::online`], with the multiaddress of the other end, which tells how packets travel.
    pub fn online_at(&self, peer: PeerId, remote: &str) {
        let remote = Remote { path: path_of(remote), address: address_of(remote) };
        self.state().roster.connected(peer, Some(remote));
        self.note_change();
    }

    /// The last connection to `peer` is gone: the next one begins with a hello again.
    pub fn offline(&self, peer: PeerId) {
        self.state().roster.disconnected(&peer);
        self.note_change();
    }

    /// Notes a round trip to `peer`, and what it offers now.
    pub fn measured(&self, peer: PeerId, rtt: Duration, offer: Offer) {
        {
            let mut state = self.state();
            if let Some(row) = state.roster.row_mut(&peer) {
                row.rtt.record(rtt);
                state.drawing.measured(peer);
            }
        }
        self.offered(peer, offer);
    }

    /// Every known device, ordered by [`PeerId`], ourselves excluded.
    pub fn infos(&self) -> Vec<PeerInfo> {
        let now_secs = self.inner.clock.now_secs();
        self.state().roster.rows().map(|(_, row)| row.info(now_secs)).collect()
    }

    /// One page of the devices we know, from position `skip` on: up to [`ROSTER_PAGE`], fewer when
    /// they would not fit a header.
    pub fn roster_page(&self, skip: u32) -> Reply {
        let state = self.state();
        let total = state.roster.len() as u32;
        let mut peers = Vec::new();
        let mut room = HEADER_LIMIT - PAGE_SLACK;
        for (_, row) in state.roster.rows().skip(skip as usize).take(ROSTER_PAGE) {
            let hello = self.hello_of(&state.roster, row);
            let Some(left) = hello.as_ref().and_then(|hello| room.checked_sub(weight(hello)))
            else {
                break;
            };
            room = left;
            peers.extend(hello);
        }
        Reply::Roster { peers, total }
    }

    /// All there is to keep over a restart: given to [`Self::new`], it gives this roster again.
    pub fn known(&self) -> Vec<Hello> {
        let state = self.state();
        state.roster.rows().filter_map(|(_, row)| self.hello_of(&state.roster, row)).collect()
    }

    /// Ticks after every change of the roster or of our own hello.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    fn take_in(&self, from: PeerId, hello: &Hello, source: Source) -> Result<OwnerCert, Refusal> {
        if !hello.is_bounded() {
            return Err(Refusal::TooLarge);
        }
        if hello.device.peer != from || from == self.me() {
            return Err(Refusal::CertInvalid);
        }
        let proven = self.state().roster.proven(hello);
        let now_secs = self.inner.clock.now_secs();
        let owner = chain::verify(hello, &self.inner.identity.charter, proven, now_secs)?;
        let changed = self.state().roster.take_in(hello, owner.clone(), source)?;
        if changed {
            self.note_change();
        }
        Ok(owner)
    }

    fn offered(&self, peer: PeerId, offer: Offer) {
        let changed = self.state().roster.row_mut(&peer).is_some_and(|row| {
            let before = std::mem::replace(&mut row.offer, offer);
            before != offer
        });
        if changed {
            self.note_change();
        }
    }

    fn hello_of(&self, roster: &Roster, row: &Row) -> Option<Hello> {
        Some(Hello {
            charter: Some(self.inner.identity.charter.clone()),
            owner: Some(roster.owner(&row.device.owner)?.clone()),
            device: row.device.clone(),
            addresses: row.addresses.clone(),
            offer: row.offer,
            site: row.site.clone(),
        })
    }

    /// Takes in where a device of the roster says it is.
    fn located(&self, from: PeerId, coord: Option<Coord>, seen: &[Sighting]) {
        let mut state = self.state();
        let State { roster, drawing, .. } = &mut *state;
        if let Some(row) = roster.row(&from) {
            drawing.told(from, row.rtt.min(), coord, seen);
        }
    }

    /// Where we are, and the nearest of those we measured.
    fn sightings(&self) -> Reply {
        let state = self.state();
        let rows = state.roster.rows();
        let mut seen: Vec<Sighting> = rows
            .filter_map(|(peer, row)| {
                let micros = row.rtt.min()?.as_micros().try_into().ok()?;
                Some(Sighting { peer: *peer, micros })
            })
            .collect();
        seen.sort_unstable_by_key(|one| (one.micros, one.peer));
        seen.truncate(SIGHTINGS_LIMIT);
        Reply::Located { coord: Some(state.drawing.me()), seen }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock leaves the state half changed.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_change(&self) {
        self.inner.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let devices = self.state().roster.len();
        f.debug_struct("Members").field("me", &self.me()).field("devices", &devices).finish()
    }
}

/// An upper bound of a hello's size on the wire.
fn weight(hello: &Hello) -> usize {
    /// Certificates, their names, the offer and all field names.
    const FIXED: usize = 1536;
    FIXED + hello.addresses.iter().map(|address| address.len() + 4).sum::<usize>()
}

/// How packets to this multiaddress travel.
fn path_of(address: &str) -> Path {
    let mut parts = address.split('/');
    if parts.clone().any(|part| part == "p2p-circuit") {
        return Path::Relay;
    }
    let (kind, host) = (parts.nth(1), parts.next().unwrap_or_default());
    let near = match kind {
        Some("ip4") => host.parse().is_ok_and(|ip: std::net::Ipv4Addr| {
            ip.is_loopback() || ip.is_private() || ip.is_link_local()
        }),
        Some("ip6") => host.parse().is_ok_and(|ip: std::net::Ipv6Addr| {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }),
        _ => false,
    };
    if near { Path::Lan } else { Path::Direct }
}

/// The address a connection to this multiaddress ends at; none for names and relays.
fn address_of(address: &str) -> Option<std::net::IpAddr> {
    let mut parts = address.split('/');
    if parts.clone().any(|part| part == "p2p-circuit") {
        return None;
    }
    match (parts.nth(1), parts.next()) {
        (Some("ip4" | "ip6"), Some(host)) => host.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
