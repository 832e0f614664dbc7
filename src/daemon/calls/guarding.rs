//! `guardians`: appoint, dismiss, list.

use std::collections::BTreeMap;

use chunker::OwnerId;
use futures::FutureExt;
use p2p::{Grid, PeerId};
use store::WardsError;

use super::{Run, WAIT_PEERS, caring};
use crate::api::{Failure, GuardianView, GuardiansArgs, GuardiansView, WardView, codes};
use crate::daemon::views::time_secs;
use crate::flow::{FlowError, guard};
use crate::ward::{Charge, Kept, Watch};

/// What is known of one owner cared for here.
type Cared = (OwnerId, Option<Charge>, Watch);

impl Run {
    pub(super) async fn guardians(&self, args: GuardiansArgs) -> Result<GuardiansView, Failure> {
        let mut told = None;
        match args {
            GuardiansArgs::List => {}
            GuardiansArgs::Add(name) => {
                let _writing = self.write().await?;
                self.settle(WAIT_PEERS).await?;
                let peer = self.other_member(&name)?;
                if guard::guardians(&self.ctx)?.all.contains_key(&peer) {
                    guard::collect(&self.ctx, peer).boxed().await?;
                }
                guard::entrust(&self.ctx, peer).boxed().await?;
            }
            GuardiansArgs::Remove(name) => {
                let _writing = self.write().await?;
                self.settle(WAIT_PEERS).await?;
                let peer = caring::named(&self.ctx.grid.peers(), &name)?;
                let (confirmed, asked) = guard::dismiss(&self.ctx, peer).boxed().await?;
                told = Some((confirmed as u64, asked as u64));
            }
        }
        let names: BTreeMap<PeerId, String> =
            self.ctx.grid.peers().into_iter().map(|info| (info.peer, info.name)).collect();
        let guardians = guard::guardians(&self.ctx)?.all.into_iter();
        let guardian = |(peer, entry): (PeerId, guard::Guardian)| GuardianView {
            peer_id: peer.to_string(),
            name: names.get(&peer).cloned(),
            since: time_secs(entry.since_secs),
            entrusted: time_secs(entry.entrusted_secs),
            packs: entry.packs,
        };
        Ok(GuardiansView {
            schema: "gbak.guardians/1".to_owned(),
            guardians: guardians.map(guardian).collect(),
            wards: self.wards().await?.iter().map(ward).collect(),
            told,
        })
    }

    /// A machine of somebody else: what an owner's own device knows, its loss takes as well.
    fn other_member(&self, name: &str) -> Result<PeerId, Failure> {
        let peers = self.ctx.grid.peers();
        let peer = caring::named(&peers, name)?;
        let ours =
            |info: &p2p::PeerInfo| info.peer == peer && info.owner == self.ctx.device.owner();
        if peers.iter().any(ours) {
            let message = format!("{name} is yours: a guardian is another member's machine");
            return Err(codes::USAGE.failure(message));
        }
        Ok(peer)
    }

    async fn wards(&self) -> Result<Vec<Cared>, Failure> {
        let wards = self.engine.wards.clone();
        let load = move || {
            let mut all = Vec::new();
            for owner in wards.owners()? {
                let kept = Kept::new(&wards, owner);
                all.push((owner, kept.charge()?, kept.watch()?));
            }
            Ok::<_, WardsError>(all)
        };
        Ok(self.ctx.work(load).await?.map_err(FlowError::from)?)
    }
}

fn ward((owner, charge, watch): &Cared) -> WardView {
    let time = |secs: u64| (secs > 0).then(|| time_secs(secs));
    WardView {
        owner_id: owner.to_string(),
        expires: charge.as_ref().map(|charge| time_secs(charge.mandate.expires_secs)),
        owner_seen: time(watch.owner_seen_secs),
        last_round: time(watch.round_secs),
        shards_moved: watch.moves.len() as u64,
    }
}
