use crate::director::{Director, Wanted, until};
use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{fs, path::Path, time::Duration};
use tokio::time::sleep;

fn sidecar(flags: &str) -> Wanted<'_> {
    Wanted { sidecar: flags, ..Wanted::default() }
}

/// Of the sidecar that was started last.
fn sidecar_pid(director: &Director) -> Option<i32> {
    director.log().rsplit("Sidecar started as process ").next()?.split('\n').next()?.trim().parse().ok()
}

#[tokio::test]
async fn models_are_loaded_when_every_model_of_the_lock_is() -> Result<()> {
    let director = Director::start(sidecar("--load-seconds 1")).await?;
    director.check_becomes("models_loaded", false, "CLIP-ViT-B-32 is being loaded (2 of 2)").await?;
    director.check_becomes("models_loaded", true, "2 models on cpu").await?;
    assert!(director.log().contains("\nLoading Kokoro-82M...\n"), "{}", director.log());
    director.stop().await?;

    let director = Director::start(sidecar("--forget-last")).await?;
    director.check_becomes("models_loaded", false, "the sidecar is ready without CLIP-ViT-B-32").await?;
    director.stop().await
}

/// By the card; by PyTorch in tensors, and reserved for them.
async fn has_memory(director: &Director, figures: [f64; 3]) -> Result<()> {
    let names = ["nsn_vortex_vram_usage_bytes", "nsn_vortex_torch_allocated_bytes", "nsn_vortex_torch_reserved_bytes"];
    for (name, figure) in names.into_iter().zip(figures) {
        director.metric_becomes(name, figure).await?;
    }
    Ok(())
}

#[tokio::test]
async fn memory_is_told_by_the_card_and_by_pytorch_and_is_gone_with_the_sidecar() -> Result<()> {
    let director = Director::start(sidecar("--torch")).await?;
    has_memory(&director, [2048.0, 1000.0, 1500.0]).await?;
    kill(Pid::from_raw(sidecar_pid(&director).context("a sidecar")?), Signal::SIGKILL)?;
    has_memory(&director, [0.0; 3]).await?;
    has_memory(&director, [2048.0, 1000.0, 1500.0]).await?;
    director.stop().await?;
    let without = Director::start(sidecar("")).await?;
    has_memory(&without, [2048.0, 0.0, 0.0]).await?;
    without.stop().await
}

#[tokio::test]
async fn a_sidecar_that_is_killed_is_noticed_and_started_again() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    director.check_becomes("models_loaded", true, "").await?;
    let pid = sidecar_pid(&director).context("a sidecar")?;
    kill(Pid::from_raw(pid), Signal::SIGKILL)?;
    director.check_becomes("models_loaded", false, "SIGKILL").await?;
    assert_eq!(director.health().await?.0, 503);
    assert_eq!(director.metric("nsn_vortex_up").await?, 0.0);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "it is a zombie");
    director.check_becomes("models_loaded", true, "").await?;
    assert_eq!(director.metric("nsn_vortex_restarts_total").await?, 1.0);
    director.stop().await
}

#[tokio::test]
async fn a_sidecar_that_freezes_is_noticed_by_its_silence_and_started_again() -> Result<()> {
    let settings = [("VORTEX_SILENCE", "2")];
    let director = Director::start(Wanted { settings: &settings, ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    kill(Pid::from_raw(sidecar_pid(&director).context("a sidecar")?), Signal::SIGSTOP)?;
    director.check_becomes("models_loaded", false, "the sidecar was silent for 2 s").await?;
    assert_eq!(director.health().await?.0, 503);
    assert_eq!(director.metric("nsn_vortex_up").await?, 0.0);
    // SIGTERM does not reach it either.
    director.says("did not end within 6 s of SIGTERM and is killed").await?;
    director.check_becomes("models_loaded", true, "").await?;
    assert_eq!(director.metric("nsn_vortex_restarts_total").await?, 1.0);
    director.stop().await
}

#[tokio::test]
async fn a_node_that_was_paused_with_its_sidecar_does_not_take_the_pause_for_silence() -> Result<()> {
    let settings = [("VORTEX_SILENCE", "2")];
    let director = Director::start(Wanted { settings: &settings, ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    let sidecar = Pid::from_raw(sidecar_pid(&director).context("a sidecar")?);
    director.freeze().await?;
    kill(sidecar, Signal::SIGSTOP)?;
    sleep(Duration::from_secs(4)).await;
    director.signal(Signal::SIGCONT);
    sleep(Duration::from_millis(500)).await;
    kill(sidecar, Signal::SIGCONT)?;
    sleep(Duration::from_secs(1)).await;
    assert!(!director.log().contains("silent"), "{}", director.log());
    assert_eq!(director.metric("nsn_vortex_restarts_total").await?, 0.0);
    director.stop().await
}

#[tokio::test]
async fn a_sidecar_that_never_connects_is_given_up_and_one_that_loads_in_silence_is_not() -> Result<()> {
    let settings = [("VORTEX_SILENCE", "1")];
    let wanted = |sidecar| Wanted { sidecar, settings: &settings, ..Wanted::default() };
    let loading = Director::start(wanted("--load-seconds 2")).await?;
    loading.check_becomes("models_loaded", true, "").await?;
    assert_eq!(loading.metric("nsn_vortex_restarts_total").await?, 0.0);
    loading.stop().await?;
    let director = Director::start(wanted("--never-connect")).await?;
    director.check_becomes("models_loaded", false, "the sidecar did not connect within 6 s").await?;
    director.stop().await
}

#[tokio::test]
async fn an_answer_to_nobody_ends_no_conversation() -> Result<()> {
    let director = Director::start(sidecar("--answer-nobody")).await?;
    director.says("The sidecar refused a line: not JSON").await?;
    director.check_becomes("models_loaded", true, "").await?;
    assert_eq!(director.metric("nsn_vortex_restarts_total").await?, 0.0);
    director.stop().await
}

#[tokio::test]
async fn a_sidecar_that_dies_of_itself_is_started_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let flags = format!("--die-once {}", folder.path().join("died").display());
    let director = Director::start(sidecar(&flags)).await?;
    director.says("exit status: 3").await?;
    director.check_becomes("models_loaded", true, "").await?;
    director.stop().await
}

#[tokio::test]
async fn a_sidecar_that_fails_says_why_and_is_tried_with_growing_pauses() -> Result<()> {
    let director = Director::start(sidecar("--fail 'kokoro-82m/a.pth: a byte is wrong'")).await?;
    director.check_becomes("models_loaded", false, "kokoro-82m/a.pth: a byte is wrong").await?;
    director.says("it is started again in 1 s").await?;
    director.says("it is started again in 2 s").await?;
    director.says("it is started again in 4 s").await?;
    director.stop().await
}

#[tokio::test]
async fn an_orphan_of_the_sidecar_is_no_zombie() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("orphan");
    let director = Director::start(sidecar(&format!("--orphan {}", file.display()))).await?;
    let orphan =
        until("the orphan", || async { fs::read_to_string(&file).ok().filter(|text| !text.is_empty()) }).await?;
    let parent = |pid: &str| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:\t").map(str::to_owned))
    };
    until("the node inherits it", || async { (parent(&orphan)? == director.pid().to_string()).then_some(()) }).await?;
    until("it is gone", || async { parent(&orphan).is_none().then_some(()) }).await?;
    director.stop().await
}
