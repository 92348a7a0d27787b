//! Binding of the node's ports, with errors that name the variable to change.

use anyhow::Context;
use std::net::{Ipv4Addr, UdpSocket};
use tokio::net::TcpListener;

/// Listens on 0.0.0.0; `variable` is the one that an operator sets the port by.
pub async fn listen(port: u16, variable: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await.with_context(|| trouble(port, "tcp", variable))
}

/// Finds out whether the P2P port can be had, before libp2p hides the reason why not.
pub fn probe_p2p(port: u16) -> anyhow::Result<()> {
    let address = (Ipv4Addr::UNSPECIFIED, port);
    UdpSocket::bind(address).with_context(|| trouble(port, "udp", "P2P_PORT"))?;
    std::net::TcpListener::bind(address).with_context(|| trouble(port, "tcp", "P2P_PORT"))?;
    Ok(())
}

fn trouble(port: u16, protocol: &str, variable: &str) -> String {
    format!("port {port}/{protocol} cannot be listened on (set {variable} to a free one)")
}
