//! gbak: back up to other members' unused disk. The command line, over the engine of this machine.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use gbak::cli;
use gbak::daemon::LocalBackend;

/// How the C library keeps freed memory for each thread, from which size on it gives memory back to
/// the system at once, and how much free memory it keeps at the end of a heap. It reads them only
/// when a process begins.
const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "1048576"),
    ("MALLOC_TRIM_THRESHOLD_", "262144"),
];

fn main() -> ExitCode {
    if cli::moves_packs() {
        begin_again();
    }
    cli::main(&LocalBackend::open)
}

/// Begins this process anew, once, with an allocator fit for an agent that runs for months. Left
/// alone it kept 280 MB after a backup, of which the agent used 20; a backup without an agent took
/// as much. Whoever set one of them himself is not overruled.
fn begin_again() {
    if ALLOCATOR.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut args = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    // Only if it fails does this return: then the agent needs more memory, and runs all the same.
    drop(command.args(args).envs(ALLOCATOR).exec());
}
