//! Taking the addresses to listen on.
//!
//! libp2p sets SO_REUSEPORT on its listeners, so a second process of the same user would silently
//! share a port with the first, and the kernel would hand each about half of the connections. So a
//! fixed port is bound once without that option before libp2p takes it.

use std::io;
use std::net::{IpAddr, SocketAddr};

use libp2p::Multiaddr;
use libp2p::core::transport::{ListenerId, TransportError};
use libp2p::multiaddr::Protocol;

use super::SwarmError;
use super::behaviour::Net;

/// Begins to listen on all of `addresses`; with `any_port` on another port where one is taken.
pub(super) async fn listen(
    net: &mut Net,
    addresses: &[String],
    any_port: bool,
) -> Result<Vec<ListenerId>, SwarmError> {
    let mut listeners = Vec::new();
    for text in addresses {
        let socket = text.parse().ok().and_then(|address: Multiaddr| socket(&address));
        let Some(socket) = socket else {
            return Err(SwarmError::BadAddress { address: text.clone() });
        };
        let listening = match probe(socket).await {
            Ok(()) => net.listen_on(multiaddr(socket)).map_err(reason),
            Err(error) if any_port && error.kind() == io::ErrorKind::AddrInUse => {
                let other = SocketAddr::new(socket.ip(), 0);
                net.listen_on(multiaddr(other)).map_err(reason)
            }
            Err(error) => Err(error),
        };
        let listener =
            listening.map_err(|source| SwarmError::Listen { address: text.clone(), source })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

async fn probe(socket: SocketAddr) -> io::Result<()> {
    if socket.port() == 0 {
        return Ok(());
    }
    tokio::net::TcpListener::bind(socket).await.map(drop)
}

fn reason(error: TransportError<io::Error>) -> io::Error {
    match error {
        TransportError::Other(error) => error,
        TransportError::MultiaddrNotSupported(_) => io::ErrorKind::Unsupported.into(),
    }
}

fn socket(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    let Protocol::Tcp(port) = parts.next()? else { return None };
    parts.next().is_none().then(|| SocketAddr::new(ip, port))
}

fn multiaddr(socket: SocketAddr) -> Multiaddr {
    Multiaddr::from(socket.ip()).with(Protocol::Tcp(socket.port()))
}
