//! The JSON lines between the Director and its sidecar, over a Unix socket.

use serde::{Deserialize, Deserializer, Serialize};

/// What the sidecar says: an event, or the answer to a request.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Line {
    Event(Event),
    Answer(Answer),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    Loading {
        model: String,
        index: u32,
        of: u32,
    },
    Loaded {
        model: String,
        #[serde(flatten)]
        memory: Memory,
    },
    Ready {
        device: String,
        models: Vec<String>,
        #[serde(flatten)]
        memory: Memory,
    },
    Vram(Memory),
    Failed {
        error: String,
    },
}

/// What the sidecar takes of the GPU's memory: by the card's driver, and where PyTorch has a GPU, by its own allocator.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Memory {
    pub vram_bytes: u64,
    pub torch: Option<TorchMemory>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct TorchMemory {
    /// In tensors.
    pub allocated_bytes: u64,
    /// Taken from the driver for them.
    pub reserved_bytes: u64,
}

#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The request's number; null where the sidecar could not read one.
    #[serde(deserialize_with = "null_or_number")]
    pub id: Option<u64>,
    pub result: Option<Slot>,
    pub error: Option<CallError>,
}

/// A plain `Option` may be missing too, and then everything would be an answer.
fn null_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(deserializer)
}

/// The result of `generate_slot`; `digest` is a sha256 in 64 hex digits.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Slot {
    pub slot: u64,
    pub digest: String,
    pub seconds: f64,
    pub vram_bytes: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct CallError {
    pub code: Code,
    pub message: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    DeadlineExceeded,
    BadRequest,
    Unavailable,
    #[serde(other)]
    Internal,
}

impl CallError {
    pub fn unavailable(message: String) -> Self {
        Self { code: Code::Unavailable, message }
    }

    pub fn deadline(message: String) -> Self {
        Self { code: Code::DeadlineExceeded, message }
    }
}

#[derive(Serialize)]
pub struct Request<'a> {
    pub id: u64,
    pub method: &'static str,
    pub params: GenerateSlot<'a>,
}

#[derive(Serialize)]
pub struct GenerateSlot<'a> {
    pub slot: u64,
    pub recipe: &'a str,
    pub deadline_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_error_code_is_an_internal_one() {
        let line = serde_json::from_str(r#"{"id":3,"error":{"code":"novel","message":"m"}}"#).unwrap();
        let Line::Answer(Answer { id: Some(3), result: None, error: Some(error) }) = line else { panic!("{line:?}") };
        assert_eq!(error.code, Code::Internal);
    }

    #[test]
    fn an_answer_may_have_no_number_but_must_say_so() {
        let line = serde_json::from_str(r#"{"id":null,"error":{"code":"bad_request","message":"m"}}"#).unwrap();
        assert!(matches!(line, Line::Answer(Answer { id: None, error: Some(_), .. })), "{line:?}");
        assert!(serde_json::from_str::<Line>(r#"{"error":{"code":"bad_request","message":"m"}}"#).is_err());
    }

    #[test]
    fn an_event_is_told_from_an_answer() {
        let line = serde_json::from_str(r#"{"event":"vram","vram_bytes":7}"#).unwrap();
        let memory = Memory { vram_bytes: 7, torch: None };
        assert!(matches!(line, Line::Event(Event::Vram(said)) if said == memory), "{line:?}");
        let torch = r#"{"event":"ready","device":"cuda:0","models":[],"vram_bytes":7,
            "torch":{"allocated_bytes":5,"reserved_bytes":6}}"#;
        let line = serde_json::from_str(torch).unwrap();
        let memory = Memory { torch: Some(TorchMemory { allocated_bytes: 5, reserved_bytes: 6 }), ..memory };
        assert!(matches!(line, Line::Event(Event::Ready { memory: said, .. }) if said == memory), "{line:?}");
        assert!(serde_json::from_str::<Line>(r#"{"event":"novel"}"#).is_err());
    }
}
