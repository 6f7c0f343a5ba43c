//! What NVML says, in words for people: why there is no GPU, and why one is slower than it could be. Pure.

use std::path::Path;

use nvml_wrapper::{bitmasks::device::ThrottleReasons, error::NvmlError};

/// Why the GPU cannot be used: what happened, and what to do. `library` is where NVML was looked for, if not in the driver's own place.
pub(crate) fn why_unavailable(error: &NvmlError, library: Option<&Path>) -> String {
    match error {
        NvmlError::LibloadingError(_) | NvmlError::LibraryNotFound => match library {
            Some(path) => format!("the NVIDIA management library {} cannot be loaded: check the setting", path.display()),
            None => "there is no NVIDIA driver on this machine; install it if there is an NVIDIA GPU".to_owned(),
        },
        NvmlError::DriverNotLoaded => {
            "the NVIDIA driver is installed but not loaded: restart the machine, or run `modprobe nvidia`".to_owned()
        }
        NvmlError::LibRmVersionMismatch => {
            "the NVIDIA driver was updated while it ran: restart the machine to use the GPU again".to_owned()
        }
        NvmlError::GpuLost => {
            "the GPU does not answer any more (it has fallen off the bus): restart the machine, and check the card if it happens again"
                .to_owned()
        }
        NvmlError::ResetRequired => "the GPU must be reset before it can be used again: restart the machine".to_owned(),
        NvmlError::NoPermission | NvmlError::OperatingSystem => {
            "this user or container may not use the GPU: give it access to /dev/nvidia*".to_owned()
        }
        NvmlError::FailedToLoadSymbol(_) | NvmlError::FunctionNotFound => {
            "the NVIDIA driver is too old to be asked for its GPUs: update it".to_owned()
        }
        NvmlError::NotFound => "the NVIDIA driver is loaded but finds no GPU".to_owned(),
        other => format!("the NVIDIA driver does not answer: {other}"),
    }
}

/// Does this error concern the whole card, rather than one figure that it lacks?
pub(crate) const fn is_loss(error: &NvmlError) -> bool {
    matches!(
        error,
        NvmlError::GpuLost | NvmlError::ResetRequired | NvmlError::Uninitialized | NvmlError::DriverNotLoaded
    )
}

/// Why the GPU's clocks are held back, strongest reason first. That nothing runs on it is none.
pub(crate) fn throttle_reasons(reasons: ThrottleReasons) -> Vec<String> {
    [
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, "too hot: the hardware has halved its clocks or worse"),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, "the power supply has asked it to slow down"),
        (ThrottleReasons::HW_SLOWDOWN, "the hardware has halved its clocks or worse (heat or power)"),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, "too hot: the driver has lowered its clocks"),
        (ThrottleReasons::SW_POWER_CAP, "at its power limit"),
        (ThrottleReasons::SYNC_BOOST, "held back by another GPU of its group"),
        (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, "held back by the set application clocks"),
        (ThrottleReasons::DISPLAY_CLOCK_SETTING, "held back by the set display clocks"),
    ]
    .into_iter()
    .filter(|(reason, _)| reasons.contains(*reason))
    .map(|(_, words)| words.to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_words_and_idleness_is_none() {
        assert_eq!(throttle_reasons(ThrottleReasons::empty()), [""; 0]);
        assert_eq!(throttle_reasons(ThrottleReasons::GPU_IDLE), [""; 0]);
        assert_eq!(
            throttle_reasons(ThrottleReasons::GPU_IDLE | ThrottleReasons::SW_POWER_CAP),
            ["at its power limit"]
        );
        // All but idleness; two of the constants are one bit under two names.
        assert_eq!(throttle_reasons(ThrottleReasons::all()).len(), 8);
    }

    #[test]
    fn a_missing_figure_is_no_missing_gpu() {
        assert!(is_loss(&NvmlError::GpuLost));
        for error in
            [NvmlError::NotSupported, NvmlError::NoPermission, NvmlError::FailedToLoadSymbol(String::new())]
        {
            assert!(!is_loss(&error), "{error}");
        }
    }

    #[test]
    fn a_sentence_says_what_to_do() {
        for (error, advice) in [
            (NvmlError::DriverNotLoaded, "modprobe"),
            (NvmlError::LibRmVersionMismatch, "restart the machine"),
            (NvmlError::GpuLost, "restart the machine"),
            (NvmlError::NoPermission, "give it access"),
            (NvmlError::LibraryNotFound, "install it"),
        ] {
            let sentence = why_unavailable(&error, None);
            assert!(sentence.contains(advice), "{sentence}");
        }
        assert!(
            why_unavailable(&NvmlError::LibraryNotFound, Some(Path::new("/x/nvml.so")))
                .contains("/x/nvml.so")
        );
    }
}
