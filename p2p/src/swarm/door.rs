//! The door: how two devices that know nothing of each other get to know each other.
//!
//! The side that dialled opens one stream and says hello. The other checks it and answers with a
//! welcome, which carries its own hello for the first to check, or with a refusal. Only then are
//! both online. A stranger may besides spend an invitation. One question per stream, small, within
//! [`DOOR_DEADLINE`].

use std::sync::Arc;
use std::time::Duration;

use chunker::{PeerId, Record};
use futures::AsyncWriteExt;
use libp2p::Stream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::codec::{self, CodecError, DOOR_HEADER_LIMIT, Question};
use super::serve::write_reply;
use super::streams::{Arrived, OpenError, Opened};
use crate::wire::Hello;
use crate::{Members, Refusal, Reply, Request, Service};

/// How long one question at the door may take in all.
pub(super) const DOOR_DEADLINE: Duration = Duration::from_secs(10);

/// How an introduction ended.
#[derive(Debug)]
pub(super) enum Introduced {
    /// The other side showed this, it was found good, and it accepts us.
    Admitted(Box<Hello>),
    /// One side does not accept the other.
    Refused(Refusal),
    /// Something else than a hello was asked and answered.
    Other,
    /// The line broke, or it was not our protocol.
    Failed,
}

/// Asks one question at the other side's door.
pub(super) async fn ask(
    opened: oneshot::Receiver<Result<Opened, OpenError>>,
    request: Request,
) -> Result<Reply, DoorError> {
    timeout(DOOR_DEADLINE, ask_at_leisure(opened, request)).await.unwrap_or(Err(DoorError::Slow))
}

/// Why there is no answer from the door.
#[derive(Debug, thiserror::Error)]
pub(super) enum DoorError {
    #[error("No answer at the door in time")]
    Slow,
    #[error("The connection is gone")]
    Gone,
    #[error("The door did not open")]
    Open(#[source] OpenError),
    #[error("The door's stream failed")]
    Codec(#[source] CodecError),
    #[error("The answer does not fit the question")]
    Misfit,
}

async fn ask_at_leisure(
    opened: oneshot::Receiver<Result<Opened, OpenError>>,
    request: Request,
) -> Result<Reply, DoorError> {
    let opened = opened.await.map_err(|_| DoorError::Gone)?;
    let mut stream = opened.map_err(DoorError::Open)?.stream;
    let (header, body) = request.split();
    codec::write_frame(&mut stream, &header.encode(), &body, None)
        .await
        .map_err(DoorError::Codec)?;
    let reply =
        codec::read_reply(&mut stream, DOOR_DEADLINE, None).await.map_err(DoorError::Codec)?;
    drop(stream.close().await);
    if header.request.fits(&reply) { Ok(reply) } else { Err(DoorError::Misfit) }
}

/// Says hello at the door of `peer` and checks what comes back.
pub(super) async fn introduce(
    peer: PeerId,
    members: Members,
    opened: oneshot::Receiver<Result<Opened, OpenError>>,
) -> Introduced {
    let reply = ask(opened, Request::Hello(Box::new(members.hello()))).await;
    match reply {
        Ok(Reply::Welcome { hello, .. }) => match members.accept(peer, &hello) {
            Ok(()) => Introduced::Admitted(hello),
            Err(refusal) => Introduced::Refused(refusal),
        },
        Ok(Reply::Refused(refusal)) => Introduced::Refused(refusal),
        Ok(_) => Introduced::Failed,
        Err(error) => {
            tracing::debug!(peer = %peer.short(), %error, "no introduction");
            Introduced::Failed
        }
    }
}

/// Answers one question at our door.
pub(super) async fn answer<S: Service>(
    peer: PeerId,
    members: Members,
    service: Arc<S>,
    arrived: Arrived,
) -> Introduced {
    let Arrived { mut stream, seat, .. } = arrived;
    let outcome = timeout(DOOR_DEADLINE, answer_one(peer, members, service, &mut stream)).await;
    drop(seat);
    match outcome {
        Ok(Ok(introduced)) => introduced,
        Ok(Err(error)) => {
            tracing::debug!(peer = %peer.short(), %error, "the door was not used properly");
            Introduced::Failed
        }
        Err(_) => Introduced::Failed,
    }
}

async fn answer_one<S: Service>(
    peer: PeerId,
    members: Members,
    service: Arc<S>,
    stream: &mut Stream,
) -> Result<Introduced, CodecError> {
    let question = codec::read_question(stream, DOOR_HEADER_LIMIT, None).await?;
    if question.body_len() > 0 {
        return Err(CodecError::UnexpectedBody);
    }
    let (reply, introduced) = match question {
        Question::Known(header) => reply_to(peer, &members, &*service, header.request).await,
        Question::Unknown { .. } => (Reply::Refused(Refusal::Unsupported), Introduced::Other),
    };
    write_reply(stream, reply, None).await?;
    stream.close().await?;
    Ok(introduced)
}

async fn reply_to<S: Service>(
    peer: PeerId,
    members: &Members,
    service: &S,
    request: Request,
) -> (Reply, Introduced) {
    match request {
        _ if !request.is_bounded() => (Reply::Refused(Refusal::TooLarge), Introduced::Other),
        Request::Hello(hello) => match members.admit(peer, &hello) {
            Ok(welcome) => (welcome, Introduced::Admitted(hello)),
            Err(refusal) => (Reply::Refused(refusal), Introduced::Refused(refusal)),
        },
        Request::Join(_) => (service.answer(peer, request).await, Introduced::Other),
        _ => (Reply::Refused(Refusal::NotAdmitted), Introduced::Other),
    }
}
