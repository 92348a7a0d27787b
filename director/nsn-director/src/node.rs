//! Starts the parts of a node and joins them; `shutdown::run` ends them.

use crate::{
    bft::Coordinator,
    chain,
    config::Config,
    grpc::{self, Gate},
    http::{self, Health},
    identity,
    logging::Format,
    metrics::Metrics,
    p2p::{self, P2p},
    ports,
    vortex::{self, reaper::Reaper},
};
use anyhow::{Error, Result, anyhow};
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::{spawn, sync::watch, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::info;

/// A running node.
pub struct Node {
    pub p2p: P2p,
    pub metrics: Arc<Metrics>,
    pub http_address: SocketAddr,
    pub grpc_address: SocketAddr,
    pub(crate) log_format: Format,
    pub(crate) metrics_file: Option<PathBuf>,
    /// Closed first: no new gRPC calls, and `/health` says so.
    pub(crate) gate: Gate,
    pub(crate) stop_http: CancellationToken,
    pub(crate) stop_sidecar: CancellationToken,
    pub(crate) tasks: Tasks,
}

pub(crate) struct Tasks {
    pub network: JoinHandle<()>,
    pub rounds: JoinHandle<()>,
    pub chain: JoinHandle<()>,
    pub sidecar: JoinHandle<()>,
    pub grpc: JoinHandle<Result<()>>,
    pub http: JoinHandle<Result<()>>,
}

/// Binds every port, then starts everything; the models are loaded and the chain is sought while the node already runs.
pub async fn start(config: Config, reaper: Arc<Reaper>) -> Result<Node> {
    let key = identity::load_or_create(&config.data_path)?;
    let metrics = Arc::new(Metrics::new(&key.public().to_peer_id().to_string()));
    let http_listener = ports::listen(config.metrics_port, "METRICS_PORT").await?;
    let grpc_listener = ports::listen(config.grpc_port, "GRPC_PORT").await?;
    let (http_address, grpc_address) = (http_listener.local_addr()?, grpc_listener.local_addr()?);
    let p2p::Started { p2p, bft_messages, network } = p2p::start(&config, key.clone(), metrics.clone())?;
    let (version, peer) = (env!("CARGO_PKG_VERSION"), p2p.peer_id);
    info!(version, %peer, "nsn-director {version} with peer id {peer}");
    info!(http = %http_address, grpc = %grpc_address, "HTTP listens on {http_address}, gRPC on {grpc_address}");

    let (vortex, supervisor) = vortex::start(&config, metrics.clone(), reaper);
    let (chain_sender, chain) = watch::channel(chain::Status::default());
    let coordinator = Arc::new(Coordinator::new(key, p2p.clone(), metrics.clone()));
    let gate = Gate { calls: TaskTracker::new(), closed: CancellationToken::new() };
    let (stop_http, stop_sidecar) = (CancellationToken::new(), CancellationToken::new());
    let health = Health {
        p2p: p2p.clone(),
        bootstrap_peers: config.p2p_bootstrap_peers.len(),
        vortex: vortex.clone(),
        chain,
        stopping: gate.closed.clone(),
    };
    let tasks = Tasks {
        network: spawn(network.run()),
        rounds: spawn(coordinator.clone().attend(bft_messages)),
        chain: spawn(chain::follow(config.substrate_ws_url, chain_sender, metrics.clone())),
        sidecar: spawn(supervisor.run(stop_sidecar.clone())),
        grpc: spawn(grpc::serve(grpc_listener, coordinator, vortex, p2p.clone(), gate.clone())),
        http: spawn(http::serve(http_listener, health, metrics.clone(), stop_http.clone())),
    };
    let (log_format, metrics_file) = (config.log_format, config.metrics_file);
    Ok(Node {
        p2p,
        metrics,
        http_address,
        grpc_address,
        log_format,
        metrics_file,
        gate,
        stop_http,
        stop_sidecar,
        tasks,
    })
}

impl Node {
    /// Waits until a part ends by itself, which none should: a node that is half there is worse than one that is gone.
    pub async fn failed(&mut self) -> Error {
        let tasks = &mut self.tasks;
        tokio::select! {
            end = &mut tasks.network => anyhow!("P2P ended by itself: {end:?}"),
            end = &mut tasks.rounds => anyhow!("BFT ended by itself: {end:?}"),
            end = &mut tasks.chain => anyhow!("the chain's client ended by itself: {end:?}"),
            end = &mut tasks.sidecar => anyhow!("the sidecar's supervisor ended by itself: {end:?}"),
            end = &mut tasks.grpc => anyhow!("gRPC ended by itself: {end:?}"),
            end = &mut tasks.http => anyhow!("HTTP ended by itself: {end:?}"),
        }
    }
}
