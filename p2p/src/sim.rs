//! The grid in memory and in virtual time: one seed, one history.
//!
//! [`SimGrid`] keeps the promises of [`Grid`] as the real network does, doors and deadlines
//! included, over a network that delays, loses and repeats messages, clogs, splits and loses peers.
//! On a current-thread runtime with paused time every run of a seed exchanges the same messages at
//! the same instants; [`SimNet::trace_hash`] tells whether it did.
//!
//! Invariants: all chance comes from the seed; nothing iterates in an order that hashing decides.
//! When an asker gives up, the host is interrupted or carries on, as the dice say: a service must
//! bear both. How it fails: only as the weather says, with the errors of [`GridError`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chunker::PeerId;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::grid::{Grid, GridError, Service, Target, nearest};
use crate::members::{Chart, Members};
use crate::peer::PeerInfo;
use crate::wire::{Refusal, Reply, Request};

mod trace;
mod weather;

pub use trace::Counts;
pub use weather::Weather;

use trace::{Message, Outcome, Trace};
use weather::{Fate, Sky};

/// A simulated network. Clones are the same network.
#[derive(Clone)]
pub struct SimNet {
    state: Arc<Mutex<State>>,
}

/// One device's view of a simulated network.
#[derive(Clone)]
pub struct SimGrid {
    net: SimNet,
    members: Members,
}

struct State {
    sky: Sky,
    trace: Trace,
    /// When the first message was sent: the time the trace counts from.
    began: Option<Instant>,
    nodes: BTreeMap<PeerId, Node>,
    down: BTreeSet<PeerId>,
    /// Those on the other side of a split.
    apart: BTreeSet<PeerId>,
    /// (host, guest): the host let the guest in over the connection they have.
    admitted: BTreeSet<(PeerId, PeerId)>,
}

#[derive(Clone)]
struct Node {
    members: Members,
    service: Arc<dyn AnyService>,
}

type Answer<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// [`Service`] for nodes of different kinds on one network.
trait AnyService: Send + Sync {
    fn answer_boxed(&self, from: PeerId, request: Request) -> Answer<'_>;
}

impl<S: Service> AnyService for S {
    fn answer_boxed(&self, from: PeerId, request: Request) -> Answer<'_> {
        Box::pin(self.answer(from, request))
    }
}

