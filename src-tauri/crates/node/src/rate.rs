//! How many bits the one encoder of an instance may spend. Pure.
//!
//! Whoever steers feels every delay, so the path to that viewer decides; the slowest watcher does not. With nobody steering, the
//! best path decides: the others lose frames up to a keyframe that they can carry.

use std::collections::BTreeMap;

use model::{Bitrate, ViewerId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub start: Bitrate,
    pub min: Bitrate,
    pub max: Bitrate,
}

pub fn target(estimates: &BTreeMap<ViewerId, Bitrate>, holder: Option<ViewerId>, limits: Limits) -> Bitrate {
    let deciding = holder.and_then(|holder| estimates.get(&holder)).or_else(|| estimates.values().max());
    deciding.copied().unwrap_or(limits.start).clamp(limits.min, limits.max)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_one_in_control_decides_within_the_limits() {
        let limits =
            Limits { start: Bitrate::kbps(6000), min: Bitrate::kbps(400), max: Bitrate::kbps(12_000) };
        let [a, b] = [1, 2].map(|n| ViewerId(Uuid::from_u128(n)));
        let estimates = BTreeMap::from([(a, Bitrate::kbps(2000)), (b, Bitrate::kbps(90_000))]);
        for (estimates, holder, kbps) in [
            (&BTreeMap::new(), None, 6000),
            (&estimates, Some(a), 2000),
            (&estimates, Some(b), 12_000),
            (&estimates, None, 12_000),
            (&BTreeMap::from([(a, Bitrate::kbps(1))]), Some(b), 400),
        ] {
            assert_eq!(target(estimates, holder, limits), Bitrate::kbps(kbps));
        }
    }
}
