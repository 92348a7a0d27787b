//! The node among its peers: Kademlia finds them, GossipSub carries what they say, identify tells who they are.

pub mod address;
pub mod behaviour;
mod bootstrap;
mod departures;
mod dialling;
mod gossip;
mod network;

use crate::{config::Config, metrics::Metrics, ports::probe_p2p};
use behaviour::Behaviour;
use libp2p::{Multiaddr, PeerId, Swarm, identity::Keypair, multiaddr::Protocol, noise, tcp, yamux};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    num::NonZeroU8,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::debug;

/// The topics every Director is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Recipes,
    Bft,
    Departure,
}

impl Topic {
    pub const ALL: [Topic; 3] = [Topic::Recipes, Topic::Bft, Topic::Departure];

    pub fn name(self) -> &'static str {
        match self {
            Topic::Recipes => "nsn/recipes",
            Topic::Bft => "nsn/bft",
            Topic::Departure => "nsn/departure",
        }
    }
}

/// Who is there now.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub listening: Vec<Multiaddr>,
    pub connected: BTreeSet<PeerId>,
    /// What each of them is subscribed to, as it said.
    pub topics: BTreeMap<PeerId, BTreeSet<&'static str>>,
    /// Connected peers that are subscribed to `nsn/bft`.
    pub voters: BTreeSet<PeerId>,
}

enum Command {
    Publish { topic: Topic, message: Vec<u8>, sent: oneshot::Sender<()> },
    Leave { left: oneshot::Sender<()> },
}

/// A handle on the network; clones speak to the same one.
#[derive(Clone)]
pub struct P2p {
    pub peer_id: PeerId,
    pub view: watch::Receiver<View>,
    commands: mpsc::Sender<Command>,
}

impl P2p {
    /// Hands a message to GossipSub; with nobody there to hear it, it is gone.
    pub async fn publish(&self, topic: Topic, message: Vec<u8>) {
        let (sent, done) = oneshot::channel();
        if self.commands.send(Command::Publish { topic, message, sent }).await.is_ok() {
            let _ = done.await;
        }
    }

    /// Closes every connection and ends the network.
    pub async fn leave(&self) {
        let (left, done) = oneshot::channel();
        if self.commands.send(Command::Leave { left }).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// What `start` gives: the handle, the messages of `nsn/bft`, and the network itself, to be run as a task.
pub struct Started {
    pub p2p: P2p,
    pub bft_messages: mpsc::Receiver<Vec<u8>>,
    pub network: network::Network,
}

/// Listens on QUIC and TCP and begins to dial the bootstrap peers.
pub fn start(config: &Config, key: Keypair, metrics: Arc<Metrics>) -> anyhow::Result<Started> {
    probe_p2p(config.p2p_port)?;
    let peer_id = key.public().to_peer_id();
    let mut swarm = swarm(config.p2p_port, key, Duration::from_secs(config.p2p_ping))?;
    config.p2p_external_addresses.iter().for_each(|address| swarm.add_external_address(address.clone()));
    let (view_sender, view) = watch::channel(View::default());
    let (commands, command_receiver) = mpsc::channel(64);
    let (bft_sender, bft_messages) = mpsc::channel(256);
    let bootstrap = bootstrap::Bootstrap::new(config.p2p_bootstrap_peers.clone());
    let network = network::Network::new(swarm, bootstrap, command_receiver, view_sender, bft_sender, metrics);
    debug!("peer id {peer_id}");
    Ok(Started { p2p: P2p { peer_id, view, commands }, bft_messages, network })
}

fn swarm(port: u16, key: Keypair, ping: Duration) -> anyhow::Result<Swarm<Behaviour>> {
    let behaviour = Behaviour::new(&key, ping)?;
    let mut swarm = libp2p::SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_quic()
        .with_behaviour(|_| behaviour)?
        .with_swarm_config(|config| {
            config
                // Directors are few and talk all the time: an idle connection is kept.
                .with_idle_connection_timeout(Duration::from_secs(3600))
                // One address of a peer after the other. Of those that are dialled at once all but the first are dropped, at
                // the other end perhaps when GossipSub has handed them a subscription, which it does not say again.
                .with_dial_concurrency_factor(NonZeroU8::MIN)
        })
        .build();
    let everywhere = Multiaddr::from(Ipv4Addr::UNSPECIFIED);
    swarm.listen_on(everywhere.clone().with(Protocol::Udp(port)).with(Protocol::QuicV1))?;
    swarm.listen_on(everywhere.with(Protocol::Tcp(port)))?;
    Ok(swarm)
}
