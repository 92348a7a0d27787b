//! The network's task: drives the swarm, keeps the view of it, and passes messages on.

use super::{
    Command, View,
    address::is_tcp,
    behaviour::{Behaviour, BehaviourEvent, KAD_PROTOCOL, PROTOCOL_VERSION},
    bootstrap::Bootstrap,
    departures::Departures,
    dialling::LookedUp,
};
use crate::metrics::{Metrics, Reason, Transport};
use futures::StreamExt;
use libp2p::{Multiaddr, PeerId, Swarm, identify, kad, ping, swarm::SwarmEvent};
use prometheus_client::metrics::gauge::Gauge;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};
use tracing::{debug, info, warn};

const REDIAL: Duration = Duration::from_secs(5);
const LEAVE: Duration = Duration::from_secs(1);

pub struct Network {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) bootstrap: Bootstrap,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) view: watch::Sender<View>,
    pub(super) bft_messages: mpsc::Sender<Vec<u8>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) found: mpsc::Sender<LookedUp>,
    looked_up: mpsc::Receiver<LookedUp>,
    /// Peers that identified themselves as Directors.
    pub(super) directors: HashSet<PeerId>,
    /// Those of them that said good-bye.
    pub(super) departed: HashSet<PeerId>,
    pub(super) departures: Departures,
}

impl Network {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        bootstrap: Bootstrap,
        commands: mpsc::Receiver<Command>,
        view: watch::Sender<View>,
        bft_messages: mpsc::Sender<Vec<u8>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (directors, departed, departures) = Default::default();
        let (found, looked_up) = mpsc::channel(16);
        Self {
            swarm,
            bootstrap,
            commands,
            view,
            bft_messages,
            metrics,
            found,
            looked_up,
            directors,
            departed,
            departures,
        }
    }

    /// Runs until it is told to leave or every handle is gone.
    pub async fn run(mut self) {
        let mut redial = interval(REDIAL);
        redial.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                _ = redial.tick() => self.look_up_due(),
                Some(found) = self.looked_up.recv() => self.on_looked_up(found),
                command = self.commands.recv() => match command {
                    Some(Command::Publish { topic, message, sent }) => self.publish(topic, message, sent),
                    Some(Command::Leave { left }) => {
                        self.leave().await;
                        let _ = left.send(());
                        return;
                    }
                    None => return,
                },
            }
        }
    }

    /// What was just published gets its way out before the connections close.
    async fn leave(&mut self) {
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closed = async {
            while self.swarm.connected_peers().next().is_some() {
                let event = self.swarm.select_next_some().await;
                debug!("leaving: {event:?}");
            }
        };
        let _ = timeout(LEAVE, closed).await;
        self.metrics.no_connections();
        self.metrics.routing_peers.set(0);
        self.change_view(|view| *view = View::default());
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                info!(%address, "P2P listens on {address}");
                self.change_view(|view| view.listening.push(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.change_view(|view| view.listening.retain(|other| *other != address));
            }
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                warn!(?addresses, ?reason, "P2P no longer listens on {addresses:?}: {reason:?}");
                self.change_view(|view| view.listening.retain(|other| !addresses.contains(other)));
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                let address = endpoint.get_remote_address();
                debug!("connected to {peer_id} at {address}");
                self.connections(address).inc();
                self.bootstrap.connected(&connection_id, peer_id);
                self.departed.remove(&peer_id);
                self.change_view(|view| {
                    view.connected.insert(peer_id);
                });
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, endpoint, num_established, cause } => {
                self.connections(endpoint.get_remote_address()).dec();
                self.bootstrap.ended(&connection_id);
                if num_established == 0 {
                    self.on_gone(peer_id, cause.map(|cause| cause.to_string()));
                }
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                match self.bootstrap.ended(&connection_id) {
                    Some((address, dialled)) => self.on_unanswered(&address, &dialled, &error.to_string()),
                    None => debug!("a dial failed: {error}"),
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. })) => {
                self.on_identified(peer_id, info);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Kad(event)) => self.on_kad(&event),
            SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.on_ping(event),
            event => debug!("{event:?}"),
        }
    }

    pub(super) fn change_view(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(change);
        let view = self.view.borrow();
        self.metrics.connected_peers.set(view.connected.len() as i64);
        self.metrics.voters.set(view.voters.len() as i64 + 1);
    }

    fn connections(&self, address: &Multiaddr) -> Gauge {
        let transport = if is_tcp(address) { "tcp" } else { "quic" };
        self.metrics.connections.get_or_create(&Transport { transport }).clone()
    }

    /// Kademlia dials by itself the peers that it hears of; the swarm tells of their connections.
    fn on_kad(&mut self, event: &kad::Event) {
        debug!("{event:?}");
        let peers: usize = self.swarm.behaviour_mut().kad.kbuckets().map(|bucket| bucket.num_entries()).sum();
        self.metrics.routing_peers.set(peers as i64);
    }

    fn on_gone(&mut self, peer: PeerId, cause: Option<String>) {
        self.change_view(|view| {
            view.connected.remove(&peer);
            view.topics.remove(&peer);
            view.voters.remove(&peer);
        });
        let announced = self.departed.remove(&peer);
        if self.directors.remove(&peer) && !announced {
            let reason = cause.unwrap_or_else(|| "it closed the connection".to_owned());
            warn!(%peer, reason, "Director {peer} was lost: {reason}");
            self.metrics.departures.get_or_create(&Reason { reason: "lost" }).inc();
        }
    }

    /// TCP does not notice a peer that vanished without a word; QUIC does by itself, after 10 s.
    fn on_ping(&mut self, ping::Event { peer, connection, result }: ping::Event) {
        match result {
            Ok(_) | Err(ping::Failure::Unsupported) => {}
            // libp2p keeps the first failure in a row to itself: this is the second.
            Err(failure) => {
                warn!(%peer, reason = %failure, "{peer} does not answer pings, its connection is closed: {failure}");
                self.swarm.close_connection(connection);
            }
        }
    }

    fn on_identified(&mut self, peer: PeerId, info: identify::Info) {
        if info.protocol_version != PROTOCOL_VERSION {
            debug!("{peer} is no Director but {} {}", info.protocol_version, info.agent_version);
            return;
        }
        if self.directors.insert(peer) {
            let agent = &info.agent_version;
            info!(%peer, agent, "Director {peer} ({agent}) is connected");
        }
        if info.protocols.contains(&KAD_PROTOCOL) {
            for address in info.listen_addrs {
                self.swarm.behaviour_mut().kad.add_address(&peer, address);
            }
        }
    }
}
