//! How a machine sees all others: anew each time, and read again only where something has changed.

use e2e::Postgres;
use model::InstanceId;
use registry::{Generation, Overview, Registry, ServerRow};
use serde_json::json;

use crate::support::{age, beat, open, row, runs, session, tell};

/// A fleet of two that is known.
struct Scene {
    postgres: Postgres,
    registry: Registry,
    rows: [ServerRow; 2],
    generations: Vec<Generation>,
    overview: Overview,
}

impl Scene {
    async fn open() -> Self {
        let postgres = Postgres::start().unwrap();
        let rows = [row(4699, 3), row(4799, 2)];
        let (registry, generations) = open(&postgres, &rows).await;
        for (row, generation) in rows.iter().zip(&generations) {
            tell(&registry, &beat(row, *generation)).await;
        }
        let mut overview = Overview::default();
        overview.look(&registry).await.unwrap();
        Self { postgres, registry, rows, generations, overview }
    }

    /// Looks again if there is something new; says whether there was.
    async fn is_news(&mut self) -> bool {
        let news = self.overview.has_news(&self.registry).await.unwrap();
        if news {
            self.overview.look(&self.registry).await.unwrap();
            assert!(!self.overview.has_news(&self.registry).await.unwrap(), "it is known now");
        }
        news
    }

    fn sql(&self, sql: &str) {
        self.postgres.sql("openspace", sql).unwrap();
    }
}

#[tokio::test]
async fn what_is_told_is_news_whoever_tells_it_and_heartbeats_are_none() {
    let mut scene = Scene::open().await;
    let Scene { rows, generations, .. } = &scene;
    let (a, b, generation) = (rows[0].clone(), rows[1].clone(), generations[0]);
    assert_eq!(scene.overview.fleet().iter().map(|one| one.slots_free).collect::<Vec<_>>(), [3, 2]);
    tell(&scene.registry, &beat(&a, generation)).await;
    assert!(!scene.is_news().await, "a heartbeat is no news");

    let x = InstanceId::random();
    let told = [runs(&a, x, session(1))];
    for (nth, news) in [(1, true), (2, false)] {
        scene.registry.publish(a.server, generation, &told).await.unwrap();
        assert_eq!(scene.is_news().await, news, "told {nth} times");
    }
    assert_eq!(scene.overview.instances().iter().map(|one| one.instance).collect::<Vec<_>>(), [x]);
    for (focus, news) in [("Mars", true), ("Moon", false)] {
        let scene_now = json!({ "focus": focus });
        assert!(scene.registry.keep_scene(x, a.server, generation, &scene_now).await.unwrap());
        assert_eq!(scene.is_news().await, news, "{focus}: only that there is one is told");
    }
    assert!(scene.overview.instances()[0].has_scene);
    let offers = json!([{ "build": "demo" }]);
    assert!(scene.registry.offer(b.server, scene.generations[1], &offers).await.unwrap());
    assert!(scene.is_news().await);
    assert_eq!(
        scene.overview.offers().into_iter().find(|(server, _)| *server == b.server),
        Some((b.server, offers))
    );

    // What people do is seen as well.
    for sql in [
        "UPDATE machines SET name = 'Attic' WHERE port = 4699",
        "UPDATE machine_instances SET view = '{\"state\": \"stopped\"}'",
        "DELETE FROM machine_instances",
        "DELETE FROM machines WHERE port = 4799",
    ] {
        scene.sql(sql);
        assert!(scene.is_news().await, "{sql}");
    }
    let fleet = scene.overview.fleet();
    assert_eq!(fleet.iter().map(|one| one.description.name.as_str()).collect::<Vec<_>>(), ["Attic"]);
    assert_eq!(scene.overview.instances(), []);
    assert!(!a.is_told(&fleet[0]), "its machine sees that it was edited");
    for edit in [
        "name = ''",
        "port = -9",
        "ram = 'lots'",
        "storage = ''",
        "region = 'moon'",
        "graphics_card = 'x'",
        "relay = 'x:1'",
    ] {
        scene.sql(&format!("UPDATE machines SET {edit}"));
        assert!(scene.is_news().await && !a.is_told(&scene.overview.fleet()[0]), "{edit}");
        assert!(!scene.registry.describe(&a, registry::Generation(0)).await.unwrap(), "an older generation");
        assert!(scene.registry.describe(&a, generation).await.unwrap());
        assert!(scene.is_news().await && a.is_told(&scene.overview.fleet()[0]), "{edit}");
    }
}

#[tokio::test]
async fn what_goes_over_to_another_machine_is_news_of_both() {
    let mut scene = Scene::open().await;
    let x = InstanceId::random();
    let (from, to) = (scene.rows[0].clone(), scene.rows[1].clone());
    scene.registry.publish(from.server, scene.generations[0], &[runs(&from, x, session(1))]).await.unwrap();
    assert!(scene.is_news().await);
    age(&scene.postgres, &from, 7);
    assert!(scene.registry.take_over(x, to.server, scene.generations[1]).await.unwrap());
    assert!(scene.is_news().await);
    assert_eq!(scene.overview.instances().iter().map(|one| one.server).collect::<Vec<_>>(), [to.server]);
    assert!(scene.registry.give_back(x, to.server, from.server).await.unwrap());
    assert!(scene.is_news().await);
    assert_eq!(scene.overview.instances().iter().map(|one| one.server).collect::<Vec<_>>(), [from.server]);
}
