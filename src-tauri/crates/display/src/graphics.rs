//! How an instance's OpenGL is drawn: on the NVIDIA GPU through VirtualGL, or by the processor with Mesa. A pure decision.
//!
//! NVIDIA's GLX needs its own driver module inside the X server, which Xvfb does not have. VirtualGL's EGL back end draws on the GPU
//! without any X server and puts the picture into Xvfb, where it is captured like every other.

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
    Mesa {
        /// Why not the GPU; a sentence.
        reason: String,
    },
}

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
        (GpuState::Available { gpus, .. }, None) => Graphics::Mesa {
            reason: format!(
                "{} is there, but VirtualGL is not: install it (vglrun) so that instances are drawn on the GPU",
                gpus[0].name.as_deref().unwrap_or("an NVIDIA GPU")
            ),
        },
        (GpuState::Available { gpus, .. }, Some(vglrun)) => {
            Graphics::VirtualGl { vglrun, device: format!("egl{}", gpus[0].index), gpu: gpus[0].name.clone() }
        }
    }
}

impl Graphics {
    /// The program that a launch is put behind, if any.
    pub fn vglrun(&self) -> Option<&Path> {
        match self {
            Self::VirtualGl { vglrun, .. } => Some(vglrun),
            Self::Mesa { .. } => None,
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
            Self::Mesa { reason } => format!("OpenGL is drawn by the processor (Mesa llvmpipe): {reason}"),
        }
    }

    /// What the program's environment needs for it.
    pub fn env(&self) -> Vec<(String, String)> {
        let pairs: Vec<(&str, &str)> = match self {
            // `proxy`: the picture goes into Xvfb as it is. VirtualGL would else guess from the environment of an SSH session.
            Self::VirtualGl { device, .. } => vec![("VGL_DISPLAY", device), ("VGL_COMPRESS", "proxy")],
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
            (none(), vglrun(), Wanted::Auto, false, "no NVIDIA driver"),
            (none(), None, Wanted::Hardware, false, "no NVIDIA driver"),
            (empty(), vglrun(), Wanted::Auto, false, "finds no GPU"),
        ] {
            let choice = choose(&gpu, vglrun.clone(), wanted);
            assert_eq!(choice.vglrun().is_some(), hardware, "{gpu:?} {vglrun:?} {wanted:?}");
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
        assert!(names(&choose(&none(), None, Wanted::Auto)).contains(&"LIBGL_ALWAYS_SOFTWARE".to_owned()));
    }

    fn t4() -> GpuState {
        let gpu = Gpu { name: Some("Tesla T4".to_owned()), ..Gpu::default() };
        GpuState::Available { driver_version: None, gpus: vec![gpu] }
    }

    fn empty() -> GpuState {
        GpuState::Available { driver_version: None, gpus: Vec::new() }
    }

    fn none() -> GpuState {
        GpuState::Unavailable { reason: "there is no NVIDIA driver".to_owned() }
    }
}
