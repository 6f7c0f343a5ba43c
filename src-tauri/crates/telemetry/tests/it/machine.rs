//! This machine, sampled.

use std::{
    process::{Child, Command},
    time::Duration,
};

use telemetry::Config;

use crate::{config, start, stub::Stub, until};

#[tokio::test]
async fn a_machine_without_a_gpu_is_sampled_all_the_same() {
    let (sampler, _roots) = start(config(Some("/nowhere/libnvidia-ml.so.1".into())), Vec::new());
    let sample = until(&sampler, "sample", |_| true).await;
    let host = &sample.host;
    assert!(host.cpu_cores > 0 && host.memory_total_bytes > 0 && host.uptime_s > 0, "{host:?}");
    assert!(host.disk_total_bytes > 0 && host.disk_free_bytes <= host.disk_total_bytes, "{host:?}");
    assert!((0.0..=100.0).contains(&host.cpu_percent));
    assert_eq!(host.processes, []);
    let year_2024 = 1_704_067_200_000;
    assert!(sample.taken.0 > year_2024);
}

#[tokio::test]
async fn the_load_of_a_process_tree_is_that_of_its_children() {
    let stub = Stub::build();
    // The shell only waits; its grandchild is the one that works.
    let root = Burner::start();
    let (sampler, roots) = start(config(Some(stub.library())), Vec::new());
    until(&sampler, "sample", |sample| sample.host.processes.is_empty()).await;

    roots.send_replace(vec![root.pid()]);
    let busy = until(&sampler, "load", |sample| {
        sample.host.processes.first().is_some_and(|load| load.cpu_percent > 5.0)
    })
    .await;
    let load = &busy.host.processes[0];
    assert_eq!(load.root_pid, root.pid());
    assert!(load.memory_bytes > 0);
    assert_eq!(load.gpu_memory_bytes, Some(0));

    stub.set(&[
        ("gpu0.graphics_processes", &format!("{}:1048576,1:77", root.pid())),
        ("gpu0.compute_processes", &format!("{}:1048576", root.pid())),
    ]);
    until(&sampler, "GPU memory", |sample| {
        sample.host.processes.first().is_some_and(|load| load.gpu_memory_bytes == Some(1 << 20))
    })
    .await;

    drop(root);
    until(&sampler, "end of the tree", |sample| sample.host.processes.is_empty()).await;
}

#[tokio::test]
async fn the_thread_ends_with_its_sampler() {
    let (sampler, _roots) = start(Config { period: Duration::from_secs(3600), ..config(None) }, Vec::new());
    let mut samples = sampler.samples();
    samples.wait_for(Option::is_some).await.unwrap();
    drop(sampler);
    assert!(samples.changed().await.is_err());
}

/// A shell with a grandchild that keeps a core busy. All end with it.
struct Burner(Child);

impl Burner {
    fn start() -> Self {
        // `timeout` is the child that a killed test cannot leave behind for ever; the loop is its child.
        let script = "timeout 120 sh -c 'while :; do :; done' & trap 'kill $!' TERM; wait";
        let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        Self(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        // TERM rather than KILL: the shell takes its child along.
        let ended = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(ended.is_ok_and(|status| status.success()));
        self.0.wait().unwrap();
    }
}
