//! One run of the sidecar's process: started with a socket to connect to, ended by SIGTERM.

use super::{
    output::{Stream, pass_on},
    reaper::Reaper,
};
use crate::logging::Format;
use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::UnixListener,
    process::{Child, Command},
    task::JoinSet,
    time::timeout,
};
use tracing::{info, warn};

/// The sidecar promises 5 s.
const GRACE: Duration = Duration::from_secs(6);
const LAST_LINES: Duration = Duration::from_millis(500);

pub struct SidecarProcess {
    child: Child,
    id: u32,
    reaper: Arc<Reaper>,
    /// Pass its output on, where that does not go where the node's own goes.
    output: JoinSet<()>,
    _folder: TempDir,
}

impl SidecarProcess {
    /// Runs `words --models-path P --socket S`; gives the socket, too. What it prints goes where the node's own log goes,
    /// as it is or, where that is JSON, as events of the log.
    pub fn start(
        words: &[String],
        models_path: &Path,
        log_format: Format,
        reaper: Arc<Reaper>,
    ) -> Result<(Self, UnixListener)> {
        let folder = tempfile::Builder::new().prefix("nsn-vortex-").tempdir().context("the temporary folder")?;
        let path = folder.path().join("socket");
        let socket = UnixListener::bind(&path).with_context(|| format!("the socket {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;

        let (program, arguments) = words.split_first().context("VORTEX_COMMAND is empty")?;
        let mut command = Command::new(program);
        command.args(arguments).arg("--models-path").arg(models_path).arg("--socket").arg(&path);
        // A group of its own: a terminal's Ctrl-C reaches the node alone, which then ends the sidecar in its turn.
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        if log_format == Format::Json {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        let mut child =
            reaper.spawn(&mut command).with_context(|| format!("{program} does not start (VORTEX_COMMAND)"))?;
        let id = child.id().context("the sidecar was gone at once")?;
        info!(pid = id, "Sidecar started as process {id}");
        let mut output = JoinSet::new();
        if let Some(source) = child.stdout.take() {
            output.spawn(pass_on(source, Stream::Out));
        }
        if let Some(source) = child.stderr.take() {
            output.spawn(pass_on(source, Stream::Error));
        }
        Ok((Self { child, id, reaper, output, _folder: folder }, socket))
    }

    /// Waits for the process to end by itself.
    pub async fn ended(&mut self) -> String {
        describe(self.child.wait().await)
    }

    /// SIGTERM, and SIGKILL for what is left of it after its grace.
    pub async fn end(mut self) -> String {
        let pid = Pid::from_raw(self.id as i32);
        if self.child.id().is_some() {
            let _ = kill(pid, Signal::SIGTERM);
        }
        let status = match timeout(GRACE, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                warn!(pid = self.id, "The sidecar did not end within {} s of SIGTERM and is killed", GRACE.as_secs());
                let _ = kill(pid, Signal::SIGKILL);
                self.child.wait().await
            }
        };
        // Whatever it left running in its group.
        let _ = killpg(pid, Signal::SIGKILL);
        // Its last lines; a process that left the group may hold the stream for ever.
        let _ = timeout(LAST_LINES, async { while self.output.join_next().await.is_some() {} }).await;
        describe(status)
    }
}

impl Drop for SidecarProcess {
    fn drop(&mut self) {
        self.reaper.forget(self.id);
    }
}

fn describe(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}
