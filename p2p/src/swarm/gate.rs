//! Kademlia behind the door: only admitted peers may use the table.
//!
//! libp2p's Kademlia answers whoever connects and knows the protocol's name. This wrapper offers
//! the protocol on a connection only once its peer is on the list of admitted ones, which the
//! driver keeps; what we ask of others is not restricted, since only admitted peers get into the
//! table.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, UpgradeInfo};
use libp2p::kad;
use libp2p::kad::store::MemoryStore;
use libp2p::swarm::handler::{ConnectionEvent, FullyNegotiatedInbound, ListenUpgradeError};
use libp2p::swarm::handler::{InboundUpgradeSend, UpgradeInfoSend};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
    NetworkBehaviour, Stream, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm,
};
use libp2p::{InboundUpgrade, Multiaddr, PeerId};

type Kad = kad::Behaviour<MemoryStore>;

/// Who is admitted now. Clones share one list.
#[derive(Debug, Clone, Default)]
pub(super) struct Admitted(Arc<Mutex<BTreeSet<PeerId>>>);

impl Admitted {
    pub(super) fn insert(&self, peer: PeerId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(peer);
    }

    pub(super) fn remove(&self, peer: &PeerId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(peer);
    }

    fn contains(&self, peer: &PeerId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(peer)
    }
}

/// Kademlia for admitted peers.
pub(super) struct GatedKad {
    pub(super) kad: Kad,
    pub(super) admitted: Admitted,
}

impl GatedKad {
    fn guard(&self, peer: PeerId, inner: THandler<Kad>) -> GatedHandler<THandler<Kad>> {
        GatedHandler { inner, peer, admitted: self.admitted.clone() }
    }
}

impl NetworkBehaviour for GatedKad {
    type ConnectionHandler = GatedHandler<THandler<Kad>>;
    type ToSwarm = kad::Event;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.kad.handle_pending_inbound_connection(id, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let handler = self.kad.handle_established_inbound_connection(id, peer, local, remote)?;
        Ok(self.guard(peer, handler))
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.kad.handle_pending_outbound_connection(id, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let kad = &mut self.kad;
        let handler = kad.handle_established_outbound_connection(id, peer, address, role, port)?;
        Ok(self.guard(peer, handler))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.kad.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.kad.on_connection_handler_event(peer, id, event);
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ToSwarm<kad::Event, THandlerInEvent<Self>>> {
        self.kad.poll(context)
    }
}

/// Offers the inner handler's protocols only to an admitted peer.
pub(super) struct GatedHandler<H> {
    inner: H,
    peer: PeerId,
    admitted: Admitted,
}

impl<H: ConnectionHandler> ConnectionHandler for GatedHandler<H> {
    type FromBehaviour = H::FromBehaviour;
    type ToBehaviour = H::ToBehaviour;
    type InboundProtocol = Gated<H::InboundProtocol>;
    type OutboundProtocol = H::OutboundProtocol;
    type InboundOpenInfo = H::InboundOpenInfo;
    type OutboundOpenInfo = H::OutboundOpenInfo;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol, H::InboundOpenInfo> {
        let open = self.admitted.contains(&self.peer);
        self.inner.listen_protocol().map_upgrade(|inner| Gated { inner, open })
    }

    fn connection_keep_alive(&self) -> bool {
        self.inner.connection_keep_alive()
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<H::OutboundProtocol, H::OutboundOpenInfo, H::ToBehaviour>>
    {
        self.inner.poll(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<Option<H::ToBehaviour>> {
        self.inner.poll_close(context)
    }

    fn on_behaviour_event(&mut self, event: H::FromBehaviour) {
        self.inner.on_behaviour_event(event);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<
            '_,
            Self::InboundProtocol,
            H::OutboundProtocol,
            H::InboundOpenInfo,
            H::OutboundOpenInfo,
        >,
    ) {
        let event = match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, info }) => {
                ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, info })
            }
            ConnectionEvent::ListenUpgradeError(ListenUpgradeError { info, error }) => {
                ConnectionEvent::ListenUpgradeError(ListenUpgradeError { info, error })
            }
            ConnectionEvent::FullyNegotiatedOutbound(it) => {
                ConnectionEvent::FullyNegotiatedOutbound(it)
            }
            ConnectionEvent::AddressChange(it) => ConnectionEvent::AddressChange(it),
            ConnectionEvent::DialUpgradeError(it) => ConnectionEvent::DialUpgradeError(it),
            ConnectionEvent::LocalProtocolsChange(it) => ConnectionEvent::LocalProtocolsChange(it),
            ConnectionEvent::RemoteProtocolsChange(it) => {
                ConnectionEvent::RemoteProtocolsChange(it)
            }
            _ => return,
        };
        self.inner.on_connection_event(event);
    }
}

/// An upgrade that offers nothing while it is not open.
pub(super) struct Gated<U> {
    inner: U,
    open: bool,
}

impl<U: UpgradeInfoSend> UpgradeInfo for Gated<U> {
    type Info = U::Info;
    type InfoIter = std::vec::IntoIter<U::Info>;

    fn protocol_info(&self) -> Self::InfoIter {
        let offered = self.inner.protocol_info().filter(|_| self.open);
        offered.collect::<Vec<_>>().into_iter()
    }
}

impl<U: InboundUpgradeSend> InboundUpgrade<Stream> for Gated<U> {
    type Output = U::Output;
    type Error = U::Error;
    type Future = U::Future;

    fn upgrade_inbound(self, stream: Stream, info: U::Info) -> Self::Future {
        self.inner.upgrade_inbound(stream, info)
    }
}
