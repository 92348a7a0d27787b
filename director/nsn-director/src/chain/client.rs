//! Stays connected to the chain's endpoint, or says why it is not.

use super::{
    connection::Connection,
    status::{Status, Time},
};
use crate::metrics::Metrics;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::http::Uri;
use tracing::{info, warn};

/// To the endpoint's first answer; below the 5 s in which a node without a chain must have said so.
const ANSWER: Duration = Duration::from_secs(4);
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// Runs for as long as the node does.
pub async fn follow(url: String, status: watch::Sender<Status>, metrics: Arc<Metrics>) {
    let shown = shown(&url);
    let mut pause = BACKOFF.0;
    loop {
        let why = match timeout(ANSWER, Connection::open(&url)).await {
            Ok(Ok(connection)) => {
                info!("Chain endpoint {shown} connected");
                pause = BACKOFF.0;
                status.send_modify(|status| {
                    status.trouble = None;
                    status.syncing = None;
                    status.time = Time::Unknown;
                });
                connection.follow(&status, &metrics).await
            }
            Ok(Err(error)) => error,
            Err(_) => anyhow::anyhow!("no answer within {} s", ANSWER.as_secs()),
        };
        let trouble = format!("Chain endpoint {shown} unreachable (set SUBSTRATE_WS_URL)");
        warn!("{trouble}: {why}");
        status.send_modify(|status| status.trouble = Some(format!("{trouble}: {why}")));
        sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// Scheme, host and port: a user, a password or a key in the path is for the endpoint alone, and logs are for many.
fn shown(url: &str) -> String {
    let scheme = url.split("://").next().unwrap_or_default();
    let host = url.parse::<Uri>().ok().and_then(|uri| {
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}{port}", uri.host()?))
    });
    format!("{scheme}://{}", host.as_deref().unwrap_or("(no host)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_shown_without_what_may_be_secret() {
        for (url, wanted) in [
            ("ws://localhost:9944", "ws://localhost:9944"),
            ("wss://rpc.example", "wss://rpc.example"),
            ("wss://user:pass@rpc.example:443/key?token=key#key", "wss://rpc.example:443"),
            ("ws://[::1]:9944/", "ws://[::1]:9944"),
            ("ws://key@[::1", "ws://(no host)"),
            ("wss://a key@rpc.example", "wss://(no host)"),
        ] {
            assert_eq!(shown(url), wanted, "{url}");
        }
    }
}
