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

const VARIABLES: [&str; 10] = [
    "RUST_LOG",
    "SUBSTRATE_WS_URL",
    "MODELS_PATH",
    "P2P_PORT",
    "METRICS_PORT",
    "GRPC_PORT",
    "P2P_BOOTSTRAP_PEERS",
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

#[tokio::test]
async fn a_bad_value_is_refused_with_the_name_of_its_variable() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (variable, value, complaint) in [
        ("P2P_PORT", "70000", "70000 is not in 0..=65535"),
        ("GRPC_PORT", "many", "invalid digit"),
        ("SUBSTRATE_WS_URL", "http://localhost", "wanted ws://host:port or wss://host:port"),
        ("P2P_BOOTSTRAP_PEERS", "localhost:9000", "wanted a multiaddr"),
        ("RUST_LOG", "a=b=c", "error parsing level filter"),
        ("VORTEX_COMMAND", "python3 'unclosed", "missing closing quote"),
    ] {
        let (output, text) = run(folder.path(), &[(variable, value)], &[]).await?;
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(&format!("<{variable}>")) && text.contains(complaint), "{variable}: {text}");
    }
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
async fn check_reports_every_problem_and_starts_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write_lock(folder.path())?;
    let good = format!("python3 {}", fake_sidecar());
    let (output, text) = run(folder.path(), &[("VORTEX_COMMAND", &good)], &["--check"]).await?;
    assert_eq!((output.status.code(), text.trim()), (Some(0), "The configuration is valid."));
    assert!(!folder.path().join("data").exists());

    let bad = [
        ("MODELS_PATH", "/nowhere"),
        ("DATA_PATH", "/proc/data"),
        ("METRICS_FILE", "/nowhere/metrics.json"),
        ("VORTEX_COMMAND", "no-such-program"),
        ("GRPC_PORT", "9100"),
        ("METRICS_PORT", "9100"),
    ];
    let (output, text) = run(folder.path(), &bad, &["--check"]).await?;
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "/nowhere/models.lock.json cannot be read (MODELS_PATH)",
        "DATA_PATH: ",
        "METRICS_FILE: No such file or directory (os error 2) at path \"/nowhere/",
        "VORTEX_COMMAND: there is no program no-such-program",
        "METRICS_PORT and GRPC_PORT are both 9100",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
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
