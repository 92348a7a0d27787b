//! Stays connected to the chain's endpoint, or says why it is not.

use super::{connection::Connection, status::Status};
use crate::metrics::Metrics;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tracing::{info, warn};

/// Below the 5 s in which a node without a chain must have said so.
const CONNECT: Duration = Duration::from_secs(4);
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Runs for as long as the node does.
pub async fn follow(url: String, status: watch::Sender<Status>, metrics: Arc<Metrics>) {
    let mut pause = BACKOFF.0;
    loop {
        let why = match timeout(CONNECT, Connection::open(&url)).await {
            Ok(Ok(connection)) => {
                info!("Chain endpoint {url} connected");
                pause = BACKOFF.0;
                status.send_modify(|status| {
                    status.trouble = None;
                    status.syncing = None;
                });
                connection.follow(&status, &metrics).await
            }
            Ok(Err(error)) => error,
            Err(_) => anyhow::anyhow!("no connection within {} s", CONNECT.as_secs()),
        };
        let trouble = format!("Chain endpoint {url} unreachable (set SUBSTRATE_WS_URL)");
        warn!("{trouble}: {why}");
        status.send_modify(|status| status.trouble = Some(format!("{trouble}: {why}")));
        sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}
