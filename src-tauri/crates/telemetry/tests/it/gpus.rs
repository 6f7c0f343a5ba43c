//! What a driver may do to us: have a GPU, lack a figure, lose the card, be absent.

use std::path::PathBuf;

use model::health::{Gpu, GpuState, HealthSample};

use crate::{config, start, stub::Stub, until};

#[test]
fn every_figure_of_a_gpu_is_read() {
    let stub = Stub::build();
    let GpuState::Available { driver_version, gpus } = telemetry::gpus(&config(Some(stub.library()))) else {
        panic!("no GPU")
    };
    assert_eq!(driver_version.as_deref(), Some("580.95.05"));
    assert_eq!(
        gpus,
        [Gpu {
            index: 0,
            name: Some("Tesla T4".to_owned()),
            uuid: Some("GPU-11111111-2222-3333-4444-555555555555".to_owned()),
            memory_used_bytes: Some(1 << 30),
            memory_total_bytes: Some(15 << 30),
            utilization_percent: Some(37),
            encoder_percent: Some(12),
            encoder_sessions: Some(2),
            encoder_fps: Some(60),
            temperature_celsius: Some(45),
            power_watts: Some(31.5),
            power_limit_watts: Some(70.0),
            graphics_clock_mhz: Some(1350),
            video_clock_mhz: Some(1230),
            throttle_reasons: Vec::new(),
        }]
    );
}

#[test]
fn a_machine_without_a_driver_says_so_in_a_sentence() {
    let reason = unavailable(telemetry::gpus(&config(Some("/nowhere/libnvidia-ml.so.1".into()))));
    assert!(reason.contains("/nowhere/libnvidia-ml.so.1 cannot be loaded"), "{reason}");
}

#[test]
fn a_driver_that_does_not_answer_says_why() {
    let stub = Stub::build();
    for (values, says) in [
        (("init", "!DRIVER_NOT_LOADED"), "not loaded: restart the machine"),
        (("init", "!LIB_RM_VERSION_MISMATCH"), "was updated while it ran"),
        (("init", "!UNKNOWN"), "does not answer: an internal driver error"),
        (("count", "0"), "finds no GPU"),
        (("count", "!NO_PERMISSION"), "/dev/nvidia"),
        (("gpu0", "!GPU_IS_LOST"), "fallen off the bus"),
        (("gpu0.utilization", "!GPU_IS_LOST"), "fallen off the bus"),
    ] {
        stub.set(&[("init", "0"), ("count", "1"), ("gpu0", "0")]);
        stub.set(&[values]);
        let reason = unavailable(telemetry::gpus(&config(Some(stub.library()))));
        assert!(reason.contains(says), "{values:?}: {reason}");
    }
}

#[test]
fn a_library_that_is_none_of_nvidia_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file: PathBuf = dir.path().join("libnvidia-ml.so.1");
    std::fs::write(&file, "no library").unwrap();
    let reason = unavailable(telemetry::gpus(&config(Some(file))));
    assert!(reason.contains("cannot be loaded"), "{reason}");
}

#[test]
fn a_figure_that_is_not_supported_is_missing_alone() {
    let stub = Stub::build();
    let refused = [
        "temperature",
        "power_mw",
        "memory_used",
        "encoder_fps",
        "throttle_reasons",
        "name",
        "graphics_clock",
    ];
    for key in refused {
        stub.set(&[(&format!("gpu0.{key}"), "!NOT_SUPPORTED")]);
    }
    let gpu = only_gpu(telemetry::gpus(&config(Some(stub.library()))));
    assert_eq!((gpu.temperature_celsius, gpu.power_watts, gpu.memory_total_bytes), (None, None, None));
    assert_eq!((gpu.name, gpu.graphics_clock_mhz, gpu.encoder_fps), (None, None, None));
    assert_eq!((gpu.utilization_percent, gpu.video_clock_mhz), (Some(37), Some(1230)));
}

