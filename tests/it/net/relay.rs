//! A relay that delays: what goes through it takes longer, as if its target were further away.
//!
//! Bytes keep their order and none is lost; each direction waits its time. It runs on a runtime of
//! its own and ends with the value.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Pieces under way in one direction.
const UNDER_WAY: usize = 4096;

/// Relays on one machine, each before one target.
pub(crate) struct Relays {
    runtime: Runtime,
}

/// One of them.
pub(crate) struct Relay {
    pub(crate) port: u16,
    target: Arc<OnceLock<SocketAddr>>,
}

impl Relays {
    pub(crate) fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self { runtime: builder.worker_threads(1).enable_all().build().unwrap() }
    }

    /// A relay that holds everything back for `delay`, each way. Connections that come before its
    /// target is known are closed.
    pub(crate) fn add(&self, delay: Duration) -> Relay {
        let target = Arc::new(OnceLock::new());
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = self.runtime.block_on(TcpListener::bind(any)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(self.runtime.spawn(serve(listener, target.clone(), delay)));
        Relay { port, target }
    }
}

impl Relay {
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.target.set(target).unwrap();
    }
}

async fn serve(listener: TcpListener, target: Arc<OnceLock<SocketAddr>>, delay: Duration) {
    while let Ok((near, _)) = listener.accept().await {
        let Some(target) = target.get().copied() else { continue };
        drop(tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(target).await else { return };
            near.set_nodelay(true).unwrap();
            far.set_nodelay(true).unwrap();
            let ((near_read, near_write), (far_read, far_write)) =
                (near.into_split(), far.into_split());
            tokio::join!(carry(near_read, far_write, delay), carry(far_read, near_write, delay));
        }));
    }
}

/// One direction: read at once, written when its time has come.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (send, mut receive) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let reading = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(len @ 1..) = from.read(&mut buffer).await {
            let piece = (Instant::now() + delay, buffer[..len].to_vec());
            if send.send(piece).await.is_err() {
                break;
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = receive.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
        drop(to.shutdown().await);
    };
    tokio::join!(reading, writing);
}
