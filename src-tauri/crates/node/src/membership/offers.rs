//! What can be launched on a machine, as it tells the others. Pure.

use cluster::placement::{Needs, Offer};
use model::{BuildId, ServerId};
use protocol::api::{BuildView, ProfileView};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Offers;
use crate::{builds::Catalog, rows::Rows};

#[derive(Debug, Serialize, Deserialize)]
struct Told {
    build: BuildView,
    profiles: Vec<ProfileView>,
    /// The profiles of which an instance stands ready.
    #[serde(default)]
    warm: Vec<Option<String>>,
    /// What one more instance takes; a machine of an older version does not say.
    #[serde(default)]
    gpu_memory_mb: u32,
    #[serde(default)]
    encoder_sessions_max: Option<u32>,
}

pub(super) fn tell(catalog: &Catalog, rows: &Rows, needs: impl Fn(&BuildId) -> Needs) -> Value {
    let told = catalog.views().into_iter().map(|build| {
        let Needs { gpu_memory_mb, encoder_sessions_max } =
            build.id.parse().map(|id| needs(&id)).unwrap_or_default();
        Told {
            profiles: catalog.profiles(Some(&build.id)).unwrap_or_default(),
            warm: rows
                .values()
                .filter(|row| row.member.is_standby() && row.member.build.id.as_str() == build.id)
                .map(|row| row.member.profile.clone())
                .collect(),
            gpu_memory_mb,
            encoder_sessions_max,
            build,
        }
    });
    json!(told.collect::<Vec<_>>())
}

/// What cannot be understood, a machine of another version or an edited row, offers nothing.
pub(super) fn read(all: &[(ServerId, Value)]) -> Offers {
    let read = |told: &Value| -> Vec<Offer> {
        let told = told.as_array().map(Vec::as_slice).unwrap_or_default();
        told.iter().filter_map(|told| serde_json::from_value(told.clone()).ok()).map(offer).collect()
    };
    all.iter().map(|(server, told)| (*server, read(told))).collect()
}

fn offer(told: Told) -> Offer {
    let usable = told.profiles.into_iter().filter(|profile| profile.problem.is_none());
    Offer {
        build: told.build.id,
        default: told.build.default,
        profiles: usable.map(|profile| profile.id).collect(),
        warm: told.warm,
        needs: Needs { gpu_memory_mb: told.gpu_memory_mb, encoder_sessions_max: told.encoder_sessions_max },
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn nonsense_offers_nothing_and_hides_nothing_else() {
        let server = ServerId(Uuid::nil());
        let build = json!({ "id": "demo", "name": "Demo", "kind": "openspace", "version": null, "demo": true, "default": true });
        let profile =
            json!({ "id": "earth", "name": "Earth", "description": null, "author": null, "problem": null });
        let broken =
            json!({ "id": "mars", "name": "Mars", "description": null, "author": null, "problem": "no" });
        let good = json!({ "build": build, "profiles": [profile, broken] });
        for (told, builds) in
            [(json!([good]), 1), (json!([{ "build": 7 }, good, "x"]), 1), (json!({}), 0), (json!(null), 0)]
        {
            let read = read(&[(server, told)]);
            assert_eq!(read[0].1.len(), builds);
            for offer in &read[0].1 {
                assert_eq!(
                    (offer.build.as_str(), offer.profiles.as_slice()),
                    ("demo", &["earth".to_owned()][..])
                );
            }
        }
    }
}
