//! How nodes find those that nobody told them of.

use crate::director::{Director, Wanted};
use anyhow::Result;

/// At this level the swarm tells whom it dials.
const TALKATIVE: &[(&str, &str)] = &[("RUST_LOG", "info,nsn_director::p2p=debug")];

fn knowing(directors: &[&Director]) -> Wanted<'static> {
    let bootstrap = directors.iter().map(|director| director.quic.clone()).collect();
    Wanted { bootstrap, settings: TALKATIVE, ..Wanted::default() }
}

/// Bootstrap addresses here have no peer id: whoever is dialled by its id was found by Kademlia, which nothing else does.
fn found_and_dialled(by: &Director, peer: &Director) -> bool {
    by.log().contains(&format!("Dialing {{ peer_id: Some(PeerId(\"{}\"))", peer.peer_id))
}

#[tokio::test]
async fn a_third_node_that_knows_the_second_alone_finds_the_first_by_kademlia() -> Result<()> {
    let first = Director::start(knowing(&[])).await?;
    let second = Director::start(knowing(&[&first])).await?;
    second.metric_becomes("nsn_p2p_routing_peers", 1.0).await?;
    let third = Director::start(knowing(&[&second])).await?;
    for director in [&first, &second, &third] {
        director.metric_becomes("nsn_p2p_connected_peers", 2.0).await?;
        director.metric_becomes("nsn_p2p_routing_peers", 2.0).await?;
        director.metric_becomes("nsn_bft_voters", 3.0).await?;
    }
    // The first asks the second now and then, too.
    assert!(found_and_dialled(&third, &first) || found_and_dialled(&first, &third), "{}", third.log());
    assert!(!found_and_dialled(&third, &second), "its bootstrap peer: {}", third.log());
    Ok(())
}

/// Behind a published port a node listens on addresses that mean nothing elsewhere.
#[tokio::test]
async fn the_address_that_an_operator_names_is_told_to_the_peers() -> Result<()> {
    let told = "/ip4/198.51.100.7/udp/9000/quic-v1";
    let settings = [("P2P_EXTERNAL_ADDRESSES", told)];
    let first = Director::start(Wanted { settings: &settings, ..Wanted::default() }).await?;
    let second = Director::start(knowing(&[&first])).await?;
    second.says(&format!("RoutingUpdated {{ peer: PeerId(\"{}\")", first.peer_id)).await?;
    second.says(told).await
}

#[tokio::test]
async fn two_nodes_that_know_the_same_third_find_each_other() -> Result<()> {
    let first = Director::start(knowing(&[])).await?;
    let second = Director::start(knowing(&[&first])).await?;
    second.metric_becomes("nsn_p2p_connected_peers", 1.0).await?;
    let third = Director::start(knowing(&[&first])).await?;
    for director in [&first, &second, &third] {
        director.metric_becomes("nsn_p2p_connected_peers", 2.0).await?;
    }
    assert!(found_and_dialled(&third, &second) || found_and_dialled(&second, &third), "{}", third.log());
    Ok(())
}
