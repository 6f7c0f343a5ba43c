//! What WebKit needs of the environment, set before anything else runs.

#![allow(unsafe_code)]

use std::{env, path::Path};

/// Called first thing in `main`.
pub fn prepare() {
    for (name, value) in wanted(&|name| env::var(name).ok(), Path::new("/proc/driver/nvidia").exists()) {
        // SAFETY: nothing else runs yet: this is the first call of `main`, before any thread is started.
        unsafe { env::set_var(name, value) };
    }
}

/// `C.UTF-8` makes WebKit report the language "C", which `Intl` refuses: the panel would stay blank. NVIDIA's driver and WebKit's
/// DMA-BUF renderer disagree, and in software the renderer costs twice the processor time.
fn wanted(get: &dyn Fn(&str) -> Option<String>, nvidia: bool) -> Vec<(&'static str, &'static str)> {
    let mut wanted = Vec::new();
    for name in ["LC_ALL", "LANG"] {
        if get(name).is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "c.utf-8" | "c.utf8"))
        {
            wanted.push((name, "en_US.UTF-8"));
        }
    }
    let software = get("LIBGL_ALWAYS_SOFTWARE").is_some();
    if (nvidia || software) && get("WEBKIT_DISABLE_DMABUF_RENDERER").is_none() {
        wanted.push(("WEBKIT_DISABLE_DMABUF_RENDERER", "1"));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_break_the_panel_is_changed() {
        let set = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(wanted(&set(&[("LANG", "C.UTF-8")]), false), [("LANG", "en_US.UTF-8")]);
        assert_eq!(wanted(&set(&[("LANG", "sv_SE.UTF-8")]), false), []);
        assert_eq!(wanted(&set(&[]), true), [("WEBKIT_DISABLE_DMABUF_RENDERER", "1")]);
        assert_eq!(wanted(&set(&[("WEBKIT_DISABLE_DMABUF_RENDERER", "0")]), true), []);
    }
}
