//! What programs print and leave behind: live, listed, downloaded, and there for a while after the instance is gone.

use e2e::{Api, TestNode};
use futures_util::StreamExt;
use model::{InstanceId, InstanceState};
use protocol::admin::LogsOfInstance;
use reqwest::{Method, StatusCode};

async fn logs(admin: &Api) -> Vec<LogsOfInstance> {
    let (status, text) = admin.call(Method::GET, "/api/v1/admin/logs", None).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn file(api: &Api, id: InstanceId, name: &str) -> (StatusCode, String) {
    api.call(Method::GET, &format!("/api/v1/admin/logs/{id}/{name}"), None).await.unwrap()
}

#[tokio::test]
async fn what_an_instance_printed_is_followed_and_outlives_it() {
    let node = TestNode::start().await.unwrap();
    let (ann, admin) = (node.browser().await.unwrap(), node.admin().unwrap());
    let id = ann.launch_build("demo").await.unwrap();
    ann.until(id, InstanceState::Ready).await.unwrap();

    // Live: what was printed before one looked comes first.
    let url = format!("http://127.0.0.1:{}/api/v1/admin/instances/{id}/log", node.ports.http);
    let request = reqwest::Client::new().get(url).bearer_auth(admin.bearer().reveal());
    let mut stream = request.send().await.unwrap().bytes_stream();
    let mut heard = String::new();
    while !heard.contains("Starting rendering loop") {
        let piece = stream.next().await.expect("the stream goes on").unwrap();
        heard.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(heard.contains("event: lines"), "{heard}");

    // Listed and read while it lives; for administrators only, and by the names of the list only.
    let listed = logs(&admin).await.remove(0);
    assert_eq!((listed.instance_id, listed.ended), (id, None));
    let names: Vec<_> = listed.files.iter().map(|file| file.name.as_str()).collect();
    assert!(names.contains(&"program.log") && names.contains(&"log.html"), "{names:?}");
    assert_eq!(file(&ann, id, "program.log").await.0, StatusCode::FORBIDDEN);
    for name in ["openspace.cfg", "..%2Fopenspace.cfg", "%2Fetc%2Fpasswd", "none.log"] {
        assert_eq!(file(&admin, id, name).await.0, StatusCode::NOT_FOUND, "{name}");
    }

    // Gone, and what it left is still there.
    ann.stop(id).await.unwrap();
    ann.until_gone(id).await.unwrap();
    // It is copied beside the end, which waits for no disk.
    let gone = loop {
        match logs(&admin).await.pop().filter(|one| one.instance_id == id && one.ended.is_some()) {
            Some(gone) => break gone,
            None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    };
    assert!(gone.message.is_some(), "{gone:?}");
    let (status, text) = file(&admin, id, "program.log").await;
    assert!(status == StatusCode::OK && text.contains("Starting rendering loop"));
}
