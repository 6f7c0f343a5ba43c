//! The window configuration of SGCT: only what a window on one display needs.

use std::path::Path;

use serde::Deserialize;

/// What to open.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowSpec {
    pub name: String,
    pub position: Option<(i16, i16)>,
    /// Nothing: two thirds of the display.
    pub size: Option<(u16, u16)>,
    pub border: bool,
}

#[derive(Deserialize)]
struct File {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    address: String,
    #[serde(default)]
    port: u16,
    windows: Vec<Window>,
}

#[derive(Deserialize)]
struct Window {
    name: Option<String>,
    pos: Option<Point>,
    size: Option<Point>,
    border: Option<bool>,
}

#[derive(Deserialize)]
struct Point {
    x: f64,
    y: f64,
}

/// Larger windows than this no display has.
const SIDE_PX: std::ops::RangeInclusive<f64> = 1.0..=16384.0;

/// Reads the first window of the first node, and says how that node is called.
///
/// # Errors
/// A sentence: the file cannot be read, is no such JSON, or has no window.
pub fn load(file: &Path) -> Result<(WindowSpec, String), String> {
    let text = std::fs::read(file)
        .map_err(|error| format!("Could not open window configuration '{}': {error}", file.display()))?;
    parse(&text).map_err(|why| format!("Error in window configuration '{}': {why}", file.display()))
}

fn parse(text: &[u8]) -> Result<(WindowSpec, String), String> {
    let file: File = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let node = file.nodes.into_iter().next().ok_or("it has no node")?;
    let called = format!("{} [{}]", node.address, node.port);
    let window = node.windows.into_iter().next().ok_or("its first node has no window")?;
    let size = match window.size {
        Some(size) if SIDE_PX.contains(&size.x) && SIDE_PX.contains(&size.y) => {
            Some((size.x as u16, size.y as u16))
        }
        Some(size) => return Err(format!("a window of {} x {} cannot be", size.x, size.y)),
        None => None,
    };
    let spec = WindowSpec {
        name: window.name.unwrap_or_else(|| "OpenSpace".to_owned()),
        position: window.pos.map(|pos| (pos.x as i16, pos.y as i16)),
        size,
        border: window.border.unwrap_or(true),
    };
    Ok((spec, called))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn upstream_s_minimal_example_is_read() {
        let (spec, node) = parse(
            br#"{ "version": 1, "masteraddress": "localhost", "nodes": [ { "address": "localhost", "port": 20401, "windows": [ {
                "name": "RegressionTest", "border": false, "pos": { "x": 0, "y": 0 }, "size": { "x": 960, "y": 540 } } ] } ] }"#,
        )
        .unwrap();
        assert_eq!(node, "localhost [20401]");
        assert_eq!((spec.size, spec.border, spec.name.as_str()), (Some((960, 540)), false, "RegressionTest"));
    }

    #[test]
    fn the_size_may_be_left_out() {
        let (spec, _) = parse(br#"{"nodes":[{"windows":[{}]}]}"#).unwrap();
        assert_eq!((spec.size, spec.border), (None, true));
    }

    #[test]
    fn a_file_without_windows_is_refused_with_a_reason() {
        assert!(parse(br#"{"nodes":[]}"#).unwrap_err().contains("no node"));
        assert!(parse(br#"{"nodes":[{"windows":[{"size":{"x":0,"y":5}}]}]}"#).unwrap_err().contains("0 x 5"));
    }
}
