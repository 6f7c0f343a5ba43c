//! A new migration rebuilds the room: `embed_migrations!` reads a folder that Cargo does not watch by itself.

fn main() {
    println!("cargo::rerun-if-changed=../../../migrations/postgres");
}
