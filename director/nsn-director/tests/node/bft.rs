use crate::{
    director::{Director, Wanted},
    peer::Peer,
};
use anyhow::Result;
use libp2p::{PeerId, identity::Keypair};
use nix::sys::signal::Signal;
use nsn_director::{
    bft::signing::{sign_ballot, sign_proposal},
    p2p::Topic,
    proto::bft::{
        Ballot, Certificate, CommitRequest, Envelope, GetSlotRequest, Proposal, ProposeRequest, ProposeResponse,
        VoteRequest, bft_coordination_client::BftCoordinationClient, envelope::Message as Bft,
    },
};
use prost::Message;
use std::collections::BTreeSet;
use tonic::{Code, Status, transport::Channel};

async fn client(director: &Director) -> Result<BftCoordinationClient<Channel>> {
    Ok(BftCoordinationClient::connect(format!("http://{}", director.grpc)).await?)
}

async fn propose(
    director: &Director,
    slot: u64,
    digest: u8,
    deadline_ms: u32,
) -> Result<Result<ProposeResponse, Status>> {
    let request = ProposeRequest { slot, digest: vec![digest; 32], deadline_ms };
    Ok(client(director).await?.propose(request).await.map(tonic::Response::into_inner))
}

async fn has_slot(director: &Director, slot: u64) -> Result<()> {
    director.says(&format!("BFT: slot {slot} is committed")).await?;
    let found = client(director).await?.get_slot(GetSlotRequest { slot }).await?;
    assert_eq!(found.into_inner().certificate.unwrap().proposal.unwrap().slot, slot);
    Ok(())
}

/// Directors that are all connected to one another.
async fn committee(size: usize) -> Result<Vec<Director>> {
    let mut directors: Vec<Director> = Vec::new();
    for _ in 0..size {
        let bootstrap = directors.iter().map(|director| director.quic.clone()).collect();
        directors.push(Director::start(Wanted { bootstrap, ..Wanted::default() }).await?);
    }
    for director in &directors {
        director.metric_becomes("nsn_p2p_connected_peers", (size - 1) as f64).await?;
        director.metric_becomes("nsn_bft_voters", size as f64).await?;
    }
    Ok(directors)
}

#[tokio::test]
async fn two_nodes_commit_a_slot_within_its_deadline() -> Result<()> {
    let directors = committee(2).await?;
    let response = propose(&directors[0], 7, 1, 5000).await??;
    let certificate = response.certificate.clone().unwrap();
    assert_eq!((response.quorum, certificate.ballots.len()), (2, 2));
    assert!(response.seconds < 5.0, "{}", response.seconds);
    for director in &directors {
        has_slot(director, 7).await?;
    }
    assert_eq!(directors[0].metric("nsn_bft_round_duration_seconds_count").await?, 1.0);
    assert_eq!(directors[0].metric("nsn_bft_rounds_total{outcome=\"committed\"}").await?, 1.0);
    assert_eq!(directors[1].metric("nsn_bft_round_duration_seconds_count").await?, 0.0);

    let other = propose(&directors[1], 7, 2, 1000).await?.unwrap_err();
    assert_eq!(other.code(), Code::FailedPrecondition, "{other}");
    Ok(())
}

#[tokio::test]
async fn of_two_nodes_none_may_be_missing_and_a_round_without_one_ends_at_its_deadline() -> Result<()> {
    let directors = committee(2).await?;
    directors[1].freeze().await?;
    let status = propose(&directors[0], 1, 1, 500).await?.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(status.message().contains("slot 1 was not decided within 500ms: 1 of 2 members voted"), "{status}");
    directors[1].signal(Signal::SIGCONT);
    propose(&directors[0], 2, 1, 20_000).await??;
    has_slot(&directors[1], 2).await?;
    assert_eq!(directors[0].metric("nsn_bft_round_duration_seconds_count").await?, 2.0);
    Ok(())
}

/// A peer that every Director takes for a member, and asks for its vote.
async fn join(directors: &[Director], members: f64) -> Result<Peer> {
    let addresses: Vec<_> = directors.iter().map(|director| director.quic.as_str()).collect();
    let peer = Peer::join(&addresses)?;
    for director in directors {
        director.metric_becomes("nsn_bft_voters", members).await?;
    }
    Ok(peer)
}

/// Answers the next proposal with a vote for another digest, a vote in somebody else's name, and noise.
async fn lie(liar: &mut Peer, other: &Keypair) -> Result<()> {
    let proposal = loop {
        if let Some(Bft::Proposal(proposal)) = Envelope::decode(&*liar.hear().await?)?.message {
            break proposal;
        }
    };
    let changed = Proposal { digest: vec![9; 32], ..proposal.clone() };
    let forged = Ballot { voter: other.public().encode_protobuf(), ..sign_ballot(&proposal, &liar.key) };
    for ballot in [sign_ballot(&changed, &liar.key), forged] {
        liar.say(Topic::Bft, &Envelope { message: Some(Bft::Ballot(ballot)) }.encode_to_vec()).await?;
    }
    liar.say(Topic::Bft, b"\xffnoise").await
}

