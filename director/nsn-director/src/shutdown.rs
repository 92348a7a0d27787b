//! The orderly end, within 30 s in any case and within 10 s with nothing in flight:
//! departure → no new gRPC calls → drain → sidecar → metrics flushed → exit.

use crate::{clock::unix_ms, metrics::Metrics, node::Node, p2p::Topic, proto::director::Departure};
use anyhow::Result;
use prost::Message;
use std::{
    fs::Permissions,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    time::Duration,
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

/// For GossipSub to hand the departure to the peers.
const FAREWELL: Duration = Duration::from_millis(300);
/// For calls in flight.
const DRAIN: Duration = Duration::from_secs(15);
/// For connections without a call, such as a client that watches the health service.
const IDLE: Duration = Duration::from_secs(1);
/// For the sidecar: its own 6 s, and the killing of what is left.
const SIDECAR: Duration = Duration::from_secs(7);

/// Ends a node; never fails, says what it could not wait for.
pub async fn run(mut node: Node) {
    info!("Shutdown 1/6: announcing departure");
    let departure = Departure { reason: "shutdown".to_owned(), time_ms: unix_ms() };
    node.p2p.publish(Topic::Departure, departure.encode_to_vec()).await;
    sleep(FAREWELL).await;

    info!("Shutdown 2/6: no new gRPC calls, {} in flight", node.gate.calls.len());
    node.gate.closed.cancel();
    node.gate.calls.close();

    info!("Shutdown 3/6: draining");
    if timeout(DRAIN, node.gate.calls.wait()).await.is_err() {
        warn!("{} gRPC calls did not end within {} s and are cut off", node.gate.calls.len(), DRAIN.as_secs());
    }
    join("gRPC", &mut node.tasks.grpc, IDLE).await;
    let _ = timeout(IDLE * 2, node.p2p.leave()).await;
    node.stop_http.cancel();
    join("HTTP", &mut node.tasks.http, IDLE).await;

    info!("Shutdown 4/6: ending the sidecar");
    node.stop_sidecar.cancel();
    join("the sidecar's supervisor", &mut node.tasks.sidecar, SIDECAR).await;
    node.metrics.sidecar_gone();

    info!("Shutdown 5/6: flushing metrics");
    node.tasks.chain.abort();
    node.tasks.rounds.abort();
    node.tasks.network.abort();
    if let Err(error) = flush(&node.metrics, node.metrics_file.as_deref()) {
        error!("METRICS_FILE cannot be written: {error:#}");
    }
    info!("Shutdown 6/6: done");
}

/// Waits for a task to end, and ends it where that takes too long.
async fn join<T>(name: &str, task: &mut JoinHandle<T>, limit: Duration) {
    if !task.is_finished() && timeout(limit, &mut *task).await.is_err() {
        warn!("{name} had open connections or work left and was cut off");
        task.abort();
    }
}

/// One line on standard output, whatever RUST_LOG is; the file is written whole or not at all, and for all to read.
fn flush(metrics: &Metrics, file: Option<&Path>) -> Result<()> {
    let json = metrics.json().to_string();
    // Nobody may be reading.
    let _ = writeln!(io::stdout(), "Metrics flushed: {json}");
    let Some(file) = file else { return Ok(()) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(temporary, "{json}")?;
    temporary.as_file().set_permissions(Permissions::from_mode(0o644))?;
    temporary.persist(file)?;
    Ok(())
}
