//! What travels before the bytes: bounded records.

use chunker::Record;
use serde::{Deserialize, Serialize};

use super::{HEADER_LIMIT, Reply, Request};

/// A request as it travels: header fields beside the body's length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHeader {
    /// The request without its body.
    pub request: Request,
    /// Bytes of body that follow, at most [`BODY_LIMIT`](super::BODY_LIMIT).
    pub body_len: u32,
}

/// A reply as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyHeader {
    /// The reply without its body.
    pub reply: Reply,
    /// Bytes of body that follow, at most [`BODY_LIMIT`](super::BODY_LIMIT).
    pub body_len: u32,
}

impl Record for RequestHeader {
    const NAME: &'static str = "request";
    const VERSION: u8 = 1;
    const LIMIT: usize = HEADER_LIMIT;
}

impl Record for ReplyHeader {
    const NAME: &'static str = "reply";
    const VERSION: u8 = 1;
    const LIMIT: usize = HEADER_LIMIT;
}
