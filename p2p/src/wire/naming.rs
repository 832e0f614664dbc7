//! Short names of what is asked and answered, for people who read logs.

use super::{Reply, Request};

impl Request {
    /// A short name for logs and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Join(_) => "join",
            Self::Ping { .. } => "ping",
            Self::Roster { .. } => "roster",
            Self::Put { .. } => "put",
            Self::Get { .. } => "get",
            Self::Have { .. } => "have",
            Self::HeadPut { .. } => "head-put",
            Self::HeadGet => "head-get",
            Self::Slice { .. } => "slice",
            Self::Moves { .. } => "moves",
            Self::Moved { .. } => "moved",
            Self::HandOver { .. } => "hand-over",
            Self::Locate { .. } => "locate",
            Self::Under { .. } => "under",
            Self::Entrust { .. } => "entrust",
            Self::WardNews => "ward-news",
            Self::Revoke { .. } => "revoke",
            Self::Held { .. } => "held",
            Self::Retain(_) => "retain",
            Self::CallBack { .. } => "call-back",
            Self::HeadHistory { .. } => "head-history",
            Self::Lost { .. } => "lost",
            Self::Usage { .. } => "usage",
        }
    }
}

impl Reply {
    /// A short name for logs and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::Joined { .. } => "joined",
            Self::Pong { .. } => "pong",
            Self::Roster { .. } => "roster-page",
            Self::Stored => "stored",
            Self::Shard { .. } => "shard",
            Self::Have { .. } => "held",
            Self::HeadStored { .. } => "head-stored",
            Self::Heads { .. } => "heads",
            Self::Refused(_) => "refused",
            Self::Slice { .. } => "slice",
            Self::Moves { .. } => "to-move",
            Self::LetGo { .. } => "let-go",
            Self::Located { .. } => "located",
            Self::Entrusted => "entrusted",
            Self::WardNews { .. } => "ward-news",
            Self::Revoked => "revoked",
            Self::Held { .. } => "held-page",
            Self::Retained(_) => "retained",
            Self::CalledBack { .. } => "called-back",
            Self::HeadHistory { .. } => "head-history",
            Self::Noted => "noted",
            Self::Usage(_) => "usage-statement",
        }
    }
}
