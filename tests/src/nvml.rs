//! A stand-in for NVIDIA's management library.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use tempfile::TempDir;

/// A small shared library that answers NVML's calls with the figures of a Tesla T4, which a test may change while the node runs.
#[derive(Debug)]
pub struct NvmlStub {
    pub path: PathBuf,
    _dir: TempDir,
}

impl NvmlStub {
    pub fn build() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../src-tauri/crates/telemetry/tests/nvml_stub/build.sh");
        let built = Command::new("sh").arg(script).arg(dir.path()).status()?;
        if !built.success() {
            bail!("the stub does not compile");
        }
        Ok(Self { path: dir.path().join("libnvidia-ml.so.1"), _dir: dir })
    }
}
