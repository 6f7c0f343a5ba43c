//! Setting up: a new database, twice, by two at once; and each thing that can be wrong gets its own sentence.

use e2e::Postgres;
use registry::{Address, Database, Place, Registry, SetUp, Trouble, setup};

use crate::support::{address, row};

#[tokio::test]
async fn a_new_database_is_set_up_once_however_many_ask_and_whenever() {
    let postgres = Postgres::start().unwrap();
    let address = address(&postgres);
    assert_eq!(Registry::connect(&address).await.map(drop), Err(Trouble::NotSetUp));

    let rows = [row(4699, 3), row(4799, 2)];
    let (one, other) = tokio::join!(setup(&address, &rows[0]), setup(&address, &rows[1]));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!([one.database, other.database].contains(&Database::Created));
    assert!([one.database, other.database].contains(&Database::UpToDate));
    assert_eq!((one.row, other.row), (Place::Inserted, Place::Inserted));

    let again = setup(&address, &rows[0]).await.unwrap();
    assert_eq!(again, SetUp { database: Database::UpToDate, row: Place::Kept });
    let rows =
        postgres.sql("openspace", "SELECT ip_address, port, region, ram FROM servers ORDER BY port").unwrap();
    assert_eq!(rows, "localhost|4699|us-east-3|64GB\nlocalhost|4799|us-east-3|64GB");
}

#[tokio::test]
async fn each_trouble_has_a_sentence_of_its_own_and_none_tells_the_password() {
    let postgres = Postgres::start().unwrap();
    let good = postgres.url("openspace");
    let guest = format!("CREATE ROLE guest LOGIN PASSWORD '{}'", postgres.password());
    for statement in [
        &guest,
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "CREATE DATABASE newer",
        "CREATE DATABASE foreign_one",
        "CREATE DATABASE foreign_two",
    ] {
        postgres.sql("openspace", statement).unwrap();
    }
    postgres
        .sql(
            "newer",
            "CREATE TABLE openspace_webrtc_migrations (version int); INSERT INTO openspace_webrtc_migrations VALUES (999)",
        )
        .unwrap();
    postgres.sql("foreign_one", "CREATE TABLE servers (id serial PRIMARY KEY, name text)").unwrap();
    postgres.sql("foreign_two", "CREATE TABLE queue (id serial PRIMARY KEY)").unwrap();

    for (url, says) in [
        (good.replace("word", "wort"), "does not know the password of `postgres`"),
        (postgres.url("nowhere"), "no database `nowhere`"),
        (postgres.url_of("guest", "openspace"), "`guest` may not do this"),
        (postgres.url("newer"), "newer OpenSpace WebRTC (schema 999, this one knows"),
        (postgres.url("foreign_one"), "`servers` has no column `server_id`"),
        (postgres.url("foreign_two"), "`queue` is not one of ours"),
        (format!("{good}?sslmode=require"), "speaks no TLS"),
        (good.replace(&postgres.port.to_string(), "1"), "cannot be reached"),
        (good.replace("127.0.0.1", "nowhere.invalid"), "no host `nowhere.invalid`"),
    ] {
        let address: Address = url.parse().unwrap();
        let said = setup(&address, &row(4699, 3)).await.unwrap_err().to_string();
        assert!(said.contains(says), "{says}: {said}");
        assert!(!said.contains("word@1") && !said.contains("%40"), "{said}");
    }
    // What is not ours is as it was.
    assert_eq!(
        postgres.sql("foreign_one", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").unwrap(),
        "1"
    );
}
