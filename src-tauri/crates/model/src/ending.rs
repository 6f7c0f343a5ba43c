//! Why the time of an instance comes to its end.

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndingReason {
    /// Nobody has watched it for a while.
    Unwatched,
    /// It is watched, and nobody has moved anything in it for a while.
    Unmoved,
    /// It has run as long as one may.
    Longest,
    /// Its machine is being emptied.
    Drained,
}
