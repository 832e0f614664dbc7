//! Promises of the control socket, over a real one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{BODY_LIMIT, Control, Desk, EventMonitor, Ready};
use crate::api::limits::CallLimits;
use crate::api::{
    Answer, BackupArgs, BackupSummary, Call, Event, Failure, Line, SnapshotsView, codes,
};
use crate::daemon::client::{Client, ClientError};
use crate::monitor::{Monitor, Problem};

/// Answers snapshots at once; a backup waits for `go` or its cancellation, and reports which.
struct FakeDesk {
    go: Semaphore,
    ended: mpsc::UnboundedSender<&'static str>,
}

impl Desk for FakeDesk {
    fn call(
        self: Arc<Self>,
        call: Call,
        monitor: Arc<EventMonitor>,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move {
            match call {
                Call::Snapshots => {
                    let view = SnapshotsView { schema: String::new(), snapshots: Vec::new() };
                    Ok(Answer::Snapshots(view))
                }
                Call::Backup(_) | Call::Peers => {
                    monitor.warn("begun");
                    tokio::select! { biased;
                        () = cancel.cancelled() => {
                            self.ended.send("cancelled").unwrap();
                            Err(codes::INTERRUPTED.failure("Stopped"))
                        }
                        permit = self.go.acquire() => {
                            permit.unwrap().forget();
                            self.ended.send("done").unwrap();
                            Ok(Answer::Backup(BackupSummary::default()))
                        }
                    }
                }
                _ => {
                    let problem = Problem { item: b"x".to_vec(), message: "bad".to_owned() };
                    for _ in 0..1000 {
                        monitor.problem(&problem);
                    }
                    Err(codes::NO_PEERS.failure("Nobody is there"))
                }
            }
        })
    }

    fn limit(&self, _: CallLimits) -> Box<dyn std::any::Any + Send> {
        Box::new(())
    }

    fn ready(&self) -> Ready {
        Ready { name: "me".to_owned(), peer_id: String::new(), listen: Vec::new(), pid: 7 }
    }
}

struct Rig {
    dir: TempDir,
    desk: Arc<FakeDesk>,
    ended: mpsc::UnboundedReceiver<&'static str>,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Rig {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::start_in(dir, Path::new(""))
    }

    fn start_in(dir: TempDir, under: &Path) -> Self {
        let (ended, receiver) = mpsc::unbounded_channel();
        let desk = Arc::new(FakeDesk { go: Semaphore::new(0), ended });
        let stop = CancellationToken::new();
        let control = Control::bind(&dir.path().join(under).join("control.sock")).unwrap();
        let server = tokio::spawn(control.serve(desk.clone(), stop.clone()));
        Self { dir, desk, ended: receiver, stop, server }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("control.sock")
    }

    async fn client(&self) -> Client {
        Client::connect(&self.socket()).await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.server.await.unwrap();
    }

    /// One request as raw bytes, and all of the answer.
    async fn raw(&self, head: &str, body: &[u8]) -> String {
        let mut stream = UnixStream::connect(self.socket()).await.unwrap();
        let len = body.len();
        let head = format!("{head} HTTP/1.1\r\nhost: x\r\ncontent-length: {len}\r\n");
        stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
        // The server may answer and close before it has read all of it.
        drop(stream.write_all(body).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        String::from_utf8(answer).unwrap()
    }
}

fn backup() -> Call {
    Call::Backup(BackupArgs::default())
}

#[tokio::test]
async fn a_call_is_answered_by_events_and_one_end() {
    let rig = Rig::start();
    assert_eq!(rig.client().await.ready().await.unwrap().pid, 7);
    let mut lines = rig.client().await.call(&Call::Snapshots, "1").await.unwrap();
    let Line::Done(answer) = lines.next().await.unwrap() else { panic!("done") };
    assert!(matches!(*answer, Answer::Snapshots(_)));
    assert!(matches!(lines.next().await, Err(ClientError::CutOff)));

    let mut lines = rig.client().await.call(&backup(), "2").await.unwrap();
    assert!(matches!(lines.next().await.unwrap(), Line::Event(Event::Warning { .. })));
    rig.desk.go.add_permits(1);
    assert!(matches!(lines.next().await.unwrap(), Line::Done(_)));
    rig.stop().await;
}

