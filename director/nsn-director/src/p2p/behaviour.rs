//! The libp2p protocols that a Director speaks.

use super::Topic;
use libp2p::{
    StreamProtocol,
    gossipsub::{self, IdentTopic, MessageAuthenticity, TopicHash},
    identify,
    identity::Keypair,
    kad::{self, store::MemoryStore},
    ping,
    swarm::NetworkBehaviour,
};
use std::time::Duration;

/// What `identify` says of every Director.
pub const PROTOCOL_VERSION: &str = "/nsn/1.0.0";
pub const KAD_PROTOCOL: StreamProtocol = StreamProtocol::new("/nsn/kad/1.0.0");

#[derive(NetworkBehaviour)]
pub struct Behaviour {
    pub kad: kad::Behaviour<MemoryStore>,
    pub gossipsub: gossipsub::Behaviour,
    pub identify: identify::Behaviour,
    pub ping: ping::Behaviour,
}

impl Behaviour {
    /// `ping` is the time between two pings, and the most that one may take.
    pub fn new(key: &Keypair, ping: Duration) -> anyhow::Result<Self> {
        let peer_id = key.public().to_peer_id();
        let mut kad_config = kad::Config::new(KAD_PROTOCOL);
        kad_config.set_periodic_bootstrap_interval(Some(Duration::from_secs(60)));
        // It finds peers and keeps no records for them.
        kad_config.set_record_filtering(kad::StoreInserts::FilterBoth);
        let mut kad = kad::Behaviour::with_config(peer_id, MemoryStore::new(peer_id), kad_config);
        // Without this a node answers no queries until somebody has confirmed an outside address of it.
        kad.set_mode(Some(kad::Mode::Server));

        let authenticity = MessageAuthenticity::Signed(key.clone());
        let mut gossipsub = gossipsub::Behaviour::new(authenticity, gossipsub::Config::default())
            .map_err(|error| anyhow::anyhow!("GossipSub: {error}"))?;
        for topic in Topic::ALL {
            gossipsub.subscribe(&IdentTopic::new(topic.name()))?;
        }

        let identify = identify::Config::new(PROTOCOL_VERSION.to_owned(), key.public())
            .with_agent_version(concat!("nsn-director/", env!("CARGO_PKG_VERSION")).to_owned());
        let ping = ping::Behaviour::new(ping::Config::new().with_interval(ping).with_timeout(ping));
        Ok(Self { kad, gossipsub, identify: identify::Behaviour::new(identify), ping })
    }
}

impl Topic {
    pub fn hash(self) -> TopicHash {
        IdentTopic::new(self.name()).hash()
    }

    pub fn of(hash: &TopicHash) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.hash() == *hash)
    }
}
