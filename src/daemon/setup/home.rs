//! A home in the making: claimed by its lock while it has no keys, complete once it has them.

use std::path::Path;

use store::{Catalog, Home, HomeLock};

use crate::api::setup::Secret as Text;
use crate::api::{Failure, codes};
use crate::config::Config;
use crate::daemon::engine::{EngineError, blocking};
use crate::daemon::failure::failure;
use crate::daemon::keys;
use crate::entropy::OsEntropy;
use crate::vault::keystore::KeyFile;

/// A home without keys, locked.
pub(super) struct NewHome {
    home: Home,
    lock: HomeLock,
}

impl NewHome {
    /// Takes a directory that is no home yet, making it if need be.
    pub(super) async fn claim(root: &Path) -> Result<Self, Failure> {
        let root = root.to_owned();
        let claimed = blocking(move || {
            let keys = root.join("keys");
            if std::fs::symlink_metadata(&keys).is_ok() {
                return Ok(None);
            }
            let home = Home::create(root)?;
            let lock = home.lock()?;
            // Somebody may have been faster.
            Ok((!keys::exist(&home)).then_some(Self { home, lock }))
        });
        claimed.await?.ok_or_else(|| {
            let message = "There is a home here already; nothing was changed";
            failure(codes::HOME_EXISTS, message, &["gbak status", "GBAK_HOME=DIR gbak init"])
        })
    }

    /// Writes everything but the keys.
    pub(super) async fn prepare(self, config: Config) -> Result<(Home, HomeLock), Failure> {
        let Self { home, lock } = self;
        let prepared = blocking(move || {
            // What an earlier try left may be of another owner.
            let path = home.catalog_db();
            Catalog::discard(&path).map_err(|source| EngineError::Io { path, source })?;
            config.save(&home.config())?;
            Ok(home)
        });
        Ok((prepared.await?, lock))
    }

    /// Writes everything, the keys last. Once this returns `Ok`, the home survives a power cut.
    pub(super) async fn write(
        self,
        config: Config,
        keys: KeyFile,
        passphrase: Option<Text>,
    ) -> Result<(), Failure> {
        let (home, _lock) = self.prepare(config).await?;
        let wrap = move || keys::write(&home, &keys, passphrase.as_deref(), &OsEntropy);
        Ok(blocking(wrap).await?)
    }
}
