use crate::{
    director::{Director, Wanted, until},
    peer::Peer,
};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use nsn_director::{clock::unix_ms, p2p::Topic, proto::director::Departure};
use prost::Message;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const PEERS: &str = "nsn_p2p_connected_peers";

fn joining(peers: &[&str]) -> Wanted<'static> {
    Wanted { bootstrap: peers.iter().map(|peer| (*peer).to_owned()).collect(), ..Wanted::default() }
}

#[tokio::test]
async fn two_nodes_find_each_other_by_quic_and_by_tcp() -> Result<()> {
    let first = Director::start(Wanted::default()).await?;
    for (address, transport) in [(&first.quic, "quic"), (&first.tcp, "tcp")] {
        let second = Director::start(joining(&[address])).await?;
        for director in [&first, &second] {
            director.metric_becomes(PEERS, 1.0).await?;
            for (other, connections) in [("quic", transport == "quic"), ("tcp", transport == "tcp")] {
                let sample = format!("nsn_p2p_connections{{transport=\"{other}\"}}");
                assert_eq!(director.metric(&sample).await?, f64::from(u8::from(connections)), "{sample} by {address}");
            }
        }
        second.check_becomes("p2p_connected", true, "connected peers: 1").await?;
        second.says(&format!("Director {} (nsn-director/", first.peer_id)).await?;
        // Who has not heard of a subscription yet has nobody to tell of its departure.
        second.metric_becomes("nsn_bft_voters", 2.0).await?;
        second.stop().await?;
        first.metric_becomes(PEERS, 0.0).await?;
        assert_eq!(first.metric(&format!("nsn_p2p_connections{{transport=\"{transport}\"}}")).await?, 0.0);
    }
    first.metric_becomes("nsn_p2p_departures_total{reason=\"announced\"}", 2.0).await?;
    assert_eq!(first.metric("nsn_p2p_departures_total{reason=\"lost\"}").await?, 0.0);
    first.stop().await
}

#[tokio::test]
async fn health_names_the_peers_and_their_topics_while_they_are_connected() -> Result<()> {
    let first = Director::start(Wanted::default()).await?;
    let second = Director::start(joining(&[&first.quic])).await?;
    for (one, other) in [(&first, &second), (&second, &first)] {
        let wanted = json!({ &other.peer_id: ["nsn/bft", "nsn/departure", "nsn/recipes"] });
        until(&format!("the peers {wanted}"), || async { (peers_of(one).await == Some(wanted.clone())).then_some(()) })
            .await?;
    }
    second.stop().await?;
    first.metric_becomes(PEERS, 0.0).await?;
    assert_eq!(peers_of(&first).await, Some(json!({})));
    first.stop().await
}

async fn peers_of(director: &Director) -> Option<Value> {
    let (_, body) = director.health().await.ok()?;
    Some(body["peers"].clone())
}

#[tokio::test]
async fn a_peer_that_is_killed_is_counted_as_lost() -> Result<()> {
    let first = Director::start(Wanted::default()).await?;
    let mut second = Director::start(joining(&[&first.tcp])).await?;
    second.says(&format!("Director {}", first.peer_id)).await?;
    first.says(&format!("Director {}", second.peer_id)).await?;
    second.signal(Signal::SIGKILL);
    assert!(!second.ended().await?.success());
    first.metric_becomes("nsn_p2p_departures_total{reason=\"lost\"}", 1.0).await?;
    first.metric_becomes(PEERS, 0.0).await?;
    first.stop().await
}

#[tokio::test]
async fn a_bootstrap_peer_that_comes_later_is_found_and_its_absence_is_unhealthy() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let first = Director::start(Wanted { folder: Some(folder.path()), ..Wanted::default() }).await?;
    let (address, peer_id) = (first.tcp.clone(), first.peer_id.clone());
    first.stop().await?;
    let second = Director::start(joining(&[&address])).await?;
    second.check_becomes("p2p_connected", false, "none of the bootstrap peers is connected").await?;

    let port = address.rsplit('/').next().unwrap().to_owned();
    let first = crate::director::command(folder.path())
        .env("P2P_PORT", port)
        .env("VORTEX_COMMAND", "python3 -c 0")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    second.check_becomes("p2p_connected", true, "").await?;
    until("the same peer id as before", || async {
        second.log().contains(&format!("Director {peer_id} (nsn-director/")).then_some(())
    })
    .await?;
    drop(first);
    second.stop().await
}

#[tokio::test]
async fn the_peer_key_is_kept_and_readable_by_its_owner_alone() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    let wanted = || Wanted { folder: Some(folder.path()), ..Wanted::default() };
    let first = Director::start(wanted()).await?;
    let key = folder.path().join("data/peer.key");
    assert_eq!(key.metadata()?.permissions().mode() & 0o777, 0o600);
    let peer_id = first.peer_id.clone();
    first.stop().await?;
    let again = Director::start(wanted()).await?;
    assert_eq!(again.peer_id, peer_id);
    assert_eq!(again.health().await?.1["peer_id"], peer_id.as_str());
    again.stop().await
}

#[tokio::test]
async fn two_addresses_of_one_peer_make_one_connection() -> Result<()> {
    let first = Director::start(Wanted::default()).await?;
    let bootstrap = [&first.tcp, &first.quic].map(|address| format!("{address}/p2p/{}", first.peer_id)).to_vec();
    let settings = [("RUST_LOG", "info,nsn_director::p2p=debug")];
    let second = Director::start(Wanted { bootstrap, settings: &settings, ..Wanted::default() }).await?;
    second.says(&format!("Director {} (nsn-director/", first.peer_id)).await?;
    sleep(Duration::from_secs(1)).await;
    let connected = format!("connected to {} at /ip4/127.0.0.1/", first.peer_id);
    assert_eq!(second.log().matches(&connected).count(), 1, "{}", second.log());
    second.says(&format!("{connected}udp/")).await
}

