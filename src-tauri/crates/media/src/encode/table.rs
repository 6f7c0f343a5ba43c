//! The encoders that can be tried, best first, as plain data. Pure.

use model::{Bitrate, FrameRate, video::Codec};

use crate::picture::{Flavour, Layout, Matrix};

/// Encoded bits that may wait, as a time at the bitrate: a keyframe stays small enough to be sent within a few frames' time, at the
/// price of being coarse for as long.
const VBV_MS: u32 = 40;
/// But no less than this many frames, in tenths. x264 takes a buffer below 1.1 frames as a limit for each single frame, which costs 4 dB at
/// 1 Mbit/s (720p30, the demo's scene).
const VBV_TENTHS: u32 = 12;

/// The size of the rate buffer, as a time at the bitrate.
pub(crate) fn vbv_ms(fps: FrameRate) -> u32 {
    VBV_MS.max((100 * VBV_TENTHS).div_ceil(fps.0.max(1)))
}

#[derive(Debug)]
pub(crate) struct Candidate {
    /// As its makers call it, and as the configuration does.
    pub name: &'static str,
    pub codec: Codec,
    pub hardware: bool,
    pub layout: Layout,
    pub matrix: Matrix,
    pub engine: Engine,
}

impl Candidate {
    pub fn flavour(&self) -> Flavour {
        Flavour { layout: self.layout, matrix: self.matrix }
    }
}

#[derive(Debug)]
pub(crate) enum Engine {
    /// An element of GStreamer. Its name is the candidate's.
    Element(Element),
    /// Cisco's library, built into this program.
    OpenH264,
}

#[derive(Debug)]
pub(crate) struct Element {
    /// The plugin that brings it, and why that may have no such element although it is installed.
    pub plugin: &'static str,
    pub package: &'static str,
    pub needs: &'static str,
    /// Set where the element has them; versions differ. A value is a list of spellings, of which the first that the element
    /// knows is taken: `p1|low-latency-hp`. [`expand`] fills in what is in braces.
    pub properties: &'static [(&'static str, &'static str)],
    /// Follow the bitrate while it runs.
    pub rates: &'static [(&'static str, Rate)],
    /// What it must put out.
    pub output: &'static str,
}

/// The unit in which an element counts its bitrate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rate {
    Kbps,
    Bps,
    /// The size of the rate buffer in kilobits: [`vbv_ms`] at the bitrate.
    BufferKbit,
}

impl Rate {
    pub fn of(self, bitrate: Bitrate, fps: FrameRate) -> u64 {
        match self {
            Self::Kbps => bitrate.kbps.into(),
            Self::Bps => bitrate.bps(),
            Self::BufferKbit => (u64::from(bitrate.kbps) * u64::from(vbv_ms(fps))).div_ceil(1000),
        }
    }
}

/// Every browser decodes constrained baseline; alignment to access units makes one buffer of one frame.
const H264: &str = "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";
const VP8: &str = "video/x-vp8";

/// No keyframe but on demand: as far away as the property goes.
const NEVER: &str = "2147483647";

const NVIDIA: &str =
    "the NVIDIA driver (libcuda and libnvidia-encode) is not installed, or the GPU has no encoder";
const VAAPI: &str = "no GPU with a VA-API driver that encodes H.264 was found (/dev/dri/renderD128)";
const BROKEN: &str = "its plugin does not load; GStreamer says why with GST_DEBUG=2";

const NVENC: &[(&str, &str)] = &[
    ("preset", "p1|low-latency-hp"),
    ("tune", "ultra-low-latency"),
    ("rc-mode", "cbr"),
    ("zerolatency", "true"),
    ("gop-size", "-1"),
    ("bframes", "0"),
    ("rc-lookahead", "0"),
    ("repeat-sequence-header", "true"),
    ("aud", "false"),
];
const NVENC_RATES: &[(&str, Rate)] =
    &[("bitrate", Rate::Kbps), ("max-bitrate", Rate::Kbps), ("vbv-buffer-size", Rate::BufferKbit)];

