//! Runs rounds: leads those that are asked for by gRPC, votes in those of others, and records what is committed.

use super::{
    round::{Round, quorum},
    signing::{check_certificate, check_proposal, sign_ballot, sign_proposal},
    voter::Voter,
};
use crate::{
    metrics::{Metrics, Outcome},
    p2p::{P2p, Topic},
    proto::bft::{Ballot, Certificate, Envelope, Proposal, envelope},
};
use libp2p::{PeerId, identity::Keypair};
use prost::Message;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};
use tracing::{debug, info, warn};

/// Why something was not done.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    Malformed(String),
    Contradiction(String),
    TooFewVotes(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Refusal::Malformed(why) | Refusal::Contradiction(why) | Refusal::TooFewVotes(why)) = self;
        formatter.write_str(why)
    }
}

/// What a round that this node led came to.
pub struct Led {
    pub certificate: Certificate,
    pub quorum: usize,
    pub seconds: f64,
}

struct OpenRound {
    round: Round,
    done: Option<oneshot::Sender<Certificate>>,
}

#[derive(Default)]
struct Books {
    voter: Voter,
    open: HashMap<u64, OpenRound>,
}

pub struct Coordinator {
    key: Keypair,
    p2p: P2p,
    metrics: Arc<Metrics>,
    books: Mutex<Books>,
}

impl Coordinator {
    pub fn new(key: Keypair, p2p: P2p, metrics: Arc<Metrics>) -> Self {
        Self { key, p2p, metrics, books: Mutex::default() }
    }

    /// Takes part in the rounds of others, by the messages of `nsn/bft`.
    pub async fn attend(self: Arc<Self>, mut messages: mpsc::Receiver<Vec<u8>>) {
        while let Some(bytes) = messages.recv().await {
            let message = Envelope::decode(bytes.as_slice()).ok().and_then(|envelope| envelope.message);
            let outcome = match message {
                Some(envelope::Message::Proposal(proposal)) => match self.vote(&proposal) {
                    Ok(ballot) => {
                        self.tell(envelope::Message::Ballot(ballot)).await;
                        Ok(())
                    }
                    Err(refusal) => Err(refusal),
                },
                Some(envelope::Message::Ballot(ballot)) => self.count(ballot),
                Some(envelope::Message::Certificate(certificate)) => self.commit(certificate).map(drop),
                None => Err(Refusal::Malformed("a message on nsn/bft is none of its messages".to_owned())),
            };
            if let Err(refusal) = outcome {
                warn!(reason = %refusal, "BFT: {refusal}");
            }
        }
    }

    /// Leads a round and waits for its end.
    pub async fn lead(&self, slot: u64, digest: Vec<u8>, deadline: Duration) -> Result<Led, Refusal> {
        let begun = Instant::now();
        let mut committee: BTreeSet<_> = self.p2p.view.borrow().voters.clone();
        committee.insert(self.p2p.peer_id);
        let members = committee.len();
        let proposal = sign_proposal(slot, digest, &committee, &self.key);
        let own_ballot = self.vote(&proposal)?;
        let (done, committed) = oneshot::channel();
        {
            let mut books = self.books.lock().expect("no holder panics");
            if books.open.contains_key(&slot) {
                return Err(Refusal::Contradiction(format!("this node is already leading a round for slot {slot}")));
            }
            let round = Round::new(proposal.clone(), committee);
            books.open.insert(slot, OpenRound { round, done: Some(done) });
        }
        let _closing = Closing { books: &self.books, slot };
        self.tell(envelope::Message::Proposal(proposal)).await;
        self.count(own_ballot)?;
        let certificate = timeout(deadline, committed).await.ok().and_then(Result::ok);
        let seconds = begun.elapsed().as_secs_f64();
        self.metrics.round_duration.observe(seconds);
        let outcome = if certificate.is_some() { "committed" } else { "timed_out" };
        self.metrics.rounds.get_or_create(&Outcome { outcome }).inc();
        let Some(certificate) = certificate else {
            let books = self.books.lock().expect("no holder panics");
            let tally = books.open.get(&slot).map_or_else(String::new, |open| open.round.tally());
            return Err(Refusal::TooFewVotes(format!("slot {slot} was not decided within {deadline:?}: {tally}")));
        };
        self.commit(certificate.clone())?;
        self.tell(envelope::Message::Certificate(certificate.clone())).await;
        Ok(Led { certificate, quorum: quorum(members), seconds })
    }

    /// This node's ballot for a proposal, or why it does not vote for it.
    pub fn vote(&self, proposal: &Proposal) -> Result<Ballot, Refusal> {
        let committee = check_proposal(proposal).map_err(Refusal::Malformed)?;
        self.check_members(proposal.slot, &committee)?;
        let mut books = self.books.lock().expect("no holder panics");
        books.voter.decide(proposal, Instant::now().into_std()).map_err(Refusal::Contradiction)?;
        Ok(sign_ballot(proposal, &self.key))
    }

    /// Records a certificate that holds; gives its slot.
    pub fn commit(&self, certificate: Certificate) -> Result<u64, Refusal> {
        let (proposal, committee) = check_certificate(&certificate).map_err(Refusal::Malformed)?;
        let slot = proposal.slot;
        let mut books = self.books.lock().expect("no holder panics");
        // Its members were known when this node voted for it, and may have left since.
        if !books.voter.voted_for(proposal) {
            self.check_members(slot, &committee)?;
        }
        let news = books.voter.committed(slot).is_none();
        books.voter.commit(slot, certificate, Instant::now().into_std()).map_err(Refusal::Contradiction)?;
        if news {
            info!(slot, "BFT: slot {slot} is committed");
        }
        Ok(slot)
    }

    pub fn committed(&self, slot: u64) -> Option<Certificate> {
        self.books.lock().expect("no holder panics").voter.committed(slot).cloned()
    }

    /// A committee is its leader's word: it counts only with this node in it, among Directors that this node knows itself.
    fn check_members(&self, slot: u64, committee: &BTreeSet<PeerId>) -> Result<(), Refusal> {
        let own = self.p2p.peer_id;
        if !committee.contains(&own) {
            return Err(Refusal::Contradiction(format!("this node is no member for slot {slot}")));
        }
        let voters = &self.p2p.view.borrow().voters;
        match committee.iter().find(|peer| **peer != own && !voters.contains(peer)) {
            None => Ok(()),
            Some(stranger) => Err(Refusal::Contradiction(format!(
                "{stranger}, of the committee for slot {slot}, is no Director that this node is connected to"
            ))),
        }
    }

    fn count(&self, ballot: Ballot) -> Result<(), Refusal> {
        let mut books = self.books.lock().expect("no holder panics");
        // Every member hears every ballot; it matters to the leader alone.
        let Some(open) = books.open.get_mut(&ballot.slot) else { return Ok(()) };
        let certificate = open.round.count(ballot).map_err(Refusal::Malformed)?;
        if let Some((certificate, done)) = certificate.and_then(|certificate| Some((certificate, open.done.take()?))) {
            let _ = done.send(certificate);
        }
        Ok(())
    }

    async fn tell(&self, message: envelope::Message) {
        debug!("BFT: telling {message:?}");
        self.p2p.publish(Topic::Bft, Envelope { message: Some(message) }.encode_to_vec()).await;
    }
}

/// Closes a round however its leading ends, also when the caller has hung up.
struct Closing<'a> {
    books: &'a Mutex<Books>,
    slot: u64,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.books.lock().expect("no holder panics").open.remove(&self.slot);
    }
}
