//! The peers that an operator names: which are connected, and which address of the others is to be tried.

use super::address::{is_tcp, peer_id, place};
use libp2p::{Multiaddr, PeerId, swarm::ConnectionId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One peer, with all the addresses that the operator gave for it.
#[derive(Default)]
struct Named {
    /// As an address says, or as the last connection told.
    peer: Option<PeerId>,
    /// QUIC before TCP.
    addresses: Vec<Multiaddr>,
    /// The address that is being looked up or dialled.
    trying: Option<usize>,
    /// Dials under way and connections that came of them, with what was dialled: an address that a name stands for.
    open: HashMap<ConnectionId, Multiaddr>,
    /// What was said last of an address, so that it is not said again.
    troubles: HashMap<Multiaddr, String>,
}

impl Named {
    fn is_connected(&self, connected: &BTreeSet<PeerId>) -> bool {
        self.peer.is_some_and(|peer| connected.contains(&peer))
    }
}

/// What follows from a failure.
#[derive(Debug, PartialEq)]
pub struct Failure {
    /// Not what was said of this address before.
    pub news: bool,
    /// The peer's next address, to be tried now.
    pub next: Option<Multiaddr>,
}

/// Which bootstrap peers are connected, and which of their addresses is to be tried.
#[derive(Default)]
pub struct Bootstrap {
    named: Vec<Named>,
}

impl Bootstrap {
    /// Addresses are of one peer when they have the same `/p2p/ID`, or else the same host and port number.
    pub fn new(addresses: Vec<Multiaddr>) -> Self {
        let mut groups: BTreeMap<String, Named> = BTreeMap::new();
        for address in addresses {
            let peer = peer_id(&address);
            let group = groups.entry(peer.map_or_else(|| place(&address), |peer| peer.to_string())).or_default();
            group.peer = peer;
            if !group.addresses.contains(&address) {
                group.addresses.push(address);
            }
        }
        let mut named: Vec<_> = groups.into_values().collect();
        named.iter_mut().for_each(|named| named.addresses.sort_by_key(is_tcp));
        Self { named }
    }

    /// The first address of every peer that is not being tried and not connected, by a dial of this node or otherwise.
    pub fn due(&mut self, connected: &BTreeSet<PeerId>) -> Vec<Multiaddr> {
        let absent =
            |named: &&mut Named| named.trying.is_none() && named.open.is_empty() && !named.is_connected(connected);
        let due = self.named.iter_mut().filter(absent);
        due.map(|named| named.addresses[*named.trying.insert(0)].clone()).collect()
    }

    /// Whether the peer is still to be dialled when its address has been looked up.
    pub fn is_wanted(&mut self, address: &Multiaddr, connected: &BTreeSet<PeerId>) -> bool {
        let Some(named) = self.of(address) else { return false };
        if named.is_connected(connected) {
            named.trying = None;
        }
        named.trying.is_some()
    }

    /// `dialled` is the address, or one that its name stands for.
    pub fn dialling(&mut self, address: &Multiaddr, dialled: Multiaddr, connection: ConnectionId) {
        if let Some(named) = self.of(address) {
            named.open.insert(connection, dialled);
        }
    }

    pub fn connected(&mut self, connection: &ConnectionId, peer: PeerId) {
        if let Some(named) = self.named.iter_mut().find(|named| named.open.contains_key(connection)) {
            named.peer = Some(peer);
            named.trying = None;
            named.troubles.clear();
        }
    }

    /// A connection closed, or never came about; gives the address that was being tried by it, and what was dialled.
    pub fn ended(&mut self, connection: &ConnectionId) -> Option<(Multiaddr, Multiaddr)> {
        let named = self.named.iter_mut().find(|named| named.open.contains_key(connection))?;
        let dialled = named.open.remove(connection)?;
        Some((named.addresses[named.trying?].clone(), dialled))
    }

    /// The address that is being tried failed, by one of those that its name stands for.
    pub fn failed(&mut self, address: &Multiaddr, dialled: &Multiaddr, why: &str) -> Failure {
        let Some(named) = self.of(address) else { return Failure { news: true, next: None } };
        let before = named.troubles.insert(dialled.clone(), why.to_owned());
        let news = before.is_none_or(|before| before != why);
        if named.open.is_empty() {
            named.trying = named.trying.map(|place| place + 1).filter(|place| *place < named.addresses.len());
            return Failure { news, next: named.trying.map(|place| named.addresses[place].clone()) };
        }
        Failure { news, next: None }
    }

    fn of(&mut self, address: &Multiaddr) -> Option<&mut Named> {
        self.named.iter_mut().find(|named| named.addresses.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::address::parse_peer, *};

    const ID: &str = "12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf";

    fn bootstrap(addresses: &[&str]) -> Bootstrap {
        Bootstrap::new(addresses.iter().map(|address| parse_peer(address).unwrap()).collect())
    }

    fn due(bootstrap: &mut Bootstrap) -> Vec<String> {
        bootstrap.due(&BTreeSet::new()).iter().map(Multiaddr::to_string).collect()
    }

    #[test]
    fn addresses_of_one_peer_are_told_by_its_id_or_by_host_and_port_and_quic_comes_first() {
        let same_id = [format!("/ip4/10.0.0.7/tcp/9000/p2p/{ID}"), format!("/dns4/a/udp/9001/quic-v1/p2p/{ID}")];
        let quic = same_id[1].clone();
        assert_eq!(due(&mut bootstrap(&[&same_id[0], &same_id[1]])), [quic]);
        let same_place = ["/dns4/a/tcp/9000", "/dns4/a/udp/9000/quic-v1", "/dns4/a/udp/9000/quic-v1"];
        assert_eq!(due(&mut bootstrap(&same_place)), ["/dns4/a/udp/9000/quic-v1"]);
        let two_of_one_host = ["/dns4/a/tcp/9000", "/dns4/a/tcp/9001"];
        assert_eq!(due(&mut bootstrap(&two_of_one_host)), two_of_one_host);
    }

    #[test]
    fn tcp_is_tried_when_quic_failed_and_then_the_peer_is_due_again_from_the_start() {
        let mut bootstrap = bootstrap(&["/ip4/10.0.0.7/tcp/9000", "/ip4/10.0.0.7/udp/9000/quic-v1"]);
        for news in [true, false] {
            let [quic] = &bootstrap.due(&BTreeSet::new())[..] else { panic!("one is due") };
            let (quic, connection) = (quic.clone(), ConnectionId::new_unchecked(1));
            bootstrap.dialling(&quic, quic.clone(), connection);
            assert!(due(&mut bootstrap).is_empty());
            let (address, dialled) = bootstrap.ended(&connection).unwrap();
            let failure = bootstrap.failed(&address, &dialled, "a timeout");
            let tcp = parse_peer("/ip4/10.0.0.7/tcp/9000").unwrap();
            assert_eq!(failure, Failure { news, next: Some(tcp.clone()) });
            assert_eq!(bootstrap.failed(&tcp, &tcp, "refused"), Failure { news, next: None });
        }
        assert!(
            bootstrap.failed(&bootstrap.named[0].addresses[0].clone(), &"/ip4/1.2.3.4".parse().unwrap(), "new").news
        );
    }

    #[test]
    fn a_name_has_failed_when_all_its_addresses_have() {
        let mut bootstrap = bootstrap(&["/dns4/a/udp/9000/quic-v1", "/dns4/a/tcp/9000"]);
        let name = bootstrap.due(&BTreeSet::new()).remove(0);
        let ids = [1, 2].map(ConnectionId::new_unchecked);
        let ips =
            ["/ip4/10.0.0.1/udp/9000/quic-v1", "/ip4/10.0.0.2/udp/9000/quic-v1"].map(|ip| parse_peer(ip).unwrap());
        for (id, ip) in ids.iter().zip(&ips) {
            bootstrap.dialling(&name, ip.clone(), *id);
        }
        let mut fail = |id| {
            let (address, dialled) = bootstrap.ended(id).unwrap();
            bootstrap.failed(&address, &dialled, "a timeout").next.map(|next| next.to_string())
        };
        assert_eq!(fail(&ids[0]), None);
        assert_eq!(fail(&ids[1]), Some("/dns4/a/tcp/9000".to_owned()));
    }

    #[test]
    fn a_peer_that_is_connected_is_not_due_whoever_dialled() {
        let mut bootstrap = bootstrap(&["/ip4/10.0.0.7/tcp/9000"]);
        let (peer, connection) = (ID.parse().unwrap(), ConnectionId::new_unchecked(1));
        let connected = BTreeSet::from([peer]);
        let address = bootstrap.due(&connected).remove(0);
        bootstrap.dialling(&address, address.clone(), connection);
        bootstrap.connected(&connection, peer);
        assert!(bootstrap.due(&BTreeSet::new()).is_empty());
        assert_eq!(bootstrap.ended(&connection), None, "nothing failed");
        assert!(bootstrap.due(&connected).is_empty(), "it is connected by a dial of its own");
        assert_eq!(due(&mut bootstrap), [address.to_string()]);
        assert!(!bootstrap.is_wanted(&address, &connected));
    }
}