#[tokio::test]
async fn a_peer_that_quic_does_not_reach_is_dialled_by_tcp_and_that_is_said_once() -> Result<()> {
    let first = Director::start(Wanted::default()).await?;
    let silent = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let quic = format!("/ip4/127.0.0.1/udp/{}/quic-v1/p2p/{}", silent.local_addr()?.port(), first.peer_id);
    let bootstrap = vec![quic.clone(), format!("{}/p2p/{}", first.tcp, first.peer_id)];
    let second = Director::start(Wanted { bootstrap, ..Wanted::default() }).await?;
    // A dial by QUIC takes 5 s to fail, a second one would begin at 10 s.
    sleep(Duration::from_secs(17)).await;
    second.check_becomes("p2p_connected", true, "connected peers: 1").await?;
    assert_eq!(second.log().matches(&format!("Bootstrap peer {quic} does not answer")).count(), 1, "{}", second.log());
    Ok(())
}

#[tokio::test]
async fn a_bootstrap_peer_that_stays_away_is_warned_of_once_and_so_is_a_name_without_an_address() -> Result<()> {
    let bootstrap = vec!["/ip4/127.0.0.1/tcp/1".to_owned(), "/dns4/::1/tcp/2".to_owned()];
    let settings = [("RUST_LOG", "info,nsn_director::p2p=debug")];
    let director = Director::start(Wanted { bootstrap, settings: &settings, ..Wanted::default() }).await?;
    let absent =
        ["/ip4/127.0.0.1/tcp/1 does not answer", "/dns4/::1/tcp/2 cannot be looked up: the name has no address"];
    for trouble in absent {
        let lines = until(trouble, || async {
            let lines: Vec<_> =
                director.log().lines().filter(|line| line.contains(trouble)).map(str::to_owned).collect();
            (lines.len() >= 3).then_some(lines)
        });
        let lines = lines.await.with_context(|| director.log())?;
        assert_eq!(lines.iter().filter(|line| line.contains(" WARN ")).count(), 1, "{lines:#?}");
        assert!(lines[0].contains(" WARN "), "{lines:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_peer_that_freezes_behind_tcp_is_lost_after_two_pings_without_answer() -> Result<()> {
    let settings = [("P2P_PING", "1")];
    let first = Director::start(Wanted { settings: &settings, ..Wanted::default() }).await?;
    let second = Director::start(joining(&[&first.tcp])).await?;
    first.says(&format!("Director {} (nsn-director/", second.peer_id)).await?;
    second.freeze().await?;
    first.metric_becomes(PEERS, 0.0).await?;
    first.says(&format!("{} does not answer pings", second.peer_id)).await?;
    assert_eq!(first.metric("nsn_p2p_departures_total{reason=\"lost\"}").await?, 1.0);
    first.metric_becomes("nsn_bft_voters", 1.0).await?;
    second.signal(Signal::SIGCONT);
    first.metric_becomes(PEERS, 1.0).await?;
    first.stop().await
}

#[tokio::test]
async fn after_kill_9_a_node_comes_back_as_the_same_peer() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let peer = Director::start(Wanted::default()).await?;
    let wanted = || Wanted { folder: Some(folder.path()), ..joining(&[&peer.tcp]) };
    let mut first = Director::start(wanted()).await?;
    let peer_id = first.peer_id.clone();
    peer.metric_becomes("nsn_bft_voters", 2.0).await?;
    first.signal(Signal::SIGKILL);
    assert!(!first.ended().await?.success());
    peer.metric_becomes("nsn_p2p_departures_total{reason=\"lost\"}", 1.0).await?;
    let again = Director::start(wanted()).await?;
    assert_eq!(again.peer_id, peer_id);
    peer.metric_becomes("nsn_bft_voters", 2.0).await?;
    again.check_becomes("models_loaded", true, "").await?;
    again.stop().await
}

#[tokio::test]
async fn a_departure_counts_when_it_is_fresh_and_said_for_the_first_time() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    let peer = Peer::join(&[&director.quic])?;
    director.metric_becomes("nsn_bft_voters", 2.0).await?;
    let departure = |time_ms| Departure { reason: "shutdown".to_owned(), time_ms }.encode_to_vec();
    let announced = "nsn_p2p_departures_total{reason=\"announced\"}";
    for (time_ms, ago) in [(unix_ms() - 60_000, "it was sent 6"), (0, "it was sent 1")] {
        peer.say(Topic::Departure, &departure(time_ms)).await?;
        director.says(&format!("A departure of {} is ignored: {ago}", peer.id)).await?;
    }
    assert_eq!(director.metric("nsn_bft_voters").await?, 2.0);
    assert_eq!(director.metric(announced).await?, 0.0);

    let now = unix_ms();
    peer.say(Topic::Departure, &departure(now)).await?;
    director.metric_becomes("nsn_bft_voters", 1.0).await?;
    assert_eq!(director.metric(announced).await?, 1.0);
    peer.say(Topic::Departure, &departure(now)).await?;
    director.says("is ignored: it is not newer than the last one").await?;
    director.stop().await
}
