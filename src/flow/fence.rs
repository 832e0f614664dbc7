//! The lease of a drive: claimed, renewed, confirmed, given back, in this device's chain of heads.
//!
//! Invariants: a claim is noted here before it is published, and every later head carries it; its
//! epoch is above all that were seen; it counts only after the heads of all devices were read from
//! a majority that has it ([`rules`]). How it fails: with too few peers nothing is decided
//! ([`Claimed::Unsure`]); what was published then is confirmed or overruled later.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::{PeerId, Record};
use p2p::head::SignedHead;
use p2p::{Grid, PeerState, Reply, Request};
use serde_bytes::ByteBuf;

use super::asking::{ask_all, online};
use super::publish::{self, current_head};
use super::recover::{genuine, seen_keys};
use super::targets::Targets;
use super::{Ctx, FlowError};
use crate::vault::claim::{CLAIMS_LIMIT, Claim, Claims, ELECTORS};

pub mod rules;

use rules::Given;
pub use rules::{Standing, Survey, Top, Verdict};

/// Local value: this device's claims.
pub(crate) const CLAIMS: &str = "drive.claims";
/// How often a claim is made again when another one came in between.
const TRIES: usize = 3;
/// How much longer others may take to answer than those who decide.
const LINGER: Duration = Duration::from_secs(1);

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The drive is this device's to write.
    Yes {
        /// With which epoch.
        epoch: u64,
        /// Who had it before, if that was another device.
        from: Option<PeerId>,
    },
    /// Another device has it.
    Held {
        /// Which.
        by: PeerId,
        /// With which epoch.
        epoch: u64,
        /// Whether it may be taken over.
        ran_out: bool,
    },
    /// Too few peers answered.
    Unsure(Option<Top>),
}

/// When a writer is overruled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TakeOver {
    /// Only after it gave the drive back.
    #[default]
    Never,
    /// Also when a majority of those who decide has not heard of it for the length of the lease.
    AfterLease,
    /// Also when too few of those who decide are left, and all who answer have not.
    WithoutMajority,
}

/// How to claim.
#[derive(Debug, Clone, Copy)]
pub struct ClaimPlan<'a> {
    /// The drive.
    pub drive: &'a str,
    /// For how long nobody may have heard of a writer that is overruled.
    pub lease_secs: u64,
    /// When to overrule one.
    pub take_over: TakeOver,
    /// Other drives that this device has in use: its claims to all others end.
    pub in_use: &'a [String],
    /// An epoch that there was, whoever claimed it.
    pub floor: u64,
}

/// This device's claims.
pub(crate) fn claims<G: Grid>(ctx: &Ctx<G>) -> Result<Claims, FlowError> {
    match ctx.catalog.get(CLAIMS)? {
        Some(bytes) => Ok(Claims::decode(&bytes)?),
        None => Ok(Claims::default()),
    }
}

/// This device's claim to a drive.
pub fn claim_of<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<Option<Claim>, FlowError> {
    Ok(claims(ctx)?.get(drive).cloned())
}

async fn note<G: Grid>(ctx: &Ctx<G>, claims: &Claims) -> Result<(), FlowError> {
    let (catalog, noted) = (ctx.catalog.clone(), claims.encode());
    Ok(ctx.work(move || catalog.set(CLAIMS, &noted)).await??)
}

/// Asks every connected peer for the owner's heads, and when each device was heard of. Ends soon
/// after those have answered who decide about the drive and about `mine`.
async fn survey<G: Grid>(ctx: &Ctx<G>, drive: &str, mine: Option<&Claim>) -> Survey {
    let (mut survey, peers) = (Survey::default(), online(ctx));
    let asked = peers.len();
    let heard = |peer, reply| {
        if let Ok(Reply::Heads { heads, ages }) = reply {
            note_heads(ctx, &mut survey, peer, (&heads, ages));
        }
        survey.suffices(drive, mine, asked)
    };
    ask_all(ctx, peers, &Request::HeadGet, LINGER, heard).await;
    survey
}

