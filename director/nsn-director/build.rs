//! Compiles `../proto` to Rust and to the descriptor set that gRPC reflection serves.
use prost::Message;
use std::{env, error::Error, fs, path::PathBuf};

const PROTOS: [&str; 3] =
    ["nsn/bft/v1/coordination.proto", "nsn/director/v1/gossip.proto", "nsn/director/v1/vortex.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let include = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../proto");
    println!("cargo::rerun-if-changed={}", include.display());
    let descriptors = protox::compile(PROTOS, [include])?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("nsn.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
