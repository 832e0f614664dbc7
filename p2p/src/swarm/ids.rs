//! Between our names and libp2p's: peer ids and multiaddresses.
//!
//! A device's [`PeerId`] is its ed25519 public key; libp2p's is the identity multihash of the same
//! key in protobuf. Every other kind of libp2p id is refused, so the two stand for each other.
//! Addresses come from other machines: what cannot be dialled over TCP is dropped here.

use chunker::PeerId;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// Multihash code and length, then the protobuf frame of an ed25519 key of 32 bytes.
const ED25519_PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// Longest address text that is looked at. A `/dns4` name has at most 253 characters.
const ADDRESS_LIMIT: usize = 400;

/// libp2p's name for `peer`.
pub(super) fn to_net(peer: &PeerId) -> Option<libp2p::PeerId> {
    let bytes = [ED25519_PREFIX.as_slice(), peer.as_bytes()].concat();
    libp2p::PeerId::from_bytes(&bytes).ok()
}

/// Our name for `peer`; none unless it is an ed25519 key.
pub(super) fn from_net(peer: &libp2p::PeerId) -> Option<PeerId> {
    let bytes = peer.to_bytes();
    PeerId::try_from(bytes.strip_prefix(ED25519_PREFIX.as_slice())?).ok()
}

/// The dialable address in `text`, and the device it names after `/p2p`, if it does.
pub(super) fn parse(text: &str) -> Option<(Multiaddr, Option<PeerId>)> {
    if text.len() > ADDRESS_LIMIT {
        return None;
    }
    split(text.parse().ok()?)
}

/// Takes the `/p2p` part off. None when what is left cannot be dialled over TCP, or the part names
/// something that cannot be one of our devices.
pub(super) fn split(mut address: Multiaddr) -> Option<(Multiaddr, Option<PeerId>)> {
    let peer = match address.iter().last() {
        Some(Protocol::P2p(peer)) => {
            address.pop();
            Some(from_net(&peer)?)
        }
        _ => None,
    };
    is_dialable(&address).then_some((address, peer))
}

fn is_dialable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && !ip.is_multicast(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified() && !ip.is_multicast(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)) => true,
        _ => false,
    };
    host && matches!(parts.next(), Some(Protocol::Tcp(1..))) && parts.next().is_none()
}

/// Whether only this machine can dial `address`.
pub(super) fn is_loopback(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

/// The host name and port of a `/dns` address.
pub(super) fn dns_host(address: &Multiaddr) -> Option<(String, u16)> {
    let mut parts = address.iter();
    let name = match parts.next()? {
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => name.into_owned(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((name, port)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