#[tokio::test]
async fn a_failure_comes_with_its_code_after_all_problems_told_or_counted() {
    let rig = Rig::start();
    let mut lines = rig.client().await.call(&Call::Status, "1").await.unwrap();
    let failure = loop {
        match lines.next().await.unwrap() {
            Line::Event(_) => {}
            Line::Failed(failure) => break failure,
            Line::Done(_) => panic!("failed"),
        }
    };
    assert_eq!(failure.code, codes::NO_PEERS.name);
    assert_eq!(failure.exit, 21);
    rig.stop().await;
}

#[tokio::test]
async fn only_a_backup_outlives_its_client() {
    let mut rig = Rig::start();
    let mut lines = rig.client().await.call(&Call::Peers, "1").await.unwrap();
    assert!(matches!(lines.next().await.unwrap(), Line::Event(_)));
    drop(lines);
    assert_eq!(rig.ended.recv().await, Some("cancelled"));

    let mut lines = rig.client().await.call(&backup(), "2").await.unwrap();
    assert!(matches!(lines.next().await.unwrap(), Line::Event(_)));
    drop(lines);
    rig.desk.go.add_permits(1);
    assert_eq!(rig.ended.recv().await, Some("done"));
    rig.stop().await;
}

#[tokio::test]
async fn a_named_call_can_be_cancelled_from_another_connection() {
    let rig = Rig::start();
    let mut lines = rig.client().await.call(&backup(), "abc").await.unwrap();
    assert!(matches!(lines.next().await.unwrap(), Line::Event(_)));
    assert!(!rig.client().await.cancel("other").await.unwrap());
    assert!(rig.client().await.cancel("abc").await.unwrap());
    let Line::Failed(failure) = lines.next().await.unwrap() else { panic!("failed") };
    assert_eq!(failure.exit, 130);
    rig.stop().await;
}

#[tokio::test]
async fn stopping_cancels_what_runs_and_still_answers_it_and_removes_the_socket() {
    let rig = Rig::start();
    let mut lines = rig.client().await.call(&backup(), "1").await.unwrap();
    assert!(matches!(lines.next().await.unwrap(), Line::Event(_)));
    rig.stop.cancel();
    assert!(matches!(lines.next().await.unwrap(), Line::Failed(_)));
    drop(lines);
    let socket = rig.socket();
    rig.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn bad_requests_are_refused_whatever_their_size() {
    let rig = Rig::start();
    let answer = rig.raw("POST /v1/call", &vec![b' '; BODY_LIMIT + 1]).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    for body in ["", "{", "{\"verb\":\"fly\"}", "[]"] {
        let answer = rig.raw("POST /v1/call", body.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains("gbak::control::bad_call"), "{answer}");
    }
    assert!(rig.raw("GET /v1/call", b"").await.starts_with("HTTP/1.1 405"));
    assert!(rig.raw("GET /", b"").await.starts_with("HTTP/1.1 404"));
    rig.stop().await;
}

#[tokio::test]
async fn the_socket_is_private_and_replaces_a_dead_one() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(matches!(Client::connect(&socket).await, Err(ClientError::NotRunning { .. })));
    let rig = Rig::start_in(dir, Path::new(""));
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(rig.client().await.ready().await.unwrap().name, "me");
    rig.stop().await;
    assert!(matches!(Client::connect(&socket).await, Err(ClientError::NotRunning { .. })));
}

#[tokio::test]
async fn a_home_deeper_than_a_socket_path_may_be_works() {
    let dir = tempfile::tempdir().unwrap();
    let under = PathBuf::from("x".repeat(100)).join("y".repeat(100));
    std::fs::create_dir_all(dir.path().join(&under)).unwrap();
    let rig = Rig::start_in(dir, &under);
    let socket = rig.dir.path().join(&under).join("control.sock");
    assert_eq!(Client::connect(&socket).await.unwrap().ready().await.unwrap().pid, 7);
    rig.stop().await;
}

#[tokio::test]
async fn other_users_are_told_from_this_one() {
    let me = rustix::process::geteuid().as_raw();
    assert!(super::is_allowed(me));
    assert!(super::is_allowed(0));
    assert!(!super::is_allowed(me.wrapping_add(1)));
}
