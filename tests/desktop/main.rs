//! The real desktop window and its tray.
