//! Making a home: a new grid's, a member's by invitation, or from the words and what the grid
//! holds.
//!
//! Invariants: a home that has keys is never touched; the key file is written last and durably, so
//! that a home either is complete or has no keys and can be made again; the words and the owner key
//! live only while these functions run, and are wiped when they return.
//!
//! What a peer says on the way in is believed only as far as signatures carry: the charter by the
//! invitation's grid id, or, for a device made from the words, by the owner certificate it was
//! given under that charter.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chunker::PeerId;
use ed25519_dalek::SigningKey;
use p2p::cert::{Charter, DeviceCert, OwnerCert};
use p2p::swarm::knock;
use p2p::wire::{Hello, Join};
use p2p::{Clock, GridError, Invite, Offer, Refusal, Reply, Request};
use zeroize::Zeroizing;

use super::engine::{Engine, Opening, blocking};
use super::failure::failure;
use super::{keys, views};
use crate::api::setup::{InitArgs, InitView, Lend, Reach, RecoverArgs, Secret as Text};
use crate::api::{Failure, RecoverView, codes};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::entropy::{Entropy, OsEntropy};
use crate::flow::{recover, rewind};
use crate::monitor::Monitor;
use crate::vault::keys::{RootSecret, Secret};
use crate::vault::keystore::KeyFile;
use crate::vault::phrase::Phrase;

mod home;
mod rejoin;

use home::NewHome;
pub use rejoin::join;

/// How long a stranger waits at the door.
const KNOCK: Duration = Duration::from_secs(30);
/// How long a recovering device waits for the grid's other members, once one let it in.
const SETTLE: Duration = Duration::from_secs(20);

/// Makes a home: founds a grid, or joins one by invitation.
pub async fn init(root: &Path, args: InitArgs) -> Result<InitView, Failure> {
    let new = NewHome::claim(root).await?;
    let phrase = match &args.phrase {
        Some(words) => words.parse::<Phrase>()?,
        None => Phrase::generate(OsEntropy.bytes32()),
    };
    let root = phrase.root();
    let device = Device::new(&root, &args.name);
    let member = match &args.join {
        Some(text) => {
            let invite: Invite = text.parse()?;
            let joined = redeem(&invite, &device, &args.name, args.reach.mdns).await?;
            Member { bootstrap: invite.addresses, ..joined }
        }
        None => found(&root, &device, &args),
    };
    let mut bootstrap = args.reach.bootstrap.clone();
    bootstrap.extend(member.bootstrap.iter().cloned());
    let config = config(&args.name, args.lend, &args.reach, args.site.clone(), bootstrap);
    let keys = device.keys(&root, member);
    let mut view = view(&keys, &config);
    new.write(config, keys, args.passphrase.clone()).await?;
    let words = Zeroizing::new(phrase.words().collect::<Vec<_>>().join(" "));
    view.words = Some(Text::new(words.to_string()));
    Ok(view)
}

/// Makes a home from the words and what the grid holds. The keys are written only after the grid
/// has let the new device in and told what it knows.
pub async fn recover(
    root: &Path,
    args: RecoverArgs,
    monitor: Arc<dyn Monitor>,
) -> Result<RecoverView, Failure> {
    let new = NewHome::claim(root).await?;
    let phrase = args.phrase.parse::<Phrase>()?;
    let root = phrase.root();
    drop(phrase);
    let device = Device::new(&root, &args.name);
    let member = readmit(&device, &args).await?;
    let bootstrap = args.reach.bootstrap.clone();
    let config = config(&args.name, args.lend, &args.reach, args.site.clone(), bootstrap);
    let keys = device.keys(&root, member);
    drop(root);
    let (home, lock) = new.prepare(config).await?;
    let opening = Opening { any_port: true, ..Opening::default() };
    let engine = Engine::start(home.clone(), lock, keys.clone(), &opening).await?;
    let result = rebuild(&engine, monitor, args.as_of_secs).await;
    let written = match &result {
        Ok(_) => {
            let passphrase = args.passphrase.clone();
            blocking(move || keys::write(&home, &keys, passphrase.as_deref(), &OsEntropy)).await
        }
        Err(_) => Ok(()),
    };
    engine.stop().await;
    written?;
    result
}

async fn rebuild(
    engine: &Engine,
    monitor: Arc<dyn Monitor>,
    as_of_secs: Option<u64>,
) -> Result<RecoverView, Failure> {
    engine.swarm().settle(SETTLE).await;
    let ctx = engine.ctx().watched_by(monitor);
    let view = views::recover(recover::recover(&ctx).await?);
    let Some(at_secs) = as_of_secs else { return Ok(view) };
    Ok(views::rewound(view, at_secs, rewind::rewind(&ctx, at_secs).await?))
}

/// A device in the making.
struct Device {
    secret: Secret,
    cert: DeviceCert,
}

impl Device {
    fn new(root: &RootSecret, name: &str) -> Self {
        let secret = Secret::new(OsEntropy.bytes32());
        let peer = keys::peer_of(&SigningKey::from_bytes(&secret));
        let cert = DeviceCert::sign(&root.owner_key(), peer, name, SystemClock.now_secs());
        Self { secret, cert }
    }

    fn keys(self, root: &RootSecret, member: Member) -> KeyFile {
        // A founder's words are also the charter's key, on whichever device they are typed.
        let charter_key = root.charter_key();
        let founder = charter_key.verifying_key().to_bytes() == member.charter.key;
        KeyFile {
            device_secret: self.secret,
            device_cert: self.cert,
            vault_secret: root.vault_secret(),
            charter: member.charter,
            owner_cert: member.owner,
            charter_secret: founder.then(|| Secret::new(charter_key.to_bytes())),
        }
    }
}

