//! Agreement on the digest of a slot, as `proto/nsn/bft/v1/coordination.proto` says.
//!
//! The committee of a round is who its leader is connected to. A chain that elects Directors would give the committee
//! instead; what is voted, signed and checked here stays the same then.

mod coordinator;
mod round;
pub mod signing;
mod voter;

pub use coordinator::{Coordinator, Refusal};
pub use round::quorum;
