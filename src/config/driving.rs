//! `[drive]`: how drives are shared with other machines of the owner.

use serde::{Deserialize, Serialize};

use super::Span;

/// How drives are shared with other machines of the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Driving {
    /// For how long holders must not have heard of a writer before another machine may take its
    /// drive over; the same on all machines of an owner. A writer is heard of three times in it.
    pub lease: Span,
    /// How often a machine that follows a drive looks whether there is another commit.
    pub follow: Span,
}

impl Default for Driving {
    fn default() -> Self {
        Self { lease: Span(180), follow: Span(10) }
    }
}