/// A place in a grid.
struct Member {
    charter: Charter,
    owner: OwnerCert,
    bootstrap: Vec<String>,
}

fn found(root: &RootSecret, device: &Device, args: &InitArgs) -> Member {
    let now = SystemClock.now_secs();
    let (key, name) = (root.charter_key(), args.grid.as_ref().unwrap_or(&args.name));
    let charter = Charter::found(name, &key, now);
    let owner = OwnerCert::sign(&key, charter.id(), device.cert.owner, &args.name, now);
    Member { charter, owner, bootstrap: Vec::new() }
}

/// Spends an invitation.
async fn redeem(
    invite: &Invite,
    device: &Device,
    name: &str,
    mdns: bool,
) -> Result<Member, Failure> {
    let join = Join { token: invite.token, device: device.cert.clone(), name: name.to_owned() };
    let request = Request::Join(Box::new(join));
    let answer = knock(*device.secret, &invite.addresses, mdns, request, KNOCK).await;
    let expired = SystemClock.now_secs() >= invite.expires_secs;
    let (_, reply) = match answer {
        Err(GridError::NotAdmitted { reason, .. }) => return Err(reason.into()),
        Err(_) if expired => return Err(Refusal::InviteExpired.into()),
        Err(_) => {
            let who = "The device that made the invitation cannot be reached";
            return Err(nobody(who, &invite.addresses));
        }
        Ok(answer) => answer,
    };
    let (charter, owner) = match reply {
        Reply::Joined { charter, owner } => (*charter, *owner),
        Reply::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(not_trusted("gave an answer that makes no sense")),
    };
    if charter.id() != invite.grid {
        return Err(not_trusted("showed the charter of another grid than the invitation's"));
    }
    if owner.owner != device.cert.owner || owner.verify(&charter).is_err() {
        return Err(not_trusted("gave a certificate that is not genuine"));
    }
    Ok(Member { charter, owner, bootstrap: Vec::new() })
}

/// Asks the grid to take a new device of a known owner in.
async fn readmit(device: &Device, args: &RecoverArgs) -> Result<Member, Failure> {
    let hello = Hello {
        charter: None,
        owner: None,
        device: device.cert.clone(),
        addresses: Vec::new(),
        offer: Offer::default(),
        site: args.site.clone(),
    };
    let (addresses, mdns) = (&args.reach.bootstrap, args.reach.mdns);
    let request = Request::Hello(Box::new(hello));
    let (peer, reply) = match knock(*device.secret, addresses, mdns, request, KNOCK).await {
        Err(GridError::NotAdmitted { reason, .. }) => return Err(unknown_words(reason)),
        Err(_) => return Err(nobody("No member of the grid can be reached", addresses)),
        Ok(answer) => answer,
    };
    let (theirs, owner) = match reply {
        Reply::Welcome { hello, your_owner } => (*hello, *your_owner),
        Reply::Refused(refusal) => return Err(unknown_words(refusal)),
        _ => return Err(not_trusted("gave an answer that makes no sense")),
    };
    let Some(charter) = theirs.charter.clone() else {
        return Err(not_trusted("showed no charter"));
    };
    let genuine = owner.verify(&charter).is_ok()
        && owner.owner == device.cert.owner
        && is_member(peer, &theirs, &charter);
    if !genuine {
        return Err(not_trusted("showed certificates that are not genuine"));
    }
    Ok(Member { charter, owner, bootstrap: Vec::new() })
}

/// Whether the one who let us in is itself a member under the charter it showed.
fn is_member(peer: PeerId, hello: &Hello, charter: &Charter) -> bool {
    let Some(owner) = &hello.owner else { return false };
    hello.device.peer == peer
        && hello.device.verify().is_ok()
        && owner.owner == hello.device.owner
        && owner.verify(charter).is_ok()
}

fn unknown_words(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::UnknownOwner => failure(
            codes::PHRASE_WRONG,
            "Nobody there knows the owner of these words: they are of another grid, or wrong",
            &[],
        ),
        other => other.into(),
    }
}

fn not_trusted(what: &str) -> Failure {
    codes::NOT_TRUSTED.failure(format!("The peer {what}"))
}

fn nobody(who: &str, addresses: &[String]) -> Failure {
    let tried = match addresses {
        [] => "no address was given, and none was found on the local network".to_owned(),
        some => format!("tried {}", some.join(", ")),
    };
    failure(codes::NO_PEERS, format!("{who}: {tried}"), &["gbak daemon   (on their machine)"])
}

fn config(
    name: &str,
    lend: Lend,
    reach: &Reach,
    site: Option<String>,
    bootstrap: Vec<String>,
) -> Config {
    let mut config = Config::default();
    name.clone_into(&mut config.node.name);
    if !reach.listen.is_empty() {
        config.node.listen.clone_from(&reach.listen);
    }
    config.node.mdns = reach.mdns;
    config.node.site = site;
    config.node.bootstrap = bootstrap;
    config.donate.apply(lend);
    config
}

fn view(keys: &KeyFile, config: &Config) -> InitView {
    InitView {
        schema: "gbak.init/1".to_owned(),
        name: config.node.name.clone(),
        peer_id: keys.device_cert.peer.to_string(),
        owner_id: keys.owner_cert.owner.to_string(),
        grid_id: keys.charter.id().to_string(),
        created: views::time_secs(keys.device_cert.since_secs),
        bootstrap: config.node.bootstrap.clone(),
        words: None,
    }
}
