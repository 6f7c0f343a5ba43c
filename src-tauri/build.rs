//! Builds the pages, the icons and the permissions into the program.

fn main() {
    tauri_build::build();
}
