//! A Director process under test, on free ports, with everything of its own in a temporary folder.

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_nsn-director");
pub const TITLES: [&str; 2] = ["Kokoro-82M", "CLIP-ViT-B-32"];
/// For a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a test wants of a Director; the rest is quiet and local.
#[derive(Default)]
pub struct Wanted<'a> {
    pub sidecar: &'a str,
    pub chain: Option<&'a str>,
    pub bootstrap: Vec<String>,
    pub folder: Option<&'a Path>,
    /// Further variables.
    pub settings: &'a [(&'a str, &'a str)],
}

pub struct Director {
    pub http: SocketAddr,
    pub grpc: SocketAddr,
    pub quic: String,
    pub tcp: String,
    pub peer_id: String,
    child: Child,
    log: PathBuf,
    _own: Option<TempDir>,
}

impl Director {
    /// Starts one and waits until it listens.
    pub async fn start(wanted: Wanted<'_>) -> Result<Self> {
        let own = if wanted.folder.is_some() { None } else { Some(tempfile::tempdir()?) };
        let folder = wanted.folder.or(own.as_ref().map(TempDir::path)).context("a folder")?.to_owned();
        write_lock(&folder)?;
        let log = folder.join("log");
        let output = fs::File::options().create(true).append(true).open(&log)?;
        let already = fs::read_to_string(&log)?.len();
        let child = command(&folder)
            .env("VORTEX_COMMAND", format!("python3 {} {}", fake_sidecar(), wanted.sidecar))
            .env("SUBSTRATE_WS_URL", wanted.chain.unwrap_or("ws://127.0.0.1:1"))
            .env("P2P_BOOTSTRAP_PEERS", wanted.bootstrap.join(","))
            .envs(wanted.settings.iter().copied())
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output))
            .spawn()?;
        let none = SocketAddr::from(([127, 0, 0, 1], 0));
        let (quic, tcp, peer_id) = Default::default();
        let mut director = Self { http: none, grpc: none, quic, tcp, peer_id, child, log, _own: own };
        let ports = || {
            let text = director.log().get(already..).unwrap_or_default().to_owned();
            let word = |before: &str| text.split(before).nth(1)?.split_inclusive(|c: char| !c.is_alphanumeric()).next();
            // With what comes after it: a line may be there by half.
            let whole = |word: &str| word.strip_suffix(|c: char| !c.is_alphanumeric()).map(str::to_owned);
            let port = |before| whole(word(before)?)?.parse::<u16>().ok();
            let http = port("HTTP listens on 0.0.0.0:")?;
            let grpc = port("gRPC on 0.0.0.0:")?;
            let quic = port("listens on /ip4/127.0.0.1/udp/")?;
            let tcp = port("listens on /ip4/127.0.0.1/tcp/")?;
            Some((whole(word("with peer id ")?)?, http, grpc, quic, tcp))
        };
        let (peer_id, http, grpc, quic, tcp) =
            until("it listens", || async { ports() }).await.with_context(|| director.log())?;
        director.peer_id = peer_id;
        director.http.set_port(http);
        director.grpc.set_port(grpc);
        director.quic = format!("/ip4/127.0.0.1/udp/{quic}/quic-v1");
        director.tcp = format!("/ip4/127.0.0.1/tcp/{tcp}");
        Ok(director)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for a line in the log.
    pub async fn says(&self, text: &str) -> Result<()> {
        until(text, || async { self.log().contains(text).then_some(()) }).await.with_context(|| self.log())
    }

    pub async fn get(&self, path: &str, accept: &str) -> Result<(u16, String)> {
        get(self.http, path, accept).await
    }

    pub async fn health(&self) -> Result<(u16, Value)> {
        let (status, body) = self.get("/health", "*/*").await?;
        Ok((status, serde_json::from_str(&body)?))
    }

    /// Waits until a check of `/health` says what it should.
    pub async fn check_becomes(&self, check: &str, ok: bool, detail: &str) -> Result<()> {
        until(&format!("{check} is {ok}: {detail}"), || async {
            let (_, body) = self.health().await.ok()?;
            let check = &body["checks"][check];
            (check["ok"] == ok && check["detail"].as_str()?.contains(detail)).then_some(())
        })
        .await
        .with_context(|| self.log())
    }

    pub async fn metric(&self, sample: &str) -> Result<f64> {
        let (_, text) = self.get("/metrics", "*/*").await?;
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.with_context(|| format!("no {sample} in\n{text}"))?.parse().context("a number")
    }

    pub async fn metric_becomes(&self, sample: &str, value: f64) -> Result<()> {
        until(&format!("{sample} is {value}"), || async { (self.metric(sample).await.ok()? == value).then_some(()) })
            .await
            .with_context(|| self.log())
    }

    pub fn pid(&self) -> i32 {
        self.child.id().expect("it is running") as i32
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it is running");
    }

    /// SIGSTOP, and waits until every thread stands: on a busy machine one may still answer for a while.
    pub async fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP);
        let threads = format!("/proc/{}/task", self.pid());
        let stands = |thread: &Path| {
            let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
            status.lines().any(|line| line.starts_with("State:\tT"))
        };
        until("it stands still", || async {
            let threads = fs::read_dir(&threads).ok()?.collect::<std::io::Result<Vec<_>>>().ok()?;
            threads.iter().all(|thread| stands(&thread.path())).then_some(())
        })
        .await
    }

    pub async fn ended(&mut self) -> Result<ExitStatus> {
        timeout(Duration::from_secs(30), self.child.wait())
            .await
            .context("it did not end within 30 s")?
            .map_err(Into::into)
    }

    /// SIGTERM, and exit code 0.
    pub async fn stop(mut self) -> Result<()> {
        self.signal(Signal::SIGTERM);
        let status = self.ended().await?;
        ensure!(status.success(), "{status}\n{}", self.log());
        Ok(())
    }
}

/// The program with nothing of this machine's settings, on free ports.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    let kept = ["PATH", "HOME", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var(name).unwrap_or_default()));
    command.env_clear().envs(kept).current_dir(folder).kill_on_drop(true).stdin(Stdio::null());
    command.env("MODELS_PATH", folder).env("DATA_PATH", folder.join("data"));
    command.envs([("P2P_PORT", "0"), ("METRICS_PORT", "0"), ("GRPC_PORT", "0")]);
    command
}

pub fn fake_sidecar() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fakes/sidecar.py").to_owned()
}

pub fn write_lock(folder: &Path) -> Result<()> {
    let models = TITLES.map(|title| serde_json::json!({ "name": title.to_lowercase(), "title": title }));
    let lock = serde_json::json!({ "version": 1, "root": "/models", "models": models });
    fs::write(folder.join("models.lock.json"), lock.to_string()).map_err(Into::into)
}

/// Asks again and again; an error when patience ends.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(answer) = ask().await {
            return Ok(answer);
        }
        sleep(Duration::from_millis(50)).await;
    }
    bail!("waited {PATIENCE:?} in vain for: {what}")
}

/// A GET by hand: status and body.
pub async fn get(address: SocketAddr, path: &str, accept: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: director\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body.to_owned()))
}
