//! What the panel's page may ask of its window: desktop matters only.

use serde::Serialize;
use tauri::{AppHandle, State};

use crate::{link::Link, shell::Shell};

/// What the commands know.
#[derive(Debug)]
pub struct Desk {
    pub link: Result<Link, String>,
    home_urls: Vec<String>,
}

impl Desk {
    pub fn new(shell: &Shell) -> Self {
        Self { link: shell.link(), home_urls: shell.home_urls().to_vec() }
    }
}

#[derive(Debug, Serialize)]
pub struct Connection {
    base_url: String,
    token: String,
}

/// Where the node is, and the token for it; handed over inside the program, so that nobody types it.
#[tauri::command]
pub fn connection(desk: State<'_, Desk>) -> Result<Connection, String> {
    let link = desk.link.as_ref().map_err(Clone::clone)?;
    Ok(Connection { base_url: link.base_url.clone(), token: link.token.reveal().to_owned() })
}

/// Opens one of the node's own pages in the default browser.
#[tauri::command]
pub fn open_url(desk: State<'_, Desk>, url: String) -> Result<(), String> {
    let link = desk.link.as_ref().map_err(Clone::clone)?;
    let url = if url.starts_with('/') { format!("{}{url}", link.base_url) } else { url };
    let bases = desk.home_urls.iter().chain([&link.base_url]);
    if !bases.into_iter().any(|base| is_own(base, &url)) {
        return Err("Only pages of this machine's node are opened from here.".to_owned());
    }
    open::that_detached(&url)
        .map_err(|error| format!("No browser could be opened ({error}). Open {url} yourself."))
}

#[tauri::command]
pub fn quit(app: AppHandle) {
    app.exit(0);
}

fn is_own(base_url: &str, url: &str) -> bool {
    url.strip_prefix(base_url.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nodes_own_pages_are_opened() {
        let base = "http://127.0.0.1:3000";
        assert!(is_own(base, "http://127.0.0.1:3000/stream/1"));
        assert!(is_own("https://sky.example.org:8443/", "https://sky.example.org:8443/"));
        for foreign in
            ["http://127.0.0.1:30001/", "http://127.0.0.1:3000.evil.org/", "file:///etc/passwd", ""]
        {
            assert!(!is_own(base, foreign), "{foreign}");
        }
    }
}
