//! Who writes a drive: pure rules over what peers said.
//!
//! Each device writes only its own chain of heads, and holders keep the newest of each. So the
//! claims in them are registers with one writer each, on several disks. Whoever wants the drive
//! (1) writes its claim, one epoch above all it saw, to a majority of the electors, and then
//! (2) reads the heads of all devices from a majority. It has the drive only if nobody else claims
//! the same epoch or a higher one. Two majorities meet: of two that claim at once, at least one
//! reads the other's claim. Every commit does the same: publish, then read. One whose reader saw
//! no higher epoch was there before any later claim was, so that whoever makes that claim reads
//! the commit and builds on it. No clock is in this.
//!
//! Time only says when somebody may be overruled: when a majority of the electors has heard
//! nothing of the writer for the length of the lease, each by its own clock. The writer renews by
//! saying its newest head again.

use std::collections::{BTreeMap, BTreeSet};

use chunker::PeerId;

use crate::vault::claim::{Claim, ELECTORS};

/// What one peer gave of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// The number of the newest head it keeps.
    pub seq: u64,
    /// For how long the device has not said a head to it.
    pub age_secs: u64,
}

/// What the peers gave of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// The newest head's number.
    pub seq: u64,
    /// The claims in it.
    pub claims: Vec<Claim>,
    /// Who gave what.
    pub given: BTreeMap<PeerId, Given>,
}

/// What all peers gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Who answered.
    pub answered: BTreeSet<PeerId>,
    /// The owner's devices.
    pub devices: BTreeMap<PeerId, Heard>,
}

/// How a drive stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody ever claimed it, as far as anybody said.
    Unclaimed,
    /// The last one gave it back.
    Free(Top),
    /// Somebody has it.
    Held {
        /// Who, and how.
        top: Top,
        /// Whether a majority has not heard of it for the length of the lease.
        ran_out: bool,
    },
    /// Too few answered to say.
    Unsure(Option<Top>),
}

/// The claim that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// Whose it is.
    pub device: PeerId,
    /// The claim.
    pub claim: Claim,
}

/// What a writer learns of its own claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// What it published up to now came before any later claim.
    Confirmed,
    /// Somebody else has claimed it.
    Overruled {
        /// Who.
        by: PeerId,
        /// With which epoch.
        epoch: u64,
    },
    /// Too few answered, or have its head.
    Unsure,
}

/// Whether more than half of these are among those.
fn most(of: &[PeerId], are: impl Fn(&PeerId) -> bool) -> bool {
    of.iter().filter(|peer| are(peer)).count() * 2 > of.len()
}

/// Whether these peers decide for a claim: a majority of its electors, and of those before them.
pub fn decide(claim: &Claim, are: impl Fn(&PeerId) -> bool) -> bool {
    most(&claim.electors, &are) && (claim.before.is_empty() || most(&claim.before, &are))
}

/// Who decides after a claim and who did before, when these could. While a change is not known to
/// be seen by a majority of both there is no other: one who knows only the oldest set must still
/// meet whoever decides now.
pub fn succeed(last: Option<&Claim>, could: Vec<PeerId>) -> (Vec<PeerId>, Vec<PeerId>) {
    match last {
        None => (could, Vec::new()),
        Some(last) if !last.before.is_empty() || last.electors == could || could.is_empty() => {
            (last.electors.clone(), last.before.clone())
        }
        Some(last) => (could, last.electors.clone()),
    }
}

/// Who should decide from now on, of those who could, if it is time for a change: when there could
/// be more of them, or at least a third of those who do is not here, and others are.
pub fn reseat(mine: &Claim, could: &[PeerId]) -> Option<Vec<PeerId>> {
    if !mine.before.is_empty() {
        return None;
    }
    let (here, away): (Vec<PeerId>, Vec<PeerId>) =
        mine.electors.iter().partition(|peer| could.contains(peer));
    let others = could.iter().filter(|peer| !here.contains(peer)).copied();
    // Who decides already stays: no more changes than it takes.
    let next: Vec<PeerId> = here.iter().copied().chain(others).take(ELECTORS).collect();
    let more = next.len() > mine.electors.len();
    let fresh = next.len() > here.len() && away.len() * 3 >= mine.electors.len();
    (more || fresh).then_some(next)
}

