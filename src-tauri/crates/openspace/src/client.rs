//! The one connection to an instance's API. A real OpenSpace never cleans up a client that leaves, so it is kept.

use std::time::Duration;

use model::launch::Api;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("OpenSpace's socket does not accept: {0}")]
    Connect(String),
    #[error("OpenSpace did not answer `{0}` within {1:?}")]
    Deadline(&'static str, Duration),
    #[error("the connection to OpenSpace is closed")]
    Closed,
    #[error("OpenSpace answered something that is not understood: {0}")]
    Garbage(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `0.22.0`; a development build says 255.255.255 or nothing.
    pub openspace: String,
}

/// A handle; clones share the one connection, which closes with the last of them.
#[derive(Clone, Debug)]
pub struct Client;

impl Client {
    /// Connects and waits until OpenSpace has answered once, which it does when its scene is loaded.
    pub async fn connect(_api: Api, _within: Duration) -> Result<Self, ClientError> {
        todo!()
    }
    pub async fn version(&self) -> Result<Version, ClientError> {
        todo!()
    }
    /// Starts the orderly shutdown. A toggle inside OpenSpace: called once only, later calls do nothing.
    pub async fn shut_down(&self) -> Result<(), ClientError> {
        todo!()
    }
    /// Moves the camera towards (positive) or away from what it looks at, as the mouse wheel should. OpenSpace gives the wheel to its GUI only.
    pub fn zoom(&self, _notches: f32) {
        todo!()
    }
    /// Resolves when the connection is lost.
    pub async fn closed(&self) {
        todo!()
    }
}
