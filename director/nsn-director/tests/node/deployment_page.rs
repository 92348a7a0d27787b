//! `docs/deployment/director-node.md` against the program: what an operator reads there is what there is.

use crate::director::{Director, Wanted, command};
use anyhow::{Context, Result};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};
use tokio::time::timeout;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn page() -> Result<String> {
    fs::read_to_string(Path::new(PROJECT).join("docs/deployment/director-node.md")).context("the page")
}

/// The cells of the tables below a heading, up to the next one.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let below = page.split(&format!("\n{heading}\n")).nth(1).unwrap_or_default();
    let section = below.split("\n#").next().unwrap_or_default();
    let lines = section.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let rows = lines.map(|line| line.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>());
    rows.filter(|row| !row[0].starts_with("---")).skip(1).collect()
}

/// Flag, variable and default of each option, as `--help` prints them; the flags for help and version are everybody's.
fn options(help: &str) -> BTreeSet<[String; 3]> {
    let text = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let entries =
        text.split(" --").skip(1).filter(|entry| !entry.starts_with("help ") && !entry.starts_with("version "));
    let between = |entry: &str, before: &str, after: &str| -> String {
        entry
            .split(before)
            .nth(1)
            .and_then(|rest| rest.split(after).next())
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned()
    };
    let option = |entry: &str| {
        let flag = format!("--{}", entry.split(' ').next().unwrap_or_default());
        let variable = between(entry, "[env: ", "]").trim_end_matches('=').to_owned();
        [variable, flag, between(entry, "[default: ", "]")]
    };
    let entries = entries.filter(|entry| entry.contains("[env: ") || entry.starts_with("check "));
    entries.map(option).collect()
}

#[tokio::test]
async fn its_settings_are_those_of_help_with_their_defaults() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut help = command(folder.path());
    for variable in ["MODELS_PATH", "DATA_PATH", "P2P_PORT", "METRICS_PORT", "GRPC_PORT"] {
        help.env_remove(variable);
    }
    let output = timeout(Duration::from_secs(20), help.arg("--help").output()).await??;
    let wanted = options(&String::from_utf8(output.stdout)?);
    assert!(wanted.len() > 10, "{wanted:?}");
    let told: BTreeSet<[String; 3]> =
        rows(&page()?, "## Settings").into_iter().map(|row| [row[0].clone(), row[1].clone(), row[2].clone()]).collect();
    assert_eq!(told, wanted);
    Ok(())
}

#[tokio::test]
async fn its_metrics_are_those_of_the_metrics_page_with_their_types() -> Result<()> {
    let director = Director::start(Wanted::default()).await?;
    let (_, text) = director.get("/metrics", "application/openmetrics-text").await?;
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let named = |(name, kind): (&str, &str)| {
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        [format!("{name}{suffix}"), kind.to_owned()]
    };
    let wanted: BTreeSet<_> = families.map(named).collect();
    let told: BTreeSet<_> =
        rows(&page()?, "## Watching it").into_iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    assert_eq!(told, wanted);
    director.stop().await
}

/// The sources below a folder as one text, in which a string that goes on in the next line is whole.
fn sources(folder: &str, ending: &str) -> Result<String> {
    let (mut text, mut folders) = (String::new(), vec![Path::new(PROJECT).join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                text += &fs::read_to_string(path)?;
            }
        }
    }
    let lines = text.split("\\\n").enumerate();
    Ok(lines.map(|(at, part)| if at == 0 { part } else { part.trim_start() }).collect())
}

/// The parts of a message between those that differ.
fn fixed(message: &str) -> Vec<&str> {
    message.split('…').map(|part| part.trim_matches([' ', ':', '/', '(', ')'])).filter(|part| part.len() > 1).collect()
}

#[test]
fn the_messages_that_it_explains_are_in_the_sources() -> Result<()> {
    let page = page()?;
    for (heading, folder, ending, least) in [
        ("### Said by the node", "director/nsn-director/src", "rs", 25),
        ("### Said by the sidecar", "vortex/vortex", "py", 8),
    ] {
        let (rows, sources) = (rows(&page, heading), sources(folder, ending)?);
        assert!(rows.len() >= least, "{heading} has {} rows", rows.len());
        for row in rows {
            let parts = fixed(&row[0]);
            assert!(!parts.is_empty(), "{row:?}");
            for part in parts {
                assert!(sources.contains(part), "{heading}: {:?}: no source in {folder} says {part:?}", row[0]);
            }
        }
    }
    Ok(())
}
