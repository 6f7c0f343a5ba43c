//! Machines that are quickly described, and a registry that is quickly set up.

use std::time::Duration;

use e2e::Postgres;
use model::{InstanceId, SecretHash, ServerId};
use registry::{Address, Beat, Generation, Heartbeat, Load, Registry, ServerRow, SharedInstance, setup};
use serde_json::json;

pub const A_WHILE: Duration = Duration::from_secs(60);

pub fn address(postgres: &Postgres) -> Address {
    postgres.url("openspace").parse().unwrap()
}

/// One that stands at its own port, with as many slots.
pub fn row(port: u16, slots: u32) -> ServerRow {
    ServerRow {
        server: ServerId::random(),
        name: format!("dome {port}"),
        version: "0.1.0".to_owned(),
        url: None,
        relay: None,
        region: Some("us-east-3".to_owned()),
        ip_address: "localhost".to_owned(),
        port,
        slots,
        ram: "64GB".to_owned(),
        graphics_card: Some("NVIDIA Tesla T4".to_owned()),
        storage: "1TB SSD".to_owned(),
    }
}

/// A registry with these machines in it, all alive.
pub async fn open(postgres: &Postgres, rows: &[ServerRow]) -> (Registry, Vec<Generation>) {
    let address = address(postgres);
    setup(&address, &rows[0]).await.unwrap();
    let registry = Registry::connect(&address).await.unwrap();
    let mut generations = Vec::new();
    for row in rows {
        generations.push(registry.join(row).await.unwrap().generation);
    }
    (registry, generations)
}

pub fn beat(row: &ServerRow, generation: Generation) -> Heartbeat {
    Heartbeat {
        server: row.server,
        generation,
        slots_total: row.slots,
        slots_free: row.slots,
        draining: false,
        load: Load::default(),
    }
}

/// As a machine does that has something new to say.
pub async fn tell(registry: &Registry, beat: &Heartbeat) {
    assert!(matches!(registry.heartbeat(beat).await.unwrap(), Beat::Kept { .. }));
    registry.show(Some(beat.server)).await.unwrap();
}

pub fn session(n: u8) -> SecretHash {
    SecretHash([n; 32])
}

pub fn runs(row: &ServerRow, instance: InstanceId, by: SecretHash) -> SharedInstance {
    SharedInstance {
        instance,
        server: row.server,
        session: by,
        live: true,
        view: json!({ "state": "ready" }),
        has_scene: false,
    }
}

/// As if nobody had heard of this machine for so long.
pub fn age(postgres: &Postgres, row: &ServerRow, seconds: u32) {
    let sql = format!(
        "UPDATE heartbeats SET seen = seen - interval '{seconds} s' WHERE machine_id = '{}'",
        row.server
    );
    postgres.sql("openspace", &sql).unwrap();
}
