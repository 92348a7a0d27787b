//! `--check`: everything that can be known to be wrong before the node runs.

use crate::{config::Config, identity::is_read_only, lock};
use std::{
    env, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Prints the verdict; 0 if nothing is wrong.
pub fn report(config: &Config) -> ExitCode {
    let problems = problems(config);
    if problems.is_empty() {
        println!("The configuration is valid.");
        return ExitCode::SUCCESS;
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    ExitCode::FAILURE
}

/// One sentence each, naming the variable to change.
pub fn problems(config: &Config) -> Vec<String> {
    let program = config.vortex_words().swap_remove(0);
    let metrics_folder = config.metrics_file.as_deref().map(folder_of);
    [
        same_port(config),
        lock::titles(&config.models_path).err().map(|error| format!("{error:#}")),
        unwritable(&nearest(&config.data_path))
            .filter(|error| !is_read_only(error))
            .map(|why| format!("DATA_PATH: {why}")),
        metrics_folder.and_then(|folder| unwritable(&folder)).map(|why| format!("METRICS_FILE: {why}")),
        (!found(&program)).then(|| format!("VORTEX_COMMAND: there is no program {program}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn same_port(config: &Config) -> Option<String> {
    let ports = [("P2P_PORT", config.p2p_port), ("METRICS_PORT", config.metrics_port), ("GRPC_PORT", config.grpc_port)];
    let (one, other) =
        [(0, 1), (0, 2), (1, 2)].into_iter().find(|&(a, b)| ports[a].1 != 0 && ports[a].1 == ports[b].1)?;
    Some(format!("{} and {} are both {}", ports[one].0, ports[other].0, ports[one].1))
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// The folder itself, or the closest one above it that exists and in which it will be made.
fn nearest(folder: &Path) -> PathBuf {
    folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new(".")).to_owned()
}

/// A mode does not tell (root, read-only mounts): only trying does.
fn unwritable(folder: &Path) -> Option<io::Error> {
    tempfile::Builder::new().tempfile_in(folder).err()
}

fn found(program: &str) -> bool {
    let runs = |path: &Path| path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if program.contains('/') {
        return runs(Path::new(program));
    }
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| runs(&folder.join(program))))
}
