//! A device that speaks the protocols by hand, so that it can break every rule.

use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::swarm::SwarmEvent;
use libp2p::{Stream, StreamProtocol, SwarmBuilder, identity, noise, tcp, yamux};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Device, PATIENCE};
use crate::swarm::door::{self, DoorError};
use crate::swarm::ids;
use crate::swarm::streams::{Line, Names, OpenError, OpenReply, Streams};
use crate::testing::{World, key};
use crate::{Reply, Request};

/// Long enough for a connection that is not wanted to be closed.
const SOON: Duration = Duration::from_millis(200);

pub(super) struct Rogue {
    opens: mpsc::Sender<(Line, OpenReply)>,
    task: JoinHandle<()>,
}

impl Rogue {
    /// Connects to a device with the key of that name, and speaks this protocol as its grid's.
    pub(super) async fn connect(name: &str, to: &Device, grid: String) -> Self {
        Self::dial(name, to, grid).await.expect("the connection holds")
    }

    /// The same; none when the connection is closed at once.
    pub(super) async fn dial(name: &str, to: &Device, grid: String) -> Option<Self> {
        let address = &to.addresses()[0];
        let (address, peer) = ids::parse(address).unwrap();
        let peer = ids::to_net(&peer.unwrap()).unwrap();
        let grid = Some(StreamProtocol::try_from_owned(grid).unwrap());
        let names = Names { door: StreamProtocol::new("/gbak/door/1"), grid, serves: true };
        let pair = identity::Keypair::ed25519_from_bytes(key(name).to_bytes()).unwrap();
        let mut net = SwarmBuilder::with_existing_identity(pair)
            .with_tokio()
            .with_tcp(tcp::Config::new(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| Streams::new(names))
            .unwrap()
            .build();
        net.dial(address).unwrap();
        let connecting = async {
            loop {
                if let SwarmEvent::ConnectionEstablished { connection_id, .. } =
                    net.select_next_some().await
                {
                    return connection_id;
                }
            }
        };
        let connection = timeout(PATIENCE, connecting).await.unwrap();
        // Who is over a limit is let go after the handshake.
        let closing = async {
            loop {
                if let SwarmEvent::ConnectionClosed { .. } = net.select_next_some().await {
                    return;
                }
            }
        };
        if timeout(SOON, closing).await.is_ok() {
            return None;
        }
        let (opens, mut wanted) = mpsc::channel::<(Line, OpenReply)>(8);
        let task = tokio::spawn(async move {
            // What the other side opens is kept open and never answered.
            let mut kept = Vec::new();
            loop {
                tokio::select! {
                    biased;
                    open = wanted.recv() => match open {
                        Some((line, reply)) => {
                            net.behaviour_mut().open(peer, connection, line, reply);
                        }
                        None => return,
                    },
                    event = net.select_next_some() => kept.push(event),
                }
            }
        });
        Some(Self { opens, task })
    }

    /// As above, with the right protocol, and properly introduced.
    pub(super) async fn admitted(world: &World, name: &str, to: &Device) -> Self {
        let rogue = Self::connect(name, to, grid_of(world, "")).await;
        let hello = Request::Hello(Box::new(world.hello(name, name)));
        assert!(matches!(rogue.door(hello).await, Ok(Reply::Welcome { .. })));
        rogue
    }

    /// Asks at the door.
    pub(super) async fn door(&self, request: Request) -> Result<Reply, DoorError> {
        let (reply, opened) = oneshot::channel();
        self.opens.send((Line::Door, reply)).await.unwrap();
        door::ask(opened, request).await
    }

    /// Opens a stream of the grid's protocol.
    pub(super) async fn open(&self) -> Result<Stream, OpenError> {
        let (reply, opened) = oneshot::channel();
        self.opens.send((Line::Grid, reply)).await.unwrap();
        let opened = timeout(PATIENCE, opened).await.unwrap();
        opened.unwrap_or(Err(OpenError::Broken)).map(|opened| opened.stream)
    }

    /// Sends these bytes over a new stream and gives all that comes back until the other side ends.
    pub(super) async fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.open().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        // A reset is an end too.
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().ok();
        answer
    }

    pub(super) async fn end(self) {
        drop(self.opens);
        self.task.await.unwrap();
    }
}

/// The name of the grid's own protocol, or of its table.
pub(super) fn grid_of(world: &World, kind: &str) -> String {
    let id = world.charter.id().to_string();
    format!("/gbak/{}{kind}/1", &id[..32])
}
