//! How nodes find those that nobody told them of.

use crate::director::{Director, Wanted};
use anyhow::{Context, Result};

fn knowing(director: &Director) -> Wanted<'static> {
    // Swarm and Kademlia tell what they do at this level.
    let settings = &[("RUST_LOG", "info,nsn_director::p2p=debug")];
    Wanted { bootstrap: vec![director.quic.clone()], settings, ..Wanted::default() }
}

/// Who was dialled by its peer id: operators' addresses here have none, so Kademlia alone dials so.
fn found_and_dialled(by: &Director, peer: &Director) -> bool {
    by.log().contains(&format!("Dialing {{ peer_id: Some(PeerId(\"{}\"))", peer.peer_id))
}

#[tokio::test]
async fn a_third_node_that_knows_the_second_alone_finds_the_first_by_kademlia() -> Result<()> {
    let first = Director::start(Wanted::default()).await?;
    let second = Director::start(knowing(&first)).await?;
    second.metric_becomes("nsn_p2p_routing_peers", 1.0).await?;
    let third = Director::start(knowing(&second)).await?;
    for director in [&first, &second, &third] {
        director.metric_becomes("nsn_p2p_connected_peers", 2.0).await?;
        director.metric_becomes("nsn_p2p_routing_peers", 2.0).await?;
        director.metric_becomes("nsn_bft_voters", 3.0).await?;
    }
    assert!(found_and_dialled(&third, &first), "{}", third.log());
    assert!(!found_and_dialled(&third, &second), "its bootstrap peer: {}", third.log());
    let log = third.log();
    let place = |what: &str| log.find(what).with_context(|| format!("{what} in {log}"));
    let known = place(&format!("connected to {} at ", second.peer_id))?;
    let asked = place("OutboundQueryProgressed")?;
    assert!(known < asked, "{log}");
    assert!(known < place(&format!("connected to {} at ", first.peer_id))?, "{log}");
    Ok(())
}

#[tokio::test]
async fn two_nodes_that_know_the_same_third_find_each_other() -> Result<()> {
    let first = Director::start(Wanted::default()).await?;
    let second = Director::start(knowing(&first)).await?;
    second.metric_becomes("nsn_p2p_connected_peers", 1.0).await?;
    let third = Director::start(knowing(&first)).await?;
    for director in [&first, &second, &third] {
        director.metric_becomes("nsn_p2p_connected_peers", 2.0).await?;
    }
    assert!(found_and_dialled(&third, &second) || found_and_dialled(&second, &third), "{}", third.log());
    Ok(())
}
