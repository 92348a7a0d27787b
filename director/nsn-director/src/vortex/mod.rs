//! The sidecar that holds the models: started, watched, asked and ended by the node.

mod child;
mod connection;
mod output;
pub mod protocol;
pub mod reaper;
mod supervisor;

pub use supervisor::{Supervisor, start};

use protocol::{CallError, Slot};
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

/// What the sidecar is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Again, after a failure.
    Starting {
        after: Option<String>,
    },
    Loading {
        model: String,
        index: u32,
        of: u32,
    },
    Ready {
        device: String,
        models: Vec<String>,
    },
    Failed {
        reason: String,
    },
}

impl State {
    /// Whether all models are loaded, and in a sentence why or why not.
    pub fn verdict(&self) -> (bool, String) {
        match self {
            State::Starting { after: None } => (false, "the sidecar is starting".to_owned()),
            State::Starting { after: Some(reason) } => {
                (false, format!("the sidecar is starting again after: {reason}"))
            }
            State::Loading { model, index, of } => (false, format!("{model} is being loaded ({index} of {of})")),
            State::Ready { device, models } => (true, format!("{} models on {device}", models.len())),
            State::Failed { reason } => (false, reason.clone()),
        }
    }
}

struct Call {
    slot: u64,
    recipe: String,
    deadline: Duration,
    answer: oneshot::Sender<Result<Slot, CallError>>,
}

/// A handle on the sidecar; clones speak to the same one.
#[derive(Clone)]
pub struct Vortex {
    pub state: watch::Receiver<State>,
    calls: mpsc::Sender<Call>,
}

impl Vortex {
    /// Has the sidecar work on a slot; it keeps to the deadline itself, and gets a second more to say so.
    pub async fn generate_slot(&self, slot: u64, recipe: String, deadline: Duration) -> Result<Slot, CallError> {
        let (ready, detail) = self.state.borrow().verdict();
        if !ready {
            return Err(CallError::unavailable(detail));
        }
        let (answer, answered) = oneshot::channel();
        let call = Call { slot, recipe, deadline, answer };
        let gone = || CallError::unavailable("the sidecar ended".to_owned());
        let asked = async {
            self.calls.send(call).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        };
        timeout(deadline + Duration::from_secs(1), asked)
            .await
            .unwrap_or_else(|_| Err(CallError::deadline(format!("no answer within {} ms", deadline.as_millis()))))
    }
}
