//! How an instance's OpenGL is drawn: on the NVIDIA GPU, through VirtualGL or by the driver's own GLX, or by the processor with
//! Mesa. A pure decision.
//!
//! VirtualGL's EGL back end draws on the GPU without any X server and puts the picture into Xvfb, where it is captured like every
//! other. Old drivers' GLX needs a module inside the X server, which Xvfb does not have; newer ones do without. Seen with 580.159
//! on an H200: the same picture on a plain Xvfb, at 1080p 300 frames a second where VirtualGL drew 490 and Mesa 40.

use std::path::{Path, PathBuf};

use model::health::GpuState;

/// What the administrator wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wanted {
    /// The GPU where it can be used, the processor otherwise.
    #[default]
    Auto,
    /// The GPU. Where it cannot be used it is the processor all the same, and the reason says so.
    Hardware,
    /// The processor, even where there is a GPU.
    Software,
}

/// The choice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Graphics {
    VirtualGl {
        vglrun: PathBuf,
        /// An EGL device by VirtualGL's name: `egl0` is the first GPU.
        device: String,
        /// What people call the GPU, where the driver tells.
        gpu: Option<String>,
    },
    /// By the driver's GLX, without VirtualGL.
    Glx { gpu: Option<String> },
    Mesa {
        /// Why not the GPU; a sentence.
        reason: String,
    },
}

/// The first driver whose GLX was seen to draw on an X server without its module.
const GLX_ALONE_SINCE: u32 = 580;

/// Decides from what the GPU driver says, whether VirtualGL is installed, and what is wanted.
pub fn choose(gpu: &GpuState, vglrun: Option<PathBuf>, wanted: Wanted) -> Graphics {
    if wanted == Wanted::Software {
        return Graphics::Mesa { reason: "the settings ask for software rendering".to_owned() };
    }
    match (gpu, vglrun) {
        (GpuState::Unavailable { reason }, _) => Graphics::Mesa { reason: reason.clone() },
        (GpuState::Available { gpus, .. }, _) if gpus.is_empty() => {
            Graphics::Mesa { reason: "the NVIDIA driver is loaded but finds no GPU".to_owned() }
        }
        (GpuState::Available { gpus, driver_version }, None) if draws_alone(driver_version.as_deref()) => {
            Graphics::Glx { gpu: gpus[0].name.clone() }
        }
        (GpuState::Available { gpus, .. }, None) => Graphics::Mesa {
            reason: format!(
                "{} is there, but VirtualGL is not: install it (vglrun), or a driver from {GLX_ALONE_SINCE} on, so that instances \
                 are drawn on the GPU",
                gpus[0].name.as_deref().unwrap_or("an NVIDIA GPU")
            ),
        },
        (GpuState::Available { gpus, .. }, Some(vglrun)) => {
            Graphics::VirtualGl { vglrun, device: format!("egl{}", gpus[0].index), gpu: gpus[0].name.clone() }
        }
    }
}

/// `580.159.04` is of the 580 line.
fn draws_alone(driver_version: Option<&str>) -> bool {
    let line = driver_version.and_then(|version| version.split('.').next());
    line.and_then(|line| line.parse::<u32>().ok()).is_some_and(|line| line >= GLX_ALONE_SINCE)
}

impl Graphics {
    /// Is it the processor that draws?
    pub const fn is_mesa(&self) -> bool {
        matches!(self, Self::Mesa { .. })
    }

    /// The program that a launch is put behind, if any.
    pub fn vglrun(&self) -> Option<&Path> {
        match self {
            Self::VirtualGl { vglrun, .. } => Some(vglrun),
            Self::Glx { .. } | Self::Mesa { .. } => None,
        }
    }

    /// One sentence for people.
    pub fn describe(&self) -> String {
        match self {
            Self::VirtualGl { device, gpu, .. } => {
                format!(
                    "OpenGL is drawn on {} through VirtualGL ({device})",
                    gpu.as_deref().unwrap_or("the NVIDIA GPU")
                )
            }
            Self::Glx { gpu } => format!(
                "OpenGL is drawn on {} by the driver's own GLX; with VirtualGL installed (vglrun) it is quicker",
                gpu.as_deref().unwrap_or("the NVIDIA GPU")
            ),
            Self::Mesa { reason } => format!("OpenGL is drawn by the processor (Mesa llvmpipe): {reason}"),
        }
    }

