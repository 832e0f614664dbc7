//! `gbak invite`

use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, InviteArgs};
use crate::cli::args::Invite;
use crate::cli::output::{escape, time};
use crate::cli::progress::Job;
use crate::cli::shell::Shell;

use super::{ask, wrong_answer};

pub(crate) fn run(
    args: &Invite,
    backend: &impl Backend,
    shell: &mut Shell<'_>,
) -> Result<u8, Failure> {
    let call = Call::Invite(InviteArgs { expires_secs: args.expires.as_secs() });
    let Answer::Invite(view) = ask(backend, call, Job::Look, shell)? else {
        return Err(wrong_answer());
    };
    if shell.look.json {
        shell.print_json(&view)?;
        return Ok(0);
    }
    shell.print(&escape(&view.invite))?;
    if !shell.look.quiet {
        let until = time(&view.expires, &shell.look.zone);
        shell.note(&format!("Valid once, until {until}. There: gbak join INVITE"));
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
