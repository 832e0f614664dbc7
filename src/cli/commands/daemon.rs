//! `gbak daemon`

use serde::Serialize;

use crate::api::Failure;
use crate::api::backend::Backend;
use crate::api::setup::DaemonArgs;
use crate::cli::args::Daemon;
use crate::cli::output::escape;
use crate::cli::shell::Shell;

#[derive(Serialize)]
struct Ready<'a> {
    message: &'a str,
}

pub(crate) fn run(
    args: &Daemon,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let args = DaemonArgs {
        listen: args.listen.clone(),
        bootstrap: args.bootstrap.clone(),
        no_mdns: args.no_mdns,
    };
    // A reader of stdout that went away is no reason for the agent to stop.
    backend.daemon(args, &mut |line| {
        drop(if shell.look.json {
            shell.print_message("ready", &Ready { message: line })
        } else {
            shell.print(&escape(line))
        });
    })?;
    Ok(0)
}
