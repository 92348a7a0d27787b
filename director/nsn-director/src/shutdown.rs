//! The orderly end, within 30 s in any case and within 10 s with nothing in flight:
//! departure → no new gRPC calls → drain → sidecar → metrics flushed → exit.

use crate::{clock::unix_ms, logging, node::Node, p2p::Topic, proto::director::Departure};
use anyhow::Result;
use prost::Message;
use serde_json::Value;
use std::{fs::Permissions, io::Write, os::unix::fs::PermissionsExt, path::Path, time::Duration};
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
    info!(step = 1, "Shutdown 1/6: announcing departure");
    let departure = Departure { reason: "shutdown".to_owned(), time_ms: unix_ms() };
    node.p2p.publish(Topic::Departure, departure.encode_to_vec()).await;
    sleep(FAREWELL).await;

    let in_flight = node.gate.calls.len();
    info!(step = 2, in_flight, "Shutdown 2/6: no new gRPC calls, {in_flight} in flight");
    node.gate.closed.cancel();
    node.gate.calls.close();

    info!(step = 3, "Shutdown 3/6: draining");
    if timeout(DRAIN, node.gate.calls.wait()).await.is_err() {
        let in_flight = node.gate.calls.len();
        warn!(in_flight, "{in_flight} gRPC calls did not end within {} s and are cut off", DRAIN.as_secs());
    }
    join("gRPC", &mut node.tasks.grpc, IDLE).await;
    let _ = timeout(IDLE * 2, node.p2p.leave()).await;
    node.stop_http.cancel();
    join("HTTP", &mut node.tasks.http, IDLE).await;

    info!(step = 4, "Shutdown 4/6: ending the sidecar");
    node.stop_sidecar.cancel();
    join("the sidecar's supervisor", &mut node.tasks.sidecar, SIDECAR).await;
    node.metrics.sidecar_gone();

    info!(step = 5, "Shutdown 5/6: flushing metrics");
    node.tasks.chain.abort();
    node.tasks.rounds.abort();
    node.tasks.network.abort();
    let metrics = node.metrics.json();
    logging::write_metrics(node.log_format, &metrics);
    if let Some(file) = &node.metrics_file
        && let Err(error) = write_file(file, &metrics)
    {
        error!(file = %file.display(), "METRICS_FILE cannot be written: {error:#}");
    }
    info!(step = 6, "Shutdown 6/6: done");
}

/// Waits for a task to end, and ends it where that takes too long.
async fn join<T>(name: &str, task: &mut JoinHandle<T>, limit: Duration) {
    if !task.is_finished() && timeout(limit, &mut *task).await.is_err() {
        warn!(part = name, "{name} had open connections or work left and was cut off");
        task.abort();
    }
}

/// Whole or not at all, and for all to read.
fn write_file(file: &Path, metrics: &Value) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(temporary, "{metrics}")?;
    temporary.as_file().set_permissions(Permissions::from_mode(0o644))?;
    temporary.persist(file)?;
    Ok(())
}
