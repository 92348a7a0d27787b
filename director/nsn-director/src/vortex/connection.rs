//! The conversation with a sidecar that has connected.

use super::{
    Call, State,
    protocol::{Answer, CallError, Code, Event, GenerateSlot, Line, Memory, Request, Slot},
};
use crate::{lock, metrics::Metrics};
use anyhow::{Context, Result, bail};
use futures::StreamExt;
use std::{collections::HashMap, convert::Infallible, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot, watch},
    time::{Interval, MissedTickBehavior, interval, timeout},
};
use tokio_util::codec::{FramedRead, LinesCodec};
use tracing::{info, warn};

const MAX_LINE: usize = 1024 * 1024;

pub struct Connection {
    lines: FramedRead<OwnedReadHalf, LinesCodec>,
    writer: OwnedWriteHalf,
    waiting: HashMap<u64, oneshot::Sender<Result<Slot, CallError>>>,
    next_id: u64,
    /// The most that a sidecar may be silent once it is ready.
    silence: Duration,
    /// Seconds are counted, not measured: those in which the node itself was frozen are no silence.
    seconds: Interval,
    quiet: u64,
    ready: bool,
    models_path: PathBuf,
    state: watch::Sender<State>,
    metrics: Arc<Metrics>,
}

impl Connection {
    pub fn new(
        stream: UnixStream,
        models_path: PathBuf,
        silence: Duration,
        state: watch::Sender<State>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        let lines = FramedRead::new(reader, LinesCodec::new_with_max_length(MAX_LINE));
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (waiting, next_id, quiet, ready) = (HashMap::new(), 1, 0, false);
        Self { lines, writer, waiting, next_id, silence, seconds, quiet, ready, models_path, state, metrics }
    }

    /// Passes calls and answers until the sidecar closes its end, breaks the protocol or falls silent.
    pub async fn serve(&mut self, calls: &mut mpsc::Receiver<Call>) -> Result<Infallible> {
        loop {
            tokio::select! {
                line = self.lines.next() => {
                    let line = line.context("the sidecar closed its socket")??;
                    self.quiet = 0;
                    let line = serde_json::from_str(&line)
                        .with_context(|| format!("the sidecar broke the protocol: {line:.200}"))?;
                    match line {
                        Line::Event(event) => self.take(event),
                        Line::Answer(answer) => self.answer(answer),
                    }
                }
                Some(call) = calls.recv() => self.ask(call).await?,
                _ = self.seconds.tick(), if self.ready => {
                    self.quiet += 1;
                    if self.quiet > self.silence.as_secs() {
                        bail!("the sidecar was silent for {} s", self.silence.as_secs());
                    }
                }
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Loading { model, index, of } => {
                self.state.send_replace(State::Loading { model, index, of });
            }
            Event::Loaded { model, memory } => {
                let Memory { vram_bytes, .. } = memory;
                info!(model, vram_bytes, "{model} is loaded, {vram_bytes} bytes of VRAM in use");
                self.metrics.sidecar_memory(memory);
            }
            Event::Ready { device, models, memory } => {
                self.metrics.sidecar_memory(memory);
                self.ready = true;
                let state = match self.missing(&models) {
                    None => State::Ready { device, models },
                    Some(reason) => State::Failed { reason },
                };
                match state.verdict() {
                    (true, detail) => info!(detail, "The sidecar is ready: {detail}"),
                    (false, reason) => warn!(reason, "The sidecar is not ready: {reason}"),
                }
                self.state.send_replace(state);
            }
            Event::Vram(memory) => self.metrics.sidecar_memory(memory),
            Event::Failed { error } => {
                self.state.send_replace(State::Failed { reason: error });
            }
        }
    }

    /// The lock says what has to be there, not the sidecar.
    fn missing(&self, loaded: &[String]) -> Option<String> {
        match lock::titles(&self.models_path) {
            Err(error) => Some(format!("{error:#}")),
            Ok(titles) => {
                let missing: Vec<_> = titles.into_iter().filter(|title| !loaded.contains(title)).collect();
                (!missing.is_empty()).then(|| format!("the sidecar is ready without {}", missing.join(", ")))
            }
        }
    }

    async fn ask(&mut self, call: Call) -> Result<()> {
        let id = self.next_id;
        self.next_id += 1;
        let deadline_ms = call.deadline.as_millis() as u64;
        let params = GenerateSlot { slot: call.slot, recipe: &call.recipe, deadline_ms };
        let mut line = serde_json::to_vec(&Request { id, method: "generate_slot", params })?;
        line.push(b'\n');
        self.waiting.insert(id, call.answer);
        let written = timeout(self.silence, self.writer.write_all(&line)).await;
        written.context("the sidecar does not read its socket")?.context("the sidecar's socket takes nothing")
    }

    fn answer(&mut self, Answer { id, result, error }: Answer) {
        let Some(id) = id else {
            let why = error.map_or_else(|| "it gave no reason".to_owned(), |error| error.message);
            warn!(reason = why, "The sidecar refused a line: {why}");
            return;
        };
        let Some(waiting) = self.waiting.remove(&id) else {
            warn!(id, "The sidecar answered a request {id} that nobody made");
            return;
        };
        let neither = || CallError { code: Code::Internal, message: "an answer without a result".to_owned() };
        // Whoever asked may have gone.
        let _ = waiting.send(result.ok_or_else(|| error.unwrap_or_else(neither)));
    }
}
