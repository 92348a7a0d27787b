//! `--check`: everything that can be known to be wrong before the node runs.

use crate::{
    config::{Config, called},
    identity::{self, is_read_only},
    lock,
};
use std::{
    env, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Prints the verdict; 0 if nothing is wrong.
pub fn report(config: &Config) -> ExitCode {
    let problems = problems(config);
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    for note in notes(config) {
        eprintln!("note: {note}");
    }
    if !problems.is_empty() {
        return ExitCode::FAILURE;
    }
    println!("The configuration is valid.");
    ExitCode::SUCCESS
}

/// One sentence each, naming the flag and the variable to change.
pub fn problems(config: &Config) -> Vec<String> {
    let program = config.vortex_words().swap_remove(0);
    let metrics_folder = config.metrics_file.as_deref().map(folder_of);
    [
        same_port(config),
        lock::titles(&config.models_path).err().map(|error| format!("{}: {error:#}", called("MODELS_PATH"))),
        data_path(&config.data_path).map(|why| format!("{}: {why}", called("DATA_PATH"))),
        metrics_folder.and_then(|folder| unwritable(&folder)).map(|why| format!("{}: {why}", called("METRICS_FILE"))),
        (!found(&program)).then(|| format!("{}: there is no program {program}", called("VORTEX_COMMAND"))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What works, and is hardly ever meant.
fn notes(config: &Config) -> Vec<String> {
    let free = ports(config).into_iter().filter(|(_, port)| *port == 0);
    let free = free.map(|(variable, _)| format!("{}: 0 takes a free port, told by the log alone", called(variable)));
    let read_only = unwritable(&nearest(&config.data_path)).filter(is_read_only);
    let lasts = read_only
        .map(|_| format!("{}: a read-only file system, so the peer id lasts for one run alone", called("DATA_PATH")));
    free.chain(lasts).collect()
}

fn ports(config: &Config) -> [(&'static str, u16); 3] {
    [("P2P_PORT", config.p2p_port), ("METRICS_PORT", config.metrics_port), ("GRPC_PORT", config.grpc_port)]
}

fn same_port(config: &Config) -> Option<String> {
    let ports = ports(config);
    let (one, other) =
        [(0, 1), (0, 2), (1, 2)].into_iter().find(|&(a, b)| ports[a].1 != 0 && ports[a].1 == ports[b].1)?;
    Some(format!("{} and {} are both {}", called(ports[one].0), called(ports[other].0), ports[one].1))
}

/// A key that is there must be one; without one the folder must take it.
fn data_path(folder: &Path) -> Option<String> {
    match identity::load(folder) {
        Ok(Some(_)) => None,
        Ok(None) => unwritable(&nearest(folder)).filter(|error| !is_read_only(error)).map(|error| error.to_string()),
        Err(error) => Some(format!("{error:#}")),
    }
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
