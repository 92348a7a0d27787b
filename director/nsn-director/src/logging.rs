//! The log: words for people, or one JSON object a line for machines. Both say the same; JSON has what changes in it as
//! fields as well.

use crate::config::Config;
use serde_json::{Value, json};
use std::io::{self, IsTerminal, Write};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, FilterFn},
    fmt::{
        self,
        format::{Writer, debug_fn},
        time::{FormatTime, SystemTime},
    },
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// The target of the lines that a sidecar prints.
pub const SIDECAR: &str = "vortex";

/// From here on, all that is logged goes to standard output.
pub fn start(config: &Config) {
    let log = tracing_subscriber::registry().with(filter(&config.rust_log));
    match config.log_format {
        Format::Json => log.with(fmt::layer().json().flatten_event(true).with_span_list(false)).init(),
        Format::Text => {
            let ansi = io::stdout().is_terminal();
            // The words of our own messages have their fields in them; those of libraries do not.
            let ours = FilterFn::new(|metadata| metadata.target().starts_with("nsn_director"));
            let words = debug_fn(|writer, field, value| match field.name() {
                "message" => write!(writer, "{value:?}"),
                _ => Ok(()),
            });
            log.with(fmt::layer().with_ansi(ansi).fmt_fields(words).with_filter(ours.clone()))
                .with(fmt::layer().with_ansi(ansi).with_filter(ours.not()))
                .init();
        }
    }
}

/// What the operator asks for, but for two: a node that is alone is told so by Kademlia again and again, and `/health` says
/// it; and what a sidecar prints is passed on whatever the level, as it is where it prints for itself.
fn filter(directives: &str) -> EnvFilter {
    let asked = |target: &str| directives.split(',').any(|directive| directive.trim().starts_with(target));
    [("libp2p_kad", "error"), (SIDECAR, "info")]
        .into_iter()
        .filter(|(target, _)| !asked(target))
        .filter_map(|(target, level)| format!("{target}={level}").parse().ok())
        .fold(EnvFilter::new(directives), EnvFilter::add_directive)
}

/// The last metrics, in one line, whatever RUST_LOG is. Nobody may be reading.
pub fn write_metrics(format: Format, metrics: &Value) {
    let line = match format {
        Format::Text => format!("Metrics flushed: {metrics}"),
        Format::Json => json!({
            "timestamp": now(), "level": "INFO", "message": "Metrics flushed", "metrics": metrics, "target": module_path!(),
        })
        .to_string(),
    };
    let _ = writeln!(io::stdout(), "{line}");
}

fn now() -> String {
    let mut text = String::new();
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}
