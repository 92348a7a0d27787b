//! The addresses of peers that an operator names: parsed, taken apart, and looked up by the machine's own resolver.

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use std::{io, net::IpAddr};
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

/// An address to tell others of: they look no names up, and know whose it is.
pub fn parse_external(value: &str) -> Result<Multiaddr, String> {
    let address = parse_peer(value).ok().filter(|address| {
        matches!(address.iter().next(), Some(Protocol::Ip4(_) | Protocol::Ip6(_))) && peer_id(address).is_none()
    });
    address.ok_or_else(|| "wanted a multiaddr with an IP address, /ip4/203.0.113.7/udp/9000/quic-v1".to_owned())
}

/// The address with its name replaced by what the name stands for; a name may stand for several, but never for none.
pub async fn resolve(address: &Multiaddr) -> io::Result<Vec<Multiaddr>> {
    let mut parts = address.iter();
    let (name, wanted): (_, fn(&IpAddr) -> bool) = match parts.next() {
        Some(Protocol::Dns(name)) => (name, |_| true),
        Some(Protocol::Dns4(name)) => (name, IpAddr::is_ipv4),
        Some(Protocol::Dns6(name)) => (name, IpAddr::is_ipv6),
        _ => return Ok(vec![address.clone()]),
    };
    let rest: Vec<_> = parts.collect();
    let hosts = lookup_host((name.as_ref(), 0)).await?.map(|host| host.ip()).filter(wanted);
    let found: Vec<_> = hosts.map(|ip| rest.iter().cloned().fold(Multiaddr::from(ip), Multiaddr::with)).collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address of this kind"));
    }
    Ok(found)
}

/// The one that the address says is behind it.
pub fn peer_id(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| if let Protocol::P2p(peer) = part { Some(peer) } else { None })
}

/// Host and port number: a Director has the same number for QUIC and for TCP, and a host may have several Directors.
pub fn place(address: &Multiaddr) -> String {
    let parts = address.iter().filter_map(|part| match part {
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => Some(name.to_string()),
        Protocol::Ip4(ip) => Some(ip.to_string()),
        Protocol::Ip6(ip) => Some(ip.to_string()),
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port.to_string()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join(" ")
}

pub fn is_tcp(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::Tcp(_)))
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
}
