//! `nsn.director.v1.Vortex`, over the sidecar.

use super::Gate;
use crate::{
    p2p::{P2p, Topic},
    proto::director::{GenerateSlotRequest, GenerateSlotResponse, Recipe, vortex_server},
    vortex::{
        Vortex,
        protocol::{CallError, Code},
    },
};
use prost::Message;
use std::time::Duration;
use tonic::{Request, Response, Status};

const DEADLINE_MS: u32 = 30_000;
const MAX_DEADLINE_MS: u32 = 600_000;
/// Of the recipe as JSON, in which it goes to the sidecar; GossipSub takes twice as much, the sidecar 32 times.
const MAX_RECIPE: usize = 32 * 1024;

pub struct Service {
    pub vortex: Vortex,
    pub p2p: P2p,
    pub gate: Gate,
}

#[tonic::async_trait]
impl vortex_server::Vortex for Service {
    async fn generate_slot(
        &self,
        request: Request<GenerateSlotRequest>,
    ) -> Result<Response<GenerateSlotResponse>, Status> {
        let GenerateSlotRequest { slot, recipe, deadline_ms } = request.into_inner();
        let deadline = match deadline_ms {
            0 => DEADLINE_MS,
            1..=MAX_DEADLINE_MS => deadline_ms,
            _ => return Err(Status::invalid_argument(format!("deadline_ms is at most {MAX_DEADLINE_MS}"))),
        };
        let deadline = Duration::from_millis(deadline.into());
        check_recipe(&recipe)?;
        let generated = async {
            let announcement = Recipe { slot, recipe: recipe.clone() }.encode_to_vec();
            self.p2p.publish(Topic::Recipes, announcement).await;
            self.vortex.generate_slot(slot, recipe, deadline).await.map_err(status)
        };
        let made = self.gate.pass(generated).await?;
        let (digest, seconds, vram_bytes) = (made.digest, made.seconds, made.vram_bytes);
        Ok(Response::new(GenerateSlotResponse { slot: made.slot, digest, seconds, vram_bytes }))
    }
}

/// Escapes count: a control character of one byte is `\u0001` on its way to the sidecar.
fn check_recipe(recipe: &str) -> Result<(), Status> {
    let quotes = 2;
    let bytes = serde_json::to_string(recipe).map_err(|error| Status::internal(error.to_string()))?.len() - quotes;
    if bytes <= MAX_RECIPE {
        return Ok(());
    }
    Err(Status::invalid_argument(format!("a recipe has at most {MAX_RECIPE} bytes of JSON, this one {bytes}")))
}

fn status(CallError { code, message }: CallError) -> Status {
    match code {
        Code::DeadlineExceeded => Status::deadline_exceeded(message),
        Code::BadRequest => Status::invalid_argument(message),
        Code::Unavailable => Status::unavailable(message),
        Code::Internal => Status::internal(message),
    }
}
