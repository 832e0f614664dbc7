//! The codes of failures: what a script branches on, and what `gbak explain` explains.
//!
//! A code never changes its meaning or its exit. The words that go with each are in the command
//! line's table (`cli/exit.rs`), and a test there keeps the two complete.

use super::Failure;

/// A code, and the exit it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// `gbak::<noun>::<what>`.
    pub name: &'static str,
    /// CLI.md's table.
    pub exit: u8,
}

impl Code {
    /// A failure of this kind, told in one sentence.
    pub fn failure(self, message: impl Into<String>) -> Failure {
        Failure {
            code: self.name.to_owned(),
            exit: self.exit,
            message: message.into(),
            help: Vec::new(),
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $ident:ident = $name:literal, $exit:literal;)+) => {
        $($(#[doc = $doc])+ pub const $ident: Code = Code { name: $name, exit: $exit };)+
        /// Every code there is.
        pub const ALL: &[Code] = &[$($ident),+];
    };
}

codes! {
    /// Something no other code names.
    INTERNAL = "gbak::internal::failed", 1;
    /// A result could not be written to stdout.
    OUTPUT = "gbak::cli::output", 1;
    /// A file named on the command line cannot be read or written.
    FILE = "gbak::cli::file", 1;
    /// An argument makes no sense.
    USAGE = "gbak::cli::usage", 2;
    /// The agent does not understand the call.
    BAD_CALL = "gbak::control::bad_call", 2;
    /// An answer is needed and there is no terminal to ask at.
    QUESTION = "gbak::cli::question", 2;
    /// The source cannot be backed up at all: a path that is not there.
    SOURCE = "gbak::backup::source", 1;
    /// Some source files were unreadable; the rest is saved.
    BACKUP_PARTIAL = "gbak::backup::partial", 3;
    /// Saved, but some of it waits for peers or is below the wanted redundancy.
    BACKUP_QUEUED = "gbak::backup::queued", 4;
    /// Too few holders confirmed the new head.
    NOT_WITNESSED = "gbak::head::not_witnessed", 4;
    /// Another head with the same number exists.
    FORKED = "gbak::head::forked", 1;
    /// The restore's target cannot be used.
    TARGET = "gbak::restore::target", 1;
    /// The restore's target holds something already.
    TARGET_NOT_EMPTY = "gbak::restore::target_not_empty", 1;
    /// The disk that is restored to is full.
    TARGET_FULL = "gbak::restore::target_full", 1;
    /// Some of a restore failed and can be tried again.
    RESTORE_PARTIAL = "gbak::restore::partial", 3;
    /// Some of a restore cannot be had from any holder that answers.
    DATA_LOSS = "gbak::restore::data_loss", 6;
    /// `check` found damage: every pack that is needed still has enough shards.
    CHECK_DAMAGE = "gbak::check::damage", 5;
    /// `check` found data that no holder has any more.
    CHECK_LOSS = "gbak::check::loss", 6;
    /// `audit` found holders that do not have what they took.
    AUDIT_FAILED = "gbak::audit::failed", 5;
    /// `audit` found packs with too few shards left.
    AUDIT_LOSS = "gbak::audit::loss", 6;
    /// `repair` could not give every pack all its shards again.
    REPAIR_PARTIAL = "gbak::repair::partial", 4;
    /// `repair` found packs with too few shards left.
    REPAIR_LOSS = "gbak::repair::loss", 6;
    /// `repair snapshots` found something lost, and made no snapshot without it.
    SALVAGE_LOSS = "gbak::repair::snapshots", 6;
    /// `drill` could not restore all it drew from the peers that answered.
    DRILL_FAILED = "gbak::drill::failed", 5;
    /// `drill` found data loss, or files that came back different.
    DRILL_LOSS = "gbak::drill::loss", 6;
    /// Backups are paused, by a person or by the settings.
    PAUSED = "gbak::run::paused", 1;
    /// systemd did not do what was asked of it, or is not there.
    SERVICE = "gbak::service::failed", 1;
    /// No snapshot answers to that name, or several do.
    SNAPSHOT = "gbak::snapshot::unknown", 1;
    /// The snapshot has no such path.
    NO_PATH = "gbak::snapshot::no_path", 1;
    /// A drive is not as the command needs it.
    DRIVE = "gbak::drive::state", 1;
    /// Another machine writes the drive, or took it over.
    FENCED = "gbak::drive::fenced", 1;
    /// Something cannot be mounted or unmounted.
    MOUNT = "gbak::mount::failed", 1;
    /// Something cannot be served.
    SERVE = "gbak::serve::failed", 1;
    /// The rules of a forget would keep none of a group's snapshots.
    KEEPS_NOTHING = "gbak::forget::keeps_nothing", 1;
    /// There is no home here.
    NO_HOME = "gbak::home::none", 10;
    /// There is a home here already.
    HOME_EXISTS = "gbak::home::exists", 1;
    /// Another process has the home.
    BUSY = "gbak::home::busy", 11;
    /// The home's settings cannot be understood.
    SETTINGS = "gbak::home::settings", 1;
    /// The local disk failed or is full.
    DISK = "gbak::home::disk", 1;
    /// The local catalog is damaged or lags behind.
    CATALOG = "gbak::home::catalog", 1;
    /// The key file is wrapped and no passphrase was given.
    PASSPHRASE_NEEDED = "gbak::key::passphrase_needed", 12;
    /// The passphrase does not open the key file.
    PASSPHRASE_WRONG = "gbak::key::passphrase_wrong", 12;
    /// The recovery phrase is not one, or not this grid's.
    PHRASE_WRONG = "gbak::key::phrase_wrong", 12;
    /// The key file is damaged.
    KEYS_DAMAGED = "gbak::key::damaged", 1;
    /// No agent answers and the command needs one.
    DAEMON_UNREACHABLE = "gbak::daemon::unreachable", 20;
    /// No peer answers.
    NO_PEERS = "gbak::grid::no_peers", 21;
    /// An address to listen on cannot be used.
    LISTEN = "gbak::grid::listen", 1;
    /// A peer declined by its rules or for want of room.
    REFUSED = "gbak::grid::refused", 23;
    /// A certificate is missing, wrong or of another grid.
    NOT_TRUSTED = "gbak::grid::not_trusted", 24;
    /// The invitation is not one, is used up or expired.
    INVITE = "gbak::invite::invalid", 24;
    /// Fewer peers with room than the redundancy needs.
    TOO_FEW_PEERS = "gbak::placement::too_few_peers", 22;
    /// The limits of placement cannot be met.
    LIMITS = "gbak::placement::limits", 22;
    /// Fewer than k shards of a pack can be fetched now.
    PACK_UNAVAILABLE = "gbak::placement::pack_unavailable", 21;
    /// This machine's floor of free space is reached.
    FLOOR = "gbak::donation::floor", 25;
    /// Some of our shards stay with a holder, because nobody else takes them.
    EVACUATED_PARTLY = "gbak::peers::evacuated_partly", 4;
    /// The disk cannot carry a donation of that size.
    DONATION = "gbak::donation::too_large", 25;
    /// Bytes that came back are not what was stored, and no good copy was found.
    DAMAGED = "gbak::vault::damaged", 6;
    /// `status` found something that needs a look.
    STATUS_WARNING = "gbak::status::warning", 30;
    /// `status` found data at risk.
    STATUS_CRITICAL = "gbak::status::critical", 31;
    /// The demonstration's restored tree differs from its source.
    DEMO_DIFFERS = "gbak::demo::differs", 6;
    /// Stopped by Ctrl-C.
    INTERRUPTED = "gbak::run::interrupted", 130;
    /// Stopped by SIGTERM.
    TERMINATED = "gbak::run::terminated", 143;
}
