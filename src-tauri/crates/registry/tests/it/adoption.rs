//! The old back end's database, made as its Sequelize makes it; adopted in place; and the old back end's own statements, before and after.

use e2e::{Postgres, postgres::OLD_TABLES};
use registry::{Database, Place, Registry, SetUp, setup};

use crate::support::{address, beat, row, tell};

/// What `sequelize.sync()` and `seed.js` leave behind, and a visitor or two.
pub fn old_database() -> String {
    format!("{OLD_TABLES}{OLD_ROWS}")
}

const OLD_ROWS: &str = "
    INSERT INTO servers VALUES
        ('11111111-1111-4111-8111-111111111111', 'us-east-3', 'localhost', 4699, 'active', 5, 5, '64GB', 'NVIDIA Tesla T4', '1TB SSD',
            '2025-01-02 03:04:05+00', '2025-01-02 03:04:05+00'),
        ('22222222-2222-4222-8222-222222222222', NULL, '10.0.0.9', 4699, 'active', -7, NULL, '', NULL, 'a tape',
            '2025-01-02 03:04:06+00', '2025-01-02 03:04:06+00');
    INSERT INTO instances VALUES ('33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444', 2,
        '11111111-1111-4111-8111-111111111111', 'RUNNING', '2025-01-02 04:00:00+00', '2025-01-02 04:00:00+00');
    INSERT INTO users VALUES ('55555555-5555-4555-8555-555555555555', 'ann', 1920, 1080);";

/// Each is what Sequelize sends for one call of the old REST API: (what it is, the statement, what comes back).
const OLD_STATEMENTS: &[(&str, &str, &str)] = &[
    (
        "POST /servers",
        r#"INSERT INTO "servers" ("server_id","region","ip_address","port","status","available_instances","num_instances","ram","graphics_card","storage","created","modified")
           VALUES (gen_random_uuid(),'eu-north-1','10.0.0.7',4699,'active',2,2,'32GB',NULL,'1TB SSD',now(),now()) RETURNING "ip_address""#,
        "10.0.0.7",
    ),
    (
        "join: the active server with the highest ratio of free slots",
        r#"SELECT "ip_address" FROM "servers" AS "Server" WHERE "Server"."status" = 'active' AND "Server"."available_instances" > 0
           AND "Server"."ip_address" = '10.0.0.7' ORDER BY "available_instances"::float / "num_instances" DESC LIMIT 1"#,
        "10.0.0.7",
    ),
    (
        "join: one slot less",
        r#"UPDATE "servers" SET "available_instances"=1,"modified"=now() WHERE "ip_address" = '10.0.0.7' RETURNING "available_instances""#,
        "1",
    ),
    (
        "join: the instance",
        r#"INSERT INTO "instances" ("instance_id","session_id","process_id","server_id","status","created","modified")
           SELECT gen_random_uuid(),'66666666-6666-4666-8666-666666666666',0,"server_id",'INITIALIZING',now(),now()
           FROM "servers" WHERE "ip_address" = '10.0.0.7' RETURNING "status""#,
        "INITIALIZING",
    ),
    (
        "statusUpdater",
        r#"UPDATE "instances" SET "status"='RUNNING',"modified"=now() WHERE "session_id" = '66666666-6666-4666-8666-666666666666' RETURNING "status""#,
        "RUNNING",
    ),
    (
        "GET /instances/:id with its server",
        r#"SELECT "Instance"."status", "Server"."ip_address", "Server"."port" FROM "instances" AS "Instance"
           LEFT OUTER JOIN "servers" AS "Server" ON "Instance"."server_id" = "Server"."server_id"
           WHERE "Instance"."session_id" = '66666666-6666-4666-8666-666666666666'"#,
        "RUNNING|10.0.0.7|4699",
    ),
    (
        "PUT /instances/:id/terminate",
        r#"UPDATE "instances" SET "status"='TERMINATED',"modified"=now() WHERE "session_id" = '66666666-6666-4666-8666-666666666666' RETURNING "status""#,
        "TERMINATED",
    ),
    (
        "DELETE of its instance",
        r#"DELETE FROM "instances" WHERE "session_id" = '66666666-6666-4666-8666-666666666666'"#,
        "",
    ),
    ("DELETE /servers/:id", r#"DELETE FROM "servers" WHERE "ip_address" = '10.0.0.7'"#, ""),
    (
        "GET /instances/sessions/:id",
        r#"SELECT "process_id", "status" FROM "instances" WHERE "session_id" = '44444444-4444-4444-8444-444444444444' AND "status" != 'IDLE'"#,
        "2|RUNNING",
    ),
    ("GET /users/:id", r#"SELECT "user_name" FROM "users" AS "User" LIMIT 1"#, "ann"),
];

fn the_old_back_end_works(postgres: &Postgres) {
    for (what, statement, answer) in OLD_STATEMENTS {
        assert_eq!(&postgres.sql("openspace", statement).unwrap(), answer, "{what}");
    }
}

/// `findOrCreate` of the seed: on a database that it made before, it finds.
fn the_seed_finds_its_row(postgres: &Postgres) -> String {
    postgres
        .sql(
            "openspace",
            r#"SELECT "server_id" FROM "servers" WHERE "ip_address" = 'localhost' AND "port" = 4699"#,
        )
        .unwrap()
}

#[tokio::test]
async fn the_old_database_is_adopted_in_place_and_the_old_back_end_goes_on() {
    let postgres = Postgres::start().unwrap();
    postgres.sql("openspace", &old_database()).unwrap();
    the_old_back_end_works(&postgres);
    let everything = "SELECT * FROM servers ORDER BY 1; SELECT * FROM instances; SELECT * FROM users";
    let before = postgres.sql("openspace", everything).unwrap();

    let address = address(&postgres);
    let mine = row(4699, 3);
    let done = setup(&address, &mine).await.unwrap();
    let adopted = Database::Adopted { servers: 2, instances: 1 };
    assert_eq!(done, SetUp { database: adopted, row: Place::TakenOver });
    assert_eq!(
        postgres.sql("openspace", everything).unwrap(),
        before,
        "nothing is lost and nothing is changed"
    );
    assert_eq!(setup(&address, &mine).await.unwrap().database, Database::UpToDate);

    // The machine lives: its row tells so, under the id by which the old back end knows it.
    let registry = Registry::connect(&address).await.unwrap();
    let generation = registry.join(&mine).await.unwrap().generation;
    tell(&registry, &beat(&mine, generation)).await;
    assert_eq!(the_seed_finds_its_row(&postgres), "11111111-1111-4111-8111-111111111111");
    let shown = "SELECT status, available_instances, num_instances FROM servers WHERE server_id = '11111111-1111-4111-8111-111111111111'";
    assert_eq!(postgres.sql("openspace", shown).unwrap(), "active|3|3");
    the_old_back_end_works(&postgres);

    // The machine that has not moved yet, and whose row makes no sense, is listed and harms nobody.
    let old = registry.old_servers().await.unwrap();
    assert_eq!(old.iter().map(|old| old.ip_address.as_str()).collect::<Vec<_>>(), ["10.0.0.9"]);
    assert_eq!(registry.fleet().await.unwrap().len(), 1);
}