#[test]
fn encoder_sessions_are_counted_where_their_statistics_are_missing() {
    let stub = Stub::build();
    stub.set(&[("gpu0.encoder_sessions", "!NOT_SUPPORTED"), ("gpu0.encoder_session_list", "3")]);
    let gpu = only_gpu(telemetry::gpus(&config(Some(stub.library()))));
    assert_eq!((gpu.encoder_sessions, gpu.encoder_fps), (Some(3), None));
}

#[test]
fn a_driver_that_lacks_a_call_lacks_its_figure() {
    let stub = Stub::without(&["nvmlDeviceGetTemperature", "nvmlDeviceGetEncoderStats"]);
    let gpu = only_gpu(telemetry::gpus(&config(Some(stub.library()))));
    assert_eq!((gpu.temperature_celsius, gpu.encoder_sessions), (None, None));
    assert_eq!(gpu.utilization_percent, Some(37));
}

#[test]
fn throttling_is_told_in_words() {
    let stub = Stub::build();
    // The software's power cap and its thermal slowdown, and a bit that nobody knows yet.
    stub.set(&[("gpu0.throttle_reasons", "0x80000024")]);
    let gpu = only_gpu(telemetry::gpus(&config(Some(stub.library()))));
    assert_eq!(gpu.throttle_reasons, ["too hot: the driver has lowered its clocks", "at its power limit"]);
}

#[test]
fn one_lost_card_does_not_hide_the_other() {
    let stub = Stub::build();
    stub.set(&[("count", "2"), ("gpu0", "!GPU_IS_LOST"), ("gpu1.name", "NVIDIA L4")]);
    let gpu = only_gpu(telemetry::gpus(&config(Some(stub.library()))));
    assert_eq!((gpu.index, gpu.name.as_deref()), (1, Some("NVIDIA L4")));
}

#[tokio::test]
async fn a_gpu_that_heats_up_is_seen_while_it_does() {
    let stub = Stub::build();
    let (sampler, _roots) = start(config(Some(stub.library())), Vec::new());
    until(&sampler, "temperature", |sample| temperature(sample) == Some(45)).await;
    stub.set(&[("gpu0.temperature", "91"), ("gpu0.throttle_reasons", "0x40")]);
    let hot = until(&sampler, "heat", |sample| temperature(sample) == Some(91)).await;
    assert_eq!(only_gpu(hot.gpus).throttle_reasons, ["too hot: the hardware has halved its clocks or worse"]);
}

#[tokio::test]
async fn a_driver_that_is_lost_is_unavailable_and_comes_back() {
    let stub = Stub::build();
    let (sampler, _roots) = start(config(Some(stub.library())), Vec::new());
    until(&sampler, "GPU", |sample| temperature(sample) == Some(45)).await;
    stub.set(&[("count", "!UNINITIALIZED"), ("init", "!DRIVER_NOT_LOADED")]);
    let lost = until(&sampler, "loss", |sample| matches!(sample.gpus, GpuState::Unavailable { .. })).await;
    assert!(lost.host.memory_total_bytes > 0, "the rest is sampled on");
    stub.set(&[("count", "1"), ("init", "0"), ("gpu0.temperature", "30")]);
    until(&sampler, "return", |sample| temperature(sample) == Some(30)).await;
}

fn temperature(sample: &HealthSample) -> Option<u32> {
    match &sample.gpus {
        GpuState::Available { gpus, .. } => gpus.first()?.temperature_celsius,
        GpuState::Unavailable { .. } => None,
    }
}

fn only_gpu(state: GpuState) -> Gpu {
    match state {
        GpuState::Available { mut gpus, .. } if gpus.len() == 1 => gpus.remove(0),
        other => panic!("not one GPU: {other:?}"),
    }
}

fn unavailable(state: GpuState) -> String {
    match state {
        GpuState::Unavailable { reason } => reason,
        GpuState::Available { .. } => panic!("a GPU: {state:?}"),
    }
}
