//! Keeps a sidecar running: starts it, serves it, and starts it again after a pause when it ends.

use super::{Call, State, Vortex, child::SidecarProcess, connection::Connection, reaper::Reaper};
use crate::{config::Config, logging::Format, metrics::Metrics};
use anyhow::{Result, anyhow};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// A sidecar that ran this long gets the shortest pause again.
const STEADY: Duration = Duration::from_secs(60);
/// Times the silence that a ready sidecar may keep: an interpreter with cold imports connects late.
const CONNECT: u32 = 6;

pub struct Supervisor {
    words: Vec<String>,
    models_path: PathBuf,
    log_format: Format,
    silence: Duration,
    calls: mpsc::Receiver<Call>,
    state: watch::Sender<State>,
    metrics: Arc<Metrics>,
    reaper: Arc<Reaper>,
}

/// The handle, and the supervisor itself, to be run as a task.
pub fn start(config: &Config, metrics: Arc<Metrics>, reaper: Arc<Reaper>) -> (Vortex, Supervisor) {
    let (call_sender, calls) = mpsc::channel(64);
    let (state, state_receiver) = watch::channel(State::Starting { after: None });
    let (words, models_path, log_format) = (config.vortex_words(), config.models_path.clone(), config.log_format);
    let silence = Duration::from_secs(config.vortex_silence);
    let supervisor = Supervisor { words, models_path, log_format, silence, calls, state, metrics, reaper };
    (Vortex { state: state_receiver, calls: call_sender }, supervisor)
}

impl Supervisor {
    /// Runs until `stop`, and returns when the sidecar is gone.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = BACKOFF.0;
        loop {
            let begun = Instant::now();
            let Err(why) = self.run_once(&stop).await else { return };
            let reason = format!("{why:#}");
            if begun.elapsed() > STEADY {
                pause = BACKOFF.0;
            }
            let seconds = pause.as_secs();
            error!(reason, seconds, "{reason}; it is started again in {seconds} s");
            self.state.send_replace(State::Failed { reason });
            while self.calls.try_recv().is_ok() {} // dropping a call answers it
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(BACKOFF.1);
            self.metrics.vortex_restarts.inc();
        }
    }

    /// One life of the sidecar: `Ok` when it was told to stop, else why it ended.
    async fn run_once(&mut self, stop: &CancellationToken) -> Result<()> {
        self.state.send_modify(|state| {
            let after = if let State::Failed { reason } = state { Some(reason.clone()) } else { None };
            *state = State::Starting { after };
        });
        let (mut process, socket) =
            SidecarProcess::start(&self.words, &self.models_path, self.log_format, self.reaper.clone())?;
        let stream = tokio::select! {
            accepted = timeout(self.silence * CONNECT, socket.accept()) => match accepted {
                Ok(accepted) => accepted?.0,
                Err(_) => {
                    let status = process.end().await;
                    let limit = (self.silence * CONNECT).as_secs();
                    return Err(anyhow!("the sidecar did not connect within {limit} s ({status})"));
                }
            },
            status = process.ended() => {
                process.end().await;
                return Err(anyhow!("the sidecar ended before it connected: {status}"));
            }
            () = stop.cancelled() => return end_on_request(process).await,
        };
        self.metrics.vortex_up.set(1);
        let mut connection =
            Connection::new(stream, self.models_path.clone(), self.silence, self.state.clone(), self.metrics.clone());
        let why = tokio::select! {
            broken = connection.serve(&mut self.calls) => {
                let Err(why) = broken;
                format!("{why:#}")
            }
            _ = process.ended() => "the sidecar ended".to_owned(),
            () = stop.cancelled() => return end_on_request(process).await,
        };
        // What it said last, it may have said on its way out.
        let _ = timeout(Duration::from_millis(200), connection.serve(&mut self.calls)).await;
        // Its calls are answered and `/health` tells before its process has ended, which may take a while.
        drop(connection);
        self.metrics.sidecar_gone();
        let failed = if let State::Failed { reason } = &*self.state.borrow() { Some(reason.clone()) } else { None };
        let reason = failed.map_or(why, |reason| format!("the sidecar failed: {reason}"));
        self.state.send_replace(State::Failed { reason: reason.clone() });
        let status = process.end().await;
        Err(anyhow!("{reason} ({status})"))
    }
}

async fn end_on_request(process: SidecarProcess) -> Result<()> {
    let status = process.end().await;
    info!(status, "Sidecar ended by SIGTERM: {status}");
    Ok(())
}
