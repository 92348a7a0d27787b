//! Dials the bootstrap peers that are due: looks an address up, dials what it stands for, and takes the next on failure.

use super::{address::resolve, network::Network};
use libp2p::{Multiaddr, swarm::dial_opts::DialOpts};
use std::io;
use tracing::{debug, warn};

/// An operator's address, and what it stands for now.
pub(super) type LookedUp = (Multiaddr, io::Result<Vec<Multiaddr>>);

impl Network {
    pub(super) fn look_up_due(&mut self) {
        let due = self.bootstrap.due(&self.view.borrow().connected);
        due.into_iter().for_each(|address| self.look_up(address));
    }

    /// Beside the swarm, which must not wait for a resolver.
    fn look_up(&self, address: Multiaddr) {
        let found = self.found.clone();
        tokio::spawn(async move {
            let addresses = resolve(&address).await;
            let _ = found.send((address, addresses)).await;
        });
    }

    pub(super) fn on_looked_up(&mut self, (address, found): LookedUp) {
        let wanted = self.bootstrap.is_wanted(&address, &self.view.borrow().connected);
        match found {
            _ if !wanted => {}
            Ok(found) => self.dial(&address, found),
            Err(error) => self.on_failed(&address, &address, &format!("cannot be looked up: {error}")),
        }
    }

    fn dial(&mut self, address: &Multiaddr, found: Vec<Multiaddr>) {
        let mut refused = Vec::new();
        for dialled in found {
            let options: DialOpts = dialled.clone().into();
            let connection = options.connection_id();
            match self.swarm.dial(options) {
                Ok(()) => self.bootstrap.dialling(address, dialled, connection),
                Err(error) => refused.push((dialled, error)),
            }
        }
        for (dialled, error) in refused {
            self.on_failed(address, &dialled, &format!("is not dialled: {error}"));
        }
    }

    pub(super) fn on_unanswered(&mut self, address: &Multiaddr, dialled: &Multiaddr, error: &str) {
        self.on_failed(address, dialled, &format!("does not answer: {error}"));
    }

    /// What goes wrong again and again is said once, until it goes right or wrong otherwise.
    fn on_failed(&mut self, address: &Multiaddr, dialled: &Multiaddr, why: &str) {
        let failure = self.bootstrap.failed(address, dialled, why);
        if failure.news {
            warn!(%address, reason = why, "Bootstrap peer {address} {why}");
        } else {
            debug!(%address, reason = why, "Bootstrap peer {address} {why}");
        }
        if let Some(next) = failure.next {
            self.look_up(next);
        }
    }
}