impl SimNet {
    /// An empty network.
    pub fn new(seed: u64, weather: Weather) -> Self {
        let state = State {
            sky: Sky::new(seed, weather),
            trace: Trace::default(),
            began: None,
            nodes: BTreeMap::new(),
            down: BTreeSet::new(),
            apart: BTreeSet::new(),
            admitted: BTreeSet::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Adds a device. Joining again with the same one is a restart: its connections are gone.
    pub fn join<S: Service>(&self, members: Members, service: Arc<S>) -> SimGrid {
        let me = members.me();
        self.disconnect(|one, two| one == me || two == me);
        let node = Node { members: members.clone(), service };
        self.state().nodes.insert(me, node);
        SimGrid { net: self.clone(), members }
    }

    /// Takes a device off the network, or puts it back. Its connections are gone either way.
    pub fn set_down(&self, peer: PeerId, down: bool) {
        if down {
            self.state().down.insert(peer);
        } else {
            self.state().down.remove(&peer);
        }
        self.disconnect(|one, two| one == peer || two == peer);
    }

    /// Splits the network: `apart` reach each other, the rest reach each other. Replaces an earlier
    /// split; an empty one heals it.
    pub fn split(&self, apart: impl IntoIterator<Item = PeerId>) {
        let apart: BTreeSet<PeerId> = apart.into_iter().collect();
        self.state().apart.clone_from(&apart);
        self.disconnect(|one, two| apart.contains(&one) != apart.contains(&two));
    }

    /// Changes the weather from the next message on.
    pub fn set_weather(&self, weather: Weather) {
        self.state().sky.weather = weather;
    }

    /// A hash over every message so far: who, to whom, what, how long, what became of it, when.
    pub fn trace_hash(&self) -> [u8; 32] {
        self.state().trace.hash()
    }

    /// How often what happened so far.
    pub fn counts(&self) -> Counts {
        self.state().trace.counts
    }

    /// Asks as a device that is not (yet) a member: only the door answers.
    pub async fn knock(
        &self,
        from: PeerId,
        to: PeerId,
        request: Request,
    ) -> Result<Reply, GridError> {
        self.ask(from, to, request).await
    }

    /// One question and its answer, within the request's deadline.
    async fn ask(&self, from: PeerId, to: PeerId, request: Request) -> Result<Reply, GridError> {
        let deadline = request.deadline();
        match timeout(deadline, self.exchange(from, to, request)).await {
            Ok(result) => result,
            Err(_) => Err(GridError::Timeout { peer: to, seconds: deadline.as_secs() }),
        }
    }

    async fn exchange(
        &self,
        from: PeerId,
        to: PeerId,
        request: Request,
    ) -> Result<Reply, GridError> {
        if !request.is_bounded() {
            return Ok(Reply::Refused(Refusal::TooLarge));
        }
        let message = Message { from, to, name: request.name(), body_len: request.body_len() };
        let twice = self.carry(&message).await.ok_or(GridError::Unreachable { peer: to })?;
        let asked = request.clone();
        let Some(reply) = self.serve(from, to, request).await else {
            return Err(GridError::Broken { peer: to });
        };
        if twice {
            // Whatever comes of the repetition, the asker has its answer already.
            let _second = self.serve(from, to, asked.clone()).await;
        }
        let message =
            Message { from: to, to: from, name: reply.name(), body_len: reply.body_len() };
        self.carry(&message).await.ok_or(GridError::Broken { peer: to })?;
        if asked.fits(&reply) { Ok(reply) } else { Err(GridError::WrongReply { peer: to }) }
    }

    /// Carries one message and says whether it arrived twice; `None` when its ends cannot reach
    /// each other. A lost one never arrives: the asker's deadline ends the wait.
    async fn carry(&self, message: &Message) -> Option<bool> {
        let (reachable, fate) = self.send(message);
        if reachable && fate.lost {
            return std::future::pending().await;
        }
        sleep(fate.after).await;
        let arrives = reachable && self.state().reachable(message.from, message.to);
        arrives.then_some(fate.twice)
    }

    fn send(&self, message: &Message) -> (bool, Fate) {
        let mut state = self.state();
        let now = Instant::now();
        let began = *state.began.get_or_insert(now);
        let reachable = state.reachable(message.from, message.to);
        let fate = if reachable {
            state.sky.fate(message.from, message.to, message.body_len, now)
        } else {
            let after = state.sky.delay(message.from, message.to);
            Fate { after, lost: false, twice: false }
        };
        let outcome = match fate {
            _ if !reachable => Outcome::Unreachable,
            Fate { lost: true, .. } => Outcome::Lost,
            Fate { twice: true, .. } => Outcome::ArrivesTwice,
            _ => Outcome::Arrives,
        };
        state.trace.note(message, outcome, now - began, fate.after);
        (reachable, fate)
    }

    /// What the host's side does with a question; `None` when the host broke off.
    async fn serve(&self, from: PeerId, to: PeerId, request: Request) -> Option<Reply> {
        let node = self.state().nodes.get(&to).cloned()?;
        let admitted = self.state().admitted.contains(&(to, from));
        match request {
            Request::Hello(_) => {
                let reply = node.members.answer(from, &request)?;
                if matches!(reply, Reply::Welcome { .. }) {
                    self.let_in(&node.members, from);
                }
                Some(reply)
            }
            Request::Join(_) => self.work(&node, from, request).await,
            _ if !admitted => Some(Reply::Refused(Refusal::NotAdmitted)),
            _ => match node.members.answer(from, &request) {
                Some(reply) => Some(reply),
                None => self.work(&node, from, request).await,
            },
        }
    }

    /// Has the service work on a question in a task of its own; `None` when it was interrupted.
    async fn work(&self, node: &Node, from: PeerId, request: Request) -> Option<Reply> {
        let service = node.service.clone();
        let task = tokio::spawn(async move { service.answer_boxed(from, request).await });
        let _work = Work { task: task.abort_handle(), net: self.clone() };
        match task.await {
            Ok(reply) => Some(reply),
            // A panic of the host's is a failed test: let it fail where it is noticed.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        }
    }

    /// Notes that `host` let `guest` in, unless the guest only knocked and has no connection.
    fn let_in(&self, host: &Members, guest: PeerId) {
        let mut state = self.state();
        if state.nodes.contains_key(&guest) {
            state.admitted.insert((host.me(), guest));
            host.online(guest);
        }
    }

    /// Cuts the connections of these pairs.
    fn disconnect(&self, cut: impl Fn(PeerId, PeerId) -> bool) {
        let mut state = self.state();
        let gone: Vec<_> =
            state.admitted.iter().copied().filter(|(host, guest)| cut(*host, *guest)).collect();
        for (host, guest) in gone {
            state.admitted.remove(&(host, guest));
            if let Some(node) = state.nodes.get(&host) {
                node.members.offline(guest);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reachable(&self, one: PeerId, two: PeerId) -> bool {
        let there = |peer| !self.down.contains(&peer);
        // Who only knocks is no node; who is asked must be one, but that shows when it serves.
        there(one) && there(two) && self.apart.contains(&one) == self.apart.contains(&two)
    }
}

/// A host at work, for as long as somebody waits for it.
struct Work {
    task: AbortHandle,
    net: SimNet,
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.task.is_finished() && self.net.state().sky.interrupts() {
            self.task.abort();
        }
    }
}

impl SimGrid {
    /// The roster behind this view.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The network it is a view of.
    pub fn net(&self) -> &SimNet {
        &self.net
    }

    /// Makes sure that `peer` let us in over the connection we have.
    async fn greet(&self, peer: PeerId) -> Result<(), GridError> {
        if self.net.state().admitted.contains(&(peer, self.me())) {
            return Ok(());
        }
        let hello = Request::Hello(Box::new(self.members.hello()));
        match self.converse(peer, hello).await? {
            Reply::Refused(reason) => Err(GridError::NotAdmitted { peer, reason }),
            _ => Ok(()),
        }
    }

    /// Asks, and takes in what the answer tells about the grid.
    async fn converse(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        let asked_at = Instant::now();
        let reply = self.net.ask(self.me(), peer, request).await?;
        let rtt = asked_at.elapsed();
        let heard = self.members.heard(peer, rtt, &reply);
        heard.map_err(|reason| GridError::NotAdmitted { peer, reason })?;
        if matches!(reply, Reply::Welcome { .. }) {
            self.net.let_in(&self.members, peer);
        }
        Ok(reply)
    }
}

impl Grid for SimGrid {
    fn me(&self) -> PeerId {
        self.members.me()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.members.infos()
    }

    fn chart(&self) -> Chart {
        self.members.chart()
    }

    async fn closest(&self, target: Target, count: usize) -> Vec<PeerInfo> {
        nearest(self.members.infos(), target, count)
    }

    async fn ask(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        let known = self.net.state().nodes.contains_key(&peer);
        if peer == self.me() || !known {
            return Err(GridError::Unreachable { peer });
        }
        if !matches!(request, Request::Hello(_) | Request::Join(_)) {
            self.greet(peer).await?;
        }
        self.converse(peer, request).await
    }
}

impl fmt::Debug for SimNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("SimNet")
            .field("nodes", &state.nodes.len())
            .field("counts", &state.trace.counts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SimGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimGrid").field("members", &self.members).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
