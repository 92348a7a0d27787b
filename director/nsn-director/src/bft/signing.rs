//! Proposals, ballots and certificates: made with the node's peer key, and checked.

use crate::{
    bft::round::quorum,
    proto::bft::{Ballot, Certificate, Proposal},
};
use libp2p::{
    PeerId,
    identity::{Keypair, PublicKey},
};
use prost::Message;
use std::collections::BTreeSet;

/// What a signature is for comes first in what is signed, so that none can stand in for another.
const PROPOSAL: &[u8] = b"nsn/bft/v1 proposal";
const BALLOT: &[u8] = b"nsn/bft/v1 ballot";

/// A reason to refuse what was received, as a sentence.
type Checked<T> = Result<T, String>;

pub fn sign_proposal(slot: u64, digest: Vec<u8>, committee: &BTreeSet<PeerId>, key: &Keypair) -> Proposal {
    let committee = committee.iter().map(|peer| peer.to_bytes()).collect();
    let leader = key.public().encode_protobuf();
    let mut proposal = Proposal { slot, digest, committee, leader, signature: Vec::new() };
    proposal.signature = sign(key, &proposal_bytes(&proposal));
    proposal
}

pub fn sign_ballot(proposal: &Proposal, key: &Keypair) -> Ballot {
    Ballot {
        slot: proposal.slot,
        digest: proposal.digest.clone(),
        voter: key.public().encode_protobuf(),
        signature: sign(key, &ballot_bytes(proposal)),
    }
}

/// Gives the committee of a proposal that its leader, one of them, signed.
pub fn check_proposal(proposal: &Proposal) -> Checked<BTreeSet<PeerId>> {
    if proposal.digest.len() != 32 {
        return Err(format!("a digest has 32 bytes, this one {}", proposal.digest.len()));
    }
    let members: Result<BTreeSet<PeerId>, _> = proposal.committee.iter().map(|id| PeerId::from_bytes(id)).collect();
    let members = members.map_err(|error| format!("the committee has a malformed peer id: {error}"))?;
    if members.len() != proposal.committee.len() {
        return Err("the committee names a member twice".to_owned());
    }
    let leader = signer(&proposal.leader, &proposal_bytes(proposal), &proposal.signature)
        .ok_or("the leader's signature is not valid")?;
    if members.contains(&leader) { Ok(members) } else { Err(format!("the leader {leader} is not of the committee")) }
}

/// Gives the voter of a ballot for this very proposal.
pub fn check_ballot(ballot: &Ballot, proposal: &Proposal, committee: &BTreeSet<PeerId>) -> Checked<PeerId> {
    if (ballot.slot, &ballot.digest) != (proposal.slot, &proposal.digest) {
        return Err("the ballot is for another slot or digest".to_owned());
    }
    let voter =
        signer(&ballot.voter, &ballot_bytes(proposal), &ballot.signature).ok_or("a ballot's signature is not valid")?;
    if committee.contains(&voter) { Ok(voter) } else { Err(format!("the voter {voter} is not of the committee")) }
}

/// Gives the proposal that a quorum of its committee voted for.
pub fn check_certificate(certificate: &Certificate) -> Checked<(&Proposal, BTreeSet<PeerId>)> {
    let proposal = certificate.proposal.as_ref().ok_or("the certificate has no proposal")?;
    let committee = check_proposal(proposal)?;
    let voters = certificate.ballots.iter().map(|ballot| check_ballot(ballot, proposal, &committee));
    let voters: BTreeSet<PeerId> = voters.collect::<Checked<_>>()?;
    let wanted = quorum(committee.len());
    if voters.len() < wanted {
        return Err(format!("{} members voted, a quorum of {} is {wanted}", voters.len(), committee.len()));
    }
    Ok((proposal, committee))
}

fn proposal_bytes(proposal: &Proposal) -> Vec<u8> {
    let unsigned = Proposal { signature: Vec::new(), ..proposal.clone() };
    [PROPOSAL, &unsigned.encode_to_vec()].concat()
}

fn ballot_bytes(proposal: &Proposal) -> Vec<u8> {
    [BALLOT, &proposal.encode_to_vec()].concat()
}

fn sign(key: &Keypair, bytes: &[u8]) -> Vec<u8> {
    key.sign(bytes).expect("an ed25519 key signs everything")
}

fn signer(public_key: &[u8], bytes: &[u8], signature: &[u8]) -> Option<PeerId> {
    let key = PublicKey::try_decode_protobuf(public_key).ok()?;
    key.verify(bytes, signature).then(|| key.to_peer_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> (Vec<Keypair>, BTreeSet<PeerId>) {
        let keys: Vec<_> = (0..count).map(|_| Keypair::generate_ed25519()).collect();
        let ids = keys.iter().map(|key| key.public().to_peer_id()).collect();
        (keys, ids)
    }

    fn certificate(keys: &[Keypair], committee: &BTreeSet<PeerId>, voters: usize) -> Certificate {
        let proposal = sign_proposal(7, vec![1; 32], committee, &keys[0]);
        let ballots = keys[..voters].iter().map(|key| sign_ballot(&proposal, key)).collect();
        Certificate { proposal: Some(proposal), ballots }
    }

    #[test]
    fn a_certificate_needs_a_quorum_of_distinct_members() {
        let (keys, committee) = keys(4);
        assert!(check_certificate(&certificate(&keys, &committee, 3)).is_ok());
        assert!(check_certificate(&certificate(&keys, &committee, 2)).unwrap_err().contains("2 members voted"));
        let mut twice = certificate(&keys, &committee, 2);
        twice.ballots.push(twice.ballots[0].clone());
        assert!(check_certificate(&twice).unwrap_err().contains("2 members voted"));
    }

    #[test]
    fn a_changed_digest_or_committee_breaks_the_leaders_signature() {
        let (keys, committee) = keys(4);
        let mut changed = certificate(&keys, &committee, 4);
        changed.proposal.as_mut().unwrap().digest = vec![2; 32];
        assert!(check_certificate(&changed).unwrap_err().contains("leader's signature"));
        let mut shrunk = certificate(&keys, &committee, 1);
        shrunk.proposal.as_mut().unwrap().committee.truncate(1);
        assert!(check_certificate(&shrunk).unwrap_err().contains("leader's signature"));
    }

    #[test]
    fn a_strangers_ballot_and_a_leader_from_outside_are_refused() {
        let (keys, committee) = keys(2);
        let stranger = Keypair::generate_ed25519();
        let proposal = sign_proposal(7, vec![1; 32], &committee, &keys[0]);
        let ballot = sign_ballot(&proposal, &stranger);
        assert!(check_ballot(&ballot, &proposal, &committee).unwrap_err().contains("not of the committee"));
        let foreign = sign_proposal(7, vec![1; 32], &committee, &stranger);
        assert!(check_proposal(&foreign).unwrap_err().contains("not of the committee"));
    }

    #[test]
    fn a_ballot_for_one_proposal_is_none_for_another_of_the_same_digest() {
        let (keys, committee) = keys(2);
        let alone = BTreeSet::from([keys[0].public().to_peer_id()]);
        let (first, second) =
            (sign_proposal(7, vec![1; 32], &committee, &keys[0]), sign_proposal(7, vec![1; 32], &alone, &keys[0]));
        let ballot = sign_ballot(&first, &keys[0]);
        assert!(check_ballot(&ballot, &second, &alone).unwrap_err().contains("signature"));
    }
}
