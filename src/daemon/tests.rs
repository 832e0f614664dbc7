//! Promises of the whole: homes are made, found, kept apart, and served by an agent.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::control::Ready;
use super::engine::{self, Engine, EngineError, Opening};
use super::{duties, keys, setup};
use crate::api::setup::{InitArgs, InitView, Lend, Reach, Secret};
use crate::api::{Answer, Call, Failure, InviteArgs, Line, codes};
use crate::monitor::NoMonitor;

mod grid;
mod lending;
mod limiting;
mod pausing;

const NO_WAIT: Duration = Duration::ZERO;

pub(super) fn args(name: &str) -> InitArgs {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
    InitArgs {
        name: name.to_owned(),
        lend: Lend {
            donate: Some(crate::api::setup::Amount::Bytes(1 << 30)),
            min_free: Some(crate::api::setup::Amount::Bytes(0)),
            safe_area: Some(0),
        },
        reach: Reach { listen, bootstrap: Vec::new(), mdns: false },
        ..InitArgs::default()
    }
}

async fn founded(dir: &TempDir) -> (PathBuf, InitView) {
    let root = dir.path().join("home");
    let view = setup::init(&root, args("ada")).await.unwrap();
    (root, view)
}

async fn start(root: &Path, passphrase: Option<&str>) -> Result<Arc<Engine>, EngineError> {
    let (home, lock) = engine::enter(root.to_owned(), NO_WAIT).await?;
    let keys = keys::read(&home, passphrase)?;
    Ok(Arc::new(Engine::start(home, lock, keys, &Opening::default()).await?))
}

async fn call(engine: &Arc<Engine>, call: Call) -> Result<Answer, Failure> {
    engine.call(call, Arc::new(NoMonitor), CancellationToken::new()).await
}

/// An agent in this process.
pub(super) struct Agent {
    engine: Arc<Engine>,
    root: PathBuf,
    stop: CancellationToken,
    running: JoinHandle<Result<(), EngineError>>,
    ready: Ready,
}

impl Agent {
    pub(super) async fn start(root: &Path) -> Self {
        let engine = start(root, None).await.unwrap();
        let stop = CancellationToken::new();
        let (sender, receiver) = oneshot::channel();
        let (served, stopper) = (engine.clone(), stop.clone());
        let running = tokio::spawn(async move {
            duties::run(served, stopper, |ready| sender.send(ready.clone()).unwrap()).await
        });
        let ready = receiver.await.unwrap();
        Self { engine, root: root.to_owned(), stop, running, ready }
    }

    async fn call(&self, call: &Call) -> Result<Answer, Failure> {
        let client = Client::connect(&self.root.join("control.sock")).await.unwrap();
        let mut lines = client.call(call, "test").await.unwrap();
        loop {
            match lines.next().await.unwrap() {
                Line::Event(_) => {}
                Line::Done(answer) => return Ok(*answer),
                Line::Failed(failure) => return Err(failure),
            }
        }
    }

    async fn invite(&self) -> String {
        let call = Call::Invite(InviteArgs { expires_secs: 600 });
        let Answer::Invite(view) = self.call(&call).await.unwrap() else { panic!("invite") };
        view.invite
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        assert!(!self.root.join("control.sock").exists());
    }
}

#[tokio::test]
async fn a_founded_home_is_complete_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let (root, view) = founded(&dir).await;
    let words = view.words.unwrap();
    assert_eq!(words.split_whitespace().count(), 24);
    for file in ["keys", "config.toml"] {
        let mode = root.join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let keys = std::fs::read(root.join("keys")).unwrap();
    let first = words.split_whitespace().next().unwrap();
    assert!(!keys.windows(first.len()).any(|window| window == first.as_bytes()));
    let engine = start(&root, None).await.unwrap();
    assert_eq!(engine.me().to_string(), view.peer_id);
    assert!(engine.host().admits());
    engine.stop().await;
}

#[tokio::test]
async fn the_same_words_give_the_same_owner_and_another_device() {
    let dir = tempfile::tempdir().unwrap();
    let (_, first) = founded(&dir).await;
    let again = InitArgs { phrase: first.words.clone(), ..args("ada") };
    let second = setup::init(&dir.path().join("other"), again).await.unwrap();
    assert_eq!(first.owner_id, second.owner_id);
    assert_ne!(first.peer_id, second.peer_id);
}

#[tokio::test]
async fn a_home_that_exists_is_never_touched() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let before = std::fs::read(root.join("keys")).unwrap();
    let failure = setup::init(&root, args("eve")).await.unwrap_err();
    assert_eq!(failure.code, codes::HOME_EXISTS.name);
    // Not even while an engine runs on it.
    let engine = start(&root, None).await.unwrap();
    let failure = setup::init(&root, args("eve")).await.unwrap_err();
    assert_eq!(failure.code, codes::HOME_EXISTS.name);
    engine.stop().await;
    assert_eq!(std::fs::read(root.join("keys")).unwrap(), before);
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_leaves_no_keys() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("home");
    let bad = [
        InitArgs { phrase: Some(Secret::new("zoo zoo".to_owned())), ..args("ada") },
        InitArgs { join: Some("gbak1nonsense".to_owned()), ..args("ada") },
    ];
    for (args, exit) in bad.into_iter().zip([12, 24]) {
        let failure = setup::init(&root, args).await.unwrap_err();
        assert_eq!(failure.exit, exit, "{failure:?}");
        assert!(!root.join("keys").exists());
        let failure = Failure::from(start(&root, None).await.unwrap_err());
        assert_eq!(failure.code, codes::NO_HOME.name);
    }
    founded(&dir).await;
}

