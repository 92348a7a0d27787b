//! The program itself, run as an operator runs it: real sockets, a real chain endpoint on loopback, and a sidecar of a
//! few lines of Python at the protocol's other end.

mod bft;
mod chain;
mod chain_endpoint;
mod command_line;
mod deployment_page;
mod director;
mod discovery;
mod grpc;
mod logging;
mod p2p;
mod pages;
mod peer;
mod shutdown;
mod sidecar;
