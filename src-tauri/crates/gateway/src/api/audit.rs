//! Who did what, for administrators: a page at a time, or all of it as lines of JSON.

use std::sync::Arc;

use axum::{
    Json as Answer,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use futures_util::stream;
use model::{AuditKind, AuditQuestion, InstanceId};
use protocol::{
    admin::{AdminCommand, AuditPage},
    api::LaunchRequest,
};

use crate::{Asked, api::refusals::AdministratorRefused, app::App, auth::Administrator, problem::Refusal};

type Question = Result<Query<AuditQuestion>, QueryRejection>;

/// A page of the audit log, newest first.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "admin", security(("bearer" = [])), params(
    ("before" = Option<u64>, Query, description = "Only what is older than the entry with this `id`"),
    ("kind" = Option<String>, Query, description = "`wish`, `control`, `instance`, `admin` or `script`"),
    ("instance" = Option<uuid::Uuid>, Query, description = "`instance_id`"),
    ("search" = Option<String>, Query, description = "Words that an entry must hold"),
    ("limit" = Option<u32>, Query, description = "At most 500"),
), responses(
    (status = 200, body = AuditPage),
    AdministratorRefused,
))]
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    _: Administrator,
    question: Question,
) -> Result<Answer<AuditPage>, Refusal> {
    Ok(Answer(app.reception.audit(asked(question)?).await?))
}

/// Everything that the same question finds, one entry a line.
#[utoipa::path(get, path = "/api/v1/admin/audit.jsonl", tag = "admin", security(("bearer" = [])), params(
    ("before" = Option<u64>, Query, description = "Only what is older than the entry with this `id`"),
    ("kind" = Option<String>, Query, description = "`wish`, `control`, `instance`, `admin` or `script`"),
    ("instance" = Option<uuid::Uuid>, Query, description = "`instance_id`"),
    ("search" = Option<String>, Query, description = "Words that an entry must hold"),
), responses(
    (status = 200, description = "An `AuditEntry` a line, newest first", body = String, content_type = "application/jsonl"),
    AdministratorRefused,
))]
pub(crate) async fn lines(
    State(app): State<Arc<App>>,
    _: Administrator,
    question: Question,
) -> Result<impl IntoResponse, Refusal> {
    let question = AuditQuestion { limit: None, ..asked(question)? };
    let pages = stream::try_unfold(Some(question), move |question| {
        let app = app.clone();
        async move {
            let Some(question) = question else { return Ok::<_, std::io::Error>(None) };
            let page = app.reception.audit(question.clone()).await;
            let page = page.map_err(|problem| std::io::Error::other(problem.detail))?;
            let next = page.entries.last().filter(|_| page.more);
            let next = next.map(|last| AuditQuestion { before: Some(last.id), ..question });
            Ok(Some((as_lines(&page), next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
    ];
    Ok((headers, Body::from_stream(pages)))
}

fn as_lines(page: &AuditPage) -> String {
    let line = |entry| serde_json::to_string(entry).expect("texts and numbers are JSON") + "\n";
    page.entries.iter().map(line).collect()
}

fn asked(question: Question) -> Result<AuditQuestion, Refusal> {
    question.map(|Query(question)| question).map_err(|error| {
        Refusal::bad_request(format!("The question after `?` was not understood: {}.", error.body_text()))
    })
}

/// Fields of commands that are told. Whatever else a command holds may be a secret: an environment, an argument.
const TOLD: &[&str] = &["id", "build", "profile", "dir", "name", "count", "size", "role", "server_id"];

impl Asked {
    pub(crate) fn launch(request: &LaunchRequest) -> Self {
        let words = [request.build.as_deref(), request.profile.as_deref()];
        let detail = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Self { kind: AuditKind::Instance, what: "launch".to_owned(), instance: None, detail }
    }

    /// Somebody who waited comes for the slot that is held.
    pub(crate) fn turn(instance: Option<InstanceId>) -> Self {
        let detail = "from the queue".to_owned();
        Self { kind: AuditKind::Instance, what: "launch".to_owned(), instance, detail }
    }

    /// Of one instance.
    pub(crate) fn of(instance: InstanceId, what: &str, detail: &str) -> Self {
        let (what, detail) = (what.to_owned(), detail.to_owned());
        Self { kind: AuditKind::Instance, what, instance: Some(instance), detail }
    }

    pub(crate) fn command(command: &AdminCommand) -> Self {
        let told = serde_json::to_value(command).unwrap_or_default();
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let told_of = |key: &&str| {
            told.get(*key).filter(|value| !value.is_null()).map(|value| format!("{key} {}", text(value)))
        };
        Self {
            kind: AuditKind::Admin,
            what: told["command"].as_str().unwrap_or_default().to_owned(),
            instance: told["instance_id"].as_str().and_then(|id| id.parse().ok()),
            detail: TOLD.iter().filter_map(told_of).collect::<Vec<_>>().join(", "),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_noted() {
        let command = AdminCommand::AddBuild {
            dir: "/opt/OpenSpace".to_owned(),
            env: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
            args: vec!["--password=hunter2".to_owned()],
        };
        let asked = Asked::command(&command);
        assert_eq!((asked.what.as_str(), asked.detail.as_str()), ("add_build", "dir /opt/OpenSpace"));
    }
}
