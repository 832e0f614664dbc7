//! What `gbak guardians` takes.

use clap::{Args, Subcommand};

/// `gbak guardians`
#[derive(Debug, Args)]
#[command(after_help = "A guardian learns who holds your shards, and nothing of what is in them. \
                        After three days without you it rebuilds what is lost, from ciphertext.")]
pub(crate) struct Guardians {
    #[command(subcommand)]
    pub(crate) command: Option<GuardiansCommand>,
}

/// What to do with guardians.
#[derive(Debug, Subcommand)]
pub(crate) enum GuardiansCommand {
    /// List them, and those who are looked after here
    Ls,
    /// Make a machine of another member one
    Add {
        /// Its name, or the beginning of its id
        peer: String,
    },
    /// End a machine's mandate
    Remove {
        /// Its name, or the beginning of its id
        peer: String,
    },
}
