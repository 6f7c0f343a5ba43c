//! A look before anything is done: what is in the database, whose it is, and which rights are missing.

use e2e::Postgres;
use registry::{Address, Tables, look, setup};

use crate::{adoption::old_database, support::row};

#[tokio::test]
async fn a_look_tells_whose_the_tables_are_and_changes_nothing() {
    let postgres = Postgres::start().unwrap();
    for database in ["old", "ours", "behind", "newer", "others"] {
        postgres.sql("postgres", &format!("CREATE DATABASE {database}")).unwrap();
    }
    postgres.sql("old", &old_database()).unwrap();
    for database in ["ours", "behind"] {
        setup(&postgres.url(database).parse().unwrap(), &row(4699, 3)).await.unwrap();
    }
    postgres.sql("behind", "DELETE FROM openspace_webrtc_migrations WHERE version > 1").unwrap();
    postgres
        .sql(
            "newer",
            "CREATE TABLE openspace_webrtc_migrations (version int); INSERT INTO openspace_webrtc_migrations VALUES (999)",
        )
        .unwrap();
    postgres.sql("others", "CREATE TABLE queue (id serial PRIMARY KEY)").unwrap();

    let everything = "SELECT string_agg(table_name, ',' ORDER BY 1) FROM information_schema.tables WHERE table_schema = 'public'";
    for (database, tables) in [
        ("openspace", Some(Tables::None)),
        ("old", Some(Tables::Old { servers: 2, instances: 1 })),
        ("ours", Some(Tables::Ours { machines: 1, older: false })),
        ("behind", Some(Tables::Ours { machines: 1, older: true })),
        ("newer", None),
        ("others", Some(Tables::Foreign { why: "its table `queue` is not one of ours".to_owned() })),
    ] {
        let before = postgres.sql(database, everything).unwrap();
        let found = look(&postgres.url(database).parse().unwrap()).await.unwrap();
        match tables {
            Some(tables) => assert_eq!(found.tables, tables, "{database}"),
            None => assert!(matches!(found.tables, Tables::Newer { found: 999, .. }), "{found:?}"),
        }
        assert!(found.version.starts_with(|first: char| first.is_ascii_digit()), "{found:?}");
        assert!(!found.encrypted && found.missing_rights.is_empty(), "{found:?}");
        assert_eq!(postgres.sql(database, everything).unwrap(), before);
    }
}

#[tokio::test]
async fn a_look_names_the_rights_that_are_missing_and_a_setup_with_them_succeeds() {
    let postgres = Postgres::start().unwrap();
    let guest = format!("CREATE ROLE guest LOGIN PASSWORD '{}'", postgres.password());
    postgres.sql("openspace", &guest).unwrap();
    postgres.sql("openspace", "REVOKE CREATE ON SCHEMA public FROM PUBLIC").unwrap();
    postgres.sql("openspace", &old_database()).unwrap();
    let by_guest: Address = postgres.url_of("guest", "openspace").parse().unwrap();
    let missing = async || look(&by_guest).await.unwrap().missing_rights;
    let found = missing().await;
    for right in
        ["CREATE on schema public", "UPDATE on servers", "REFERENCES on servers", "INSERT on instances"]
    {
        assert!(found.iter().any(|missing| missing == right), "{right}: {found:?}");
    }

    // As many machines of ours use what another role has set up.
    let granted = "
        GRANT CREATE, USAGE ON SCHEMA public TO guest;
        GRANT ALL ON servers, instances TO guest";
    postgres.sql("openspace", granted).unwrap();
    assert_eq!(missing().await, [""; 0]);
    setup(&by_guest, &row(4699, 3)).await.unwrap();
    assert_eq!(missing().await, [""; 0]);

    postgres.sql("openspace", "ALTER TABLE slots OWNER TO postgres; REVOKE ALL ON SEQUENCE fencing_tokens FROM guest; ALTER SEQUENCE fencing_tokens OWNER TO postgres").unwrap();
    let found = missing().await;
    assert!(found.contains(&"UPDATE on slots".to_owned()), "{found:?}");
    assert!(found.contains(&"USAGE on fencing_tokens".to_owned()), "{found:?}");
    postgres.sql("openspace", "DELETE FROM openspace_webrtc_migrations WHERE version > 1").unwrap();
    let found = missing().await;
    assert!(found.contains(&"ownership of slots".to_owned()), "{found:?}");
}

#[tokio::test]
async fn a_copy_that_takes_no_changes_says_so() {
    let postgres = Postgres::start().unwrap();
    let guest = format!(
        "CREATE ROLE guest LOGIN PASSWORD '{}'; ALTER ROLE guest SET default_transaction_read_only = on",
        postgres.password()
    );
    postgres.sql("openspace", &guest).unwrap();
    let said = look(&postgres.url_of("guest", "openspace").parse().unwrap()).await.unwrap_err().to_string();
    assert!(said.contains("takes no changes"), "{said}");
}
