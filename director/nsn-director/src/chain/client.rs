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
                info!(endpoint = shown, "Chain endpoint {shown} connected");
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
        warn!(endpoint = shown, reason = %why, "{trouble}: {why}");
        status.send_modify(|status| status.trouble = Some(format!("{trouble}: {why}")));
        sleep(pause).await;
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// `ws://` or `wss://` with a host and, where there is one, a port that exists.
pub fn is_endpoint(url: &str) -> bool {
    let uri = url.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("ws" | "wss")));
    uri.and_then(|uri| uri.into_parts().authority).is_some_and(|authority| {
        let port = authority.as_str().rsplit(['@', ']']).next().and_then(|end| end.split_once(':'));
        !authority.host().is_empty() && port.is_none_or(|(_, port)| port.parse().is_ok_and(|port: u16| port > 0))
    })
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
    fn an_endpoint_has_a_host_and_a_port_that_exists() {
        for good in
            ["ws://localhost:9944", "wss://rpc.example", "wss://user:pass@rpc.example:443/key", "ws://[::1]:9944"]
        {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in [
            "http://localhost",
            "localhost:9944",
            "ws://",
            "ws:localhost",
            "ws://:9944",
            "ws://host:70000",
            "ws://host:0",
            "ws://host:",
            "ws://host:port",
            "ws://a host",
            "ws://[::1",
            "ws://[::1]:x",
        ] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }

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
