//! Whether the node is fit for its work, and why not.

use crate::{chain, clock::unix_ms, p2p::P2p, vortex::Vortex};
use serde_json::{Map, Value, json};
use std::time::Instant;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
pub struct Health {
    pub p2p: P2p,
    /// Peers that the operator asked for.
    pub bootstrap_peers: usize,
    pub vortex: Vortex,
    pub chain: watch::Receiver<chain::Status>,
    pub stopping: CancellationToken,
}

impl Health {
    /// The verdict, and the body of `/health`.
    pub fn report(&self) -> (bool, Value) {
        let p2p = self.p2p_connected();
        let models = self.vortex.state.borrow().verdict();
        let chain = self.chain.borrow().verdict(Instant::now(), unix_ms());
        let stopping = self.stopping.is_cancelled();
        let healthy = p2p.0 && models.0 && chain.0 && !stopping;
        let check = |(ok, detail): (bool, String)| json!({ "ok": ok, "detail": detail });
        let body = json!({
            "status": if healthy { "healthy" } else { "unhealthy" },
            "checks": { "p2p_connected": check(p2p), "models_loaded": check(models), "chain_synced": check(chain) },
            "version": env!("CARGO_PKG_VERSION"),
            "peer_id": self.p2p.peer_id.to_string(),
            "peers": self.peers(),
            "stopping": stopping,
        });
        (healthy, body)
    }

    /// The topics of each connected peer, by its id.
    fn peers(&self) -> Map<String, Value> {
        let view = self.p2p.view.borrow();
        let topics = |peer| view.topics.get(peer).into_iter().flatten().collect::<Vec<_>>();
        view.connected.iter().map(|peer| (peer.to_string(), json!(topics(peer)))).collect()
    }

    fn p2p_connected(&self) -> (bool, String) {
        let view = self.p2p.view.borrow();
        let (peers, wanted) = (view.connected.len(), self.bootstrap_peers);
        if view.listening.is_empty() {
            (false, "not listening".to_owned())
        } else if peers == 0 && wanted > 0 {
            (false, "listening, but none of the bootstrap peers is connected".to_owned())
        } else {
            (true, format!("listening, connected peers: {peers}"))
        }
    }
}
