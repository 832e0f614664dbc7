//! Answering one stream of an admitted peer: its questions, one after the other, until it ends.
//!
//! A body is received only after room was set aside for it, first in the peer's own share
//! ([`Budget`]) and then in what all share ([`Commons`]), so that neither one peer nor all together
//! can make us hold more; until there is room the stream simply waits. Owners take turns at what
//! all share, room and work alike: however many devices, connections and streams one has, another's
//! next question comes up as soon as anything is free. A stream that carries anything
//! malformed is closed and counted; the connection and its other streams live on. When the asker
//! resets its stream, the service's answer is dropped: a [`Service`] must bear that, as it must at
//! shutdown.

use std::sync::Arc;

use chunker::{PeerId, Record};
use futures::AsyncWriteExt;
use libp2p::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Shared;
use super::codec::{self, CodecError, Question};
use super::pace::Lane;
use super::streams::Arrived;
use super::turnstile::{Pass, Turnstile};
use crate::wire::{BODY_LIMIT, HEADER_LIMIT};
use crate::{Refusal, Reply, Request, Service};

/// Room is counted in these units.
const UNIT: usize = 1024;

/// Room for one peer's bodies that are being received or sent.
#[derive(Debug)]
pub(super) struct Budget {
    bodies: Arc<Semaphore>,
    gets: Arc<Semaphore>,
}

impl Budget {
    /// Bytes of bodies being received from one peer.
    const BODIES: usize = 64 * 1024 * 1024;
    /// Shards read and being sent to one peer: their size is not known before they are read.
    const GETS: usize = 12;

    pub(super) fn of_peer() -> Self {
        let bodies = Arc::new(Semaphore::new(Self::BODIES / UNIT));
        Self { bodies, gets: Arc::new(Semaphore::new(Self::GETS)) }
    }
}

/// What all owners share, in turns.
#[derive(Debug)]
pub(super) struct Commons {
    bodies: Turnstile,
    gets: Turnstile,
    work: Turnstile,
}

impl Commons {
    /// Bytes of bodies being received from all peers.
    const BODIES: usize = 256 * 1024 * 1024;
    /// Shards read and being sent to all peers.
    const GETS: usize = 48;
    /// Questions being answered: reading, writing and hashing, but not waiting for the line. More
    /// than any disk does at once, and few enough for a newcomer to be next soon.
    const WORK: usize = 32;

    pub(super) fn new() -> Self {
        Self {
            bodies: Turnstile::new(Self::BODIES / UNIT),
            gets: Turnstile::new(Self::GETS),
            work: Turnstile::new(Self::WORK),
        }
    }
}

/// What a serving task needs.
pub(super) struct Desk<S> {
    pub(super) peer: PeerId,
    pub(super) shared: Arc<Shared>,
    pub(super) service: Arc<S>,
    /// The peer's share.
    pub(super) share: Arc<Budget>,
    /// What its bytes wait in.
    pub(super) lane: Arc<Lane>,
}

/// Room that was set aside; free again when dropped.
type Room = ([Option<OwnedSemaphorePermit>; 2], [Option<Pass>; 2]);

impl<S: Service> Desk<S> {
    /// Answers until the stream ends, breaks or misbehaves.
    pub(super) async fn serve(self, arrived: Arrived) {
        let Arrived { mut stream, seat, .. } = arrived;
        let ended = loop {
            match self.serve_one(&mut stream).await {
                Ok(()) => self.shared.tally.served.add(),
                Err(error) => break error,
            }
        };
        if ended.is_misconduct() {
            self.shared.tally.malformed.add();
            tracing::debug!(peer = %self.peer.short(), error = %ended, "stream closed");
        } else if matches!(ended, CodecError::Ended) {
            // Nothing is left to send; what the other side makes of our end is its own affair.
            drop(stream.close().await);
        }
        drop(seat);
    }

    async fn serve_one(&self, stream: &mut Stream) -> Result<(), CodecError> {
        let lane = Some(&*self.lane);
        let question = codec::read_question(stream, HEADER_LIMIT, lane).await?;
        let _room = self.room_for(&question).await;
        let reply = match question {
            Question::Known(header) => {
                let request = codec::read_request(stream, header, lane).await?;
                // Whoever gives up makes room for the next.
                tokio::select! {
                    biased;
                    reply = self.answer(request) => reply,
                    abandoned = codec::abandoned(stream) => return Err(abandoned),
                }
            }
            Question::Unknown { body_len } => {
                codec::skip_body(stream, body_len as usize, lane).await?;
                Reply::Refused(Refusal::Unsupported)
            }
        };
        write_reply(stream, reply, lane).await
    }

    async fn answer(&self, request: Request) -> Reply {
        if !request.is_bounded() {
            return Reply::Refused(Refusal::TooLarge);
        }
        if let Some(reply) = self.shared.members.answer(self.peer, &request) {
            return reply;
        }
        let _turn = self.shared.commons.work.enter(self.lane.owner(), 1).await;
        self.service.answer(self.peer, request).await
    }

    async fn room_for(&self, question: &Question) -> Room {
        let units = question.body_len().div_ceil(UNIT) as u32;
        let gets = matches!(question, Question::Known(header)
            if header.request.reads_shards());
        let (own, all) = (&self.share, &self.shared.commons);
        let owner = self.lane.owner();
        (
            [set_aside(&own.gets, u32::from(gets)).await, set_aside(&own.bodies, units).await],
            [all.gets.enter(owner, u32::from(gets)).await, all.bodies.enter(owner, units).await],
        )
    }
}

/// None only when nothing is asked for: these semaphores are never closed.
async fn set_aside(of: &Arc<Semaphore>, units: u32) -> Option<OwnedSemaphorePermit> {
    if units == 0 {
        return None;
    }
    of.clone().acquire_many_owned(units).await.ok()
}

/// Sends a reply, or says that it cannot be sent.
pub(super) async fn write_reply(
    stream: &mut Stream,
    reply: Reply,
    lane: Option<&Lane>,
) -> Result<(), CodecError> {
    let (mut header, mut body) = reply.split();
    let mut bytes = header.encode();
    if bytes.len() > HEADER_LIMIT || body.len() > BODY_LIMIT {
        tracing::warn!("an answer is larger than the wire allows");
        body.clear();
        (header, _) = Reply::Refused(Refusal::TooLarge).split();
        bytes = header.encode();
    }
    codec::write_frame(stream, &bytes, &body, lane).await
}
