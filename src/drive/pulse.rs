//! A commit's progress, told to the volume: whoever waits there for room has to know whether
//! anything still moves.

use std::path::Path;
use std::sync::Arc;

use super::volume::Volume;
use crate::flow::Ctx;
use crate::monitor::{Counter, Monitor, Problem};

/// Passes everything on, and tells the volume of what reaches the grid.
#[derive(Clone)]
pub(super) struct Pulse {
    inner: Arc<dyn Monitor>,
    volume: Arc<Volume>,
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pulse").finish_non_exhaustive()
    }
}

impl Pulse {
    /// What the flow is given in place of `ctx`.
    pub(super) fn watching<G: Clone>(ctx: &Ctx<G>, volume: &Arc<Volume>) -> Ctx<G> {
        let pulse = Self { inner: Arc::clone(&ctx.monitor), volume: Arc::clone(volume) };
        Ctx { monitor: Arc::new(pulse), ..ctx.clone() }
    }
}

impl Monitor for Pulse {
    fn count(&self, counter: Counter, n: u64) {
        if counter == Counter::BytesMoved {
            self.volume.pulse();
        }
        self.inner.count(counter, n);
    }

    fn problem(&self, problem: &Problem) {
        self.inner.problem(problem);
    }

    fn warn(&self, message: &str) {
        self.inner.warn(message);
    }

    fn current(&self, path: &[u8]) {
        self.inner.current(path);
    }

    fn mounted(&self, dir: &Path) {
        self.inner.mounted(dir);
    }
}
