//! The rows of the roster and the rules by which news changes them, pure.
//!
//! Nothing is verified here: [`super::chain`] does that first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chunker::{OwnerId, PeerId};

use super::chain::Proven;
use super::{DEVICES_LIMIT, DEVICES_PER_OWNER, path_of};
use crate::cert::{DeviceCert, OwnerCert};
use crate::peer::{Offer, Path, PeerInfo, PeerState, REACHED_LIMIT};
use crate::rtt::RttBook;
use crate::wire::{ADDRESSES_LIMIT, Hello, Refusal};

/// Most addresses taken from one piece of hearsay, so that it cannot push out all that were known.
const HEARSAY_ADDRESSES: usize = ADDRESSES_LIMIT / 2;

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The device, over a connection that proved its key.
    Itself,
    /// Another member, or our own notes of an earlier run.
    Others,
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remote {
    /// How it travels.
    pub(super) path: Path,
    /// Where it ends; none behind a relay.
    pub(super) address: Option<IpAddr>,
}

/// What is known of one device.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) device: DeviceCert,
    pub(super) addresses: Vec<String>,
    pub(super) offer: Offer,
    pub(super) site: Option<String>,
    pub(super) rtt: RttBook,
    /// What we know comes from itself.
    direct: bool,
    /// It said hello over the connection it has.
    greeted: bool,
    /// How its connection travels, while it has one.
    connection: Option<Path>,
    /// Where it was reached, the newest first.
    reached: Vec<IpAddr>,
}

/// All devices, and the owners proven so far.
#[derive(Debug)]
pub(super) struct Roster {
    rows: BTreeMap<PeerId, Row>,
    owners: BTreeMap<OwnerId, OwnerCert>,
    /// The rows of each owner.
    devices: BTreeMap<OwnerId, BTreeSet<PeerId>>,
    /// Connected before they said hello; bounded by the limit on connections.
    strangers: BTreeMap<PeerId, Option<Remote>>,
}

impl Row {
    fn new(hello: &Hello) -> Self {
        Self {
            device: hello.device.clone(),
            addresses: hello.addresses.clone(),
            offer: hello.offer,
            site: hello.site.clone(),
            rtt: RttBook::default(),
            direct: false,
            greeted: false,
            connection: None,
            reached: Vec::new(),
        }
    }

    /// Connected and admitted.
    pub(super) fn is_online(&self) -> bool {
        self.greeted && self.connection.is_some()
    }

    /// Connected from an address of the local network.
    pub(super) fn is_local(&self) -> bool {
        self.connection == Some(Path::Lan)
    }

    /// The row as others see it.
    pub(super) fn info(&self, now_secs: u64) -> PeerInfo {
        let online = self.is_online();
        // Only what it said itself: nobody sends another one away.
        let away_until_secs = if self.direct { self.offer.away_until_secs } else { 0 };
        let state = match online {
            true => PeerState::Online,
            false if away_until_secs > now_secs => PeerState::Away,
            false => PeerState::Offline,
        };
        PeerInfo {
            peer: self.device.peer,
            owner: self.device.owner,
            name: self.device.name.clone(),
            addresses: self.addresses.clone(),
            reached: self.reached.clone(),
            state,
            rtt: self.rtt.min(),
            path: self.connection.filter(|_| online).unwrap_or(Path::None),
            offer: Offer { away_until_secs, ..self.offer },
            site: self.site.clone(),
            since_secs: self.device.since_secs,
        }
    }

    fn hear_itself(&mut self, hello: &Hello) {
        self.device = hello.device.clone();
        self.addresses.clone_from(&hello.addresses);
        self.offer = hello.offer;
        self.site.clone_from(&hello.site);
        self.direct = true;
        self.greeted = true;
    }

    fn hear_others(&mut self, hello: &Hello) {
        let same_owner = self.device.owner == hello.device.owner;
        if self.is_online() || !same_owner {
            return;
        }
        if hello.device.since_secs > self.device.since_secs {
            self.device = hello.device.clone();
        }
        if !self.direct {
            self.offer = hello.offer;
            self.site.clone_from(&hello.site);
        }
        let news = hello.addresses.iter().take(HEARSAY_ADDRESSES).cloned();
        let mut seen = BTreeSet::new();
        let all = news.chain(std::mem::take(&mut self.addresses));
        self.addresses =
            all.filter(|address| seen.insert(address.clone())).take(ADDRESSES_LIMIT).collect();
    }

    fn connect(&mut self, remote: Option<Remote>) {
        self.connection = Some(remote.map_or_else(|| self.likely_path(), |remote| remote.path));
        if let Some(address) = remote.and_then(|remote| remote.address) {
            self.reached.retain(|known| *known != address);
            self.reached.insert(0, address);
            self.reached.truncate(REACHED_LIMIT);
        }
    }

