//! The signed word about what is kept for an owner: the figure that both sides see.

use chunker::OwnerId;
use ed25519_dalek::SigningKey;
use p2p::cert::DeviceCert;
use p2p::usage::{Kept, UsageStatement};
use p2p::{Refusal, Reply};
use store::Usage;

use super::{Host, Pass};

/// What signs for this device.
pub(super) struct Signer {
    key: SigningKey,
    cert: DeviceCert,
}

impl Host {
    /// Lets owners have what is kept for them said under this device's signature.
    #[must_use]
    pub fn signing(self, key: SigningKey, cert: DeviceCert) -> Self {
        self.inner.signer.get_or_init(|| Signer { key, cert });
        self
    }

    /// Both figures are kept exact with every put and release: nothing is counted for this.
    pub(super) async fn usage(
        &self,
        owner: OwnerId,
        nonce: u64,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let now = self.inner.clock.now_secs();
        let count = move |shelf: &store::Shelf| {
            Ok((kept(shelf.usage_of(owner)?), kept(shelf.quarantined_of(owner)?)))
        };
        let kept = self.work(pass, count).await?;
        let Signer { key, cert } = self.inner.signer.get().ok_or(Refusal::Unsupported)?;
        let said = UsageStatement::sign(key, cert.clone(), (owner, nonce), now, kept);
        Ok(Reply::Usage(Box::new(said)))
    }
}

const fn kept(usage: Usage) -> Kept {
    Kept { shards: usage.shards, bytes: usage.bytes }
}
