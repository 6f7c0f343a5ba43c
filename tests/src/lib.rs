//! What the stories are told with: a real node in a folder of its own, and the words of its API.

pub mod api;
pub mod cloud;
pub mod crowd;
pub mod fleet;
pub mod node;
pub mod nvml;
pub mod postgres;
pub mod programs;
pub mod repository;

pub use api::Api;
pub use crowd::Crowd;
pub use fleet::TestFleet;
pub use node::TestNode;
pub use nvml::NvmlStub;
pub use postgres::{Console, Postgres};
pub use repository::{Mood, Repository};

/// One that nobody has now; somebody may by the time that it is listened at.
pub fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