const VA: &[(&str, &str)] = &[
    ("rate-control", "cbr"),
    ("target-usage", "7"),
    ("b-frames", "0"),
    ("ref-frames", "1"),
    ("key-int-max", "1024"),
    ("aud", "false"),
    ("cabac", "false"),
    ("dct8x8", "false"),
];
const VA_RATES: &[(&str, Rate)] = &[("bitrate", Rate::Kbps), ("cpb-size", Rate::BufferKbit)];

const fn hardware(name: &'static str, layout: Layout, element: Element) -> Candidate {
    Candidate {
        name,
        codec: Codec::H264,
        hardware: true,
        layout,
        matrix: Matrix::Bt709,
        engine: Engine::Element(element),
    }
}

const fn nvenc() -> Element {
    Element {
        plugin: "nvcodec",
        package: "gstreamer1.0-plugins-bad",
        needs: NVIDIA,
        properties: NVENC,
        rates: NVENC_RATES,
        output: H264,
    }
}

const fn va() -> Element {
    Element {
        plugin: "va",
        package: "gstreamer1.0-plugins-bad",
        needs: VAAPI,
        properties: VA,
        rates: VA_RATES,
        output: H264,
    }
}

pub(crate) static TABLE: &[Candidate] = &[
    hardware("nvh264enc", Layout::Nv12, nvenc()),
    hardware("nvcudah264enc", Layout::Nv12, nvenc()),
    hardware("vah264enc", Layout::Nv12, va()),
    hardware("vah264lpenc", Layout::Nv12, va()),
    hardware(
        "vaapih264enc",
        Layout::Nv12,
        Element {
            plugin: "vaapi",
            package: "gstreamer1.0-vaapi",
            needs: VAAPI,
            properties: &[
                ("rate-control", "cbr"),
                ("quality-level", "7"),
                ("max-bframes", "0"),
                ("refs", "1"),
                ("keyframe-period", "0"),
                ("cabac", "false"),
                ("dct8x8", "false"),
                ("aud", "false"),
                ("cpb-length", "{vbv_ms}"),
            ],
            rates: &[("bitrate", Rate::Kbps)],
            output: H264,
        },
    ),
    Candidate {
        name: "x264enc",
        codec: Codec::H264,
        hardware: false,
        layout: Layout::I420,
        matrix: Matrix::Bt709,
        engine: Engine::Element(Element {
            plugin: "x264",
            package: "gstreamer1.0-plugins-ugly",
            needs: BROKEN,
            properties: &[
                ("speed-preset", "{x264_preset}"),
                ("tune", "zerolatency"),
                // Frame threads would each hold a frame back; slices of one frame do not.
                ("sliced-threads", "true"),
                ("threads", "{threads}"),
                ("key-int-max", NEVER),
                ("bframes", "0"),
                ("ref", "1"),
                ("rc-lookahead", "0"),
                ("mb-tree", "false"),
                ("byte-stream", "true"),
                ("aud", "false"),
                ("vbv-buf-capacity", "{vbv_ms}"),
                // A cut in the scene is no reason for a keyframe: it can be sent as any other change.
                ("option-string", "scenecut=0"),
            ],
            rates: &[("bitrate", Rate::Kbps)],
            output: H264,
        }),
    },
    Candidate {
        name: "openh264enc",
        codec: Codec::H264,
        hardware: false,
        layout: Layout::I420,
        // This element writes no colour description into its stream.
        matrix: Matrix::Bt601,
        engine: Engine::Element(Element {
            plugin: "openh264",
            package: "gstreamer1.0-plugins-bad",
            needs: BROKEN,
            properties: &[
                ("complexity", "low"),
                ("usage-type", "camera"),
                ("rate-control", "bitrate"),
                ("enable-frame-skip", "false"),
                ("scene-change-detection", "false"),
                ("background-detection", "false"),
                ("gop-size", "0"),
                ("multi-thread", "{threads}"),
                ("slice-mode", "n-slices"),
                ("num-slices", "{threads}"),
            ],
            rates: &[("bitrate", Rate::Bps), ("max-bitrate", Rate::Bps)],
            output: H264,
        }),
    },
    Candidate {
        name: "openh264",
        codec: Codec::H264,
        hardware: false,
        layout: Layout::I420,
        matrix: Matrix::Bt709,
        engine: Engine::OpenH264,
    },
    Candidate {
        name: "vp8enc",
        codec: Codec::Vp8,
        hardware: false,
        layout: Layout::I420,
        matrix: Matrix::Bt601,
        engine: Engine::Element(Element {
            plugin: "vpx",
            package: "gstreamer1.0-plugins-good",
            needs: BROKEN,
            properties: &[
                ("deadline", "1"),
                ("cpu-used", "-12"),
                // Its threads spin while they wait: as many as there are cores, and each frame takes ten times as long.
                ("threads", "{vp8_threads}"),
                ("end-usage", "cbr"),
                ("lag-in-frames", "0"),
                ("keyframe-max-dist", NEVER),
                ("keyframe-mode", "disabled"),
                ("error-resilient", "0"),
                ("undershoot", "95"),
                ("buffer-size", "300"),
                ("buffer-initial-size", "150"),
                ("buffer-optimal-size", "200"),
                ("dropframe-threshold", "0"),
                ("min-quantizer", "4"),
                ("max-quantizer", "56"),
                ("max-intra-bitrate", "250"),
                ("static-threshold", "1"),
            ],
            rates: &[("target-bitrate", Rate::Bps)],
            output: VP8,
        }),
    },
];

