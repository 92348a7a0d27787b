//! Which departures are to be believed: a signed message stays valid for ever, and anybody may send it again.

use libp2p::PeerId;
use std::collections::HashMap;

/// As long as GossipSub itself knows a message again; clocks may differ by as much.
const WINDOW_MS: u64 = 60_000;

/// The times of the last departures, by their senders' clocks.
#[derive(Default)]
pub struct Departures {
    last: HashMap<PeerId, u64>,
}

impl Departures {
    /// Takes a departure that `peer` signed with `time`, or says why it is none; all in milliseconds of Unix time.
    pub fn take(&mut self, peer: PeerId, time: u64, now: u64) -> Result<(), String> {
        // What is older is refused without it.
        self.last.retain(|_, time| now.abs_diff(*time) < WINDOW_MS);
        if now.abs_diff(time) >= WINDOW_MS {
            let when = if time < now { "ago" } else { "ahead" };
            return Err(format!("it was sent {} s {when} by this machine's clock", now.abs_diff(time) / 1000));
        }
        if self.last.get(&peer).is_some_and(|last| time <= *last) {
            return Err("it is not newer than the last one".to_owned());
        }
        self.last.insert(peer, time);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    #[test]
    fn a_departure_counts_within_60_seconds_and_once() {
        let (mut departures, peer) = (Departures::default(), PeerId::random());
        assert_eq!(departures.take(peer, NOW - 1000, NOW), Ok(()));
        assert!(departures.take(peer, NOW - 1000, NOW).unwrap_err().contains("not newer"));
        assert!(departures.take(peer, NOW - 2000, NOW).unwrap_err().contains("not newer"));
        assert_eq!(departures.take(PeerId::random(), NOW - 1000, NOW), Ok(()));
        assert_eq!(departures.take(peer, NOW, NOW + 59_999), Ok(()));
        for late in [59_999, 60_000, 1_000_000_000] {
            assert!(departures.take(peer, NOW, NOW + late).is_err(), "{late}");
        }
    }

    #[test]
    fn one_without_a_time_or_from_the_future_does_not_count() {
        let (mut departures, peer) = (Departures::default(), PeerId::random());
        assert!(departures.take(peer, 0, NOW).unwrap_err().contains("s ago"));
        assert_eq!(
            departures.take(peer, NOW + 60_000, NOW),
            Err("it was sent 60 s ahead by this machine's clock".to_owned())
        );
        assert!(departures.take(peer, u64::MAX, NOW).is_err());
    }

    #[test]
    fn what_no_longer_matters_is_forgotten() {
        let mut departures = Departures::default();
        for second in 0..1000 {
            let now = NOW + second * 1000;
            departures.take(PeerId::random(), now, now).unwrap();
        }
        assert_eq!(departures.last.len(), 60);
    }
}
