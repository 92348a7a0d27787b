//! The leader's side of a round: collects ballots until there is a quorum.

use super::signing::check_ballot;
use crate::proto::bft::{Ballot, Certificate, Proposal};
use libp2p::PeerId;
use std::collections::{BTreeMap, BTreeSet};

/// The votes that commit: more than two thirds.
pub fn quorum(members: usize) -> usize {
    members * 2 / 3 + 1
}

pub struct Round {
    proposal: Proposal,
    committee: BTreeSet<PeerId>,
    ballots: BTreeMap<PeerId, Ballot>,
}

impl Round {
    pub fn new(proposal: Proposal, committee: BTreeSet<PeerId>) -> Self {
        Self { proposal, committee, ballots: BTreeMap::new() }
    }

    /// Counts a ballot; the certificate as soon as there is a quorum, a sentence where the ballot does not count.
    pub fn count(&mut self, ballot: Ballot) -> Result<Option<Certificate>, String> {
        let voter = check_ballot(&ballot, &self.proposal, &self.committee)?;
        self.ballots.insert(voter, ballot);
        let complete = self.ballots.len() >= quorum(self.committee.len());
        Ok(complete.then(|| Certificate {
            proposal: Some(self.proposal.clone()),
            ballots: self.ballots.values().cloned().collect(),
        }))
    }

    /// For who waited in vain.
    pub fn tally(&self) -> String {
        let (members, wanted) = (self.committee.len(), quorum(self.committee.len()));
        format!("{} of {members} members voted, a quorum is {wanted}", self.ballots.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::signing::*, *};
    use libp2p::identity::Keypair;

    #[test]
    fn a_quorum_is_more_than_two_thirds() {
        let expected = [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7)];
        assert_eq!(expected.map(|(members, _)| (members, quorum(members))), expected);
    }

    #[test]
    fn four_members_commit_with_three_votes_and_a_voter_counts_once() {
        let keys: Vec<_> = (0..4).map(|_| Keypair::generate_ed25519()).collect();
        let committee: BTreeSet<_> = keys.iter().map(|key| key.public().to_peer_id()).collect();
        let proposal = sign_proposal(1, vec![0; 32], &committee, &keys[0]);
        let mut round = Round::new(proposal.clone(), committee);
        let mut vote = |key| round.count(sign_ballot(&proposal, key)).unwrap();
        assert!(vote(&keys[0]).is_none());
        assert!(vote(&keys[1]).is_none());
        assert!(vote(&keys[1]).is_none());
        assert!(check_certificate(&vote(&keys[3]).unwrap()).is_ok());
    }
}
