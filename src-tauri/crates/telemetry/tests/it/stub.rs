//! A GPU that is a file: the stub of NVML, built afresh in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub struct Stub {
    dir: tempfile::TempDir,
}

impl Stub {
    /// With the figures of a Tesla T4.
    pub fn build() -> Self {
        Self::without(&[])
    }

    /// Some symbols are missing, as in an older driver.
    pub fn without(symbols: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvml_stub/build.sh");
        let flags = symbols.iter().enumerate().map(|(i, symbol)| format!("-D{symbol}=absent_{i}"));
        let status = Command::new("sh").arg(script).arg(dir.path()).args(flags).status().unwrap();
        assert!(status.success());
        Self { dir }
    }

    pub fn library(&self) -> PathBuf {
        self.dir.path().join("libnvidia-ml.so.1")
    }

    /// Changes figures, or adds them; all at once, as the sampler may be reading.
    pub fn set(&self, values: &[(&str, &str)]) {
        let file = self.dir.path().join("libnvidia-ml.so.1.values");
        let old = fs::read_to_string(&file).unwrap();
        let kept =
            old.lines().filter(|line| !values.iter().any(|(key, _)| line.split('=').next() == Some(key)));
        let added = values.iter().map(|(key, value)| format!("{key}={value}"));
        let text: Vec<String> = kept.map(str::to_owned).chain(added).collect();
        let fresh = self.dir.path().join("fresh");
        fs::write(&fresh, text.join("\n") + "\n").unwrap();
        fs::rename(fresh, file).unwrap();
    }
}
