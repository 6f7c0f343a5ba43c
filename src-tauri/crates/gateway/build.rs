//! Lets a newly built `ui/dist` reach the program: the pages are compiled in, and cargo must know which folder to watch.

use std::{fs, path::Path};

fn main() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/dist");
    // Cargo takes a missing path for changed and would compile this room anew at every build: an empty folder is watched well.
    if let Err(error) = fs::create_dir_all(&pages) {
        println!(
            "cargo::warning=the folder {} cannot be made ({error}): pages that are built later are not noticed",
            pages.display()
        );
    }
    println!("cargo::rerun-if-changed={}", pages.display());
    println!("cargo::rerun-if-changed=build.rs");
}