    /// How a connection travels whose far end nobody told us, by where the device says it listens.
    fn likely_path(&self) -> Path {
        let lan = self.addresses.iter().all(|address| path_of(address) == Path::Lan);
        if lan { Path::Lan } else { Path::Direct }
    }
}

impl Roster {
    /// A roster that knows `me` and nobody else.
    pub(super) fn new(me: OwnerCert) -> Self {
        let owners = BTreeMap::from([(me.owner, me)]);
        let (rows, devices, strangers) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { rows, owners, devices, strangers }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&PeerId, &Row)> {
        self.rows.iter()
    }

    pub(super) fn row(&self, peer: &PeerId) -> Option<&Row> {
        self.rows.get(peer)
    }

    pub(super) fn row_mut(&mut self, peer: &PeerId) -> Option<&mut Row> {
        self.rows.get_mut(peer)
    }

    pub(super) fn owner(&self, owner: &OwnerId) -> Option<&OwnerCert> {
        self.owners.get(owner)
    }

    /// What needs no second look at its signatures.
    pub(super) fn proven(&self, hello: &Hello) -> Proven {
        Proven {
            owner: self.owners.get(&hello.device.owner).cloned(),
            device: self.row(&hello.device.peer).is_some_and(|row| row.device == hello.device),
        }
    }

    /// Takes in a verified hello. Says whether anything may have changed.
    pub(super) fn take_in(
        &mut self,
        hello: &Hello,
        owner: OwnerCert,
        source: Source,
    ) -> Result<bool, Refusal> {
        let peer = hello.device.peer;
        let moves = self.row(&peer).is_none_or(|row| row.device.owner != owner.owner);
        if moves && (source == Source::Itself || !self.rows.contains_key(&peer)) {
            self.make_room(&hello.device, source)?;
            self.insert(hello);
        }
        self.keep_owner(owner);
        let Some(row) = self.rows.get_mut(&peer) else { return Ok(false) };
        match source {
            Source::Itself => row.hear_itself(hello),
            Source::Others => row.hear_others(hello),
        }
        Ok(true)
    }

    /// Notes a connection.
    pub(super) fn connected(&mut self, peer: PeerId, remote: Option<Remote>) {
        if let Some(row) = self.rows.get_mut(&peer) {
            row.connect(remote);
        } else {
            self.strangers.insert(peer, remote);
        }
    }

    /// Notes that the last connection is gone.
    pub(super) fn disconnected(&mut self, peer: &PeerId) {
        self.strangers.remove(peer);
        if let Some(row) = self.rows.get_mut(peer) {
            row.connection = None;
            row.greeted = false;
        }
    }

    fn keep_owner(&mut self, cert: OwnerCert) {
        let newer =
            self.owners.get(&cert.owner).is_none_or(|known| cert.since_secs > known.since_secs);
        if newer {
            self.owners.insert(cert.owner, cert);
        }
    }

    /// Puts in a new row, which takes over the connection the device has.
    fn insert(&mut self, hello: &Hello) {
        let peer = hello.device.peer;
        let mut row = Row::new(hello);
        if let Some(remote) = self.strangers.remove(&peer) {
            row.connect(remote);
        }
        if let Some(before) = self.remove(&peer) {
            row.connection = before.connection.or(row.connection);
            row.reached.extend(before.reached);
            row.reached.truncate(REACHED_LIMIT);
        }
        self.devices.entry(row.device.owner).or_default().insert(peer);
        self.rows.insert(peer, row);
    }

    fn remove(&mut self, peer: &PeerId) -> Option<Row> {
        let row = self.rows.remove(peer)?;
        if let Some(devices) = self.devices.get_mut(&row.device.owner) {
            devices.remove(peer);
        }
        Some(row)
    }

    /// Makes room for one more device. An owner at its limit loses the absent device that was
    /// certified first; nobody can push out another owner's.
    fn make_room(&mut self, device: &DeviceCert, source: Source) -> Result<(), Refusal> {
        let theirs = self.devices.get(&device.owner);
        if theirs.is_some_and(|theirs| theirs.len() >= DEVICES_PER_OWNER) {
            let rows = theirs.into_iter().flatten().filter_map(|peer| self.rows.get(peer));
            let absent = rows.filter(|row| row.connection.is_none());
            let oldest = absent.min_by_key(|row| (row.device.since_secs, row.device.peer));
            let giving_way = oldest.filter(|row| {
                source == Source::Itself || row.device.since_secs < device.since_secs
            });
            let peer = giving_way.ok_or(Refusal::TooLarge)?.device.peer;
            self.remove(&peer);
        } else if self.rows.len() >= DEVICES_LIMIT && !self.rows.contains_key(&device.peer) {
            return Err(Refusal::TooLarge);
        }
        Ok(())
    }
}
