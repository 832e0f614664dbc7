//! The real backend: the engine's side as the command line sees it, and the demonstration.

use std::time::Duration;

use crate::api::setup::{
    DaemonArgs, DemoArgs, DemoLine, DemoView, InitArgs, InitView, RecoverArgs,
};
use crate::api::{Answer, Call, Event, Failure, RecoverView, codes};
use crate::cli::backend::Backend;
use crate::daemon::LocalBackend;

impl Backend for LocalBackend {
    fn call(&self, call: Call, on_event: &mut dyn FnMut(Event)) -> Result<Answer, Failure> {
        Self::call(self, call, on_event)
    }

    fn init(&self, args: InitArgs) -> Result<InitView, Failure> {
        Self::init(self, args)
    }

    fn join(&self, invite: &str) -> Result<InitView, Failure> {
        Self::join(self, invite)
    }

    fn recover(
        &self,
        args: RecoverArgs,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<RecoverView, Failure> {
        Self::recover(self, args, on_event)
    }

    fn daemon(&self, args: DaemonArgs, ready: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        Self::daemon(self, args, ready)
    }

    fn wait_ready(&self, deadline: Duration) -> Result<(), Failure> {
        Self::wait_ready(self, deadline)
    }

    fn demo(&self, args: DemoArgs, on_line: &mut dyn FnMut(DemoLine)) -> Result<DemoView, Failure> {
        let program = std::env::current_exe().map_err(|error| {
            codes::INTERNAL.failure(format!("Cannot find this program: {error}"))
        })?;
        crate::demo::run(&program, &args, on_line)
            .map_err(|error| codes::INTERNAL.failure(crate::daemon::failure::told(&error)))
    }
}
