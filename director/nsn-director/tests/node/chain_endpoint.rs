//! A chain endpoint on loopback: JSON-RPC over WebSocket, as much of it as a Director asks for.

use anyhow::Result;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::interval,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

#[derive(Default)]
struct Chain {
    syncing: AtomicBool,
    head: AtomicU64,
}

pub struct ChainEndpoint {
    address: SocketAddr,
    chain: Arc<Chain>,
    task: JoinHandle<()>,
}

impl ChainEndpoint {
    /// A new head every 200 ms. Port 0 takes a free one.
    pub async fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let chain = Arc::new(Chain::default());
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
                let result = match request["method"].as_str() {
                    Some("system_health") => {
                        json!({ "peers": 3, "isSyncing": chain.syncing.load(SeqCst), "shouldHavePeers": true })
                    }
                    Some("chain_getHeader") => header(chain),
                    Some("chain_subscribeNewHeads") => { subscribed = true; json!("s") }
                    _ => Value::Null,
                };
                let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
                socket.send(Message::text(answer.to_string())).await?;
            }
        }
    }
}

fn header(chain: &Chain) -> Value {
    json!({ "number": format!("{:#x}", chain.head.load(SeqCst)), "parentHash": "0x00" })
}