/// Notes what one peer gave.
fn note_heads<G: Grid>(
    ctx: &Ctx<G>,
    survey: &mut Survey,
    peer: PeerId,
    (heads, ages): (&[ByteBuf], Vec<u32>),
) {
    survey.answered.insert(peer);
    let ages = ages.into_iter().map(u64::from).chain(std::iter::repeat(0));
    for (bytes, age_secs) in heads.iter().zip(ages) {
        let Some(head) = genuine(ctx, bytes) else { continue };
        let Ok(body) = ctx.vault.open_head(&head.sealed) else { continue };
        let heard = survey.devices.entry(head.device()).or_default();
        if head.seq >= heard.seq {
            heard.seq = head.seq;
            heard.claims = body.drives;
        }
        let given = heard.given.entry(peer).or_insert(Given { seq: 0, age_secs });
        given.seq = given.seq.max(head.seq);
        given.age_secs = given.age_secs.min(age_secs);
    }
}

/// Says this device's newest head to every connected peer again: the lease begins anew there.
pub async fn renew<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<(), FlowError> {
    let Some(head) = current_head(ctx)? else { return Ok(()) };
    let (request, mine) = (Request::HeadPut { head: head.encode() }, claim_of(ctx, drive)?);
    let mut have = BTreeSet::new();
    let heard = |peer, reply| {
        if matches!(reply, Ok(Reply::HeadStored { .. })) {
            have.insert(peer);
        }
        mine.as_ref().is_some_and(|mine| rules::decide(mine, |peer| have.contains(peer)))
    };
    // Who did not hear it is found out by whoever asks.
    ask_all(ctx, online(ctx), &request, LINGER, heard).await;
    Ok(())
}

/// Claims a drive. Publishes a head; the caller lets nothing else publish meanwhile.
pub async fn claim<G: Grid>(ctx: &Ctx<G>, plan: &ClaimPlan<'_>) -> Result<Claimed, FlowError> {
    for _ in 0..TRIES {
        let before = survey(ctx, plan.drive, None).await;
        let standing = before.standing(plan.drive, plan.lease_secs);
        let me = ctx.device.peer();
        let mut is_bound = true;
        let top = match standing {
            Standing::Unclaimed => None,
            Standing::Free(top) => Some(top),
            Standing::Unsure(top) if plan.take_over == TakeOver::WithoutMajority => {
                if let Some(Top { device, claim }) = top.as_ref().filter(|top| top.device != me)
                    && !before.is_unheard(device, plan.lease_secs)
                {
                    let (by, epoch) = (*device, claim.epoch);
                    return Ok(Claimed::Held { by, epoch, ran_out: false });
                }
                is_bound = false;
                top
            }
            Standing::Unsure(top) => return Ok(Claimed::Unsure(top)),
            Standing::Held { top, .. } if top.device == me => Some(top),
            Standing::Held { top, ran_out } => {
                if !ran_out || plan.take_over == TakeOver::Never {
                    let (by, epoch) = (top.device, top.claim.epoch);
                    return Ok(Claimed::Held { by, epoch, ran_out });
                }
                Some(top)
            }
        };
        if let Some(claimed) = claim_above(ctx, plan, (top, is_bound), &before).await? {
            return Ok(claimed);
        }
    }
    Ok(Claimed::Unsure(None))
}

