//! Streams of server-sent events: counted, kept alive, ended when the doors close.
//!
//! A reader that is slow slows down its own stream only: the next event is asked for once the last one was taken.

use std::{convert::Infallible, sync::Arc};

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use crate::{
    app::{App, Lasting},
    limits::Client,
    problem::Refusal,
};

pub(crate) fn event<T: Serialize>(name: &'static str, data: &T) -> sse::Event {
    let event = sse::Event::default().event(name);
    let text = serde_json::to_string(data).expect("wire types have string keys only and are always JSON");
    event.data(text)
}

pub(crate) fn stream(
    app: &Arc<App>,
    client: Client,
    events: impl Stream<Item = sse::Event> + Send + 'static,
) -> Result<Response, Refusal> {
    let slot = app.enter(Lasting::EventStream, client)?;
    let events = events.take_until(app.closing.clone().cancelled_owned()).map(move |event| {
        let _held_while_the_stream_lives = &slot;
        Ok::<_, Infallible>(event)
    });
    let alive = sse::KeepAlive::new().interval(app.tuning.heartbeat);
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    // Proxies such as nginx would otherwise collect events before they pass them on.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
