//! Host names in addresses, looked up just before dialling.
//!
//! A member at home is reached by a name that follows its changing address. Looking up takes its
//! time and may fail: both cost only the address that has the name.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::time::timeout;

use super::ids::dns_host;

/// How long a look-up may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Addresses taken of one name.
const PER_NAME: usize = 4;

/// `addresses` with every host name replaced by the addresses it stands for.
pub(super) async fn resolve(addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
    let mut resolved = Vec::new();
    for address in addresses {
        match dns_host(&address) {
            None => resolved.push(address),
            Some(host) => resolved.extend(look_up(&address, host).await),
        }
    }
    resolved
}

/// Whether `address` holds a name.
pub(super) fn is_name(address: &Multiaddr) -> bool {
    dns_host(address).is_some()
}

async fn look_up(address: &Multiaddr, host: (String, u16)) -> Vec<Multiaddr> {
    match timeout(DEADLINE, tokio::net::lookup_host(host)).await {
        Ok(Ok(found)) => {
            let fitting = found.filter(|socket| fits(address, socket.ip()));
            fitting.take(PER_NAME).map(multiaddr).collect()
        }
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "name not found");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

fn fits(address: &Multiaddr, ip: IpAddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Dns4(_)) => ip.is_ipv4(),
        Some(Protocol::Dns6(_)) => ip.is_ipv6(),
        _ => true,
    }
}

fn multiaddr(socket: SocketAddr) -> Multiaddr {
    Multiaddr::from(socket.ip()).with(Protocol::Tcp(socket.port()))
}