#[tokio::test]
async fn a_wrapped_home_opens_with_its_passphrase_only() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("home");
    let passphrase = Some(Secret::new("correct horse".to_owned()));
    setup::init(&root, InitArgs { passphrase, ..args("ada") }).await.unwrap();
    for (passphrase, code) in
        [(None, codes::PASSPHRASE_NEEDED), (Some("wrong"), codes::PASSPHRASE_WRONG)]
    {
        let failure = Failure::from(start(&root, passphrase).await.unwrap_err());
        assert_eq!((failure.code.as_str(), failure.exit), (code.name, 12));
    }
    start(&root, Some("correct horse")).await.unwrap().stop().await;
}

#[tokio::test]
async fn one_engine_at_a_time_uses_a_home() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let first = start(&root, None).await.unwrap();
    let failure = Failure::from(start(&root, None).await.unwrap_err());
    assert_eq!((failure.code.as_str(), failure.exit), (codes::BUSY.name, 11));
    let waiting = engine::enter(root.clone(), Duration::from_mins(1));
    let mut waiting = Box::pin(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    first.stop().await;
    drop(first);
    waiting.await.unwrap();
}

#[tokio::test]
async fn a_damaged_catalog_is_named_and_thrown_away_only_to_be_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    start(&root, None).await.unwrap().stop().await;
    std::fs::write(root.join("catalog.db"), vec![0x5a; 8192]).unwrap();
    let failure = Failure::from(start(&root, None).await.unwrap_err());
    assert_eq!(failure.code, codes::CATALOG.name);
    assert_eq!(failure.help, ["gbak recover --rebuild"]);
    let (home, lock) = engine::enter(root, NO_WAIT).await.unwrap();
    let opening = Opening { discard_damaged_catalog: true, ..Opening::default() };
    let keys = keys::read(&home, None).unwrap();
    Engine::start(home, lock, keys, &opening).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_command_needs_no_port_of_its_own_and_an_agent_does() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let listen = vec![format!("/ip4/127.0.0.1/tcp/{}", taken.local_addr().unwrap().port())];
    let open = async |any_port| {
        let opening = Opening { listen: listen.clone(), any_port, ..Opening::default() };
        let (home, lock) = engine::enter(root.clone(), NO_WAIT).await.unwrap();
        let keys = keys::read(&home, None).unwrap();
        Engine::start(home, lock, keys, &opening).await
    };
    let refused = Failure::from(open(false).await.unwrap_err());
    assert_eq!(refused.code, codes::LISTEN.name);
    open(true).await.unwrap().stop().await;
}

#[tokio::test]
async fn wrong_settings_are_named_with_their_line() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    std::fs::write(root.join("config.toml"), "[node]\nnom = \"x\"\n").unwrap();
    let failure = Failure::from(start(&root, None).await.unwrap_err());
    assert_eq!(failure.code, codes::SETTINGS.name);
    assert!(failure.message.contains("line 2"), "{}", failure.message);
}

#[tokio::test]
async fn an_engine_alone_in_its_grid_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (root, _) = founded(&dir).await;
    let engine = start(&root, None).await.unwrap();
    let Answer::Snapshots(view) = call(&engine, Call::Snapshots).await.unwrap() else {
        panic!("snapshots")
    };
    assert!(view.snapshots.is_empty());
    let Answer::Status(status) = call(&engine, Call::Status).await.unwrap() else {
        panic!("status")
    };
    assert_eq!((status.level.as_str(), status.agent), ("warning", false));
    assert!(status.donation.donated_bytes > 0);
    let Answer::Peers(peers) = call(&engine, Call::Peers).await.unwrap() else { panic!("peers") };
    assert_eq!((peers.me.name.as_str(), peers.totals.peers), ("ada", 1));
    let source = dir.path().join("source");
    std::fs::create_dir(&source).unwrap();
    let args = crate::api::BackupArgs {
        paths: vec![crate::api::PathBytes(source.as_os_str().as_encoded_bytes().to_vec())],
        wait_peers_secs: Some(0),
        ..crate::api::BackupArgs::default()
    };
    let failure = call(&engine, Call::Backup(args)).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), (codes::NO_PEERS.name, 21));
    engine.stop().await;
}

#[tokio::test]
async fn an_agent_serves_calls_until_it_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (root, view) = founded(&dir).await;
    let agent = Agent::start(&root).await;
    assert_eq!(agent.ready.peer_id, view.peer_id);
    let Answer::Status(status) = agent.call(&Call::Status).await.unwrap() else { panic!("status") };
    assert!(status.agent);
    assert_eq!(status.listen, agent.ready.listen);
    assert!(agent.invite().await.starts_with("gbak1"));
    agent.stop().await;
    // The home is free again.
    start(&root, None).await.unwrap().stop().await;
}
