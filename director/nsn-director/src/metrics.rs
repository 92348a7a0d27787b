//! The node's metrics: what they are, and the three forms in which they leave the node.

use crate::{p2p, vortex::protocol::Memory};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use serde_json::{Map, Value};

/// Seconds; a round lasts from a few milliseconds to its deadline.
const ROUND_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Reason {
    pub reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Topic {
    pub topic: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Transport {
    pub transport: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Outcome {
    pub outcome: &'static str,
}

pub struct Metrics {
    registry: Registry,
    pub vram_usage: Gauge,
    pub torch_allocated: Gauge,
    pub torch_reserved: Gauge,
    pub vortex_up: Gauge,
    pub vortex_restarts: Counter,
    pub connected_peers: Gauge,
    pub connections: Family<Transport, Gauge>,
    pub routing_peers: Gauge,
    pub departures: Family<Reason, Counter>,
    pub voters: Gauge,
    pub messages: Family<Topic, Counter>,
    pub published: Family<Topic, Counter>,
    pub rounds: Family<Outcome, Counter>,
    pub round_duration: Histogram,
    pub chain_head: Gauge,
}

impl Metrics {
    pub fn new(peer_id: &str) -> Self {
        let mut registry = Registry::default();
        let mut metrics = Self {
            vram_usage: Gauge::default(),
            torch_allocated: Gauge::default(),
            torch_reserved: Gauge::default(),
            vortex_up: Gauge::default(),
            vortex_restarts: Counter::default(),
            connected_peers: Gauge::default(),
            connections: Family::default(),
            routing_peers: Gauge::default(),
            departures: Family::default(),
            voters: Gauge::default(),
            messages: Family::default(),
            published: Family::default(),
            rounds: Family::default(),
            round_duration: Histogram::new(ROUND_BUCKETS),
            chain_head: Gauge::default(),
            registry: Registry::default(),
        };
        let info = [("version", env!("CARGO_PKG_VERSION").to_owned()), ("peer_id", peer_id.to_owned())];
        registry.register("nsn_director", "This node", Info::new(info.to_vec()));
        registry.register(
            "nsn_vortex_vram_usage_bytes",
            "GPU memory in use by the sidecar",
            metrics.vram_usage.clone(),
        );
        registry.register(
            "nsn_vortex_torch_allocated_bytes",
            "GPU memory in tensors, by PyTorch's allocator",
            metrics.torch_allocated.clone(),
        );
        registry.register(
            "nsn_vortex_torch_reserved_bytes",
            "GPU memory that PyTorch's allocator took from the driver",
            metrics.torch_reserved.clone(),
        );
        registry.register("nsn_vortex_up", "1 while the sidecar is connected", metrics.vortex_up.clone());
        registry.register("nsn_vortex_restarts", "Restarts of the sidecar", metrics.vortex_restarts.clone());
        registry.register("nsn_p2p_connected_peers", "Peers that are connected", metrics.connected_peers.clone());
        registry.register("nsn_p2p_connections", "Connections to peers, by transport", metrics.connections.clone());
        registry.register("nsn_p2p_routing_peers", "Peers in Kademlia's routing table", metrics.routing_peers.clone());
        registry.register("nsn_p2p_departures", "Directors that left, by how", metrics.departures.clone());
        registry.register("nsn_p2p_messages", "GossipSub messages received", metrics.messages.clone());
        registry.register("nsn_p2p_published", "GossipSub messages handed to peers", metrics.published.clone());
        registry.register(
            "nsn_bft_voters",
            "Directors that a round would ask, this one among them",
            metrics.voters.clone(),
        );
        registry.register("nsn_bft_rounds", "Rounds that this node led, by their end", metrics.rounds.clone());
        registry.register(
            "nsn_bft_round_duration_seconds",
            "Time from proposal to the end",
            metrics.round_duration.clone(),
        );
        registry.register("nsn_chain_head_number", "Number of the newest head", metrics.chain_head.clone());
        metrics.begin_at_zero();
        metrics.registry = registry;
        metrics
    }

    /// A counter that is not there until it counts looks like one that is missing.
    fn begin_at_zero(&self) {
        for reason in ["announced", "lost"] {
            let _ = self.departures.get_or_create(&Reason { reason });
        }
        for topic in p2p::Topic::ALL {
            let _ = self.messages.get_or_create(&Topic { topic: topic.name() });
            let _ = self.published.get_or_create(&Topic { topic: topic.name() });
        }
        self.no_connections();
        self.voters.set(1);
        for outcome in ["committed", "timed_out"] {
            let _ = self.rounds.get_or_create(&Outcome { outcome });
        }
    }

    pub fn no_connections(&self) {
        for transport in ["quic", "tcp"] {
            self.connections.get_or_create(&Transport { transport }).set(0);
        }
    }

    /// Without a process there is nothing in memory.
    pub fn sidecar_gone(&self) {
        self.vortex_up.set(0);
        self.sidecar_memory(Memory { vram_bytes: 0, torch: None });
    }

    pub fn sidecar_memory(&self, Memory { vram_bytes, torch }: Memory) {
        let torch = torch.unwrap_or_default();
        self.vram_usage.set(vram_bytes as i64);
        self.torch_allocated.set(torch.allocated_bytes as i64);
        self.torch_reserved.set(torch.reserved_bytes as i64);
    }

    /// OpenMetrics 1.0 text.
    pub fn open_metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes everything");
        text
    }

    /// Prometheus text 0.0.4.
    pub fn prometheus(&self) -> String {
        prometheus_text(&self.open_metrics())
    }

    /// Every sample by its name and labels.
    pub fn json(&self) -> Value {
        samples(&self.open_metrics())
    }
}

/// The older format has no `# EOF` and no `# UNIT`, no type `info`, and a counter's family is named as its samples are.
fn prometheus_text(open_metrics: &str) -> String {
    let mut text = String::new();
    let types: Map<String, Value> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.into()))
        .collect();
    for line in open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let comment = line.strip_prefix("# ").and_then(|rest| {
            let mut words = rest.splitn(3, ' ');
            Some((words.next()?, words.next()?, words.next()?))
        });
        let Some((word, name, rest)) = comment else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        let (suffix, kind) = match types.get(name).and_then(Value::as_str) {
            Some("counter") => ("_total", "counter"),
            Some("info") => ("_info", "gauge"),
            Some("unknown") => ("", "untyped"),
            Some(kind) => ("", kind),
            None => ("", rest),
        };
        let rest = if word == "TYPE" { kind } else { rest };
        text.push_str(&format!("# {word} {name}{suffix} {rest}\n"));
    }
    text
}

