use crate::director::{Director, Wanted};
use anyhow::Result;
use serde_json::Value;

#[tokio::test]
async fn health_has_status_checks_and_version() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    let (status, body) = director.health().await?;
    assert_eq!((status, &body["status"]), (503, &Value::from("unhealthy")));
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    for check in ["p2p_connected", "models_loaded", "chain_synced"] {
        let Value::Object(check) = &body["checks"][check] else { panic!("{check} in {body}") };
        assert!(check["ok"].is_boolean() && check["detail"].is_string(), "{body}");
    }
    director.stop().await
}

#[tokio::test]
async fn metrics_come_as_prometheus_text_and_as_openmetrics() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    director.metric_becomes("nsn_vortex_vram_usage_bytes", 2048.0).await?;
    let (status, text) = director.get("/metrics", "text/plain").await?;
    assert_eq!(status, 200);
    for line in [
        "# TYPE nsn_vortex_vram_usage_bytes gauge",
        "# TYPE nsn_p2p_connected_peers gauge",
        "# TYPE nsn_bft_round_duration_seconds histogram",
        "# TYPE nsn_p2p_departures_total counter",
        "nsn_p2p_departures_total{reason=\"announced\"} 0",
        "nsn_vortex_up 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
    }
    assert!(!text.contains("# EOF"));

    let (_, open) = director.get("/metrics", "application/openmetrics-text; version=1.0.0").await?;
    assert!(open.ends_with("# EOF\n"));
    assert!(open.contains("# TYPE nsn_p2p_departures counter\n"), "{open}");
    director.stop().await
}
