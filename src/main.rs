//! gbak: back up to other members' unused disk. The command line, over the engine of this machine.

use std::process::ExitCode;

use gbak::api::{Failure, codes, setup::Settings};
use gbak::cli::{self, backend::Absent};

fn main() -> ExitCode {
    cli::main(&|_settings: Settings| -> Result<Absent, Failure> {
        Err(codes::DAEMON_UNREACHABLE.failure("This build has no engine"))
    })
}
