use crate::{
    chain_endpoint::{ChainEndpoint, Kind},
    director::{Director, Wanted, until},
};
use anyhow::Result;
use std::time::{Duration, Instant};

#[tokio::test]
async fn without_a_chain_it_says_so_within_5_seconds_and_the_rest_runs() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    let begun = Instant::now();
    director.says("Chain endpoint ws://127.0.0.1:1 unreachable (set SUBSTRATE_WS_URL)").await?;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    director.check_becomes("models_loaded", true, "2 models on cpu").await?;
    let (status, body) = director.health().await?;
    assert_eq!((status, &body["status"]), (503, &"unhealthy".into()));
    let detail = body["checks"]["chain_synced"]["detail"].as_str().unwrap();
    assert!(detail.contains("unreachable (set SUBSTRATE_WS_URL)"), "{detail}");
    director.stop().await
}

#[tokio::test]
async fn an_endpoint_that_speaks_no_tls_or_no_websocket_is_unreachable_with_the_reason() -> Result<()> {
    let other = Director::start(Wanted::default()).await?;
    for (scheme, reason) in [("wss", "corrupt message"), ("ws", "HTTP error: 404")] {
        let url = format!("{scheme}://{}", other.http);
        let director = Director::start(Wanted { chain: Some(&url), ..Wanted::default() }).await?;
        director.check_becomes("chain_synced", false, &format!("{url} unreachable (set SUBSTRATE_WS_URL): ")).await?;
        director.check_becomes("chain_synced", false, reason).await?;
        director.stop().await?;
    }
    other.stop().await
}

#[tokio::test]
async fn a_node_is_healthy_with_a_synced_chain_and_follows_it_down_and_up() -> Result<()> {
    let chain = ChainEndpoint::start(Kind::Live, 0).await?;
    let url = chain.url();
    let director = Director::start(Wanted { chain: Some(&url), ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    director.check_becomes("chain_synced", true, "s old").await?;
    let (status, body) = director.health().await?;
    assert_eq!((status, &body["status"]), (200, &"healthy".into()), "{body}");
    assert!(director.metric("nsn_chain_head_number").await? > 0.0);

    chain.set_syncing(true);
    director.check_becomes("chain_synced", false, "still syncing").await?;
    assert_eq!(director.health().await?.0, 503);
    chain.set_syncing(false);
    director.check_becomes("chain_synced", true, "").await?;

    let port = chain.stop().await;
    director.check_becomes("chain_synced", false, "unreachable").await?;
    assert_eq!(director.health().await?.0, 503);
    let _chain = ChainEndpoint::start(Kind::Live, port).await?;
    director.check_becomes("chain_synced", true, "").await?;
    assert_eq!(director.health().await?.0, 200);
    director.stop().await
}

#[tokio::test]
async fn a_chain_that_stands_still_is_never_synced_not_even_at_first() -> Result<()> {
    let chain = ChainEndpoint::start(Kind::Dead, 0).await?;
    let url = chain.url();
    let director = Director::start(Wanted { chain: Some(&url), ..Wanted::default() }).await?;
    let detail = until("the head's age", || async {
        let check = director.health().await.ok()?.1["checks"]["chain_synced"].clone();
        assert_eq!(check["ok"], false, "{check}");
        check["detail"].as_str().filter(|detail| detail.contains(" s old")).map(str::to_owned)
    })
    .await?;
    assert!(detail.starts_with("head 0 is 10"), "{detail}");
    chain.set_kind(Kind::Live);
    director.check_becomes("chain_synced", true, "is 0 s old").await?;
    director.stop().await
}

#[tokio::test]
async fn where_heads_tell_no_time_their_age_is_counted_from_when_they_were_seen() -> Result<()> {
    for kind in [Kind::Timeless, Kind::Closed] {
        let chain = ChainEndpoint::start(kind, 0).await?;
        let url = chain.url();
        let director = Director::start(Wanted { chain: Some(&url), ..Wanted::default() }).await?;
        director.check_becomes("chain_synced", true, "was first seen 0 s ago").await?;
        director.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_takes_the_connection_and_never_answers_is_reported_within_5_seconds() -> Result<()> {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mute = ChainEndpoint::start(Kind::Mute, 0).await?;
    for url in [format!("ws://{}", deaf.local_addr()?), mute.url()] {
        let director = Director::start(Wanted { chain: Some(&url), ..Wanted::default() }).await?;
        let begun = Instant::now();
        director.says(&format!("Chain endpoint {url} unreachable (set SUBSTRATE_WS_URL)")).await?;
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        director.check_becomes("chain_synced", false, "no answer within 4 s").await?;
        director.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_password_or_key_in_the_endpoint_s_url_is_shown_nowhere() -> Result<()> {
    let chain = ChainEndpoint::start(Kind::Live, 0).await?;
    let port = chain.url().rsplit(':').next().unwrap().to_owned();
    let url = format!("ws://secret:secret@127.0.0.1:{port}/secret?key=secret#secret");
    let settings = [("RUST_LOG", "debug")];
    let director = Director::start(Wanted { chain: Some(&url), settings: &settings, ..Wanted::default() }).await?;
    director.says(&format!("Chain endpoint ws://127.0.0.1:{port} connected")).await?;
    director.check_becomes("chain_synced", true, "").await?;
    chain.stop().await;
    let unreachable = format!("Chain endpoint ws://127.0.0.1:{port} unreachable (set SUBSTRATE_WS_URL)");
    director.check_becomes("chain_synced", false, &unreachable).await?;
    assert!(!director.health().await?.1.to_string().contains("secret"));
    assert!(!director.log().contains("secret"), "{}", director.log());
    director.stop().await
}
