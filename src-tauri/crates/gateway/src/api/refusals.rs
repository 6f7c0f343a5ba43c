//! How every route may refuse, for its description: written once, by who may ask.

use std::collections::BTreeMap;

use protocol::api::Problem;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

const DEFAULT: (&str, &str) = ("default", "Refused, with a sentence");

/// A route that is open to everybody.
pub(crate) struct AnyoneRefused;
/// One that needs a session.
pub(crate) struct CallerRefused;
/// One of an instance that is not for everybody who watches it.
pub(crate) struct PresenterRefused;
/// One that needs an administrator's token.
pub(crate) struct AdministratorRefused;

impl IntoResponses for AnyoneRefused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[DEFAULT])
    }
}

impl IntoResponses for CallerRefused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("401", "The session is not known"), DEFAULT])
    }
}

impl IntoResponses for PresenterRefused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("401", "The session is not known"),
            ("403", "The role does not allow it"),
            ("404", "Not there, or not the caller's"),
            DEFAULT,
        ])
    }
}

impl IntoResponses for AdministratorRefused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("401", "The token is not known"), ("403", "Not an administrator"), DEFAULT])
    }
}

fn problems(rows: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let schema = Ref::from_schema_name(Problem::name());
    let response = |description: &str| {
        let content = ContentBuilder::new().schema(Some(schema.clone())).build();
        ResponseBuilder::new().description(description).content("application/problem+json", content).build()
    };
    rows.iter().map(|(status, says)| ((*status).to_owned(), response(says).into())).collect()
}
