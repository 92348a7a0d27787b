//! `nsn.bft.v1.BftCoordination`, over the coordinator.

use super::Gate;
use crate::{
    bft::{Coordinator, Refusal},
    proto::bft::{
        CommitRequest, CommitResponse, GetSlotRequest, GetSlotResponse, ProposeRequest, ProposeResponse, VoteRequest,
        VoteResponse, bft_coordination_server::BftCoordination,
    },
};
use std::{sync::Arc, time::Duration};
use tonic::{Request, Response, Status};

const DEADLINE_MS: u32 = 5_000;
const MAX_DEADLINE_MS: u32 = 60_000;

pub struct Service {
    pub coordinator: Arc<Coordinator>,
    pub gate: Gate,
}

#[tonic::async_trait]
impl BftCoordination for Service {
    async fn propose(&self, request: Request<ProposeRequest>) -> Result<Response<ProposeResponse>, Status> {
        let ProposeRequest { slot, digest, deadline_ms } = request.into_inner();
        let deadline = match deadline_ms {
            0 => DEADLINE_MS,
            1..=MAX_DEADLINE_MS => deadline_ms,
            _ => return Err(Status::invalid_argument(format!("deadline_ms is at most {MAX_DEADLINE_MS}"))),
        };
        let deadline = Duration::from_millis(deadline.into());
        let led = async { self.coordinator.lead(slot, digest, deadline).await.map_err(propose_status) };
        let led = self.gate.pass(led).await?;
        let (certificate, quorum) = (Some(led.certificate), led.quorum as u32);
        Ok(Response::new(ProposeResponse { certificate, quorum, seconds: led.seconds }))
    }

    async fn vote(&self, request: Request<VoteRequest>) -> Result<Response<VoteResponse>, Status> {
        let proposal = request.into_inner().proposal.ok_or_else(|| Status::invalid_argument("no proposal"))?;
        let ballot = self.gate.pass(async { self.coordinator.vote(&proposal).map_err(vote_status) }).await?;
        Ok(Response::new(VoteResponse { ballot: Some(ballot) }))
    }

    async fn commit(&self, request: Request<CommitRequest>) -> Result<Response<CommitResponse>, Status> {
        let certificate = request.into_inner().certificate.ok_or_else(|| Status::invalid_argument("no certificate"))?;
        let slot = self.gate.pass(async { self.coordinator.commit(certificate).map_err(vote_status) }).await?;
        Ok(Response::new(CommitResponse { slot }))
    }

    async fn get_slot(&self, request: Request<GetSlotRequest>) -> Result<Response<GetSlotResponse>, Status> {
        let slot = request.into_inner().slot;
        let committed = self.coordinator.committed(slot);
        let certificate = committed.ok_or_else(|| Status::not_found(format!("slot {slot} is not committed here")))?;
        Ok(Response::new(GetSlotResponse { certificate: Some(certificate) }))
    }
}

fn propose_status(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Malformed(why) => Status::invalid_argument(why),
        Refusal::Contradiction(why) => Status::failed_precondition(why),
        Refusal::TooFewVotes(why) => Status::deadline_exceeded(why),
    }
}

fn vote_status(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Malformed(why) => Status::invalid_argument(why),
        Refusal::Contradiction(why) | Refusal::TooFewVotes(why) => Status::permission_denied(why),
    }
}
