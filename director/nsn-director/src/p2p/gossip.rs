//! What Directors say to one another on the GossipSub topics.

use super::{Topic, network::Network};
use crate::{
    clock::unix_ms,
    metrics::{self, Reason},
    proto::director::{Departure, Recipe},
};
use libp2p::{
    PeerId,
    gossipsub::{self, PublishError},
};
use prost::Message;
use tokio::sync::oneshot;
use tracing::{debug, info, warn};

impl Network {
    pub(super) fn publish(&mut self, topic: Topic, message: Vec<u8>, sent: oneshot::Sender<()>) {
        match self.swarm.behaviour_mut().gossipsub.publish(topic.hash(), message) {
            Ok(_) => {
                self.metrics.published.get_or_create(&metrics::Topic { topic: topic.name() }).inc();
            }
            Err(PublishError::NoPeersSubscribedToTopic) => debug!("nobody listens to {}", topic.name()),
            Err(error) => {
                let topic = topic.name();
                warn!(topic, reason = %error, "A message to {topic} was not sent: {error}");
            }
        }
        let _ = sent.send(());
    }

    pub(super) fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Subscribed { peer_id, topic } => {
                let Some(topic) = Topic::of(&topic) else { return };
                self.change_view(|view| {
                    view.topics.entry(peer_id).or_default().insert(topic.name());
                    if topic == Topic::Bft {
                        view.voters.insert(peer_id);
                    }
                });
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                let Some(topic) = Topic::of(&topic) else { return };
                self.change_view(|view| {
                    view.topics.entry(peer_id).or_default().remove(topic.name());
                    if topic == Topic::Bft {
                        view.voters.remove(&peer_id);
                    }
                });
            }
            gossipsub::Event::Message { message, .. } => {
                let Some((topic, source)) = Topic::of(&message.topic).zip(message.source) else { return };
                self.metrics.messages.get_or_create(&metrics::Topic { topic: topic.name() }).inc();
                self.on_message(topic, source, message.data);
            }
            event => debug!("{event:?}"),
        }
    }

    fn on_message(&mut self, topic: Topic, source: PeerId, data: Vec<u8>) {
        match topic {
            Topic::Bft => {
                if self.bft_messages.try_send(data).is_err() {
                    warn!(peer = %source, "A message of {source} on nsn/bft was dropped: too many at once");
                }
            }
            Topic::Departure => match Departure::decode(data.as_slice()) {
                Ok(departure) => self.on_departure(source, departure),
                Err(error) => {
                    warn!(peer = %source, reason = %error, "{source} sent no departure on nsn/departure: {error}")
                }
            },
            Topic::Recipes => match Recipe::decode(data.as_slice()) {
                Ok(recipe) => {
                    let slot = recipe.slot;
                    info!(peer = %source, slot, "Director {source} works on slot {slot}");
                }
                Err(error) => warn!(peer = %source, reason = %error, "{source} sent no recipe on nsn/recipes: {error}"),
            },
        }
    }

    /// Of a peer that is connected; of others it is hearsay.
    fn on_departure(&mut self, peer: PeerId, Departure { reason, time_ms }: Departure) {
        if let Err(why) = self.departures.take(peer, time_ms, unix_ms()) {
            return warn!(%peer, reason = why, "A departure of {peer} is ignored: {why}");
        }
        if !self.view.borrow().connected.contains(&peer) || !self.departed.insert(peer) {
            return;
        }
        info!(%peer, reason, "Director {peer} departs: {reason}");
        self.metrics.departures.get_or_create(&Reason { reason: "announced" }).inc();
        self.change_view(|view| {
            view.voters.remove(&peer);
        });
    }
}
