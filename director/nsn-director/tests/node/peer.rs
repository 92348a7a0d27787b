//! A peer in the test's own process that says on GossipSub what the test wants, and tells what it hears of rounds.

use crate::director::until;
use anyhow::{Context, Result};
use futures::StreamExt;
use libp2p::{Multiaddr, SwarmBuilder, gossipsub, identity::Keypair, swarm::SwarmEvent};
use nsn_director::p2p::{
    Topic,
    behaviour::{Behaviour, BehaviourEvent},
};
use std::time::Duration;
use tokio::{
    select,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

type Said = (Topic, Vec<u8>, oneshot::Sender<bool>);

pub struct Peer {
    pub id: String,
    pub key: Keypair,
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
    say: mpsc::Sender<Said>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Dials Directors by QUIC.
    pub fn join(addresses: &[&str]) -> Result<Self> {
        let key = Keypair::generate_ed25519();
        let id = key.public().to_peer_id().to_string();
        let behaviour = Behaviour::new(&key, Duration::from_secs(15))?;
        let builder = SwarmBuilder::with_existing_identity(key.clone()).with_tokio().with_quic();
        let mut swarm = builder.with_behaviour(|_| behaviour)?.build();
        for address in addresses {
            swarm.dial(address.parse::<Multiaddr>()?)?;
        }
        let (say, mut said) = mpsc::channel::<Said>(1);
        let (hear, heard) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                select! {
                    event = swarm.select_next_some() => {
                        if let SwarmEvent::Behaviour(BehaviourEvent::Gossipsub(gossipsub::Event::Message { message, .. })) = event
                            && message.topic == Topic::Bft.hash()
                        {
                            let _ = hear.send(message.data);
                        }
                    }
                    Some((topic, message, done)) = said.recv() => {
                        let sent = swarm.behaviour_mut().gossipsub.publish(topic.hash(), message);
                        let _ = done.send(sent.is_ok());
                    }
                }
            }
        });
        Ok(Self { id, key, heard, say, task })
    }

    /// The next message on `nsn/bft`.
    pub async fn hear(&mut self) -> Result<Vec<u8>> {
        timeout(Duration::from_secs(60), self.heard.recv()).await?.context("the peer's swarm has ended")
    }

    /// Says it as soon as somebody listens.
    pub async fn say(&self, topic: Topic, message: &[u8]) -> Result<()> {
        until("somebody listens", || async {
            let (done, sent) = oneshot::channel();
            self.say.send((topic, message.to_vec(), done)).await.ok()?;
            sent.await.ok()?.then_some(())
        })
        .await
        .with_context(|| self.id.clone())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