/// Claims the epoch above this one, by those who decided about it if they still count; nothing when
/// somebody else did the same meanwhile.
async fn claim_above<G: Grid>(
    ctx: &Ctx<G>,
    plan: &ClaimPlan<'_>,
    (top, is_bound): (Option<Top>, bool),
    seen: &Survey,
) -> Result<Option<Claimed>, FlowError> {
    let (me, answer) = (ctx.device.peer(), &seen.answered);
    let mut claims = left(claims(ctx)?, plan, me, seen);
    if claims.get(plan.drive).is_none() && claims.all.len() >= CLAIMS_LIMIT {
        return Err(FlowError::TooManyDrives { limit: CLAIMS_LIMIT });
    }
    let above = top.as_ref().map_or(0, |top| top.claim.epoch);
    let own = claims.get(plan.drive).map_or(0, |mine| mine.epoch);
    let last = top.as_ref().filter(|_| is_bound).map(|top| &top.claim);
    let (electors, before) = rules::succeed(last, electors(ctx));
    if electors.is_empty() {
        return Ok(Some(Claimed::Unsure(top)));
    }
    let drive = plan.drive.to_owned();
    let epoch = above.max(own).max(plan.floor) + 1;
    let mine = Claim { drive, epoch, held: true, confirmed: false, before, electors };
    claims.put(mine.clone());
    note(ctx, &claims).await?;
    let published = say(ctx, answer).await;
    let after = survey(ctx, plan.drive, Some(&mine)).await;
    let seq = current_head(ctx)?.map_or(0, |head| head.seq);
    let verdict = match published {
        Ok(()) => after.verdict(me, &mine, seq),
        Err(error) if super::backup::is_shortage(&error) => Verdict::Unsure,
        Err(error) => return Err(error),
    };
    match verdict {
        Verdict::Confirmed => {
            claims.put(settled(&mine));
            note(ctx, &claims).await?;
            let from = top.map(|top| top.device).filter(|device| *device != me);
            Ok(Some(Claimed::Yes { epoch: mine.epoch, from }))
        }
        Verdict::Unsure => Ok(Some(Claimed::Unsure(top))),
        Verdict::Overruled { .. } => {
            match withdraw(ctx, plan.drive, answer).await {
                Err(error) if !super::backup::is_shortage(&error) => return Err(error),
                _ => {}
            }
            // Whoever else withdrew now tries again as well: not at the same moment.
            let byte = ctx.entropy.bytes32().first().copied().unwrap_or_default();
            tokio::time::sleep(std::time::Duration::from_millis(u64::from(byte) * 8)).await;
            Ok(None)
        }
    }
}

/// This device's claims without those to drives that it has not in use: they end, and need not be
/// remembered once another device's counts.
fn left(mut claims: Claims, plan: &ClaimPlan<'_>, me: PeerId, seen: &Survey) -> Claims {
    for other in &mut claims.all {
        other.held &= plan.in_use.contains(&other.drive);
    }
    claims.all.retain(|claim| {
        let counts = || seen.top(&claim.drive).is_none_or(|top| top.device == me);
        claim.held || claim.drive == plan.drive || counts()
    });
    claims
}

/// The peers that can decide: the connected ones of other owners, who are there when this owner's
/// devices are not.
fn candidates<G: Grid>(ctx: &Ctx<G>) -> Vec<PeerId> {
    let me = ctx.device.owner();
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let mut all: Vec<PeerId> =
        online.filter(|peer| peer.owner != me).map(|peer| peer.peer).collect();
    all.sort_unstable();
    all
}

/// Those that decide from now on.
fn electors<G: Grid>(ctx: &Ctx<G>) -> Vec<PeerId> {
    let mut all = candidates(ctx);
    all.truncate(ELECTORS);
    all
}

/// Publishes a head with the claims as they are noted, past peers that just now did not answer.
async fn say<G: Grid>(ctx: &Ctx<G>, answer: &BTreeSet<PeerId>) -> Result<(), FlowError> {
    let targets = Targets::now(ctx);
    for silent in targets.peers().into_iter().filter(|peer| !answer.contains(peer)) {
        targets.avoid(silent);
    }
    publish::amend(ctx, &targets, &BTreeMap::new()).await.map(drop)
}

/// Gives a drive back, so that another device can have it at once.
pub async fn give_back<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<(), FlowError> {
    let answer = survey(ctx, drive, None).await.answered;
    withdraw(ctx, drive, &answer).await
}

/// Takes this device's claim back, and says so to those who answer.
async fn withdraw<G: Grid>(
    ctx: &Ctx<G>,
    drive: &str,
    answer: &BTreeSet<PeerId>,
) -> Result<(), FlowError> {
    let mut claims = claims(ctx)?;
    let Some(mine) = claims.get(drive).filter(|mine| mine.held).cloned() else { return Ok(()) };
    claims.put(Claim { held: false, confirmed: false, ..mine });
    note(ctx, &claims).await?;
    say(ctx, answer).await
}

