//! Frames on a stream: `u32 header length (big endian) | header record | body bytes`.
//!
//! Lengths are checked before anything is allocated, a body is read into one buffer of the
//! announced length, and every step has a deadline: a frame once begun must go on at [`PIECE`]
//! bytes per [`PIECE_DEADLINE`], in both directions. Between frames a stream may rest for as long
//! as it likes. What is spent waiting for our own rates (a [`Lane`]) is not the other side's fault,
//! and no deadline runs.
//!
//! How it fails: with a [`CodecError`], after which the stream is in an unknown state and must be
//! dropped. The one exception is a header that is well framed but not understood
//! ([`Question::Unknown`]): the stream goes on after it.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chunker::Record;
use chunker::record::{RecordError, decode_body};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::timeout;

use super::pace::{Lane, Way};
use crate::wire::{BODY_LIMIT, HEADER_LIMIT, ReplyHeader, RequestHeader};
use crate::{Reply, Request};

/// Bodies are read and written in pieces of at most this many bytes, each with a deadline of its
/// own.
pub(super) const PIECE: usize = 64 * 1024;
/// How long one piece may take: 1 KiB/s, slow enough for many transfers over one thin uplink.
pub(super) const PIECE_DEADLINE: Duration = Duration::from_mins(1);
/// How long a header may take once its first byte is there.
pub(super) const HEADER_DEADLINE: Duration = Duration::from_secs(20);
/// Largest header on the door, where anybody may knock.
pub(super) const DOOR_HEADER_LIMIT: usize = 32 * 1024;

/// Why a stream is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodecError {
    #[error("The stream ended")]
    Ended,
    #[error("The stream failed")]
    Io(#[source] io::Error),
    #[error("The other side is too slow")]
    Slow,
    #[error("A header of {len} bytes was announced, of at most {limit}")]
    HeaderTooLarge { len: usize, limit: usize },
    #[error("A body of {len} bytes was announced, of at most {BODY_LIMIT}")]
    BodyTooLarge { len: usize },
    #[error("A body came where none belongs")]
    UnexpectedBody,
    #[error("A request came before the last one was answered")]
    Impatient,
    #[error("A header is malformed")]
    Header(#[source] RecordError),
}

impl CodecError {
    /// Whether the other side broke the protocol, rather than the line breaking.
    pub(super) fn is_misconduct(&self) -> bool {
        !matches!(self, Self::Ended | Self::Io(_))
    }
}

impl From<io::Error> for CodecError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Ended,
            _ => Self::Io(error),
        }
    }
}

/// A request's header as it came.
#[derive(Debug)]
pub(super) enum Question {
    /// Understood.
    Known(RequestHeader),
    /// Well framed, but of a kind this version does not know.
    Unknown {
        /// Bytes of body that follow it.
        body_len: u32,
    },
}

impl Question {
    /// Bytes of body that follow.
    pub(super) fn body_len(&self) -> usize {
        match self {
            Self::Known(header) => header.body_len as usize,
            Self::Unknown { body_len } => *body_len as usize,
        }
    }
}

/// Waits for the next request's header, for as long as it takes; once begun it must be quick.
pub(super) async fn read_question<S>(
    stream: &mut S,
    limit: usize,
    lane: Option<&Lane>,
) -> Result<Question, CodecError>
where
    S: AsyncRead + Unpin,
{
    let mut first = [0; 1];
    if stream.read(&mut first).await? == 0 {
        return Err(CodecError::Ended);
    }
    let bytes = within(HEADER_DEADLINE, read_header(stream, first[0], limit)).await?;
    charge(lane, Way::Down, bytes.len());
    let question = question(&bytes)?;
    check_body_len(question.body_len())?;
    Ok(question)
}

/// Puts a question's body to its header.
pub(super) async fn read_request<S>(
    stream: &mut S,
    header: RequestHeader,
    lane: Option<&Lane>,
) -> Result<Request, CodecError>
where
    S: AsyncRead + Unpin,
{
    if header.body_len > 0 && !header.request.has_body() {
        return Err(CodecError::UnexpectedBody);
    }
    let body = read_body(stream, header.body_len as usize, lane).await?;
    Request::join(header, body).ok_or(CodecError::UnexpectedBody)
}

/// Reads past a body nobody wants.
pub(super) async fn skip_body<S>(
    stream: &mut S,
    mut len: usize,
    lane: Option<&Lane>,
) -> Result<(), CodecError>
where
    S: AsyncRead + Unpin,
{
    let mut scratch = [0; 8 * 1024];
    while len > 0 {
        let piece = len.min(scratch.len());
        wait(lane, Way::Down, piece).await;
        within(PIECE_DEADLINE, stream.read_exact(&mut scratch[..piece])).await?;
        len -= piece;
    }
    Ok(())
}

