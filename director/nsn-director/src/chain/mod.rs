//! The chain that the node follows, over WebSocket JSON-RPC.

mod client;
mod connection;
mod status;

pub use client::{follow, is_endpoint};
pub use status::{Head, Status, Time};
