//! What an operator can set: each a flag and a variable of the same name; flag over variable over default.

use crate::{
    chain,
    logging::Format,
    p2p::address::{parse_external, parse_peer},
};
use clap::{
    Arg, Command, CommandFactory, FromArgMatches, Parser,
    builder::{OsStringValueParser, Resettable},
    error::{ContextKind, ErrorKind},
    value_parser,
};
use libp2p::Multiaddr;
use std::{env, error::Error, ffi::OsString, path::PathBuf};
use tracing_subscriber::EnvFilter;

#[derive(Clone, Debug, Parser)]
#[command(
    name = "nsn-director",
    version,
    about = "A Director node: P2P, BFT coordination, chain, and the Vortex sidecar.",
    after_help = "An empty variable counts as unset. Port 0 takes a free port. Everything listens on 0.0.0.0.\n\n\
        example: nsn-director --substrate-ws-url ws://chain:9944 \
        --p2p-bootstrap-peers /dns4/other/udp/9000/quic-v1"
)]
pub struct Config {
    /// What to log: a level, or directives such as info,nsn_director::p2p=debug
    #[arg(long, env = "RUST_LOG", value_name = "RUST_LOG", default_value = "info", value_parser = parse_filter)]
    pub rust_log: String,

    /// How to log: text, or json, one object a line, the sidecar's lines among them
    #[arg(long, env = "LOG_FORMAT", value_name = "LOG_FORMAT", default_value = "text", value_parser = parse_format)]
    pub log_format: Format,

    /// The chain's WebSocket endpoint, ws:// or wss://; logs show its scheme, host and port only
    #[arg(long, env = "SUBSTRATE_WS_URL", hide_env_values = true, value_name = "SUBSTRATE_WS_URL",
          default_value = "ws://localhost:9944", value_parser = parse_ws_url)]
    pub substrate_ws_url: String,

    /// Folder with the models and their models.lock.json
    #[arg(long, env = "MODELS_PATH", value_name = "MODELS_PATH", default_value = "/models")]
    pub models_path: PathBuf,

    /// P2P: QUIC on this UDP port and TCP on the same number; with 0 each takes a free number of its own
    #[arg(long, env = "P2P_PORT", value_name = "P2P_PORT", default_value_t = 9000, value_parser = parse_port)]
    pub p2p_port: u16,

    /// HTTP: /health and /metrics
    #[arg(long, env = "METRICS_PORT", value_name = "METRICS_PORT", default_value_t = 9100, value_parser = parse_port)]
    pub metrics_port: u16,

    /// gRPC: BftCoordination, Vortex, health and reflection
    #[arg(long, env = "GRPC_PORT", value_name = "GRPC_PORT", default_value_t = 50051, value_parser = parse_port)]
    pub grpc_port: u16,

    /// Peers to dial, comma separated multiaddrs such as /dns4/host/udp/9000/quic-v1 or /ip4/10.0.0.7/tcp/9000
    #[arg(long, env = "P2P_BOOTSTRAP_PEERS", value_name = "P2P_BOOTSTRAP_PEERS",
          value_delimiter = ',', value_parser = parse_peer)]
    pub p2p_bootstrap_peers: Vec<Multiaddr>,

    /// Addresses that others reach this node at, comma separated, where they are not those it listens on, as with a
    /// container's published port: /ip4/203.0.113.7/udp/9000/quic-v1
    #[arg(long, env = "P2P_EXTERNAL_ADDRESSES", value_name = "P2P_EXTERNAL_ADDRESSES",
          value_delimiter = ',', value_parser = parse_external)]
    pub p2p_external_addresses: Vec<Multiaddr>,

    /// Folder of the node's own state: its peer key, peer.key, mode 0600
    #[arg(long, env = "DATA_PATH", value_name = "DATA_PATH", default_value = "/data")]
    pub data_path: PathBuf,

    /// File that receives the last metrics as JSON when the node ends
    #[arg(long, env = "METRICS_FILE", value_name = "METRICS_FILE")]
    pub metrics_file: Option<PathBuf>,

    /// Command that starts the sidecar, split like a shell's words but run without a shell
    #[arg(long, env = "VORTEX_COMMAND", value_name = "VORTEX_COMMAND",
          default_value = "python3 -m vortex", value_parser = parse_command)]
    pub vortex_command: String,

    /// For tests. Seconds: a sidecar that is ready says something every 5, and one that is silent for this long is started
    /// again; it gets six times as long to connect.
    #[arg(long, env = "VORTEX_SILENCE", hide = true, default_value_t = 20, value_parser = value_parser!(u64).range(1..))]
    pub vortex_silence: u64,

    /// For tests. Seconds between two pings of a peer, and the time that each may take
    #[arg(long, env = "P2P_PING", hide = true, default_value_t = 15, value_parser = value_parser!(u64).range(1..))]
    pub p2p_ping: u64,

    /// Validates the configuration, reports every problem and exits: 0 if all is well, 1 if not, 2 where a value is malformed
    #[arg(long)]
    pub check: bool,
}

