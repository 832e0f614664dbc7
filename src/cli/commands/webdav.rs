//! `gbak webdav` and `gbak drive serve`

use std::path::Path;

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Event, Failure, ServeArgs, Served, codes};
use crate::cli::args::{DriveServe, Serving, Webdav};
use crate::cli::files::{self, Reserved};
use crate::cli::progress::{Job, Watch};
use crate::cli::shell::Shell;

use super::wrong_answer;

/// Longest password, in bytes.
const TOKEN_LIMIT: u64 = 256;

/// Stays until it is stopped, which is not a failure.
pub(crate) fn run(
    args: &Webdav,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    serve(Served::Snapshots { snapshot: args.snapshot.clone() }, &args.serving, backend, shell)
}

/// The same for a drive.
pub(crate) fn run_drive(
    args: &DriveServe,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let what = Served::Drive { name: args.name.clone(), read_only: args.read_only };
    serve(what, &args.serving, backend, shell)
}

fn serve(
    what: Served,
    args: &Serving,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let (token, mut file) = match &args.token_file {
        Some(path) => kept(path)?,
        None => (None, None),
    };
    let call = Call::Serve(ServeArgs {
        what,
        listen: args.listen,
        token,
        wait_peers_secs: args.wait_peers.map(|wait| wait.as_secs()),
    });
    let mut filled = Ok(());
    let mut watch = Watch::new(shell, Job::Mount);
    let answer = backend.call(call, &mut |event| {
        if let (Event::Serving { token, .. }, Some(file)) = (&event, file.take()) {
            filled = file.fill(&format!("{token}\n"));
        }
        watch.see(event);
    });
    drop(watch);
    let Answer::Serve(view) = answer? else { return Err(wrong_answer()) };
    filled?;
    if shell.look.json {
        shell.print_message("stopped", &view)?;
    } else {
        shell.say("Stopped")?;
    }
    Ok(0)
}

/// The password in a file; or else the file, for the one that the agent makes.
fn kept(path: &Path) -> Result<(Option<String>, Option<Reserved>), Failure> {
    if let Some(text) = files::read_if_there(path, TOKEN_LIMIT)? {
        let token = text.lines().next().unwrap_or_default().trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = format!("{} holds no password: letters and digits", path.display());
            return Err(codes::USAGE.failure(message));
        }
        return Ok((Some(token.to_owned()), None));
    }
    Ok((None, Some(Reserved::new(path)?)))
}

#[cfg(test)]
mod tests;