/// Fills in what depends on the machine.
///
/// x264 runs `superfast`, which looks clearly better than `ultrafast`, unless the program, the encoder and perhaps a browser
/// share fewer than four cores. More than four slices trip some decoders, and more than two gain little below eight cores.
pub(crate) fn expand(value: &str, cores: usize, fps: FrameRate) -> String {
    value
        .replace(
            "{threads}",
            if cores >= 8 {
                "4"
            } else if cores >= 2 {
                "2"
            } else {
                "1"
            },
        )
        .replace("{vp8_threads}", if cores >= 8 { "2" } else { "1" })
        .replace("{x264_preset}", if cores >= 4 { "superfast" } else { "ultrafast" })
        .replace("{vbv_ms}", &vbv_ms(fps).to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_hardware_comes_first() {
        let names: HashSet<_> = TABLE.iter().map(|candidate| candidate.name).collect();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.windows(2).all(|pair| pair[0].hardware || !pair[1].hardware));
    }

    #[test]
    fn every_placeholder_is_filled_on_every_machine() {
        for candidate in TABLE {
            let Engine::Element(element) = &candidate.engine else { continue };
            for (property, value) in element.properties {
                for cores in [1, 2, 4, 8, 64] {
                    assert!(
                        !expand(value, cores, FrameRate(30)).contains('{'),
                        "{}.{property}",
                        candidate.name
                    );
                }
            }
        }
    }

    #[test]
    fn slices_never_outnumber_what_decoders_bear() {
        for (cores, threads, preset) in
            [(1, "1", "ultrafast"), (2, "2", "ultrafast"), (4, "2", "superfast"), (64, "4", "superfast")]
        {
            assert_eq!(
                ["{threads}", "{x264_preset}"].map(|value| expand(value, cores, FrameRate(30))),
                [threads, preset]
            );
        }
    }

    #[test]
    fn rates_are_counted_in_the_elements_own_unit() {
        let bitrate = Bitrate::kbps(6000);
        assert_eq!(
            [Rate::Kbps, Rate::Bps, Rate::BufferKbit].map(|rate| rate.of(bitrate, FrameRate(30))),
            [6000, 6_000_000, 240]
        );
    }

    #[test]
    fn the_rate_buffer_holds_a_frame_and_a_bit_at_any_rate() {
        for fps in [1, 10, 24, 25, 30, 60, 120] {
            let frame_ms = 1000.0 / f64::from(fps);
            let ms = f64::from(vbv_ms(FrameRate(fps)));
            assert!(ms >= frame_ms * 1.15 && ms < (frame_ms * 1.3).max(41.0), "{fps}: {ms}");
        }
        assert_eq!(vbv_ms(FrameRate(0)), 1200);
    }
}