/// Waits for the asker to give up. Asking again before the answer is misconduct.
pub(super) async fn abandoned<S>(stream: &mut S) -> CodecError
where
    S: AsyncRead + Unpin,
{
    match stream.read(&mut [0; 1]).await {
        Ok(0) => CodecError::Ended,
        Ok(_) => CodecError::Impatient,
        Err(error) => error.into(),
    }
}

/// Reads a reply that should begin within `patience`.
pub(super) async fn read_reply<S>(
    stream: &mut S,
    patience: Duration,
    lane: Option<&Lane>,
) -> Result<Reply, CodecError>
where
    S: AsyncRead + Unpin,
{
    let bytes = within(patience, async {
        let mut first = [0; 1];
        stream.read_exact(&mut first).await?;
        read_header(stream, first[0], HEADER_LIMIT).await
    })
    .await?;
    charge(lane, Way::Down, bytes.len());
    let header = ReplyHeader::decode(&bytes).map_err(CodecError::Header)?;
    let len = header.body_len as usize;
    check_body_len(len)?;
    if len > 0 && !header.reply.has_body() {
        return Err(CodecError::UnexpectedBody);
    }
    let body = read_body(stream, len, lane).await?;
    Reply::join(header, body).ok_or(CodecError::UnexpectedBody)
}

/// Writes a header and its body, and sees them off.
pub(super) async fn write_frame<S>(
    stream: &mut S,
    header: &[u8],
    body: &Bytes,
    lane: Option<&Lane>,
) -> Result<(), CodecError>
where
    S: AsyncWrite + Unpin,
{
    let mut head = Vec::with_capacity(header.len() + 4);
    head.extend((header.len() as u32).to_be_bytes());
    head.extend(header);
    charge(lane, Way::Up, head.len());
    within(PIECE_DEADLINE, stream.write_all(&head)).await?;
    for piece in body.chunks(share(lane)) {
        wait(lane, Way::Up, piece.len()).await;
        within(PIECE_DEADLINE, stream.write_all(piece)).await?;
    }
    within(PIECE_DEADLINE, stream.flush()).await
}

async fn read_header<S>(stream: &mut S, first: u8, limit: usize) -> Result<Vec<u8>, CodecError>
where
    S: AsyncRead + Unpin,
{
    let mut rest = [0; 3];
    stream.read_exact(&mut rest).await?;
    let len = u32::from_be_bytes([first, rest[0], rest[1], rest[2]]) as usize;
    if len > limit {
        return Err(CodecError::HeaderTooLarge { len, limit });
    }
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn read_body<S>(stream: &mut S, len: usize, lane: Option<&Lane>) -> Result<Bytes, CodecError>
where
    S: AsyncRead + Unpin,
{
    if let Some(mut body) = lane.and_then(|lane| lane.body(len)) {
        fill(stream, &mut body, lane).await?;
        return Ok(body.freeze());
    }
    // Zeroed memory of this size comes from the kernel page by page, as the bytes arrive.
    let mut body = BytesMut::zeroed(len);
    fill(stream, &mut body, lane).await?;
    Ok(body.freeze())
}

async fn fill<S>(stream: &mut S, body: &mut [u8], lane: Option<&Lane>) -> Result<(), CodecError>
where
    S: AsyncRead + Unpin,
{
    for piece in body.chunks_mut(share(lane)) {
        wait(lane, Way::Down, piece.len()).await;
        within(PIECE_DEADLINE, stream.read_exact(piece)).await?;
    }
    Ok(())
}

/// How much of a body is moved at once.
fn share(lane: Option<&Lane>) -> usize {
    lane.map_or(PIECE, Lane::share)
}

/// Waits until so much of a body may be moved.
async fn wait(lane: Option<&Lane>, way: Way, bytes: usize) {
    if let Some(lane) = lane {
        lane.wait(way, bytes).await;
    }
}

fn charge(lane: Option<&Lane>, way: Way, bytes: usize) {
    if let Some(lane) = lane {
        lane.charge(way, bytes);
    }
}

fn question(bytes: &[u8]) -> Result<Question, CodecError> {
    /// What every version's request header has.
    #[derive(Deserialize)]
    struct Outline {
        #[serde(rename = "request")]
        _request: IgnoredAny,
        body_len: u32,
    }
    let error = match RequestHeader::decode(bytes) {
        Ok(header) => return Ok(Question::Known(header)),
        Err(error) => error,
    };
    let body = bytes.get(1..).unwrap_or_default();
    match decode_body::<Outline>(RequestHeader::NAME, body) {
        Ok(Outline { body_len, .. }) => Ok(Question::Unknown { body_len }),
        Err(_) => Err(CodecError::Header(error)),
    }
}

fn check_body_len(len: usize) -> Result<(), CodecError> {
    if len > BODY_LIMIT { Err(CodecError::BodyTooLarge { len }) } else { Ok(()) }
}

async fn within<T, E: Into<CodecError>>(
    deadline: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, CodecError> {
    match timeout(deadline, step).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(CodecError::Slow),
    }
}

#[cfg(test)]
mod tests;
