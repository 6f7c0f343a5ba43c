//! The node's own figures in Prometheus' text format. They are read from the snapshots of the rooms when somebody asks.

use std::sync::atomic::AtomicU64;

use model::{
    InstanceState,
    health::{GpuState, HealthSample},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use protocol::admin::{RegistryState, RegistryView};
use streaming::PortStats;
use tokio::runtime::Handle;

use crate::rows::Rows;

type Real = Gauge<f64, AtomicU64>;
type Labels = Vec<(&'static str, String)>;

const STATES: [(InstanceState, &str); 8] = [
    (InstanceState::Queued, "queued"),
    (InstanceState::Starting, "starting"),
    (InstanceState::Ready, "ready"),
    (InstanceState::Restarting, "restarting"),
    (InstanceState::Stopping, "stopping"),
    (InstanceState::Stopped, "stopped"),
    (InstanceState::Failed, "failed"),
    (InstanceState::Lost, "lost"),
];

pub fn text(
    rows: &Rows,
    slots: u32,
    port: PortStats,
    health: Option<&HealthSample>,
    meeting: &RegistryView,
) -> String {
    let mut registry = Registry::with_prefix("openspace_webrtc");
    put(&mut registry, "slots", "Instances that may run at once", f64::from(slots));
    held(&mut registry, port);
    instances(&mut registry, rows);
    streams(&mut registry, rows);
    machines(&mut registry, meeting);
    if let Some(health) = health {
        host(&mut registry, health);
        gpus(&mut registry, &health.gpus);
    }
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = encode(&mut text, &registry);
    text
}

fn put(registry: &mut Registry, name: &str, help: &str, value: f64) {
    let gauge = Real::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn family(registry: &mut Registry, name: &str, help: &str, values: impl IntoIterator<Item = (Labels, f64)>) {
    let family = Family::<Labels, Real>::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    registry.register(name, help, family);
}

/// What grows without an end where something is not given back.
fn held(registry: &mut Registry, port: PortStats) {
    for (name, help, value) in [
        ("media_peers", "Connections at the media port", port.peers as f64),
        ("media_addresses", "Addresses that lead to one of them", port.addresses as f64),
        ("media_strangers", "Datagrams and connections of nobody known, dropped", port.strangers as f64),
        ("media_overflowed", "Datagrams that a viewer's connection was too busy for", port.overflowed as f64),
    ] {
        put(registry, name, help, value);
    }
    if let Ok(runtime) = Handle::try_current() {
        let tasks = runtime.metrics().num_alive_tasks();
        put(registry, "tasks", "Tasks of the node that have not ended", tasks as f64);
    }
}

fn instances(registry: &mut Registry, rows: &Rows) {
    let count = |state| rows.values().filter(|row| row.report.status.state == state).count() as f64;
    let by_state = STATES.map(|(state, name)| (vec![("state", name.to_owned())], count(state)));
    family(registry, "instances", "Instances by state", by_state);
    let troubled = rows.values().filter(|row| row.report.trouble.is_some()).count() as f64;
    put(registry, "instances_in_trouble", "Instances whose API does not answer as it should", troubled);
    let viewers = rows.values().map(|row| row.stage.viewers.len() as f64).sum();
    put(registry, "viewers", "Viewers of all instances", viewers);
}

fn streams(registry: &mut Registry, rows: &Rows) {
    let running: Vec<_> = rows
        .values()
        .filter_map(|row| {
            let picture = row.stage.picture.as_ref()?;
            let labels = vec![
                ("instance", row.member.id.to_string()),
                ("encoder", picture.pipeline.choice().name.clone()),
            ];
            let stats = *picture.pipeline.stats().borrow();
            Some((labels, stats))
        })
        .collect();
    let mut each = |name, help, value: fn(&media::Stats) -> f64| {
        family(registry, name, help, running.iter().map(|(labels, stats)| (labels.clone(), value(stats))));
    };
    each("stream_fps", "Encoded frames per second", |stats| f64::from(stats.fps));
    each("stream_kbps", "Encoded kbit/s", |stats| f64::from(stats.bitrate_kbps));
    each("stream_target_kbps", "Wanted kbit/s", |stats| f64::from(stats.target_kbps));
    each("stream_encode_ms", "Grab to encoded, median of the last second", |stats| {
        f64::from(stats.encode_ms)
    });
    each("stream_frames", "Frames encoded since the stream began", |stats| stats.frames as f64);
    each("stream_dropped_frames", "Pictures that the busy encoder missed", |stats| {
        stats.dropped_frames as f64
    });
    each("stream_keyframes", "Keyframes since the stream began", |stats| stats.keyframes as f64);
}

/// Nothing of a machine that stands alone.
fn machines(registry: &mut Registry, meeting: &RegistryView) {
    if meeting.state == RegistryState::Off {
        return;
    }
    let up = f64::from(u8::from(meeting.state == RegistryState::Up));
    put(registry, "registry_up", "Is the registry, where the machines meet, reached and in order", up);
    if let Some(since) = meeting.since {
        let since = since.0 as f64 / 1000.0;
        put(registry, "registry_state_since_seconds", "When that began, in seconds since 1970", since);
    }
    put(registry, "machines", "Machines in the registry", f64::from(meeting.machines));
    put(registry, "machines_alive", "Machines that answer", f64::from(meeting.machines_alive));
}

fn host(registry: &mut Registry, health: &HealthSample) {
    let host = &health.host;
    for (name, help, value) in [
        ("host_cpu_percent", "All cores together", f64::from(host.cpu_percent)),
        ("host_memory_used_bytes", "RAM in use", host.memory_used_bytes as f64),
        ("host_memory_total_bytes", "RAM", host.memory_total_bytes as f64),
        ("host_disk_free_bytes", "Free on the data folder's disk", host.disk_free_bytes as f64),
        ("host_disk_total_bytes", "Size of the data folder's disk", host.disk_total_bytes as f64),
        ("host_network_received_bytes_per_s", "All interfaces", host.network_received_bytes_per_s as f64),
        ("host_network_sent_bytes_per_s", "All interfaces", host.network_sent_bytes_per_s as f64),
    ] {
        put(registry, name, help, value);
    }
}

fn gpus(registry: &mut Registry, state: &GpuState) {
    let GpuState::Available { gpus, .. } = state else {
        return put(registry, "gpus", "GPUs that the driver reports", 0.0);
    };
    put(registry, "gpus", "GPUs that the driver reports", gpus.len() as f64);
    let mut each = |name, help, value: fn(&model::health::Gpu) -> Option<f64>| {
        let values = gpus.iter().filter_map(|gpu| {
            let labels = vec![("gpu", gpu.index.to_string()), ("name", gpu.name.clone().unwrap_or_default())];
            Some((labels, value(gpu)?))
        });
        family(registry, name, help, values);
    };
    each("gpu_utilization_percent", "Graphics and compute", |gpu| gpu.utilization_percent.map(f64::from));
    each("gpu_encoder_percent", "Video encoder", |gpu| gpu.encoder_percent.map(f64::from));
    each("gpu_encoder_sessions", "Encoder sessions", |gpu| gpu.encoder_sessions.map(f64::from));
    each("gpu_memory_used_bytes", "Video memory in use", |gpu| {
        gpu.memory_used_bytes.map(|bytes| bytes as f64)
    });
    each("gpu_memory_total_bytes", "Video memory", |gpu| gpu.memory_total_bytes.map(|bytes| bytes as f64));
    each("gpu_temperature_celsius", "Core temperature", |gpu| gpu.temperature_celsius.map(f64::from));
    each("gpu_power_watts", "Power draw", |gpu| gpu.power_watts.map(f64::from));
}
