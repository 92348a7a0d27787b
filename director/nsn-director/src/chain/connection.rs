//! One connection to the endpoint: asks for its health, its head and the head's time every few seconds, and is told of
//! new heads.

use super::status::{Status, Time};
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
const TIME: u64 = 4;

/// Where the Timestamp pallet keeps the time of the newest block: twox128 of "Timestamp" and of "Now".
const TIMESTAMP_NOW: &str = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb";

pub struct Connection {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What came in while it was opened.
    first: String,
}

impl Connection {
    /// Connects and waits for a first answer; an endpoint may take every connection and be dead behind it.
    pub async fn open(url: &str) -> Result<Self> {
        let (socket, _) = connect_async(url).await?;
        let mut connection = Self { socket, first: String::new() };
        connection.ask(SUBSCRIBE, "chain_subscribeNewHeads", json!([])).await?;
        while connection.first.is_empty() {
            connection.first = connection.hear().await?.unwrap_or_default();
        }
        Ok(connection)
    }

    /// Keeps `status` up to date until the connection ends; gives the reason.
    pub async fn follow(mut self, status: &watch::Sender<Status>, metrics: &Metrics) -> anyhow::Error {
        let Err(error) = self.run(status, metrics).await;
        error
    }

    async fn run(&mut self, status: &watch::Sender<Status>, metrics: &Metrics) -> Result<Infallible> {
        take(&self.first, status, metrics)?;
        let mut ask = interval(ASK);
        let mut heard = tokio::time::Instant::now();
        loop {
            tokio::select! {
                _ = ask.tick() => {
                    self.ask(HEALTH, "system_health", json!([])).await?;
                    self.ask(HEADER, "chain_getHeader", json!([])).await?;
                    self.ask(TIME, "state_getStorage", json!([TIMESTAMP_NOW])).await?;
                }
                heard_text = self.hear() => {
                    heard = tokio::time::Instant::now();
                    if let Some(text) = heard_text? {
                        take(&text, status, metrics)?;
                    }
                }
                () = sleep_until(heard + SILENCE) => bail!("the endpoint was silent for {} s", SILENCE.as_secs()),
            }
        }
    }

    /// The next message, if it is one of text.
    async fn hear(&mut self) -> Result<Option<String>> {
        match self.socket.next().await.context("the endpoint closed the connection")?? {
            Message::Text(text) => Ok(Some(text.as_str().to_owned())),
            Message::Close(_) => bail!("the endpoint closed the connection"),
            _ => Ok(None),
        }
    }

    async fn ask(&mut self, id: u64, method: &str, params: Value) -> Result<()> {
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.socket.send(Message::text(request.to_string())).await?;
        Ok(())
    }
}

/// Takes an answer or a notification of the endpoint.
fn take(text: &str, status: &watch::Sender<Status>, metrics: &Metrics) -> Result<()> {
    let message: Value = serde_json::from_str(text).context("the endpoint does not speak JSON-RPC")?;
    let id = message.get("id").and_then(Value::as_u64);
    let refused = message.get("error").filter(|error| !error.is_null());
    if let Some(error) = refused {
        // An endpoint without subscriptions, without headers on request or without storage still tells the rest.
        debug!("the endpoint refused: {error}");
    }
    let header = match id {
        Some(TIME) => {
            let time = message["result"].as_str().and_then(moment).map_or(Time::Untold, Time::At);
            status.send_modify(|status| status.time = time);
            return Ok(());
        }
        _ if refused.is_some() => return Ok(()),
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

/// SCALE writes an u64 as its bytes, the lowest first.
fn moment(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().map(u64::swap_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_eight_bytes_the_lowest_first() {
        assert_eq!(moment("0x00e40b5402000000"), Some(10_000_000_000));
        for bad in ["0x", "0x00e40b54", "00e40b5402000000", "0x00e40b540200000z"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }
}
