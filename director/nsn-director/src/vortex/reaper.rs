//! Waits for orphans. As process 1 of a container, and as a subreaper anywhere else, the node inherits the children of
//! whatever dies below it; unwaited for, they would stay as zombies.

use nix::sys::{
    prctl,
    wait::{Id, WaitPidFlag, waitid, waitpid},
};
use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    time::sleep,
};
use tracing::{debug, warn};

/// Signals that arrive together become one, so the reaper also looks by itself.
const LOOK: Duration = Duration::from_secs(5);

/// Knows the children that somebody waits for; all others are orphans.
#[derive(Default)]
pub struct Reaper {
    awaited: Mutex<HashSet<i32>>,
}

impl Reaper {
    /// Begins to reap. Only for a process that starts its children by `spawn` alone.
    pub fn watch(self: Arc<Self>) -> io::Result<()> {
        prctl::set_child_subreaper(true)?;
        let mut child_ended = signal(SignalKind::child())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = child_ended.recv() => {}
                    () = sleep(LOOK) => {}
                }
                self.sweep();
            }
        });
        Ok(())
    }

    /// Starts a child that its starter waits for, and `forget`s then.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // Under the lock, or a child that ends at once would be taken for an orphan.
        let mut awaited = self.awaited.lock().expect("no holder panics");
        let child = command.spawn()?;
        awaited.extend(child.id().map(|id| id as i32));
        Ok(child)
    }

    pub fn forget(&self, id: u32) {
        self.awaited.lock().expect("no holder panics").remove(&(id as i32));
    }

    /// A child that somebody waits for may stand before orphans in the kernel's list: those are found in the next sweep.
    fn sweep(&self) {
        let awaited = self.awaited.lock().expect("no holder panics");
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Some(pid) = waitid(Id::All, look).ok().and_then(|status| status.pid()) {
            if awaited.contains(&pid.as_raw()) {
                break;
            }
            match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(status) => debug!("orphan {pid} ended: {status:?}"),
                Err(error) => return warn!("orphan {pid} cannot be waited for: {error}"),
            }
        }
    }
}
