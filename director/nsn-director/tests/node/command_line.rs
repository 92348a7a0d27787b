use crate::director::{PROGRAM, command, fake_sidecar, get, until, write_lock};
use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::Path,
    process::Output,
    time::Duration,
};
use tokio::{process::Command, time::timeout};

const VARIABLES: [&str; 12] = [
    "RUST_LOG",
    "LOG_FORMAT",
    "SUBSTRATE_WS_URL",
    "MODELS_PATH",
    "P2P_PORT",
    "METRICS_PORT",
    "GRPC_PORT",
    "P2P_BOOTSTRAP_PEERS",
    "P2P_EXTERNAL_ADDRESSES",
    "DATA_PATH",
    "METRICS_FILE",
    "VORTEX_COMMAND",
];

async fn run(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Result<(Output, String)> {
    let mut command = command(folder);
    command.envs(variables.iter().copied()).args(arguments);
    let output = timeout(Duration::from_secs(20), command.output()).await??;
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text)?;
    Ok((output, text))
}

#[tokio::test]
async fn help_has_a_flag_for_every_variable_and_version_is_told() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (output, help) = run(folder.path(), &[("SUBSTRATE_WS_URL", "wss://user:secret@host")], &["--help"]).await?;
    assert!(!help.contains("secret"), "{help}");
    assert!(output.status.success());
    for variable in VARIABLES {
        let flag = format!("--{}", variable.to_lowercase().replace('_', "-"));
        assert!(help.contains(&format!("{flag} <{variable}>")), "{flag} in\n{help}");
    }
    assert!(help.contains("--check") && help.contains("example: nsn-director"), "{help}");
    let (_, version) = run(folder.path(), &[], &["--version"]).await?;
    assert_eq!(version.trim(), format!("nsn-director {}", env!("CARGO_PKG_VERSION")));
    Ok(())
}

fn flag(variable: &str) -> String {
    format!("--{}", variable.to_lowercase().replace('_', "-"))
}

const PORT: &str = "wanted a port, 1 to 65535, or 0 for a free one";
const ENDPOINT: &str = "wanted ws://host:port or wss://host:port";
const PEER: &str = "wanted a multiaddr such as /ip4/10.0.0.7/udp/9000/quic-v1 or /dns4/host/tcp/9000";

