//! What is known of the chain, and whether that is enough.

use std::time::{Duration, Instant};

/// A head that is older than this is no sign of life.
const FRESH: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub number: u64,
    /// When the node saw it as new; a header carries no time of its own.
    pub seen: Instant,
}

#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Why there is no connection; none while there is one.
    pub trouble: Option<String>,
    pub syncing: Option<bool>,
    pub head: Option<Head>,
}

impl Status {
    /// Takes a head that the endpoint tells of; the same one again makes nothing newer.
    pub fn take_head(&mut self, number: u64, now: Instant) {
        if self.head.as_ref().is_none_or(|head| head.number != number) {
            self.head = Some(Head { number, seen: now });
        }
    }

    /// Whether the chain is synced, and in a sentence why or why not.
    pub fn verdict(&self, now: Instant) -> (bool, String) {
        if let Some(trouble) = &self.trouble {
            return (false, trouble.clone());
        }
        match (self.syncing, &self.head) {
            (None, _) => (false, "the endpoint has not told its health yet".to_owned()),
            (Some(true), _) => (false, "the endpoint is still syncing".to_owned()),
            (Some(false), None) => (false, "the endpoint has not told its newest head yet".to_owned()),
            (Some(false), Some(head)) => {
                let age = now.saturating_duration_since(head.seen);
                (age < FRESH, format!("head {} is {} s old", head.number, age.as_secs()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(syncing: Option<bool>, head_age: Option<u64>) -> (bool, String) {
        let begin = Instant::now();
        let now = begin + Duration::from_secs(1000);
        let head = head_age.map(|age| Head { number: 7, seen: now - Duration::from_secs(age) });
        Status { trouble: None, syncing, head }.verdict(now)
    }

    #[test]
    fn synced_is_an_endpoint_that_does_not_sync_and_has_a_head_under_60_seconds_old() {
        assert_eq!(status(Some(false), Some(59)), (true, "head 7 is 59 s old".to_owned()));
        assert_eq!(status(Some(false), Some(60)), (false, "head 7 is 60 s old".to_owned()));
        assert!(!status(Some(true), Some(0)).0);
        assert!(!status(None, Some(0)).0);
        assert!(!status(Some(false), None).0);
    }

    #[test]
    fn the_same_head_again_stays_as_old_as_it_is() {
        let begin = Instant::now();
        let mut status = Status::default();
        status.take_head(7, begin);
        status.take_head(7, begin + Duration::from_secs(30));
        assert_eq!(status.head, Some(Head { number: 7, seen: begin }));
        status.take_head(8, begin + Duration::from_secs(31));
        assert_eq!(status.head.unwrap().number, 8);
    }
}
