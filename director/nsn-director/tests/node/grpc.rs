use crate::director::{Director, Wanted};
use anyhow::{Context, Result};
use futures::stream;
use nsn_director::proto::director::{GenerateSlotRequest, vortex_client::VortexClient};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

async fn channel(director: &Director) -> Result<Channel> {
    Ok(Channel::from_shared(format!("http://{}", director.grpc))?.connect().await?)
}

fn slot(recipe: &str, deadline_ms: u32) -> GenerateSlotRequest {
    GenerateSlotRequest { slot: 7, recipe: recipe.to_owned(), deadline_ms }
}

#[tokio::test]
async fn a_slot_is_generated_by_the_sidecar_and_its_recipe_told_to_the_peers() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    let peer = Director::start(Wanted { bootstrap: vec![director.quic.clone()], ..Wanted::default() }).await?;
    director.metric_becomes("nsn_bft_voters", 2.0).await?;
    director.check_becomes("models_loaded", true, "").await?;
    let mut vortex = VortexClient::new(channel(&director).await?);
    let made = vortex.generate_slot(slot("a recipe", 0)).await?.into_inner();
    assert_eq!((made.slot, made.vram_bytes), (7, 4096));
    assert_eq!(made.digest, "988fa7f1b0c5a608247d2887269692ed8f7100699294bfdeb462df26c285a311");
    peer.metric_becomes("nsn_p2p_messages_total{topic=\"nsn/recipes\"}", 1.0).await?;
    assert_eq!(director.metric("nsn_p2p_published_total{topic=\"nsn/recipes\"}").await?, 1.0);
    assert_eq!(vortex.generate_slot(slot("refuse", 0)).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(vortex.generate_slot(slot("a", 600_001)).await.unwrap_err().code(), Code::InvalidArgument);
    Ok(())
}

#[tokio::test]
async fn a_recipe_above_32_kib_of_json_is_refused_and_reaches_neither_the_peers_nor_the_sidecar() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    let peer = Director::start(Wanted { bootstrap: vec![director.quic.clone()], ..Wanted::default() }).await?;
    director.metric_becomes("nsn_bft_voters", 2.0).await?;
    director.check_becomes("models_loaded", true, "").await?;
    let mut vortex = VortexClient::new(channel(&director).await?);
    for (text, times) in [("a", 1_200_000), ("a", 32 * 1024 + 1), ("\u{1}", 6000), ("\"", 20_000)] {
        let status = vortex.generate_slot(slot(&text.repeat(times), 500)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{text:?} {times} times: {status}");
        assert!(status.message().contains("at most 32768 bytes of JSON"), "{status}");
    }
    vortex.generate_slot(slot(&"a".repeat(32 * 1024), 0)).await?;
    peer.metric_becomes("nsn_p2p_messages_total{topic=\"nsn/recipes\"}", 1.0).await?;
    assert_eq!(director.metric("nsn_vortex_restarts_total").await?, 0.0);
    Ok(())
}

#[tokio::test]
async fn a_slot_without_models_is_unavailable_and_a_slow_one_exceeds_its_deadline() -> Result<()> {
    let director = Director::start(Wanted { sidecar: "--fail 'no memory'", ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", false, "no memory").await?;
    let mut vortex = VortexClient::new(channel(&director).await?);
    let status = vortex.generate_slot(slot("a", 0)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");

    let slow = Director::start(Wanted { sidecar: "--slot-seconds 5", ..Wanted::default() }).await?;
    slow.check_becomes("models_loaded", true, "").await?;
    let mut vortex = VortexClient::new(channel(&slow).await?);
    let status = vortex.generate_slot(slot("a", 100)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    Ok(())
}

#[tokio::test]
async fn the_health_service_tells_the_node_and_vortex_apart() -> Result<()> {
    let director = Director::start(Wanted { sidecar: "--load-seconds 1", ..Wanted::default() }).await?;
    let mut health = HealthClient::new(channel(&director).await?);
    let mut status = async |service: &str| -> Result<ServingStatus> {
        let request = HealthCheckRequest { service: service.to_owned() };
        Ok(health.check(request).await?.into_inner().status())
    };
    assert_eq!(status("").await?, ServingStatus::Serving);
    assert_eq!(status("nsn.bft.v1.BftCoordination").await?, ServingStatus::Serving);
    assert_eq!(status("nsn.director.v1.Vortex").await?, ServingStatus::NotServing);
    director.check_becomes("models_loaded", true, "").await?;
    assert_eq!(status("nsn.director.v1.Vortex").await?, ServingStatus::Serving);
    Ok(())
}

#[tokio::test]
async fn reflection_lists_every_service() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest { host: String::new(), message_request };
    let mut reflection = ServerReflectionClient::new(channel(&director).await?);
    let mut answers = reflection.server_reflection_info(stream::iter([request])).await?.into_inner();
    let answer = answers.message().await?.context("an answer")?.message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in ["grpc.health.v1.Health", "nsn.bft.v1.BftCoordination", "nsn.director.v1.Vortex"] {
        assert!(names.iter().any(|listed| listed == name), "{name} in {names:?}");
    }
    Ok(())
}
