//! One file per command: arguments to a call, and its answer to text or JSON.

use super::progress::{Job, Watch};
use super::shell::Shell;
use crate::api::backend::Backend;
use crate::api::{Answer, Call, Failure, codes};

pub(crate) mod audit;
pub(crate) mod away;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod daemon;
pub(crate) mod demo;
pub(crate) mod donate;
pub(crate) mod drill;
pub(crate) mod drive;
pub(crate) mod explain;
pub(crate) mod forget;
pub(crate) mod guardians;
pub(crate) mod init;
pub(crate) mod invite;
pub(crate) mod leave;
pub(crate) mod limits;
pub(crate) mod ls;
pub(crate) mod mount;
pub(crate) mod pause;
pub(crate) mod peers;
pub(crate) mod placement;
pub(crate) mod prune;
pub(crate) mod recover;
pub(crate) mod repair;
pub(crate) mod restore;
pub(crate) mod risk;
pub(crate) mod schedule;
pub(crate) mod service;
pub(crate) mod simulate;
pub(crate) mod snapshots;
pub(crate) mod status;
pub(crate) mod units;
pub(crate) mod version;
pub(crate) mod webdav;

#[cfg(test)]
pub(crate) mod fake;

/// Makes a call and shows what happens meanwhile.
fn ask(
    backend: &impl Backend,
    call: Call,
    job: Job,
    shell: &mut Shell<'_>,
) -> Result<Answer, Failure> {
    let mut watch = Watch::new(shell, job);
    backend.call(call, &mut |event| watch.see(event))
}

/// An agent answered another call than was made: a newer or broken one.
fn wrong_answer() -> Failure {
    codes::INTERNAL.failure("The agent answered something else than was asked")
}

pub(crate) mod tag;
