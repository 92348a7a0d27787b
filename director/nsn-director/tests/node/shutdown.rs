use crate::director::{Director, Wanted, get};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use nsn_director::proto::director::{GenerateSlotRequest, vortex_client::VortexClient};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::sleep};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

fn slot() -> GenerateSlotRequest {
    GenerateSlotRequest { slot: 7, recipe: "a recipe".to_owned(), deadline_ms: 0 }
}

#[tokio::test]
async fn with_nothing_in_flight_it_ends_in_order_within_10_seconds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let goodbye = folder.path().join("goodbye");
    let flags = format!("--goodbye {}", goodbye.display());
    let mut director = Director::start(Wanted { sidecar: &flags, ..Wanted::default() }).await?;
    let peer = Director::start(Wanted { bootstrap: vec![director.tcp.clone()], ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    director.metric_becomes("nsn_bft_voters", 2.0).await?;
    let _open_http = TcpStream::connect(director.http).await?;
    let mut watcher = HealthClient::new(Channel::from_shared(format!("http://{}", director.grpc))?.connect().await?);
    let mut watched = watcher.watch(HealthCheckRequest { service: String::new() }).await?.into_inner();
    watched.message().await?;

    let begun = Instant::now();
    director.signal(Signal::SIGTERM);
    sleep(Duration::from_millis(100)).await;
    director.signal(Signal::SIGTERM);
    let status = director.ended().await?;
    assert!(status.success(), "{status}\n{}", director.log());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(fs::read_to_string(goodbye)?, "SIGTERM\n");
    peer.metric_becomes("nsn_p2p_departures_total{reason=\"announced\"}", 1.0).await?;

    let log = director.log();
    let order = [
        "announcing departure",
        "no new gRPC calls",
        "draining",
        "ending the sidecar",
        "Sidecar ended by SIGTERM",
        "Metrics flushed: {",
        "done",
    ];
    let places: Option<Vec<_>> = order.iter().map(|step| log.find(step)).collect();
    assert!(places.context(log.clone())?.is_sorted(), "{log}");
    assert!(log.contains("SIGTERM again: already shutting down"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_call_in_flight_ends_while_new_ones_are_refused_and_metrics_answer() -> Result<()> {
    let mut director = Director::start(Wanted { sidecar: "--slot-seconds 5", ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    let address = format!("http://{}", director.grpc);
    let channel = Channel::from_shared(address.clone())?.connect().await?;
    let (mut vortex, mut later) = (VortexClient::new(channel.clone()), VortexClient::new(channel.clone()));
    let mut health = HealthClient::new(channel);
    let mut watched = Vec::new();
    for service in ["", "nsn.bft.v1.BftCoordination", "nsn.director.v1.Vortex"] {
        let mut watch = health.watch(HealthCheckRequest { service: service.to_owned() }).await?.into_inner();
        assert_eq!(watch.message().await?.context(service)?.status(), ServingStatus::Serving, "{service}");
        watched.push((service, watch));
    }
    let in_flight = tokio::spawn(async move { vortex.generate_slot(slot()).await });
    sleep(Duration::from_millis(500)).await;
    director.signal(Signal::SIGINT);
    director.says("draining").await?;
    sleep(Duration::from_millis(100)).await;
    assert!(VortexClient::connect(address).await.is_err(), "a new connection");
    // The server has said that it takes no more on this connection: the client's own library refuses (Cancelled), or the node.
    let status = later.generate_slot(slot()).await.unwrap_err();
    assert!([Code::Unavailable, Code::Cancelled].contains(&status.code()), "a new call, an old connection: {status}");
    for (service, watch) in &mut watched {
        let status = watch.message().await?.with_context(|| service.to_owned())?.status();
        assert_eq!(status, ServingStatus::NotServing, "{service}");
    }
    assert!(!in_flight.is_finished(), "the call is still in flight");
    assert_eq!(get(director.http, "/metrics", "*/*").await?.0, 200);
    let (status, body) = get(director.http, "/health", "*/*").await?;
    assert_eq!((status, &serde_json::from_str::<Value>(&body)?["stopping"]), (503, &true.into()));
    assert_eq!(in_flight.await??.into_inner().slot, 7);
    assert!(director.ended().await?.success());
    Ok(())
}

#[tokio::test]
async fn it_ends_in_order_while_models_are_being_loaded_and_right_after_its_start() -> Result<()> {
    let loading = Director::start(Wanted { sidecar: "--load-seconds 60", ..Wanted::default() }).await?;
    loading.check_becomes("models_loaded", false, "is being loaded").await?;
    loading.stop().await?;
    for _ in 0..3 {
        Director::start(Wanted::default()).await?.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_sidecar_that_ignores_sigterm_is_killed_in_time() -> Result<()> {
    let mut director = Director::start(Wanted { sidecar: "--ignore-term", ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    let begun = Instant::now();
    director.signal(Signal::SIGTERM);
    assert!(director.ended().await?.success());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(director.log().contains("is killed"), "{}", director.log());
    Ok(())
}

#[tokio::test]
async fn the_last_metrics_are_of_a_node_that_ended_in_a_line_and_in_a_file_that_others_may_read() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("metrics.json");
    let peer = Director::start(Wanted::default()).await?;
    let filter = "warn,nsn_director::node=info,nsn_director::p2p=info";
    let settings = [("RUST_LOG", filter), ("METRICS_FILE", file.to_str().context("a path")?)];
    let bootstrap = vec![peer.quic.clone()];
    let mut director = Director::start(Wanted { bootstrap, settings: &settings, ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    director.metric_becomes("nsn_bft_voters", 2.0).await?;
    director.metric_becomes("nsn_vortex_vram_usage_bytes", 2048.0).await?;
    director.signal(Signal::SIGTERM);
    assert!(director.ended().await?.success());

    let log = director.log();
    assert!(!log.contains("Shutdown 5/6"), "the log is quiet: {log}");
    let lines: Vec<_> = log.lines().filter_map(|line| Some(line.split_once("Metrics flushed: ")?.1)).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert_eq!(fs::read_to_string(&file)?.trim(), lines[0]);
    assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o644);
    let metrics: Value = serde_json::from_str(lines[0])?;
    let ended = [("nsn_vortex_up", 0), ("nsn_vortex_vram_usage_bytes", 0), ("nsn_p2p_connected_peers", 0)];
    for (sample, value) in [ended.as_slice(), &[("nsn_bft_voters", 1), ("nsn_vortex_restarts_total", 0)]].concat() {
        assert_eq!(metrics[sample], value, "{sample} in {metrics:#}");
    }
    Ok(())
}
