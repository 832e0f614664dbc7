//! The narrow waist: everything the engine can do to other machines, and they to us.
//!
//! Both traits promise as little as possible, so that libp2p and a simulation can both keep the
//! promise: a request may be lost, delayed, repeated, or answered after the asker gave up. `Put` is
//! idempotent because shards are named by their hash. [`GridError`] says only "no answer came" (try
//! elsewhere or later); a [`Refusal`](crate::Refusal) says "understood, and declined" (branch on
//! it).

use std::future::Future;

use chunker::PeerId;

use crate::members::Chart;
use crate::peer::PeerInfo;
use crate::wire::{Reply, Request};

/// A point in the 256-bit key space of the Kademlia table: where a walk looks for peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(pub [u8; 32]);

impl Target {
    /// How far a device is from this point: XOR of the BLAKE3 of its id, as big-endian number.
    pub fn distance(&self, peer: &PeerId) -> [u8; 32] {
        let mut distance = *blake3::hash(peer.as_bytes()).as_bytes();
        for (byte, point) in distance.iter_mut().zip(self.0) {
            *byte ^= point;
        }
        distance
    }
}

/// The up to `count` of these devices nearest to `target`, nearest first.
pub fn nearest(mut infos: Vec<PeerInfo>, target: Target, count: usize) -> Vec<PeerInfo> {
    infos.sort_by_cached_key(|info| target.distance(&info.peer));
    infos.truncate(count);
    infos
}

/// Everything the engine can do to other machines.
pub trait Grid: Clone + Send + Sync + 'static {
    /// The device we are.
    fn me(&self) -> PeerId;

    /// Every admitted device we know of, ourselves excluded, ordered by [`PeerId`].
    fn peers(&self) -> Vec<PeerInfo>;

    /// Where devices are in the space of round trips, as far as it was said and measured; nothing
    /// where that is not kept.
    fn chart(&self) -> Chart {
        Chart::default()
    }

    /// Up to `count` admitted devices nearest to `target` in Kademlia's metric (XOR of the BLAKE3
    /// of the peer id with the target), nearest first, ourselves excluded.
    fn closest(&self, target: Target, count: usize) -> impl Future<Output = Vec<PeerInfo>> + Send;

    /// Asks one peer one thing, within the request's deadline, after introducing ourselves where
    /// that is still to be done. What an answer tells about devices is in [`Self::peers`] when it
    /// is returned. Cancel-safe: dropping the future abandons the request, which the peer may still
    /// carry out.
    fn ask(
        &self,
        peer: PeerId,
        request: Request,
    ) -> impl Future<Output = Result<Reply, GridError>> + Send;
}

/// Everything other machines can do to us.
pub trait Service: Send + Sync + 'static {
    /// Answers one request of `from`, whose identity the transport has proven: a stranger's only
    /// for [`Request::Join`], an admitted device's for all that is not answered from the roster.
    /// Must be cancel-safe: the future may be dropped when the asker gives up, or at shutdown.
    fn answer(&self, from: PeerId, request: Request) -> impl Future<Output = Reply> + Send;
}

/// Wall-clock time, passed in so that tests and simulations can set it.
pub trait Clock: Send + Sync + 'static {
    /// Seconds since the Unix epoch.
    fn now_secs(&self) -> u64;
}

/// No answer came. Whether the peer acted on the request is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// No connection could be made, or there is no address to try.
    #[error("Peer {peer} cannot be reached")]
    Unreachable {
        /// Who was asked.
        peer: PeerId,
    },
    /// The peer did not answer within the request's deadline.
    #[error("Peer {peer} did not answer within {seconds} s")]
    Timeout {
        /// Who was asked.
        peer: PeerId,
        /// How long we waited.
        seconds: u64,
    },
    /// The connection broke, or carried something that is not our protocol.
    #[error("The connection to peer {peer} broke")]
    Broken {
        /// Who was asked.
        peer: PeerId,
    },
    /// The peer could not prove that it belongs to this grid, or does not accept that we do.
    #[error("Peer {peer} is not admitted: {reason:?}")]
    NotAdmitted {
        /// Who was asked.
        peer: PeerId,
        /// The refusal given or the check that failed.
        reason: crate::wire::Refusal,
    },
    /// The answer is not one this request can have.
    #[error("Peer {peer} gave an answer that does not fit the request")]
    WrongReply {
        /// Who was asked.
        peer: PeerId,
    },
    /// We are shutting down.
    #[error("The network is shut down")]
    Closed,
}

#[cfg(test)]
mod tests;
