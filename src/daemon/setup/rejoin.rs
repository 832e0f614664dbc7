//! Taking a home that exists into another grid, by invitation.
//!
//! Only a home that holds nothing moves: neither backups of its own on the old grid, which the new
//! one could not restore, nor shards of the old grid's members, which would be lost to them.

use std::path::Path;
use std::time::Duration;

use p2p::Invite;
use store::Home;

use super::{Device, redeem, view};
use crate::api::setup::{InitView, Secret as Text};
use crate::api::{Failure, codes};
use crate::config::Config;
use crate::daemon::engine::{EngineError, blocking, enter, open_disk};
use crate::daemon::failure::failure;
use crate::daemon::keys;
use crate::entropy::OsEntropy;
use crate::vault::keystore::KeyFile;

/// What is found in the home.
struct Found {
    keys: KeyFile,
    config: Config,
    wrapped: bool,
    in_use: bool,
}

/// Makes the home at `root` a member of the invitation's grid instead of its own.
pub async fn join(
    root: &Path,
    passphrase: Option<Text>,
    retry: Duration,
    invite: &str,
) -> Result<InitView, Failure> {
    let invite: Invite = invite.parse()?;
    let (home, _lock) = enter(root.to_owned(), retry).await?;
    let (place, pass) = (home.clone(), passphrase.clone());
    let found = blocking(move || look(&place, pass.as_ref())).await?;
    if found.keys.charter.id() == invite.grid {
        return Err(codes::INVITE.failure("This home is a member of that grid already"));
    }
    if found.in_use {
        let message = "This home has backups on its grid, or holds others' data: it cannot move";
        return Err(failure(codes::HOME_EXISTS, message, &["GBAK_HOME=DIR gbak init --join ..."]));
    }
    let Found { mut keys, mut config, wrapped, .. } = found;
    let device = Device { secret: keys.device_secret.clone(), cert: keys.device_cert.clone() };
    let member = redeem(&invite, &device, &keys.owner_cert.name, config.node.mdns).await?;
    keys.charter_secret = keys.charter_secret.filter(|_| member.charter == keys.charter);
    (keys.charter, keys.owner_cert) = (member.charter, member.owner);
    config.node.bootstrap = invite.addresses;
    let view = view(&keys, &config);
    let passphrase = passphrase.filter(|_| wrapped);
    let write = move || {
        config.save(&home.config())?;
        keys::write(&home, &keys, passphrase.as_deref(), &OsEntropy)
    };
    blocking(write).await?;
    Ok(view)
}

fn look(home: &Home, passphrase: Option<&Text>) -> Result<Found, EngineError> {
    let keys = keys::read(home, passphrase.map(|text| &**text))?;
    let config = Config::load(&home.config())?;
    let disk = open_disk(home, &config, false)?;
    let backups = !disk.catalog.pack_count().map_err(EngineError::Catalog)?.is_empty()
        || !disk.catalog.snapshots().map_err(EngineError::Catalog)?.is_empty();
    let in_use = backups || disk.shelf.usage()?.bytes > 0;
    Ok(Found { keys, config, wrapped: keys::are_wrapped(home)?, in_use })
}
