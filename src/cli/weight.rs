//! Which commands work through packs, and so want an allocator that gives memory back.
//!
//! Every command is named here: whoever adds one has to say. It cannot fail.

use super::args::{Command, PeersWhat, ScheduleWhat};

/// Whether packs go through the memory of the process that carries the command out.
pub(super) const fn moves_packs(command: &Command) -> bool {
    match command {
        Command::Daemon(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Check(_)
        | Command::Drill(_)
        | Command::Repair(_)
        | Command::Prune(_)
        | Command::Recover(_)
        | Command::Mount(_)
        | Command::Webdav(_)
        | Command::Drive(_) => true,
        Command::Forget(args) => args.prune,
        Command::Peers(args) => {
            matches!(args.what, Some(PeersWhat::Lost { .. } | PeersWhat::Evacuate { .. }))
        }
        Command::Schedule(args) => matches!(args.what, Some(ScheduleWhat::Run { .. })),
        Command::Init(_)
        | Command::Join(_)
        | Command::Invite(_)
        | Command::Snapshots
        | Command::Tag(_)
        | Command::Pin(_)
        | Command::Unpin(_)
        | Command::Ls(_)
        | Command::Unmount(_)
        | Command::Placement(_)
        | Command::Donate(_)
        | Command::Leave
        | Command::Limits(_)
        | Command::Pause(_)
        | Command::Resume
        | Command::Away(_)
        | Command::Status(_)
        | Command::Audit(_)
        | Command::Service(_)
        | Command::Guardians(_)
        | Command::Risk(_)
        | Command::Simulate(_)
        | Command::Bench(_)
        | Command::Demo(_)
        | Command::Explain(_)
        | Command::Completions(_)
        | Command::Version => false,
    }
}

#[cfg(test)]
mod tests;
