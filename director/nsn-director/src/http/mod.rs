//! The operators' HTTP server: `/health` and `/metrics`.

mod health;

pub use health::Health;

use crate::metrics::Metrics;
use anyhow::Result;
use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::IntoResponse,
    routing::get,
};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves until `stop`, and then until the answers under way are given.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) -> Result<()> {
    let router = Router::new()
        .route("/health", get(report_health).with_state(health))
        .route("/metrics", get(report_metrics).with_state(metrics));
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}

async fn report_health(State(health): State<Health>) -> impl IntoResponse {
    let (healthy, body) = health.report();
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CONTENT_TYPE, "application/json")], body.to_string())
}

async fn report_metrics(State(metrics): State<Arc<Metrics>>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains("application/openmetrics-text") {
        ([(CONTENT_TYPE, OPEN_METRICS)], metrics.open_metrics())
    } else {
        ([(CONTENT_TYPE, PROMETHEUS)], metrics.prometheus())
    }
}
