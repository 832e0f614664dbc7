//! gbak: back up to other members' unused disk. The command line, over the engine of this machine.

use std::process::ExitCode;

use gbak::cli;
use gbak::daemon::LocalBackend;

fn main() -> ExitCode {
    cli::main(&LocalBackend::open)
}
