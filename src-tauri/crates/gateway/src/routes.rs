//! The whole list of the HTTP API: the router serves it, and the OpenAPI document is tested against it.

use std::sync::Arc;

use axum::{
    handler::Handler,
    http::Method,
    routing::{MethodFilter, MethodRouter, on},
};

use crate::{
    api::{admin, audit, catalog, events, health, instances, logs, queue, saved, scenes, sessions},
    app::App,
    openapi, signal, whep,
};

/// One method of one path.
pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub handler: MethodRouter<Arc<App>>,
}

pub(crate) fn routes() -> Vec<Route> {
    vec![
        post("/api/v1/sessions", sessions::create),
        get("/api/v1/instances", instances::list),
        post("/api/v1/instances", instances::launch),
        get("/api/v1/instances/{id}", instances::show),
        delete("/api/v1/instances/{id}", instances::stop),
        post("/api/v1/instances/{id}/invites", instances::invite),
        get("/api/v1/instances/{id}/thumbnail.jpg", instances::thumbnail),
        get("/api/v1/instances/{id}/screenshots", saved::screenshots),
        get("/api/v1/instances/{id}/screenshots/{name}", saved::screenshot),
        get("/api/v1/instances/{id}/recordings", saved::recordings),
        get("/api/v1/instances/{id}/recordings/{name}", saved::recording),
        get("/api/v1/instances/{id}/signal", signal::open),
        get("/api/v1/scenes", scenes::list),
        delete("/api/v1/scenes/{id}", scenes::forget),
        get("/api/v1/queue/{ticket_id}", queue::show),
        post("/api/v1/queue/{ticket_id}", queue::claim),
        delete("/api/v1/queue/{ticket_id}", queue::leave),
        get("/api/v1/builds", catalog::builds),
        get("/api/v1/profiles", catalog::profiles),
        get("/api/v1/servers", catalog::servers),
        get("/api/v1/events", events::of_caller),
        post("/api/v1/admin/commands", admin::command),
        get("/api/v1/admin/snapshot", admin::snapshot),
        get("/api/v1/admin/events", events::of_node),
        get("/api/v1/admin/logs", logs::list),
        get("/api/v1/admin/logs/{id}/{name}", logs::file),
        get("/api/v1/admin/instances/{id}/log", logs::follow),
        get("/api/v1/admin/audit", audit::page),
        get("/api/v1/admin/audit.jsonl", audit::lines),
        options("/whep/{id}", whep::ask),
        post("/whep/{id}", whep::open),
        patch("/whep/{id}/{viewer_id}", whep::trickle),
        delete("/whep/{id}/{viewer_id}", whep::close),
        get("/api/v1/openapi.json", openapi::serve),
        get("/healthz", health::alive),
        get("/readyz", health::ready),
        get("/metrics", health::metrics),
    ]
}

fn get<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: Method::GET, path, handler: on(MethodFilter::GET, handler) }
}
fn post<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: Method::POST, path, handler: on(MethodFilter::POST, handler) }
}
fn patch<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: Method::PATCH, path, handler: on(MethodFilter::PATCH, handler) }
}
fn options<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: Method::OPTIONS, path, handler: on(MethodFilter::OPTIONS, handler) }
}
fn delete<H: Handler<T, Arc<App>>, T: 'static>(path: &'static str, handler: H) -> Route {
    Route { method: Method::DELETE, path, handler: on(MethodFilter::DELETE, handler) }
}
