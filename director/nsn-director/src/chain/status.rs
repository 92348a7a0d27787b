//! What is known of the chain, and whether that is enough.

use std::time::{Duration, Instant};

/// A head that is older than this is no sign of life.
const FRESH: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// What the endpoint told last.
    pub number: u64,
    /// A chain that lives gets higher; a lower number is another fork, or another endpoint that lags behind.
    pub highest: u64,
    /// When the node first saw the highest.
    pub seen: Instant,
}

/// The newest head's own time; a header carries none, the Timestamp pallet's storage does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Time {
    /// The endpoint has not answered yet.
    #[default]
    Unknown,
    /// There is no such pallet, or the endpoint serves no storage.
    Untold,
    /// Unix milliseconds.
    At(u64),
}

#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Why there is no connection; none while there is one.
    pub trouble: Option<String>,
    pub syncing: Option<bool>,
    pub head: Option<Head>,
    pub time: Time,
}

impl Status {
    /// Takes a head that the endpoint tells of; only a higher one than ever makes it newer.
    pub fn take_head(&mut self, number: u64, now: Instant) {
        let (highest, seen) = match &self.head {
            Some(head) if number <= head.highest => (head.highest, head.seen),
            _ => (number, now),
        };
        self.head = Some(Head { number, highest, seen });
    }

    /// Whether the chain is synced at `now`, which is `unix_ms` by the machine's clock, and in a sentence why or why not.
    pub fn verdict(&self, now: Instant, unix_ms: u64) -> (bool, String) {
        if let Some(trouble) = &self.trouble {
            return (false, trouble.clone());
        }
        match (self.syncing, &self.head) {
            (None, _) => (false, "the endpoint has not told its health yet".to_owned()),
            (Some(true), _) => (false, "the endpoint is still syncing".to_owned()),
            (Some(false), None) => (false, "the endpoint has not told its newest head yet".to_owned()),
            (Some(false), Some(head)) => self.age(head, now, unix_ms),
        }
    }

    fn age(&self, head: &Head, now: Instant, unix_ms: u64) -> (bool, String) {
        match self.time {
            Time::Unknown => (false, format!("the endpoint has not told the time of head {} yet", head.number)),
            Time::Untold => {
                let age = now.saturating_duration_since(head.seen);
                (age < FRESH, format!("head {} was first seen {} s ago", head.highest, age.as_secs()))
            }
            Time::At(time) if time > unix_ms => {
                let ahead = Duration::from_millis(time - unix_ms);
                let detail = format!("head {} is {} s ahead of this machine's clock", head.number, ahead.as_secs());
                (ahead < FRESH, detail)
            }
            Time::At(time) => {
                let age = Duration::from_millis(unix_ms - time);
                (age < FRESH, format!("head {} is {} s old", head.number, age.as_secs()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn verdict(syncing: Option<bool>, time: Time, seen_before: Option<u64>) -> (bool, String) {
        let now = Instant::now() + Duration::from_secs(1000);
        let head = seen_before.map(|age| Head { number: 7, highest: 8, seen: now - Duration::from_secs(age) });
        Status { trouble: None, syncing, head, time }.verdict(now, NOW)
    }

    #[test]
    fn synced_is_an_endpoint_that_does_not_sync_and_has_a_head_under_60_seconds_old() {
        let old = |ms: u64| verdict(Some(false), Time::At(NOW - ms), Some(0));
        assert_eq!(old(59_999), (true, "head 7 is 59 s old".to_owned()));
        assert_eq!(old(60_000), (false, "head 7 is 60 s old".to_owned()));
        assert!(verdict(Some(false), Time::At(NOW), Some(1000)).0, "its own time counts, not when it was seen");
        assert!(!verdict(Some(true), Time::At(NOW), Some(0)).0);
        assert!(!verdict(None, Time::At(NOW), Some(0)).0);
        assert!(!verdict(Some(false), Time::At(NOW), None).0);
        assert!(!verdict(Some(false), Time::Unknown, Some(0)).0);
    }

    #[test]
    fn a_head_from_the_future_is_as_bad_as_an_old_one() {
        let ahead = |ms: u64| verdict(Some(false), Time::At(NOW + ms), Some(0));
        assert_eq!(ahead(30_000), (true, "head 7 is 30 s ahead of this machine's clock".to_owned()));
        assert!(!ahead(60_000).0);
    }

    #[test]
    fn a_head_without_a_time_is_as_old_as_the_node_has_known_it() {
        let seen = |seconds| verdict(Some(false), Time::Untold, Some(seconds));
        assert_eq!(seen(59), (true, "head 8 was first seen 59 s ago".to_owned()));
        assert!(!seen(60).0);
    }

    #[test]
    fn the_same_head_again_or_a_lower_one_stays_as_old_as_it_is() {
        let begin = Instant::now();
        let later = |seconds| begin + Duration::from_secs(seconds);
        let mut status = Status::default();
        for (number, at, wanted) in [(7, 0, (7, 7, 0)), (7, 30, (7, 7, 0)), (6, 31, (6, 7, 0)), (8, 32, (8, 8, 32))] {
            status.take_head(number, later(at));
            let (number, highest, seen) = wanted;
            assert_eq!(status.head, Some(Head { number, highest, seen: later(seen) }));
        }
    }
}
