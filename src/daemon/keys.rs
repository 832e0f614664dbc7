//! The key file of a home: read with bounds, written whole, durable and private.

use std::io::{self, Read};

use chunker::PeerId;
use ed25519_dalek::SigningKey;
use p2p::Identity;
use store::Home;
use zeroize::Zeroizing;

use super::engine::EngineError;
use crate::entropy::{self, Entropy};
use crate::flow::Device;
use crate::vault::keystore::{self, Cost, KeyFile};

/// Most bytes read: the key file's own limit is below.
const LIMIT: u64 = 128 * 1024;

/// Whether this home has keys already.
pub(crate) fn exist(home: &Home) -> bool {
    // A link or a file that cannot be read is not ours to overwrite either.
    std::fs::symlink_metadata(home.keys()).is_ok()
}

/// Opens the key file. Blocks for about a second when it is wrapped.
pub(crate) fn read(home: &Home, passphrase: Option<&str>) -> Result<KeyFile, EngineError> {
    Ok(KeyFile::open(&read_bytes(home)?, passphrase)?)
}

/// Whether opening the key file takes a passphrase.
pub(crate) fn are_wrapped(home: &Home) -> Result<bool, EngineError> {
    Ok(keystore::needs_passphrase(&read_bytes(home)?)?)
}

fn read_bytes(home: &Home) -> Result<Zeroizing<Vec<u8>>, EngineError> {
    let path = home.keys();
    let mut bytes = Zeroizing::new(Vec::new());
    let read = std::fs::File::open(&path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(EngineError::NoKeys { path: home.root().to_owned() })
        }
        Err(source) => Err(EngineError::Io { path, source }),
    }
}

/// Writes the key file; when this returns `Ok`, it survives a power cut. Blocks as [`read`] does.
pub(crate) fn write(
    home: &Home,
    keys: &KeyFile,
    passphrase: Option<&str>,
    entropy: &dyn Entropy,
) -> Result<(), EngineError> {
    let (salt, nonce) = (entropy::bytes(entropy), entropy::bytes(entropy));
    let bytes = keys.seal(passphrase, Cost::default(), salt, nonce)?;
    let path = home.keys();
    store::write_file_durable(&path, &bytes).map_err(|source| EngineError::Io { path, source })
}

/// The device's key.
pub(crate) fn device_key(keys: &KeyFile) -> SigningKey {
    SigningKey::from_bytes(&keys.device_secret)
}

/// The name on the network of the device with this key.
pub(crate) fn peer_of(key: &SigningKey) -> PeerId {
    PeerId::from_bytes(key.verifying_key().to_bytes())
}

/// What others are shown.
pub(crate) fn identity(keys: &KeyFile) -> Identity {
    Identity {
        charter: keys.charter.clone(),
        owner: keys.owner_cert.clone(),
        device: keys.device_cert.clone(),
    }
}

/// What signs heads.
pub(crate) fn device(keys: &KeyFile) -> Device {
    Device { key: device_key(keys), cert: keys.device_cert.clone() }
}
