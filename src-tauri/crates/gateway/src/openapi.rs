//! The API's description: OpenAPI 3.1.

use axum::{http::header, response::IntoResponse};
use protocol::signal::{ServerMessage, ViewerMessage};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

use crate::{api, signal, whep};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "OpenSpace WebRTC",
        description = "Launch OpenSpace and other programs on a render machine, watch and steer them in a browser. \
                       Every refusal is an RFC 9457 problem document whose `detail` is a sentence for people."
    ),
    paths(
        api::sessions::create,
        api::instances::list, api::instances::launch, api::instances::show, api::instances::stop, api::instances::invite,
        api::instances::thumbnail,
        api::saved::screenshots, api::saved::screenshot, api::saved::recordings, api::saved::recording,
        signal::open,
        api::scenes::list, api::scenes::forget,
        api::queue::show, api::queue::claim, api::queue::leave,
        api::catalog::builds, api::catalog::profiles, api::catalog::servers,
        api::events::of_caller, api::events::of_node,
        api::admin::command, api::admin::snapshot,
        api::logs::list, api::logs::file, api::logs::follow,
        api::audit::page, api::audit::lines,
        whep::ask, whep::open, whep::trickle, whep::close,
        serve,
        api::health::alive, api::health::ready, api::health::metrics,
    ),
    components(schemas(ViewerMessage, ServerMessage)),
    modifiers(&Bearer)
)]
struct Description;

/// How callers say who they are.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description =
            Some("A `session_id` from `POST /api/v1/sessions`, or an administrator's token".to_owned());
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document as JSON.
pub(crate) fn document() -> String {
    Description::openapi().to_pretty_json().expect("the document is plain data")
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1", body = String, content_type = "application/json")))]
pub(crate) async fn serve() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::routes::routes;

    fn described() -> Value {
        serde_json::from_str(&document()).unwrap()
    }

    #[test]
    fn every_route_is_described_and_every_description_is_served() {
        let served: BTreeSet<(String, String)> = routes()
            .iter()
            .map(|route| (route.path.to_owned(), route.method.as_str().to_lowercase()))
            .collect();
        let document = described();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        assert_eq!(served, described);
        assert_eq!(served.len(), routes().len(), "a route stands twice in the list");
    }

    #[test]
    fn the_document_is_openapi_3_1_and_every_reference_leads_somewhere() {
        let document = described();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let mut references = Vec::new();
        collect_references(&document, &mut references);
        assert!(references.len() > 30);
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        for schema in [
            "InstanceView",
            "Problem",
            "LaunchRequest",
            "NodeSnapshot",
            "AdminCommand",
            "ViewerMessage",
            "ServerMessage",
        ] {
            assert!(document["components"]["schemas"].get(schema).is_some(), "{schema} is not described");
        }
    }

    fn collect_references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                into.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| collect_references(value, into));
            }
            Value::Array(list) => list.iter().for_each(|value| collect_references(value, into)),
            _ => {}
        }
    }
}
