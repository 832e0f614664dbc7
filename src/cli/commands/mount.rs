//! `gbak mount` and `gbak unmount`

use std::path::Path;

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, MountArgs};
use crate::cli::args::{Mount, Unmount};
use crate::cli::output::path;
use crate::cli::progress::Job;
use crate::cli::shell::Shell;

use super::backup::absolute;
use super::{ask, wrong_answer};

/// Stays until it is unmounted or stopped: neither is a failure.
pub(crate) fn run(
    args: &Mount,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Mount(MountArgs {
        snapshot: args.snapshot.clone(),
        dir: absolute(&args.dir)?,
        allow_other: args.allow_other,
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let Answer::Mount(view) = ask(backend, call, Job::Mount, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_message("unmounted", &view)?;
    } else if view.busy {
        let dir = path(&view.dir);
        shell.say(&format!("{dir} is still in use: it ends when its open files are closed"))?;
    } else {
        shell.say(&format!("Unmounted {}", path(&view.dir)))?;
    }
    Ok(0)
}

pub(crate) fn run_unmount(
    args: &Unmount,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let dir = absolute(&args.dir)?;
    backend.unmount(Path::new(&args.dir))?;
    if !shell.look.json {
        shell.say(&format!("Unmounted {}", path(&dir)))?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
