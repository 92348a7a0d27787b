//! One connection to the endpoint: asks for its health and head every few seconds, and is told of new heads.

use super::status::Status;
use crate::metrics::Metrics;
use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{interval, sleep_until},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};
use tracing::debug;

const ASK: Duration = Duration::from_secs(3);
/// An endpoint that says nothing for this long is gone.
const SILENCE: Duration = Duration::from_secs(10);

const HEALTH: u64 = 1;
const HEADER: u64 = 2;
const SUBSCRIBE: u64 = 3;

pub struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Connection {
    pub async fn open(url: &str) -> Result<Self> {
        let (socket, _) = connect_async(url).await?;
        Ok(Self { socket })
    }

    /// Keeps `status` up to date until the connection ends; gives the reason.
    pub async fn follow(mut self, status: &watch::Sender<Status>, metrics: &Metrics) -> anyhow::Error {
        let Err(error) = self.run(status, metrics).await;
        error
    }

    async fn run(&mut self, status: &watch::Sender<Status>, metrics: &Metrics) -> Result<Infallible> {
        self.ask(SUBSCRIBE, "chain_subscribeNewHeads").await?;
        let mut ask = interval(ASK);
        let mut heard = tokio::time::Instant::now();
        loop {
            tokio::select! {
                _ = ask.tick() => {
                    self.ask(HEALTH, "system_health").await?;
                    self.ask(HEADER, "chain_getHeader").await?;
                }
                message = self.socket.next() => {
                    heard = tokio::time::Instant::now();
                    match message.context("the endpoint closed the connection")?? {
                        Message::Text(text) => take(text.as_str(), status, metrics)?,
                        Message::Close(_) => bail!("the endpoint closed the connection"),
                        _ => {}
                    }
                }
                () = sleep_until(heard + SILENCE) => bail!("the endpoint was silent for {} s", SILENCE.as_secs()),
            }
        }
    }

    async fn ask(&mut self, id: u64, method: &str) -> Result<()> {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": [] });
        self.socket.send(Message::text(request.to_string())).await?;
        Ok(())
    }
}

/// Takes an answer or a notification of the endpoint.
fn take(text: &str, status: &watch::Sender<Status>, metrics: &Metrics) -> Result<()> {
    let message: Value = serde_json::from_str(text).context("the endpoint does not speak JSON-RPC")?;
    if let Some(error) = message.get("error") {
        // An endpoint without subscriptions or without headers on request still tells the other.
        debug!("the endpoint refused: {error}");
        return Ok(());
    }
    let header = match message.get("id").and_then(Value::as_u64) {
        Some(HEALTH) => {
            let syncing = message["result"]["isSyncing"].as_bool().context("system_health told no isSyncing")?;
            status.send_modify(|status| status.syncing = Some(syncing));
            return Ok(());
        }
        Some(HEADER) => &message["result"],
        None if message["method"] == "chain_newHead" => &message["params"]["result"],
        _ => return Ok(()),
    };
    if let Some(number) = header["number"].as_str().and_then(number) {
        metrics.chain_head.set(number as i64);
        status.send_modify(|status| status.take_head(number, Instant::now()));
    }
    Ok(())
}

/// Substrate writes block numbers as `0x2a`.
fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
