//! The one window: the control panel.

use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};
use tracing::warn;

const PANEL: &str = "panel";

pub fn open(app: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, PANEL, WebviewUrl::App("admin.html".into()))
        .title("OpenSpace WebRTC")
        .inner_size(1180.0, 780.0)
        .min_inner_size(420.0, 480.0)
        .build()?;
    Ok(())
}

/// Brings it back after it was closed into the tray.
pub fn show(app: &AppHandle) {
    let shown = match app.get_webview_window(PANEL) {
        Some(window) => window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus()),
        None => open(app),
    };
    if let Err(error) = shown {
        warn!(%error, "the window cannot be shown");
    }
}

pub fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(PANEL)
        && let Err(error) = window.hide()
    {
        warn!(%error, "the window cannot be hidden");
    }
}
