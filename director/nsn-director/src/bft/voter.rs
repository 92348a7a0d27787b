//! The member's side: one digest a slot, and what has been committed.

use crate::proto::bft::{Certificate, Proposal};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Slots that are remembered; older ones are no longer voted on.
const REMEMBERED: usize = 4096;
/// Slots that a proposal may be ahead of what is known. A few from near 2^64 would push every real slot out of memory.
const AHEAD: u64 = 1000;
/// Each of these allows one more: a node that was cut off for a while still finds back.
const SLOT: Duration = Duration::from_secs(1);

struct Vote {
    digest: Vec<u8>,
    /// The proposal's signature, which covers its committee.
    proposal: Vec<u8>,
}

#[derive(Default)]
pub struct Voter {
    voted: BTreeMap<u64, Vote>,
    committed: BTreeMap<u64, Certificate>,
    /// No vote at or below it: what was voted there has been forgotten.
    floor: Option<u64>,
    /// The highest slot that is committed, or the first that was voted on while none is; and since when.
    reached: Option<(u64, Instant)>,
}

impl Voter {
    /// Whether this node votes for the proposal; from then on it votes for nothing else in that slot.
    pub fn decide(&mut self, proposal: &Proposal, now: Instant) -> Result<(), String> {
        let Proposal { slot, digest, .. } = proposal;
        if self.floor.is_some_and(|floor| *slot <= floor) {
            return Err(format!("slot {slot} is too old"));
        }
        self.check_ahead(*slot, now)?;
        if self.voted.get(slot).is_some_and(|voted| voted.digest != *digest) {
            return Err(format!("this node has voted for another digest in slot {slot}"));
        }
        if self
            .committed
            .get(slot)
            .is_some_and(|other| other.proposal.as_ref().is_none_or(|other| other.digest != *digest))
        {
            return Err(format!("slot {slot} is committed with another digest"));
        }
        self.reached.get_or_insert((*slot, now));
        self.voted.insert(*slot, Vote { digest: digest.clone(), proposal: proposal.signature.clone() });
        if self.voted.len() > REMEMBERED {
            self.floor = self.voted.pop_first().map(|(slot, _)| slot);
        }
        Ok(())
    }

    /// Whether this very proposal, its committee included, got this node's last vote in its slot.
    pub fn voted_for(&self, proposal: &Proposal) -> bool {
        self.voted.get(&proposal.slot).is_some_and(|voted| voted.proposal == proposal.signature)
    }

    fn check_ahead(&self, slot: u64, now: Instant) -> Result<(), String> {
        let Some((reached, since)) = self.reached else { return Ok(()) };
        let waited = now.saturating_duration_since(since).as_secs() / SLOT.as_secs();
        let limit = reached.saturating_add(AHEAD).saturating_add(waited);
        if slot <= limit {
            return Ok(());
        }
        Err(format!("slot {slot} is too far ahead: slot {reached} was the last, {limit} is the highest for now"))
    }

    /// Records a checked certificate; one that contradicts an earlier one is refused.
    pub fn commit(&mut self, slot: u64, certificate: Certificate, now: Instant) -> Result<(), String> {
        self.check_ahead(slot, now)?;
        let digest = |certificate: &Certificate| certificate.proposal.as_ref().map(|proposal| proposal.digest.clone());
        if self.committed.get(&slot).is_some_and(|earlier| digest(earlier) != digest(&certificate)) {
            return Err(format!("slot {slot} is committed with another digest"));
        }
        if self.committed.last_key_value().is_none_or(|(highest, _)| slot > *highest) {
            self.reached = Some((slot, now));
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
        Proposal { slot, digest: vec![digest; 32], signature: vec![digest], ..Proposal::default() }
    }

    fn certificate(slot: u64, digest: u8) -> Certificate {
        Certificate { proposal: Some(proposal(slot, digest)), ballots: Vec::new() }
    }

    #[test]
    fn a_node_votes_for_one_digest_a_slot() {
        let (mut voter, now) = (Voter::default(), Instant::now());
        assert!(voter.decide(&proposal(1, 1), now).is_ok());
        assert!(voter.decide(&proposal(1, 1), now).is_ok());
        assert!(voter.decide(&proposal(1, 2), now).unwrap_err().contains("another digest"));
        assert!(voter.decide(&proposal(2, 2), now).is_ok());
        assert!(voter.voted_for(&proposal(1, 1)) && !voter.voted_for(&proposal(1, 2)));
    }

    #[test]
    fn what_is_committed_cannot_be_voted_on_or_committed_otherwise() {
        let (mut voter, now) = (Voter::default(), Instant::now());
        voter.commit(1, certificate(1, 1), now).unwrap();
        assert!(voter.commit(1, certificate(1, 1), now).is_ok());
        assert!(voter.commit(1, certificate(1, 2), now).is_err());
        assert!(voter.decide(&proposal(1, 2), now).is_err());
    }

    #[test]
    fn a_slot_whose_vote_was_forgotten_gets_none() {
        let (mut voter, now) = (Voter::default(), Instant::now());
        for slot in 0..=REMEMBERED as u64 {
            voter.decide(&proposal(slot, 1), now).unwrap();
            voter.commit(slot, certificate(slot, 1), now).unwrap();
        }
        assert!(voter.decide(&proposal(0, 2), now).unwrap_err().contains("too old"));
    }

    #[test]
    fn slots_far_ahead_are_refused_and_push_no_real_one_out_of_memory() {
        let (mut voter, now) = (Voter::default(), Instant::now());
        voter.decide(&proposal(5, 1), now).unwrap();
        for slot in u64::MAX - REMEMBERED as u64..=u64::MAX {
            assert!(voter.decide(&proposal(slot, 1), now).unwrap_err().contains("too far ahead"));
            assert!(voter.commit(slot, certificate(slot, 1), now).unwrap_err().contains("too far ahead"));
        }
        voter.decide(&proposal(6, 1), now).unwrap();
    }

    #[test]
    fn what_is_ahead_is_counted_from_the_highest_committed_slot_and_grows_by_one_a_second() {
        let (mut voter, now) = (Voter::default(), Instant::now());
        voter.decide(&proposal(5000, 1), now).unwrap();
        voter.commit(10, certificate(10, 1), now).unwrap();
        voter.commit(9, certificate(9, 1), now).unwrap();
        assert!(voter.decide(&proposal(10 + AHEAD, 1), now).is_ok());
        assert!(voter.decide(&proposal(11 + AHEAD, 1), now).is_err());
        assert!(voter.decide(&proposal(11 + AHEAD, 1), now + Duration::from_secs(1)).is_ok());
        let near_the_end = u64::MAX - 3;
        voter.reached = Some((near_the_end, now));
        assert!(voter.decide(&proposal(u64::MAX, 1), now).is_ok(), "no overflow");
    }
}
