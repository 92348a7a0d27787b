//! A peer in the test's own process that says on GossipSub what the test wants.

use crate::director::until;
use anyhow::{Context, Result};
use futures::StreamExt;
use libp2p::{Multiaddr, SwarmBuilder, identity::Keypair};
use nsn_director::p2p::{Topic, behaviour::Behaviour};
use std::time::Duration;
use tokio::{
    select,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

type Said = (Topic, Vec<u8>, oneshot::Sender<bool>);

pub struct Peer {
    pub id: String,
    say: mpsc::Sender<Said>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Dials a Director by QUIC.
    pub fn join(address: &str) -> Result<Self> {
        let key = Keypair::generate_ed25519();
        let id = key.public().to_peer_id().to_string();
        let behaviour = Behaviour::new(&key, Duration::from_secs(15))?;
        let builder = SwarmBuilder::with_existing_identity(key).with_tokio().with_quic();
        let mut swarm = builder.with_behaviour(|_| behaviour)?.build();
        swarm.dial(address.parse::<Multiaddr>()?)?;
        let (say, mut said) = mpsc::channel::<Said>(1);
        let task = tokio::spawn(async move {
            loop {
                select! {
                    _ = swarm.select_next_some() => {}
                    Some((topic, message, done)) = said.recv() => {
                        let sent = swarm.behaviour_mut().gossipsub.publish(topic.hash(), message);
                        let _ = done.send(sent.is_ok());
                    }
                }
            }
        });
        Ok(Self { id, say, task })
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
