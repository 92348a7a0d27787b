//! The peers that an operator names: parsed, looked up by the machine's own resolver, and dialled until they answer.

use libp2p::{Multiaddr, multiaddr::Protocol, swarm::ConnectionId};
use std::{collections::HashMap, net::IpAddr};
use tokio::net::lookup_host;

/// A multiaddr that can be dialled: a host, then `/udp/PORT/quic-v1` or `/tcp/PORT`, then perhaps `/p2p/ID`.
pub fn parse_peer(value: &str) -> Result<Multiaddr, String> {
    let wanted = "wanted a multiaddr such as /ip4/10.0.0.7/udp/9000/quic-v1 or /dns4/host/tcp/9000";
    let address: Multiaddr = value.trim().parse().map_err(|error| format!("{error}; {wanted}"))?;
    let mut parts = address.iter();
    let host = matches!(
        parts.next(),
        Some(Protocol::Ip4(_) | Protocol::Ip6(_) | Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_))
    );
    let transport = match parts.next() {
        Some(Protocol::Tcp(_)) => true,
        Some(Protocol::Udp(_)) => matches!(parts.next(), Some(Protocol::QuicV1)),
        _ => false,
    };
    let end = matches!((parts.next(), parts.next()), (None | Some(Protocol::P2p(_)), None));
    if host && transport && end { Ok(address) } else { Err(wanted.to_owned()) }
}

/// The address with its name replaced by what the name stands for; a name may stand for several.
pub async fn resolve(address: &Multiaddr) -> std::io::Result<Vec<Multiaddr>> {
    let mut parts = address.iter();
    let (name, wanted): (_, fn(&IpAddr) -> bool) = match parts.next() {
        Some(Protocol::Dns(name)) => (name, |_| true),
        Some(Protocol::Dns4(name)) => (name, IpAddr::is_ipv4),
        Some(Protocol::Dns6(name)) => (name, IpAddr::is_ipv6),
        _ => return Ok(vec![address.clone()]),
    };
    let rest: Vec<_> = parts.collect();
    let hosts = lookup_host((name.as_ref(), 0)).await?.map(|host| host.ip()).filter(wanted);
    Ok(hosts.map(|ip| rest.iter().cloned().fold(Multiaddr::from(ip), Multiaddr::with)).collect())
}

/// Which bootstrap peers are connected, by the dials that were made for them.
#[derive(Default)]
pub struct Bootstrap {
    peers: Vec<Multiaddr>,
    dials: HashMap<ConnectionId, Multiaddr>,
}

impl Bootstrap {
    pub fn new(peers: Vec<Multiaddr>) -> Self {
        Self { peers, dials: HashMap::new() }
    }

    /// Those without a connection and without a dial under way.
    pub fn missing(&self) -> impl Iterator<Item = Multiaddr> {
        self.peers.iter().filter(|peer| !self.dials.values().any(|dialled| dialled == *peer)).cloned()
    }

    pub fn dialling(&mut self, connection: ConnectionId, peer: Multiaddr) {
        self.dials.insert(connection, peer);
    }

    /// The connection closed, or never came about; gives the peer if it was one of these.
    pub fn ended(&mut self, connection: &ConnectionId) -> Option<Multiaddr> {
        self.dials.remove(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_dialled_by_quic_or_tcp_with_a_name_or_an_address() {
        for good in [
            "/ip4/10.0.0.7/udp/9000/quic-v1",
            "/dns4/director-1/tcp/9000",
            "/ip6/::1/tcp/9000/p2p/12D3KooWGzxzKZYveHXtpG6AsrUJBcWxHBFS2HsEoGTxrMLvKXtf",
        ] {
            assert!(parse_peer(good).is_ok(), "{good}");
        }
        for bad in ["10.0.0.7:9000", "/ip4/10.0.0.7", "/ip4/10.0.0.7/udp/9000", "/tcp/9000", "/ip4/1.2.3.4/tcp/1/ws"] {
            assert!(parse_peer(bad).unwrap_err().contains("wanted a multiaddr"), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_is_replaced_by_its_address() {
        let resolved = resolve(&parse_peer("/dns4/localhost/udp/9000/quic-v1").unwrap()).await.unwrap();
        assert_eq!(resolved, [parse_peer("/ip4/127.0.0.1/udp/9000/quic-v1").unwrap()]);
    }

    #[test]
    fn a_peer_whose_dial_failed_is_missing_again() {
        let peer = parse_peer("/ip4/127.0.0.1/tcp/9000").unwrap();
        let mut bootstrap = Bootstrap::new(vec![peer.clone()]);
        let connection = ConnectionId::new_unchecked(1);
        bootstrap.dialling(connection, peer.clone());
        assert_eq!(bootstrap.missing().count(), 0);
        assert_eq!(bootstrap.ended(&connection), Some(peer));
        assert_eq!(bootstrap.missing().count(), 1);
    }
}
