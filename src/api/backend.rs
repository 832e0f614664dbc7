//! What the command line needs of the rest: one trait, so that commands can be tested with a fake.
//!
//! The implementation decides whether an agent answers or an engine runs in this process (and says
//! the latter with one [`Event::Warning`]), owns the async runtime and handles signals: the first
//! Ctrl-C lets a call finish what is in flight and fail with `codes::INTERRUPTED`.

use std::path::Path;
use std::time::Duration;

use crate::api::setup::{
    DaemonArgs, DemoArgs, DemoLine, DemoView, InitArgs, InitView, RecoverArgs, Settings,
};
use crate::api::{Answer, Call, Event, Failure, RecoverView};

/// Does what commands ask for; every call blocks until its end.
pub trait Backend {
    /// Makes one call, on the agent or in this process.
    fn call(&self, call: Call, on_event: &mut dyn FnMut(Event)) -> Result<Answer, Failure>;

    /// Makes a home. Fails with `codes::HOME_EXISTS` when there is one, and changes nothing then.
    fn init(&self, args: InitArgs) -> Result<InitView, Failure>;

    /// Takes an existing home into another grid. Fails with `codes::NO_HOME` when there is none.
    fn join(&self, invite: &str) -> Result<InitView, Failure>;

    /// Makes a home from the words and what the grid holds.
    fn recover(
        &self,
        args: RecoverArgs,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<RecoverView, Failure>;

    /// Runs the agent until it is told to stop; `ready` gets one line when it listens.
    fn daemon(&self, args: DaemonArgs, ready: &mut dyn FnMut(&str)) -> Result<(), Failure>;

    /// Returns when an agent answers on the home's socket, or `codes::DAEMON_UNREACHABLE` at the
    /// deadline. Never starts an engine.
    fn wait_ready(&self, deadline: Duration) -> Result<(), Failure>;

    /// Unmounts what of gbak is mounted at `dir`, whoever serves it. Never starts an engine.
    fn unmount(&self, dir: &Path) -> Result<(), Failure>;

    /// Runs the main job on an embedded grid.
    fn demo(&self, args: DemoArgs, on_line: &mut dyn FnMut(DemoLine)) -> Result<DemoView, Failure>;
}

/// Makes the backend of a command. Called again when a passphrase turned out to be needed.
pub trait Open {
    /// What it makes.
    type Backend: Backend;

    /// Opens a backend; nothing is started yet, and a missing home is no failure here.
    fn open(&self, settings: Settings) -> Result<Self::Backend, Failure>;
}

impl<B: Backend, F: Fn(Settings) -> Result<B, Failure>> Open for F {
    type Backend = B;

    fn open(&self, settings: Settings) -> Result<B, Failure> {
        self(settings)
    }
}
