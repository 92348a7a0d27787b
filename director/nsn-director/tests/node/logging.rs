use crate::director::{Director, Wanted};
use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Every line of the log, which must be an object with a time, a level and a target.
fn events(log: &str) -> Result<Vec<Value>> {
    log.lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
            for field in ["timestamp", "level", "target"] {
                ensure!(event[field].is_string(), "{field} of {line}");
            }
            let time = event["timestamp"].as_str().unwrap_or_default();
            ensure!(time.len() > 20 && time.contains('T') && time.ends_with('Z'), "the time of {line}");
            Ok(event)
        })
        .collect()
}

fn said<'a>(events: &'a [Value], message: &str) -> Result<&'a Value> {
    let found = events.iter().find(|event| event["message"].as_str().is_some_and(|said| said.starts_with(message)));
    found.with_context(|| format!("{message} in {events:#?}"))
}

#[tokio::test]
async fn every_line_is_json_with_fields_and_so_is_what_the_sidecar_prints() -> Result<()> {
    let peer = Director::start(Wanted::default()).await?;
    let settings = [("LOG_FORMAT", "json")];
    let bootstrap = vec![peer.quic.clone()];
    let wanted = Wanted { sidecar: "--complain", bootstrap, settings: &settings, ..Wanted::default() };
    let mut director = Director::start(wanted).await?;
    director.check_becomes("models_loaded", true, "").await?;
    director.says(&format!("Director {} (nsn-director/", peer.peer_id)).await?;
    director.says("unreachable (set SUBSTRATE_WS_URL)").await?;
    director.signal(Signal::SIGTERM);
    assert!(director.ended().await?.success());

    let events = events(&director.log())?;
    let connected = said(&events, &format!("Director {}", peer.peer_id))?;
    assert_eq!((&connected["peer"], &connected["level"]), (&peer.peer_id.as_str().into(), &"INFO".into()));
    assert_eq!(said(&events, "Chain endpoint")?["level"], "WARN");
    assert_eq!(said(&events, "CLIP-ViT-B-32 is loaded")?["vram_bytes"], 2048);
    assert_eq!(said(&events, "Shutdown 2/6")?["in_flight"], 0);
    assert_eq!(said(&events, "Metrics flushed")?["metrics"]["nsn_bft_voters"], 1);

    let sidecar: Vec<_> = events.iter().filter(|event| event["target"] == "vortex").collect();
    let printed = |stream: &str| -> Vec<_> {
        let lines = sidecar.iter().filter(|event| event["stream"] == stream);
        lines.map(|event| (event["level"].as_str().unwrap(), event["message"].as_str().unwrap())).collect()
    };
    let out = printed("stdout");
    assert_eq!(out[..2], [("INFO", "Loading Kokoro-82M..."), ("INFO", "Loading CLIP-ViT-B-32...")]);
    assert!(out[2].1.starts_with("no \u{fffd} UTF-8, and no end of line: xxx"), "{out:?}");
    assert!(out[2..].iter().map(|(_, text)| text.len()).sum::<usize>() > 100_000, "all of the long line");
    assert_eq!(printed("stderr"), [("WARN", "Traceback:"), ("WARN", "  \"quoted\"")]);
    Ok(())
}

#[tokio::test]
async fn the_sidecars_lines_and_the_last_metrics_are_there_whatever_the_level() -> Result<()> {
    let settings = [("LOG_FORMAT", "json"), ("RUST_LOG", "error,nsn_director::node=info,nsn_director::p2p=info")];
    let mut director = Director::start(Wanted { settings: &settings, ..Wanted::default() }).await?;
    director.check_becomes("models_loaded", true, "").await?;
    director.signal(Signal::SIGTERM);
    assert!(director.ended().await?.success());
    let events = events(&director.log())?;
    said(&events, "Loading Kokoro-82M...")?;
    said(&events, "Metrics flushed")?;
    assert!(said(&events, "Shutdown").is_err() && said(&events, "Sidecar started").is_err(), "{events:#?}");
    Ok(())
}

#[tokio::test]
async fn what_a_sidecar_says_of_its_failure_comes_before_the_nodes_own_word() -> Result<()> {
    let settings = [("LOG_FORMAT", "json")];
    let wanted = Wanted { sidecar: "--complain --fail 'no memory'", settings: &settings, ..Wanted::default() };
    let director = Director::start(wanted).await?;
    director.says("it is started again in 1 s").await?;
    let events = events(&director.log())?;
    let place = |what: &str| events.iter().position(|event| event.to_string().contains(what)).context(what.to_owned());
    assert!(place("Traceback")? < place("it is started again in 1 s")?);
    assert_eq!(said(&events, "the sidecar failed: no memory")?["level"], "ERROR");
    director.stop().await
}

#[tokio::test]
async fn text_says_everything_in_words_and_the_sidecars_lines_stay_as_they_are() -> Result<()> {
    let peer = Director::start(Wanted::default()).await?;
    let director = Director::start(Wanted { bootstrap: vec![peer.quic.clone()], ..Wanted::default() }).await?;
    let connected = format!(
        " INFO nsn_director::p2p::network: Director {} (nsn-director/{}) is connected\n",
        peer.peer_id,
        env!("CARGO_PKG_VERSION")
    );
    director.says(&connected).await?;
    director.says("\nLoading Kokoro-82M...\n").await?;
    director.stop().await
}
