//! The part of the models lock that the Director itself needs: which models there are.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::{fs, path::Path};

#[derive(Deserialize)]
struct Lock {
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
    title: Option<String>,
}

/// Titles of the models in `models_path/models.lock.json`, in the lock's order.
pub fn titles(models_path: &Path) -> Result<Vec<String>> {
    let path = models_path.join("models.lock.json");
    let text = fs::read(&path).with_context(|| format!("{} cannot be read (MODELS_PATH)", path.display()))?;
    let lock: Lock = serde_json::from_slice(&text).with_context(|| format!("{} is no models lock", path.display()))?;
    Ok(lock.models.into_iter().map(|model| model.title.unwrap_or(model.name)).collect())
}
