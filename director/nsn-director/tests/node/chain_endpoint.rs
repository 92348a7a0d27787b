//! A chain endpoint on loopback: JSON-RPC over WebSocket, as much of it as a Director asks for.

use anyhow::Result;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::interval,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

/// What the chain behind the endpoint is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Live,
    /// Its newest head is 100 s old and stays the newest.
    Dead,
    /// Live, and without the Timestamp pallet.
    Timeless,
    /// Live, and the endpoint serves no storage.
    Closed,
    /// It takes the connection and never answers.
    Mute,
}

/// twox128 of "Timestamp" and of "Now".
const TIMESTAMP_NOW: &str = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb";

struct Chain {
    kind: Mutex<Kind>,
    syncing: AtomicBool,
    head: AtomicU64,
}

impl Chain {
    fn kind(&self) -> Kind {
        *self.kind.lock().unwrap()
    }
}

pub struct ChainEndpoint {
    address: SocketAddr,
    chain: Arc<Chain>,
    task: JoinHandle<()>,
}

impl ChainEndpoint {
    /// A new head every 200 ms, unless it is dead. Port 0 takes a free one.
    pub async fn start(kind: Kind, port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let chain = Arc::new(Chain { kind: Mutex::new(kind), syncing: false.into(), head: 0.into() });
        let served = chain.clone();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let chain = served.clone();
                connections.spawn(async move { drop(converse(stream, &chain).await) });
            }
        });
        Ok(Self { address, chain, task })
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub fn set_syncing(&self, syncing: bool) {
        self.chain.syncing.store(syncing, SeqCst);
    }

    pub fn set_kind(&self, kind: Kind) {
        *self.chain.kind.lock().unwrap() = kind;
    }

    /// Closes every connection; gives the port.
    pub async fn stop(self) -> u16 {
        self.task.abort();
        let _ = self.task.await;
        self.address.port()
    }
}

async fn converse(stream: TcpStream, chain: &Chain) -> Result<()> {
    let mut socket = accept_async(stream).await?;
    let mut heads = interval(Duration::from_millis(200));
    let mut subscribed = false;
    loop {
        tokio::select! {
            _ = heads.tick() => {
                if [Kind::Dead, Kind::Mute].contains(&chain.kind()) { continue }
                chain.head.fetch_add(1, SeqCst);
                if subscribed {
                    let params = json!({ "subscription": "s", "result": header(chain) });
                    let head = json!({ "jsonrpc": "2.0", "method": "chain_newHead", "params": params });
                    socket.send(Message::text(head.to_string())).await?;
                }
            }
            message = socket.next() => {
                let Some(Ok(Message::Text(text))) = message else { return Ok(()) };
                let request: Value = serde_json::from_str(&text)?;
                if chain.kind() == Kind::Mute { continue }
                let result = match request["method"].as_str() {
                    Some("system_health") => {
                        json!({ "peers": 3, "isSyncing": chain.syncing.load(SeqCst), "shouldHavePeers": true })
                    }
                    Some("chain_getHeader") => header(chain),
                    Some("chain_subscribeNewHeads") => { subscribed = true; json!("s") }
                    Some("state_getStorage") if request["params"] == json!([TIMESTAMP_NOW]) => time(chain.kind()),
                    _ => Value::Null,
                };
                let (id, closed) = (&request["id"], json!({ "code": -32601, "message": "Method not found" }));
                let answer = if chain.kind() == Kind::Closed && request["method"] == "state_getStorage" {
                    json!({ "jsonrpc": "2.0", "id": id, "error": closed })
                } else {
                    json!({ "jsonrpc": "2.0", "id": id, "result": result })
                };
                socket.send(Message::text(answer.to_string())).await?;
            }
        }
    }
}

fn header(chain: &Chain) -> Value {
    json!({ "number": format!("{:#x}", chain.head.load(SeqCst)), "parentHash": "0x00" })
}

/// Unix milliseconds as SCALE writes them.
fn time(kind: Kind) -> Value {
    let age = match kind {
        Kind::Timeless => return Value::Null,
        Kind::Dead => Duration::from_secs(100),
        _ => Duration::ZERO,
    };
    let millis = (SystemTime::now() - age).duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64);
    let bytes = millis.to_le_bytes().map(|byte| format!("{byte:02x}"));
    format!("0x{}", bytes.concat()).into()
}