/// Whether what this device published for a drive came before any later claim. Unsure when it has
/// no claim.
pub async fn confirm<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<Verdict, FlowError> {
    let mine = claim_of(ctx, drive)?.filter(|mine| mine.held);
    let Some((mine, seq)) = mine.zip(said(ctx, drive)?) else { return Ok(Verdict::Unsure) };
    let survey = survey(ctx, drive, Some(&mine)).await;
    Ok(survey.verdict(ctx.device.peer(), &mine, seq))
}

/// The number of this device's newest head, if that names its claim.
fn said<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<Option<u64>, FlowError> {
    let (mine, head) = (claim_of(ctx, drive)?, current_head(ctx)?);
    let Some((mine, head)) = mine.zip(head) else { return Ok(None) };
    let named = ctx.vault.open_head(&head.sealed)?.drives;
    let same = |claim: &Claim| {
        (&claim.drive, claim.epoch, claim.held) == (&mine.drive, mine.epoch, mine.held)
    };
    Ok(named.iter().any(same).then_some(head.seq))
}

/// Whether this device's newest head says what is noted of a drive.
pub fn is_said<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<bool, FlowError> {
    Ok(said(ctx, drive)?.is_some())
}

/// Publishes a claim that could not be published when it was made. The caller lets nothing else
/// publish meanwhile.
pub async fn repeat<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<(), FlowError> {
    if said(ctx, drive)?.is_some() {
        return Ok(());
    }
    match say(ctx, &online(ctx).into_iter().collect()).await {
        Err(error) if !super::backup::is_shortage(&error) => Err(error),
        _ => Ok(()),
    }
}

/// A claim that all who decide have confirmed: those who decided before do so no more.
fn settled(mine: &Claim) -> Claim {
    Claim { confirmed: true, before: Vec::new(), ..mine.clone() }
}

/// Forgets a claim that this device gave back. Its epoch is known from the drive's commits.
pub async fn drop_claim<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<(), FlowError> {
    let mut claims = claims(ctx)?;
    claims.all.retain(|claim| claim.held || claim.drive != drive);
    note(ctx, &claims).await
}

/// The epoch that counts, if everything that this catalog has of its writer came before any later
/// claim: whoever claims the drive next reads it as well, and builds on it.
pub async fn confirmed_epoch<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<Option<u64>, FlowError> {
    let survey = survey(ctx, drive, None).await;
    let Some(top) = survey.top(drive) else { return Ok(None) };
    let (_, head) = seen_keys(ctx, top.device);
    let Some(bytes) = ctx.catalog.get(&head)? else { return Ok(None) };
    let seq = SignedHead::decode(&bytes)?.seq;
    let verdict = survey.verdict(top.device, &top.claim, seq);
    Ok((verdict == Verdict::Confirmed).then_some(top.claim.epoch))
}

/// After a claim was confirmed: notes it, and when too many of those who decide are gone there are
/// new ones. It is in the next head; until then readers ask all, which is only stricter. The caller
/// lets nothing else publish meanwhile.
pub async fn move_on<G: Grid>(ctx: &Ctx<G>, drive: &str) -> Result<(), FlowError> {
    let mut claims = claims(ctx)?;
    let Some(mine) = claims.get(drive).filter(|mine| mine.held).cloned() else { return Ok(()) };
    if !(mine.confirmed && mine.before.is_empty()) {
        claims.put(settled(&mine));
        return note(ctx, &claims).await;
    }
    let Some(electors) = rules::reseat(&mine, &candidates(ctx)) else { return Ok(()) };
    tracing::info!(drive, electors = electors.len(), "others decide who writes the drive");
    let answer = electors.iter().chain(&mine.electors).copied().collect();
    claims.put(Claim { before: mine.electors.clone(), electors, ..mine });
    note(ctx, &claims).await?;
    say(ctx, &answer).await
}
