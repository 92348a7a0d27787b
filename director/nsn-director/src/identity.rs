//! The node's peer key: made once, kept in `DATA_PATH/peer.key`, readable by its owner alone.

use anyhow::{Context, Result, bail};
use libp2p::identity::Keypair;
use std::{
    fs,
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};
use tracing::{info, warn};

const FILE: &str = "peer.key";

/// Reads the key, or makes one where there is none.
pub fn load_or_create(data_path: &Path) -> Result<Keypair> {
    let path = data_path.join(FILE);
    match load(data_path)? {
        Some(key) => tighten(&path).map(|()| key),
        None => create(data_path, &path),
    }
}

/// The key that is kept in the folder, if there is one.
pub fn load(data_path: &Path) -> Result<Option<Keypair>> {
    let path = data_path.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => Keypair::from_protobuf_encoding(&bytes).map(Some).with_context(|| {
            format!("{} is no peer key; move it away and a new one is made (the peer id changes)", path.display())
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read (DATA_PATH)", path.display())),
    }
}

/// Whole or not at all, and never over another node's key; kept by nobody where the file system is read-only.
fn create(data_path: &Path, path: &Path) -> Result<Keypair> {
    let key = Keypair::generate_ed25519();
    let bytes = key.to_protobuf_encoding()?;
    let write = || -> io::Result<()> {
        fs::create_dir_all(data_path)?;
        // A NamedTempFile has mode 0600 from its first byte.
        let mut file = tempfile::NamedTempFile::new_in(data_path)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        Ok(())
    };
    match write() {
        Ok(()) => info!(file = %path.display(), "New peer key in {}", path.display()),
        Err(error) if is_read_only(&error) => {
            let folder = data_path.display();
            warn!(
                %folder,
                "{folder} is read-only: this peer id lasts for this run alone (mount a volume there, or set DATA_PATH)"
            );
        }
        Err(error) => {
            let trouble = format!("the peer key cannot be written to {} (set DATA_PATH)", path.display());
            return Err(error).context(trouble);
        }
    }
    Ok(key)
}

/// As in a container with a read-only root and no volume: a way to run, and no mistake.
pub fn is_read_only(error: &io::Error) -> bool {
    error.kind() == ErrorKind::ReadOnlyFilesystem
}

fn tighten(path: &Path) -> Result<()> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        bail!("{} is no file", path.display());
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        warn!(file = %path.display(), "{} had mode {mode:04o}, others could read it; it has 0600 now", path.display());
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
