//! The member's side: one digest a slot, and what has been committed.

use crate::proto::bft::{Certificate, Proposal};
use std::collections::BTreeMap;

/// Slots that are remembered; older ones are no longer voted on.
const REMEMBERED: usize = 4096;

#[derive(Default)]
pub struct Voter {
    voted: BTreeMap<u64, Vec<u8>>,
    committed: BTreeMap<u64, Certificate>,
    /// No vote at or below it: what was voted there has been forgotten.
    floor: Option<u64>,
}

impl Voter {
    /// Whether this node votes for the proposal; from then on it votes for nothing else in that slot.
    pub fn decide(&mut self, proposal: &Proposal) -> Result<(), String> {
        let Proposal { slot, digest, .. } = proposal;
        if self.floor.is_some_and(|floor| *slot <= floor) {
            return Err(format!("slot {slot} is too old"));
        }
        if self.voted.get(slot).is_some_and(|voted| voted != digest) {
            return Err(format!("this node has voted for another digest in slot {slot}"));
        }
        if self
            .committed
            .get(slot)
            .is_some_and(|other| other.proposal.as_ref().is_none_or(|other| other.digest != *digest))
        {
            return Err(format!("slot {slot} is committed with another digest"));
        }
        self.voted.insert(*slot, digest.clone());
        if self.voted.len() > REMEMBERED {
            self.floor = self.voted.pop_first().map(|(slot, _)| slot);
        }
        Ok(())
    }

    /// Records a checked certificate; one that contradicts an earlier one is refused.
    pub fn commit(&mut self, slot: u64, certificate: Certificate) -> Result<(), String> {
        let digest = |certificate: &Certificate| certificate.proposal.as_ref().map(|proposal| proposal.digest.clone());
        if self.committed.get(&slot).is_some_and(|earlier| digest(earlier) != digest(&certificate)) {
            return Err(format!("slot {slot} is committed with another digest"));
        }
        self.committed.entry(slot).or_insert(certificate);
        if self.committed.len() > REMEMBERED {
            self.committed.pop_first();
        }
        Ok(())
    }

    pub fn committed(&self, slot: u64) -> Option<&Certificate> {
        self.committed.get(&slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(slot: u64, digest: u8) -> Proposal {
        Proposal { slot, digest: vec![digest; 32], ..Proposal::default() }
    }

    fn certificate(slot: u64, digest: u8) -> Certificate {
        Certificate { proposal: Some(proposal(slot, digest)), ballots: Vec::new() }
    }

    #[test]
    fn a_node_votes_for_one_digest_a_slot() {
        let mut voter = Voter::default();
        assert!(voter.decide(&proposal(1, 1)).is_ok());
        assert!(voter.decide(&proposal(1, 1)).is_ok());
        assert!(voter.decide(&proposal(1, 2)).unwrap_err().contains("another digest"));
        assert!(voter.decide(&proposal(2, 2)).is_ok());
    }

    #[test]
    fn what_is_committed_cannot_be_voted_on_or_committed_otherwise() {
        let mut voter = Voter::default();
        voter.commit(1, certificate(1, 1)).unwrap();
        assert!(voter.commit(1, certificate(1, 1)).is_ok());
        assert!(voter.commit(1, certificate(1, 2)).is_err());
        assert!(voter.decide(&proposal(1, 2)).is_err());
    }

    #[test]
    fn a_slot_whose_vote_was_forgotten_gets_none() {
        let mut voter = Voter::default();
        for slot in 0..=REMEMBERED as u64 {
            voter.decide(&proposal(slot, 1)).unwrap();
        }
        assert!(voter.decide(&proposal(0, 2)).unwrap_err().contains("too old"));
    }
}
