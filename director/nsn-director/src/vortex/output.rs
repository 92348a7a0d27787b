//! What the sidecar prints, where the node's own log is JSON: line by line into that log.

use crate::logging::SIDECAR;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tracing::{info, warn};

/// A longer line comes in pieces.
const LONGEST: u64 = 64 * 1024;

pub enum Stream {
    Out,
    Error,
}

/// Logs every line until the last process that holds the stream has ended.
pub async fn pass_on(source: impl AsyncRead + Unpin, stream: Stream) {
    let mut source = BufReader::new(source);
    let mut line = Vec::new();
    while (&mut source).take(LONGEST).read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        match stream {
            _ if text.is_empty() => {}
            Stream::Out => info!(target: SIDECAR, stream = "stdout", "{text}"),
            Stream::Error => warn!(target: SIDECAR, stream = "stderr", "{text}"),
        }
        line.clear();
    }
}
