//! The program: reads its configuration, runs the node until SIGTERM or SIGINT, and exits 0 after an orderly end.

use anyhow::Context;
use nsn_director::{check, config::Config, logging, node, shutdown, vortex::reaper::Reaper};
use std::{process::ExitCode, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

fn main() -> ExitCode {
    let config = Config::from_environment().unwrap_or_else(|error| error.exit());
    logging::start(&config);
    if config.check {
        return check::report(&config);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.context("the runtime does not start").and_then(|runtime| {
        let ended = runtime.block_on(run(config));
        // A name that is still being looked up sits on a thread of its own and must not hold up the end.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    // First of all: the kernel drops signals to process 1 that nobody handles.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let reaper = Arc::new(Reaper::default());
    reaper.clone().watch()?;

    let mut node = node::start(config, reaper).await?;
    let failure = tokio::select! {
        _ = terminate.recv() => { info!("SIGTERM"); None }
        _ = interrupt.recv() => { info!("SIGINT"); None }
        failure = node.failed() => Some(failure),
    };
    let mut ending = std::pin::pin!(shutdown::run(node));
    loop {
        tokio::select! {
            () = &mut ending => break,
            _ = terminate.recv() => info!("SIGTERM again: already shutting down"),
            _ = interrupt.recv() => info!("SIGINT again: already shutting down"),
        }
    }
    failure.map_or(Ok(()), Err)
}
