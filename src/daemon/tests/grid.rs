//! Promises of several real engines on loopback.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chunker::ShardId;
use p2p::{Grid, PeerState, Reply, Request};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Agent, args, call, start};
use crate::api::setup::{InitArgs, RecoverArgs, Secret};
use crate::api::{
    Answer, BackupArgs, BackupSummary, Call, Failure, PathBytes, PeersView, RestoreArgs, codes,
};
use crate::daemon::engine::Engine;
use crate::daemon::{duties, setup};
use crate::monitor::{Counter, Monitor, NoMonitor, Problem};

const WAIT: Duration = Duration::from_secs(20);

/// Agents of one grid; the first founded it.
struct Rig {
    dir: TempDir,
    agents: Vec<Agent>,
    words: Secret,
}

impl Rig {
    async fn new(names: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut rig = Self { dir, agents: Vec::new(), words: Secret::new(String::new()) };
        for name in names {
            rig.add(name).await;
        }
        rig
    }

    /// Adds one member more, and starts its agent.
    async fn add(&mut self, name: &str) {
        let join = match self.agents.first() {
            Some(founder) => Some(founder.invite().await),
            None => None,
        };
        let founds = join.is_none();
        let root = self.path(name);
        let view = setup::init(&root, InitArgs { join, ..args(name) }).await.unwrap();
        if founds {
            self.words = view.words.unwrap();
        }
        self.agents.push(Agent::start(&root).await);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A tree to back up.
    fn source(&self) -> PathBuf {
        let source = self.path("source");
        std::fs::create_dir_all(source.join("sub")).unwrap();
        std::fs::write(source.join("a.txt"), b"hello").unwrap();
        std::fs::write(source.join("sub/b.bin"), vec![7; 300_000]).unwrap();
        source
    }

    async fn back_up(&self, source: &Path) -> Result<BackupSummary, Failure> {
        let args = BackupArgs { paths: vec![bytes(source)], ..BackupArgs::default() };
        match self.agents[0].call(&Call::Backup(args)).await? {
            Answer::Backup(summary) => Ok(summary),
            other => panic!("{other:?}"),
        }
    }

    fn recovery(&self, name: &str, words: Secret) -> RecoverArgs {
        let init = args(name);
        let mut reach = init.reach;
        reach.bootstrap = self.agents.last().unwrap().engine.swarm().listen_addresses();
        let (lend, site) = (init.lend, None);
        RecoverArgs {
            phrase: words,
            passphrase: None,
            name: name.to_owned(),
            lend,
            reach,
            site,
            as_of_secs: None,
        }
    }

    async fn stop(self) {
        for agent in self.agents {
            agent.stop().await;
        }
    }
}

fn bytes(path: &Path) -> PathBytes {
    PathBytes(path.as_os_str().as_encoded_bytes().to_vec())
}

async fn peers(agent: &Agent) -> PeersView {
    match agent.call(&Call::Peers).await.unwrap() {
        Answer::Peers(view) => view,
        other => panic!("{other:?}"),
    }
}

async fn restore(engine: &Arc<Engine>, spec: String, target: &Path) {
    let args = RestoreArgs { snapshot: spec, target: bytes(target), ..RestoreArgs::default() };
    let Answer::Restore(summary) = call(engine, Call::Restore(args)).await.unwrap() else {
        panic!("restore")
    };
    assert_eq!((summary.exit, summary.problems), (0, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joined_by_invitation_lends_and_borrows() {
    let rig = Rig::new(&["ada", "bob"]).await;
    let [ada, bob] = rig.agents.as_slice() else { panic!("two") };
    for (from, to) in [(ada, bob), (bob, ada)] {
        from.engine.swarm().settle(WAIT).await;
        let grid = from.engine.swarm();
        let infos = grid.peers();
        assert_eq!(infos.len(), 1);
        assert_eq!((infos[0].peer, infos[0].state), (to.engine.me(), PeerState::Online));
        let body = bytes::Bytes::from(from.engine.me().to_string());
        let shard = ShardId::from(blake3::hash(&body));
        let put = Request::Put { shard, body: body.clone() };
        assert_eq!(grid.ask(to.engine.me(), put).await, Ok(Reply::Stored));
        let got = grid.ask(to.engine.me(), Request::Get { shard }).await;
        assert_eq!(got, Ok(Reply::Shard { body }));
    }
    let view = peers(ada).await;
    assert_eq!((view.totals.peers, view.totals.online), (2, 2));
    assert_eq!(view.peers[0].name, "bob");
    assert_eq!(view.peers[0].theirs_here_bytes, 64);
    assert!(view.peers[0].donated_bytes > 0);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_good_once_and_only_from_who_can_admit() {
    let rig = Rig::new(&["ada", "bob"]).await;
    let invite = rig.agents[0].invite().await;
    let join = |join: &str| InitArgs { join: Some(join.to_owned()), ..args("cleo") };
    setup::init(&rig.path("cleo"), join(&invite)).await.unwrap();
    let failure = setup::init(&rig.path("dan"), join(&invite)).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), (codes::INVITE.name, 24), "{failure:?}");
    assert!(!rig.path("dan").join("keys").exists());
    let call = Call::Invite(crate::api::InviteArgs { expires_secs: 60 });
    let failure = rig.agents[1].call(&call).await.unwrap_err();
    assert_eq!(failure.code, codes::INVITE.name);
    rig.stop().await;
    // Nobody is there any more.
    let failure = setup::init(&rig_free("eve"), join(&invite)).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), (codes::NO_PEERS.name, 21), "{failure:?}");
}

/// A directory that is not there, outside of any rig.
fn rig_free(name: &str) -> PathBuf {
    let dir = tempfile::tempdir().unwrap();
    dir.path().join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_holds_nothing_moves_to_another_grid() {
    let rig = Rig::new(&["ada"]).await;
    let root = rig.path("bob");
    let before = setup::init(&root, args("bob")).await.unwrap();
    let invite = rig.agents[0].invite().await;
    let view = setup::join(&root, None, Duration::ZERO, &invite).await.unwrap();
    assert_ne!(view.grid_id, before.grid_id);
    assert_eq!((view.peer_id, view.owner_id), (before.peer_id, before.owner_id));
    let invite = rig.agents[0].invite().await;
    let failure = setup::join(&root, None, Duration::ZERO, &invite).await.unwrap_err();
    assert_eq!(failure.code, codes::INVITE.name, "a member already");
    let bob = start(&root, None).await.unwrap();
    bob.swarm().settle(WAIT).await;
    assert_eq!(bob.swarm().peers().len(), 1);
    assert!(!bob.host().admits(), "it founded another grid, not this one");
    bob.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_and_one_address_bring_everything_back() {
    let mut rig = Rig::new(&["ada", "bob", "cleo"]).await;
    let source = rig.source();
    let summary = rig.back_up(&source).await.unwrap();
    assert_eq!((summary.exit, summary.files_new), (0, 2), "{summary:?}");
    assert!(summary.bytes_sent > 300);
    assert_eq!(summary.witnesses.confirmed, summary.witnesses.asked);
    // Stop the source, and destroy its home.
    let ada = rig.agents.remove(0);
    let grid = ada.engine.swarm().members().grid();
    ada.stop().await;
    std::fs::remove_dir_all(rig.path("ada")).unwrap();

    let root = rig.path("new");
    let wrong = Secret::new("abandon ".repeat(23) + "art");
    let failure = setup::recover(&root, rig.recovery("new", wrong), Arc::new(NoMonitor)).await;
    let failure = failure.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.exit), (codes::PHRASE_WRONG.name, 12));
    assert!(!root.join("keys").exists());
    let recovery = rig.recovery("new", rig.words.clone());
    let view = setup::recover(&root, recovery, Arc::new(NoMonitor)).await.unwrap();
    assert_eq!((view.snapshots, view.head_seq, view.devices), (1, 1, 1), "{view:?}");
    assert_eq!(view.warnings, Vec::<String>::new());

    let new = start(&root, None).await.unwrap();
    assert_eq!(new.swarm().members().grid(), grid);
    assert!(new.host().admits(), "the founder's words admit members again");
    let target = rig.path("restored");
    restore(&new, format!("latest:{}", source.display()), &target).await;
    assert_eq!(std::fs::read(target.join("a.txt")).unwrap(), b"hello");
    assert_eq!(std::fs::read(target.join("sub/b.bin")).unwrap(), vec![7; 300_000]);
    new.stop().await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_is_published_once_peers_are_there() {
    let mut rig = Rig::new(&["ada"]).await;
    let source = rig.source();
    let args = BackupArgs {
        paths: vec![bytes(&source)],
        spool: true,
        wait_peers_secs: Some(0),
        ..BackupArgs::default()
    };
    let Answer::Backup(summary) = rig.agents[0].call(&Call::Backup(args)).await.unwrap() else {
        panic!("backup")
    };
    assert_eq!(summary.exit, 4, "{summary:?}");
    assert!(summary.queued_packs > 0);
    let state = async |agent: &Agent| match agent.call(&Call::Snapshots).await.unwrap() {
        Answer::Snapshots(view) => view.snapshots[0].state.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(state(&rig.agents[0]).await, "queued");
    duties::catch_up_once(&rig.agents[0].engine).await.unwrap();
    assert_eq!(state(&rig.agents[0]).await, "queued", "there is nobody to take it");
    for name in ["bob", "cleo", "dan"] {
        rig.add(name).await;
    }
    duties::catch_up_once(&rig.agents[0].engine).await.unwrap();
    assert_eq!(state(&rig.agents[0]).await, "complete");
    rig.stop().await;
}

/// Asks for a stop when the first file is through.
struct StopAtFirstFile(CancellationToken);

impl Monitor for StopAtFirstFile {
    fn count(&self, counter: Counter, _: u64) {
        if counter == Counter::FilesDone {
            self.0.cancel();
        }
    }

    fn problem(&self, _: &Problem) {}

    fn warn(&self, _: &str) {}

    fn current(&self, _: &[u8]) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_stopped_keeps_what_it_read_and_the_next_one_goes_on() {
    let rig = Rig::new(&["ada", "bob", "cleo"]).await;
    let source = rig.source();
    for n in 0..5000 {
        std::fs::write(source.join(format!("sub/{n}")), format!("file {n}")).unwrap();
    }
    let ada = &rig.agents[0];
    ada.engine.swarm().settle(WAIT).await;
    let args = BackupArgs { paths: vec![bytes(&source)], ..BackupArgs::default() };
    let cancel = CancellationToken::new();
    let monitor = Arc::new(StopAtFirstFile(cancel.clone()));
    let stopped = ada.engine.call(Call::Backup(args), monitor, cancel).await.unwrap_err();
    assert_eq!((stopped.code.as_str(), stopped.exit), (codes::INTERRUPTED.name, 130));
    assert!(stopped.message.contains("keeps what was read"), "{}", stopped.message);
    let summary = rig.back_up(&source).await.unwrap();
    assert_eq!((summary.exit, summary.total_files_processed), (0, 5002), "{summary:?}");
    assert!(summary.files_unmodified > 0, "what was read is not read again: {summary:?}");
    let Answer::Snapshots(view) = ada.call(&Call::Snapshots).await.unwrap() else {
        panic!("snapshots")
    };
    let states: Vec<_> = view.snapshots.iter().map(|snapshot| snapshot.state.as_str()).collect();
    assert_eq!(states, ["interrupted", "complete"]);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_drills_when_there_is_something_to_restore_and_not_again_for_a_month() {
    let rig = Rig::new(&["ada", "bob", "cleo"]).await;
    let (engine, stop) = (&rig.agents[0].engine, CancellationToken::new());
    assert_eq!(duties::drill_if_due(engine, &stop).await.unwrap(), None, "nothing to restore");
    rig.back_up(&rig.source()).await.unwrap();
    assert_eq!(duties::drill_if_due(engine, &stop).await.unwrap(), Some(true));
    assert_eq!(duties::drill_if_due(engine, &stop).await.unwrap(), None, "it was just done");
    let Answer::Status(status) = call(engine, Call::Status).await.unwrap() else { panic!() };
    assert_eq!(status.proof.map(|proof| proof.files), Some(2));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_stopped_before_it_began_does_nothing() {
    let rig = Rig::new(&["ada"]).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    for call in [Call::Backup(BackupArgs::default()), Call::Peers, Call::Rebuild] {
        let stopped = rig.agents[0].engine.call(call, Arc::new(NoMonitor), cancel.clone()).await;
        assert_eq!(stopped.unwrap_err().exit, 130);
    }
    rig.stop().await;
}