    /// What the program's environment needs for it.
    pub fn env(&self) -> Vec<(String, String)> {
        let pairs: Vec<(&str, &str)> = match self {
            // `proxy`: the picture goes into Xvfb as it is. VirtualGL would else guess from the environment of an SSH session.
            Self::VirtualGl { device, .. } => vec![("VGL_DISPLAY", device), ("VGL_COMPRESS", "proxy")],
            Self::Glx { .. } => vec![("__GLX_VENDOR_LIBRARY_NAME", "nvidia")],
            // The vendor is named because a machine with NVIDIA's libraries might pick those, which cannot draw on Xvfb.
            Self::Mesa { .. } => vec![
                ("LIBGL_ALWAYS_SOFTWARE", "1"),
                ("GALLIUM_DRIVER", "llvmpipe"),
                ("__GLX_VENDOR_LIBRARY_NAME", "mesa"),
            ],
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use model::health::Gpu;

    use super::*;

    #[test]
    fn the_gpu_is_used_only_where_driver_virtualgl_and_settings_agree() {
        let vglrun = || Some(PathBuf::from("/usr/bin/vglrun"));
        for (gpu, vglrun, wanted, hardware, says) in [
            (t4(), vglrun(), Wanted::Auto, true, "drawn on Tesla T4 through VirtualGL (egl0)"),
            (t4(), vglrun(), Wanted::Hardware, true, "Tesla T4"),
            (t4(), vglrun(), Wanted::Software, false, "settings ask for software"),
            (t4(), None, Wanted::Auto, false, "Tesla T4 is there, but VirtualGL is not"),
            (t4(), None, Wanted::Hardware, false, "install it (vglrun)"),
            (of_line("579.99"), None, Wanted::Auto, false, "a driver from 580 on"),
            (of_line("580.159.04"), None, Wanted::Auto, true, "by the driver's own GLX"),
            (of_line("600"), None, Wanted::Auto, true, "by the driver's own GLX"),
            (of_line("600"), vglrun(), Wanted::Auto, true, "through VirtualGL"),
            (of_line("600"), None, Wanted::Software, false, "settings ask for software"),
            (of_line("unknown"), None, Wanted::Auto, false, "VirtualGL is not"),
            (none(), vglrun(), Wanted::Auto, false, "no NVIDIA driver"),
            (none(), None, Wanted::Hardware, false, "no NVIDIA driver"),
            (empty(), vglrun(), Wanted::Auto, false, "finds no GPU"),
        ] {
            let choice = choose(&gpu, vglrun.clone(), wanted);
            assert_eq!(choice.is_mesa(), !hardware, "{gpu:?} {vglrun:?} {wanted:?}");
            assert!(choice.describe().contains(says), "{} lacks {says}", choice.describe());
        }
    }

    #[test]
    fn each_choice_sets_its_own_environment() {
        let names =
            |graphics: &Graphics| graphics.env().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let hardware = choose(&t4(), Some("/usr/bin/vglrun".into()), Wanted::Auto);
        assert!(hardware.env().contains(&("VGL_DISPLAY".to_owned(), "egl0".to_owned())));
        assert!(!names(&hardware).contains(&"LIBGL_ALWAYS_SOFTWARE".to_owned()));
        let alone = choose(&of_line("580.1"), None, Wanted::Auto);
        assert_eq!(alone.env(), [("__GLX_VENDOR_LIBRARY_NAME".to_owned(), "nvidia".to_owned())]);
        assert_eq!(alone.vglrun(), None);
        assert!(names(&choose(&none(), None, Wanted::Auto)).contains(&"LIBGL_ALWAYS_SOFTWARE".to_owned()));
    }

    fn t4() -> GpuState {
        let gpu = Gpu { name: Some("Tesla T4".to_owned()), ..Gpu::default() };
        GpuState::Available { driver_version: None, gpus: vec![gpu] }
    }

    fn of_line(version: &str) -> GpuState {
        GpuState::Available { driver_version: Some(version.to_owned()), gpus: vec![Gpu::default()] }
    }

    fn empty() -> GpuState {
        GpuState::Available { driver_version: None, gpus: Vec::new() }
    }

    fn none() -> GpuState {
        GpuState::Unavailable { reason: "there is no NVIDIA driver".to_owned() }
    }
}