impl Survey {
    /// All claims to a drive.
    fn claims<'a>(&'a self, drive: &'a str) -> impl Iterator<Item = (PeerId, &'a Claim)> + 'a {
        self.devices.iter().flat_map(move |(device, heard)| {
            let named = heard.claims.iter().filter(move |claim| claim.drive == drive);
            named.map(|claim| (*device, claim))
        })
    }

    /// The claim that counts, of those that were seen: the highest epoch; of several with the same
    /// the one that is held, and rather one that was confirmed.
    pub fn top(&self, drive: &str) -> Option<Top> {
        let rank = |(device, claim): &(PeerId, &Claim)| {
            (claim.epoch, claim.held, claim.confirmed, *device)
        };
        let top = self.claims(drive).max_by_key(rank);
        top.map(|(device, claim)| Top { device, claim: claim.clone() })
    }

    /// Whether enough answered to say how a drive stands: whoever else does not answer decides
    /// nothing. Of one that nobody claimed, more than half of those asked.
    pub fn suffices(&self, drive: &str, mine: Option<&Claim>, asked: usize) -> bool {
        let answered = |peer: &PeerId| self.answered.contains(peer);
        let top = self.top(drive);
        let by_all = top.is_some() || self.answered.len() * 2 > asked;
        let claims = top.as_ref().map(|top| &top.claim).into_iter().chain(mine);
        by_all && claims.into_iter().all(|claim| decide(claim, answered))
    }

    /// How a drive stands.
    pub fn standing(&self, drive: &str, lease_secs: u64) -> Standing {
        let Some(top) = self.top(drive) else { return Standing::Unclaimed };
        if !decide(&top.claim, |peer| self.answered.contains(peer)) {
            return Standing::Unsure(Some(top));
        }
        if !top.claim.held {
            return Standing::Free(top);
        }
        let ran_out = decide(&top.claim, |peer| self.is_silent(&top.device, peer, lease_secs));
        Standing::Held { top, ran_out }
    }

    /// Whether somebody answered, and nobody has heard of `device` for so long.
    pub fn is_unheard(&self, device: &PeerId, lease_secs: u64) -> bool {
        let silent = |peer: &PeerId| self.is_silent(device, peer, lease_secs);
        !self.answered.is_empty() && self.answered.iter().all(silent)
    }

    /// Whether `peer` answered and has not heard of `device` for so long.
    fn is_silent(&self, device: &PeerId, peer: &PeerId, lease_secs: u64) -> bool {
        let given = self.devices.get(device).and_then(|heard| heard.given.get(peer));
        self.answered.contains(peer) && given.is_none_or(|given| given.age_secs >= lease_secs)
    }

    /// Whoever else stands in the way of a claim of `me`: a higher epoch, given back or not; or
    /// the same one, held.
    pub fn rival(&self, me: PeerId, mine: &Claim) -> Option<(PeerId, u64)> {
        let others = self.claims(&mine.drive).filter(|(device, _)| *device != me);
        let above =
            |claim: &Claim| claim.epoch > mine.epoch || (claim.epoch == mine.epoch && claim.held);
        let rivals = others.filter(|(_, claim)| above(claim));
        rivals.map(|(device, claim)| (device, claim.epoch)).max_by_key(|(_, epoch)| *epoch)
    }

    /// What `me`, whose newest head has this number, learns of its claim. Another claim of the same
    /// epoch counts until this one was confirmed: later, it came second and will be withdrawn.
    pub fn verdict(&self, me: PeerId, mine: &Claim, seq: u64) -> Verdict {
        let counts = |epoch: u64| !mine.confirmed || epoch > mine.epoch;
        let rival = self.rival(me, mine).filter(|(_, epoch)| counts(*epoch));
        if let Some((by, epoch)) = rival {
            return Verdict::Overruled { by, epoch };
        }
        let has = |peer: &PeerId| {
            let given = self.devices.get(&me).and_then(|heard| heard.given.get(peer));
            given.is_some_and(|given| given.seq >= seq)
        };
        if decide(mine, has) { Verdict::Confirmed } else { Verdict::Unsure }
    }
}

#[cfg(test)]
mod tests;
