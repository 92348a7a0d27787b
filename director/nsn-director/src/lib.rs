//! A Director node. `node` puts the parts together, `shutdown` takes them apart again in the promised order.

pub mod bft;
pub mod chain;
pub mod check;
pub mod clock;
pub mod config;
pub mod grpc;
pub mod http;
pub mod identity;
pub mod lock;
pub mod logging;
pub mod metrics;
pub mod node;
pub mod p2p;
pub mod ports;
pub mod shutdown;
pub mod vortex;

/// The protocols of `../proto`, as `build.rs` generated them.
#[allow(clippy::all, clippy::pedantic)]
pub mod proto {
    pub mod bft {
        tonic::include_proto!("nsn.bft.v1");
    }
    pub mod director {
        tonic::include_proto!("nsn.director.v1");
    }
    /// The descriptor set that reflection serves.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nsn.bin"));
}
