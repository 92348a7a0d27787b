//! The gRPC server: BftCoordination, Vortex, health and reflection.

mod bft;
mod vortex;

use crate::{
    bft::Coordinator,
    p2p::P2p,
    proto::{DESCRIPTORS, bft::bft_coordination_server::BftCoordinationServer, director::vortex_server::VortexServer},
    vortex::Vortex,
};
use anyhow::Result;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{
    Status,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tonic_reflection::server::Builder as Reflection;

/// Tells the calls that are in flight, and refuses new ones when the node is ending.
#[derive(Clone)]
pub struct Gate {
    pub calls: TaskTracker,
    pub closed: CancellationToken,
}

impl Gate {
    /// Runs a call, counted as long as it lasts.
    async fn pass<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        if self.closed.is_cancelled() {
            return Err(Status::unavailable("the node is shutting down"));
        }
        self.calls.track_future(call).await
    }
}

/// Serves until the gate is closed and every connection has ended.
pub async fn serve(
    listener: TcpListener,
    coordinator: Arc<Coordinator>,
    vortex: Vortex,
    p2p: P2p,
    gate: Gate,
) -> Result<()> {
    let (reporter, health) = tonic_health::server::health_reporter();
    tokio::spawn(report(reporter, vortex.clone(), gate.closed.clone()));
    let descriptors = || {
        Reflection::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Server::builder()
        .add_service(health)
        .add_service(descriptors().build_v1()?)
        .add_service(descriptors().build_v1alpha()?)
        .add_service(BftCoordinationServer::new(bft::Service { coordinator, gate: gate.clone() }))
        .add_service(VortexServer::new(vortex::Service { vortex, p2p, gate: gate.clone() }))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), gate.closed.cancelled_owned())
        .await?;
    Ok(())
}

/// The node and its rounds serve from the start, Vortex while its models are loaded, and nothing once the node ends.
async fn report(reporter: HealthReporter, mut vortex: Vortex, closed: CancellationToken) {
    reporter.set_serving::<BftCoordinationServer<bft::Service>>().await;
    loop {
        let ready = vortex.state.borrow_and_update().verdict().0;
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        reporter.set_service_status("nsn.director.v1.Vortex", status).await;
        tokio::select! {
            changed = vortex.state.changed() => if changed.is_err() { break },
            () = closed.cancelled() => break,
        }
    }
    for service in ["", "nsn.bft.v1.BftCoordination", "nsn.director.v1.Vortex"] {
        reporter.set_service_status(service, ServingStatus::NotServing).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::{sync::oneshot, time::timeout};

    /// A call that is already on its way when the connection is told that no more are taken.
    #[tokio::test]
    async fn a_closed_gate_refuses_new_calls_and_waits_for_those_in_flight() {
        let gate = Gate { calls: TaskTracker::new(), closed: CancellationToken::new() };
        let (finish, finished) = oneshot::channel();
        let in_flight = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass(async { Ok(finished.await.unwrap()) }).await }
        });
        while gate.calls.is_empty() {
            tokio::task::yield_now().await;
        }
        gate.closed.cancel();
        gate.calls.close();
        let refused = gate.pass(async { Ok(()) }).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (tonic::Code::Unavailable, "the node is shutting down"));
        assert!(timeout(Duration::from_millis(50), gate.calls.wait()).await.is_err());
        finish.send(7).unwrap();
        assert_eq!(in_flight.await.unwrap().unwrap(), 7);
        gate.calls.wait().await;
    }
}