#[tokio::test]
async fn four_members_commit_with_one_that_lies() -> Result<()> {
    let directors = committee(3).await?;
    let mut liar = join(&directors, 4.0).await?;
    let stranger = Keypair::generate_ed25519();
    let (round, lied) = tokio::join!(propose(&directors[0], 1, 1, 30_000), lie(&mut liar, &stranger));
    lied?;
    let ballots = round??.certificate.unwrap().ballots;
    assert_eq!(ballots.len(), 3);
    assert!(ballots.iter().all(|ballot| ballot.voter != liar.key.public().encode_protobuf()));
    for director in &directors {
        has_slot(director, 1).await?;
    }
    directors[0].says("BFT: a message on nsn/bft is none of its messages").await
}

#[tokio::test]
async fn lies_make_no_quorum_of_two_votes() -> Result<()> {
    let directors = committee(2).await?;
    let silent = join(&directors, 3.0).await?;
    let mut liar = join(&directors, 4.0).await?;
    let (round, lied) = tokio::join!(propose(&directors[0], 1, 1, 8000), lie(&mut liar, &silent.key));
    lied?;
    let status = round?.unwrap_err();
    assert!(status.message().contains("2 of 4 members voted, a quorum is 3"), "{status}");
    for why in ["the ballot is for another slot or digest", "a ballot's signature is not valid"] {
        directors[0].says(&format!("BFT: {why}")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn four_nodes_commit_with_one_that_is_silent_and_not_with_two() -> Result<()> {
    let directors = committee(4).await?;
    directors[3].freeze().await?;
    let response = propose(&directors[0], 1, 1, 10_000).await??;
    assert_eq!((response.quorum, response.certificate.unwrap().ballots.len()), (3, 3));
    for director in &directors[..3] {
        has_slot(director, 1).await?;
    }
    directors[2].freeze().await?;
    let status = propose(&directors[0], 2, 1, 3000).await?.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(status.message().contains("2 of 4 members voted, a quorum is 3"), "{status}");
    assert_eq!(directors[0].metric("nsn_bft_rounds_total{outcome=\"timed_out\"}").await?, 1.0);
    Ok(())
}

#[tokio::test]
async fn votes_and_certificates_are_checked_when_they_come_by_grpc() -> Result<()> {
    let directors = committee(2).await?;
    let certificate = propose(&directors[0], 3, 1, 5000).await??.certificate.unwrap();
    let mut second = client(&directors[1]).await?;

    let mut forged = certificate.clone();
    forged.proposal.as_mut().unwrap().slot = 4;
    let status = second.commit(CommitRequest { certificate: Some(forged.clone()) }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let status = second.vote(VoteRequest { proposal: forged.proposal }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let status = second.get_slot(GetSlotRequest { slot: 4 }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");

    let ballot =
        second.vote(VoteRequest { proposal: certificate.proposal.clone() }).await?.into_inner().ballot.unwrap();
    assert!(certificate.ballots.contains(&ballot), "the same vote as before");
    assert_eq!(second.commit(CommitRequest { certificate: Some(certificate) }).await?.into_inner().slot, 3);

    let status = propose(&directors[0], 5, 1, 60_001).await?.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let short = ProposeRequest { slot: 5, digest: vec![1; 31], deadline_ms: 0 };
    assert_eq!(second.propose(short).await.unwrap_err().code(), Code::InvalidArgument);
    Ok(())
}

#[tokio::test]
async fn a_committee_of_strangers_gets_no_vote_and_its_certificate_is_refused() -> Result<()> {
    let directors = committee(2).await?;
    let keys: Vec<_> = (0..3).map(|_| Keypair::generate_ed25519()).collect();
    let mut members: BTreeSet<PeerId> = keys.iter().map(|key| key.public().to_peer_id()).collect();
    members.insert(directors[0].peer_id.parse()?);
    let proposal = sign_proposal(1, vec![1; 32], &members, &keys[0]);
    let ballots = keys.iter().map(|key| sign_ballot(&proposal, key)).collect();
    let mut first = client(&directors[0]).await?;
    let status = first.vote(VoteRequest { proposal: Some(proposal.clone()) }).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status}");
    let certificate = Some(Certificate { proposal: Some(proposal), ballots });
    let status = first.commit(CommitRequest { certificate }).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "{status}");
    assert!(status.message().contains("is no Director that this node is connected to"), "{status}");
    assert_eq!(first.get_slot(GetSlotRequest { slot: 1 }).await.unwrap_err().code(), Code::NotFound);
    Ok(())
}

#[tokio::test]
async fn a_slot_far_ahead_is_refused_and_the_next_one_is_not() -> Result<()> {
    let directors = committee(2).await?;
    propose(&directors[0], 7, 1, 5000).await??;
    for director in &directors {
        has_slot(director, 7).await?;
    }
    let status = propose(&directors[0], u64::MAX - 1, 1, 1000).await?.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    assert!(status.message().contains("too far ahead"), "{status}");
    propose(&directors[1], 8, 1, 5000).await??;
    Ok(())
}