impl Config {
    /// Of the program's arguments and environment; the error names every malformed value, and knows how to print itself
    /// and its exit code.
    pub fn from_environment() -> Result<Self, clap::Error> {
        Self::from_arguments(env::args_os())
    }

    /// `arguments` begin with the program's name.
    pub fn from_arguments<T: Into<OsString> + Clone>(
        arguments: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        match command().try_get_matches_from(&arguments) {
            Ok(matches) => Self::from_arg_matches(&matches),
            Err(error) => Err(all_of(error, &arguments)),
        }
    }

    /// The sidecar's program and its first arguments.
    pub fn vortex_words(&self) -> Vec<String> {
        shell_words::split(&self.vortex_command).expect("checked when it was parsed")
    }
}

/// How a setting is called where something is wrong with it: `--data-path (DATA_PATH)`.
pub fn called(variable: &str) -> String {
    format!("--{} ({variable})", variable.to_lowercase().replace('_', "-"))
}

/// An empty variable counts as unset.
fn command() -> Command {
    let command = Config::command();
    let is_blank = |argument: &&Arg| argument.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    let blank: Vec<_> = command.get_arguments().filter(is_blank).map(|argument| argument.get_id().clone()).collect();
    blank.into_iter().fold(command, |command, id| command.mut_arg(id, |argument| argument.env(Resettable::Reset)))
}

/// clap stops at the first value that it cannot take: looks at every setting by itself, with all others taken as they are.
fn all_of(first: clap::Error, arguments: &[OsString]) -> clap::Error {
    let ids: Vec<_> = command().get_arguments().map(|argument| argument.get_id().clone()).collect();
    let malformed: Vec<_> = ids
        .iter()
        .filter_map(|id| {
            let takes_all = |argument: Arg| {
                if argument.get_action().takes_values() {
                    argument.value_parser(OsStringValueParser::new())
                } else {
                    argument
                }
            };
            let others = ids.iter().filter(|other| *other != id);
            let lenient = others.fold(command(), |command, other| command.mut_arg(other, takes_all));
            let argument = command().get_arguments().find(|argument| argument.get_id() == id)?.clone();
            malformed(&argument, &lenient.try_get_matches_from(arguments).err()?)
        })
        .collect();
    if malformed.is_empty() { first } else { command().error(ErrorKind::ValueValidation, malformed.join("\nerror: ")) }
}

/// One sentence about a value that was not taken; a value that may hold a secret is not shown.
fn malformed(argument: &Arg, error: &clap::Error) -> Option<String> {
    let why = match error.kind() {
        ErrorKind::ValueValidation => error.source()?.to_string(),
        ErrorKind::InvalidUtf8 => "not UTF-8".to_owned(),
        _ => return None,
    };
    let name = called(argument.get_env()?.to_str()?);
    match error.get(ContextKind::InvalidValue) {
        Some(value) if !argument.is_hide_env_values_set() => Some(format!("{name}: '{value}': {why}")),
        _ => Some(format!("{name}: {why}")),
    }
}

fn parse_format(value: &str) -> Result<Format, String> {
    match value {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err("wanted text or json".to_owned()),
    }
}

fn parse_port(value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| "wanted a port, 1 to 65535, or 0 for a free one".to_owned())
}

fn parse_filter(value: &str) -> Result<String, String> {
    EnvFilter::try_new(value).map(|_| value.to_owned()).map_err(|error| error.to_string())
}

fn parse_ws_url(value: &str) -> Result<String, String> {
    if chain::is_endpoint(value) {
        Ok(value.to_owned())
    } else {
        Err("wanted ws://host:port or wss://host:port".to_owned())
    }
}

fn parse_command(value: &str) -> Result<String, String> {
    match shell_words::split(value) {
        Ok(words) if words.is_empty() => Err("the command is empty".to_owned()),
        Ok(_) => Ok(value.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