fn samples(open_metrics: &str) -> Value {
    let samples = open_metrics.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (name, value) = line.rsplit_once(' ')?;
        let number = value.parse::<i64>().map(Value::from).or_else(|_| value.parse::<f64>().map(Value::from)).ok()?;
        Some((name.to_owned(), number))
    });
    Value::Object(samples.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_has_its_samples_name_in_the_older_format() {
        let text = prometheus_text("# HELP a Help .\n# TYPE a counter\na_total{b=\"c d\"} 1\n# EOF\n");
        assert_eq!(text, "# HELP a_total Help .\n# TYPE a_total counter\na_total{b=\"c d\"} 1\n");
    }

    #[test]
    fn info_becomes_a_gauge_in_the_older_format() {
        let text = prometheus_text("# HELP a Help.\n# TYPE a info\na_info{v=\"1\"} 1\n# EOF\n");
        assert_eq!(text, "# HELP a_info Help.\n# TYPE a_info gauge\na_info{v=\"1\"} 1\n");
    }

    #[test]
    fn json_has_every_sample_with_its_labels() {
        let metrics = Metrics::new("peer");
        metrics.departures.get_or_create(&Reason { reason: "announced" }).inc();
        let json = metrics.json();
        assert_eq!(json["nsn_p2p_departures_total{reason=\"announced\"}"], 1);
        assert_eq!(json["nsn_bft_round_duration_seconds_count"], 0);
        assert_eq!(json["nsn_vortex_vram_usage_bytes"], 0);
    }
}