#[tokio::test]
async fn a_malformed_value_is_refused_in_a_sentence_with_its_flag_and_its_variable() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (variable, value, shown, why) in [
        ("P2P_PORT", "70000", "'70000': ", PORT),
        ("METRICS_PORT", "-1", "'-1': ", PORT),
        ("GRPC_PORT", "many", "'many': ", PORT),
        ("SUBSTRATE_WS_URL", "http://localhost", "", ENDPOINT),
        ("SUBSTRATE_WS_URL", "ws://user:secret@chain:99999", "", ENDPOINT),
        ("P2P_BOOTSTRAP_PEERS", "/dns4/a/tcp/9000,localhost:9000", "'localhost:9000': ", PEER),
        ("P2P_BOOTSTRAP_PEERS", "/ip4/10.0.0.7/udp/9000", "'/ip4/10.0.0.7/udp/9000': ", PEER),
        ("P2P_EXTERNAL_ADDRESSES", "/dns4/a/tcp/9000", "'/dns4/a/tcp/9000': ", "wanted a multiaddr with an IP address"),
        ("RUST_LOG", "a=b=c", "'a=b=c': ", "error parsing level filter"),
        ("LOG_FORMAT", "xml", "'xml': ", "wanted text or json"),
        ("VORTEX_COMMAND", "python3 'unclosed", "'python3 'unclosed': ", "missing closing quote"),
        ("VORTEX_COMMAND", " ", "' ': ", "the command is empty"),
        ("VORTEX_SILENCE", "0", "'0': ", "0 is not in 1.."),
    ] {
        let argument = format!("{}={value}", flag(variable));
        for (variables, arguments) in [(&[(variable, value)][..], &["--check"][..]), (&[], &[&argument])] {
            let (output, text) = run(folder.path(), variables, arguments).await?;
            assert_eq!(output.status.code(), Some(2), "{text}");
            let said: Vec<_> = text.lines().filter(|line| line.starts_with("error: ")).collect();
            let wanted = format!("error: {} ({variable}): {shown}", flag(variable));
            assert!(said.len() == 1 && said[0].starts_with(&wanted) && said[0].contains(why), "{wanted}{why}: {text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn all_malformed_values_are_told_at_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bad = [("P2P_PORT", "70000"), ("SUBSTRATE_WS_URL", "chain"), ("LOG_FORMAT", "xml"), ("DATA_PATH", "/tmp")];
    let (output, text) = run(folder.path(), &bad, &["--check", "--grpc-port", "x", "--p2p-port", "9000"]).await?;
    assert_eq!(output.status.code(), Some(2), "{text}");
    let said: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("error: ")?.split(':').next()).collect();
    let wanted = ["--log-format (LOG_FORMAT)", "--substrate-ws-url (SUBSTRATE_WS_URL)", "--grpc-port (GRPC_PORT)"];
    assert_eq!(said, wanted, "{text}");

    let (output, text) = run(folder.path(), &[("P2P_PORT", "70000")], &["--no-such-flag"]).await?;
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.starts_with("error: unexpected argument '--no-such-flag' found"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_variable() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let (tcp, udp) = (tcp.local_addr().map(|_| tcp)?, udp);
    for (variable, port, protocol) in [
        ("METRICS_PORT", tcp.local_addr()?.port(), "tcp"),
        ("GRPC_PORT", tcp.local_addr()?.port(), "tcp"),
        ("P2P_PORT", udp.local_addr()?.port(), "udp"),
    ] {
        let (output, text) = run(folder.path(), &[(variable, &port.to_string())], &[]).await?;
        assert_eq!(output.status.code(), Some(1), "{text}");
        let wanted = format!("port {port}/{protocol} cannot be listened on (set {variable} to a free one)");
        assert!(text.contains(&wanted), "{wanted} in {text}");
    }
    Ok(())
}

#[tokio::test]
async fn check_says_that_all_is_well_and_starts_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write_lock(folder.path())?;
    let command = format!("python3 {}", fake_sidecar());
    let good = [("VORTEX_COMMAND", &*command), ("P2P_PORT", "9000"), ("METRICS_PORT", "9100"), ("GRPC_PORT", "50051")];
    let (output, text) = run(folder.path(), &good, &["--check"]).await?;
    assert_eq!((output.status.code(), &*text), (Some(0), "The configuration is valid.\n"));
    assert!(!folder.path().join("data").exists());

    let (output, text) = run(folder.path(), &[good[0]], &["--check"]).await?;
    let notes = ["--p2p-port (P2P_PORT)", "--metrics-port (METRICS_PORT)", "--grpc-port (GRPC_PORT)"]
        .map(|setting| format!("note: {setting}: 0 takes a free port, told by the log alone\n"));
    assert_eq!((output.status.code(), text), (Some(0), format!("The configuration is valid.\n{}", notes.concat())));
    Ok(())
}

#[tokio::test]
async fn check_reports_every_problem_with_its_flag_and_its_variable() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, damaged) = (folder.path().join("file"), folder.path().join("damaged"));
    fs::write(&file, "")?;
    fs::create_dir(&damaged)?;
    fs::write(damaged.join("peer.key"), "no key")?;
    fs::write(folder.path().join("models.lock.json"), "{")?;
    let path = |path: &Path| path.to_str().unwrap_or_default().to_owned();
    let everything = [
        ("MODELS_PATH", "/nowhere", "/nowhere/models.lock.json cannot be read (MODELS_PATH): No such file"),
        ("MODELS_PATH", &path(folder.path()), "models.lock.json is no models lock: EOF"),
        ("DATA_PATH", "/proc/data", "No such file or directory"),
        ("DATA_PATH", &path(&file), "peer.key cannot be read (DATA_PATH): Not a directory"),
        ("DATA_PATH", &path(&damaged), "peer.key is no peer key; move it away"),
        ("METRICS_FILE", "/nowhere/metrics.json", "No such file or directory (os error 2) at path \"/nowhere/"),
        ("VORTEX_COMMAND", "no-such-program", "there is no program no-such-program"),
    ];
    for (variable, value, why) in everything {
        let (output, text) = run(folder.path(), &[(variable, value)], &["--check"]).await?;
        assert_eq!(output.status.code(), Some(1), "{text}");
        let wanted = format!("error: {} ({variable}): ", flag(variable));
        assert!(text.lines().any(|line| line.starts_with(&wanted) && line.contains(why)), "{wanted}…{why} in\n{text}");
        assert!(!text.contains("is valid"), "{text}");
    }
    let same = [("GRPC_PORT", "9100"), ("METRICS_PORT", "9100")];
    let several =
        [everything[0], everything[2], everything[5], everything[6]].map(|(variable, value, _)| (variable, value));
    let (_, text) = run(folder.path(), &[&several[..], &same].concat(), &["--check"]).await?;
    assert_eq!(text.lines().filter(|line| line.starts_with("error: ")).count(), 5, "{text}");
    assert!(text.contains("error: --metrics-port (METRICS_PORT) and --grpc-port (GRPC_PORT) are both 9100"), "{text}");
    Ok(())
}

/// A mount of its own in namespaces of its own, as a container's read-only root is.
#[tokio::test]
async fn on_a_read_only_file_system_the_peer_key_lasts_for_the_run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write_lock(folder.path())?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let script = format!("mount -t tmpfs -o ro none {0} && exec timeout -s TERM 2 {PROGRAM}", data.display());
    let mut command = command(folder.path());
    let vortex = format!("python3 {}", fake_sidecar());
    let mut read_only = Command::new("unshare");
    read_only.args(["--map-root-user", "--mount", "sh", "-c", &script]).env("VORTEX_COMMAND", vortex);
    for (name, value) in command.as_std_mut().get_envs() {
        read_only.env(name, value.unwrap_or_default());
    }
    let output = timeout(Duration::from_secs(20), read_only.output()).await??;
    let text = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
    assert!(text.contains("data is read-only: this peer id lasts for this run alone"), "{text}");
    assert!(text.contains("The sidecar is ready: 2 models on cpu") && text.contains("Metrics flushed"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_flag_wins_over_its_variable_an_empty_variable_is_none_and_metrics_go_to_the_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address: SocketAddr = probe.local_addr()?;
    drop(probe);
    let mut child = command(folder.path())
        .envs([("METRICS_PORT", "1"), ("P2P_BOOTSTRAP_PEERS", ""), ("RUST_LOG", ""), ("VORTEX_COMMAND", "false")])
        .args(["--metrics-port", &address.port().to_string(), "--metrics-file", "metrics.json"])
        .stdout(std::process::Stdio::null())
        .spawn()?;
    until("health on the flag's port", || async { get(address, "/health", "*/*").await.ok() }).await?;
    let pid = child.id().map(|id| nix::unistd::Pid::from_raw(id as i32));
    kill(pid.expect("it is running"), Signal::SIGTERM)?;
    assert!(child.wait().await?.success());
    let metrics: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("metrics.json"))?)?;
    assert_eq!(metrics["nsn_bft_round_duration_seconds_count"], 0);
    Ok(())
}
