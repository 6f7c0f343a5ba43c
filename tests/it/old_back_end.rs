//! The old back end goes on while machines are moved one by one: what its REST calls send to the database and to the old door, in the
//! order of a visitor's day, while a new node lives in the same database.

use anyhow::{Context, Result};
use e2e::{Postgres, TestNode, postgres::OLD_TABLES};
use protocol::admin::{AdminCommand, Password, RegistryState};
use serde_json::json;

use crate::registry::{old, place, until_old};

/// What Sequelize sends for each call, with the ids that the call before it has brought.
struct BackEnd<'a>(&'a Postgres);

impl BackEnd<'_> {
    fn sql(&self, statement: &str) -> Result<String> {
        self.0.sql("openspace", statement)
    }

    /// `POST /servers/join`: which server, and how many of its places are free.
    fn best_server(&self) -> Result<(String, u16, i64)> {
        let found = self.sql(
            r#"SELECT "server_id", "port", "available_instances" FROM "servers" AS "Server" WHERE "Server"."status" = 'active'
               AND "Server"."available_instances" > 0 ORDER BY "available_instances"::float / "num_instances" DESC LIMIT 1"#,
        )?;
        let mut fields = found.split('|');
        let mut next = || fields.next().context("No active servers available");
        Ok((next()?.to_owned(), next()?.parse()?, next()?.parse()?))
    }

    /// `POST /servers/join/:server_id`, and `GET /servers/:id`: its door, and how many of its places are free.
    fn server(&self, server: &str) -> Result<(u16, i64)> {
        let found = self.sql(&format!(
            r#"SELECT "port", "available_instances" FROM "servers" AS "Server" WHERE "Server"."server_id" = '{server}'"#
        ))?;
        let (port, free) = found.split_once('|').context("there is no such server")?;
        Ok((port.parse()?, free.parse()?))
    }

    /// The rest of both calls, after START.
    fn joined(&self, instance: &str, server: &str, process: i64, free: i64) -> Result<()> {
        self.sql(&format!(
            r#"UPDATE "servers" SET "available_instances"={},"modified"=now() WHERE "server_id" = '{server}';
               INSERT INTO "instances" ("instance_id","session_id","process_id","server_id","status","created","modified")
               VALUES ('{instance}','{SESSION}',{process},'{server}','INITIALIZING',now(),now())"#,
            free - 1
        ))
        .map(drop)
    }

    fn set_status(&self, instance: &str, status: &str) -> Result<()> {
        let set = r#"UPDATE "instances" SET "status"="#;
        self.sql(&format!("{set}'{status}',\"modified\"=now() WHERE \"instance_id\" = '{instance}'"))
            .map(drop)
    }

    /// `POST /users`, and `GET /users/:id` right behind it.
    fn user(&self) -> Result<String> {
        self.sql(&format!(
            r#"INSERT INTO "users" ("user_id","user_name","screen_width","screen_height") VALUES ('{SESSION}','ben',1280,800)"#
        ))?;
        self.sql(&format!(
            r#"SELECT "user_name", "screen_width", "screen_height" FROM "users" AS "User" WHERE "User"."user_id" = '{SESSION}'"#
        ))
    }

    /// `GET /instances/running-instances`, which names a column that never was.
    fn running(&self) -> Result<String> {
        self.sql(
            r#"SELECT "instance_id" FROM "instances" AS "Instance" WHERE "Instance"."exit_time" IS NULL"#,
        )
    }

    /// `statusUpdater`, every ten seconds: by the word of the old door.
    async fn update_status(&self, server: &str, port: u16) -> Result<()> {
        let told = old(port, json!({ "command": "SERVER_STATUS" })).await?;
        let (running, total) =
            (told["running"].as_i64().context("running")?, told["total"].as_i64().context("total")?);
        self.sql(&format!(
            r#"UPDATE "servers" SET "available_instances"={},"num_instances"={total},"modified"=now() WHERE "server_id" = '{server}'"#,
            total - running
        ))
        .map(drop)
    }

    /// `GET /servers/info`, which the old home page asks every ten seconds.
    fn info(&self) -> Result<String> {
        self.sql(r#"SELECT count(*), sum("available_instances") FROM "servers" WHERE "status" = 'active'"#)
    }

    /// `GET /instances/:id`, with its server.
    fn instance(&self) -> Result<String> {
        self.sql(&format!(
            r#"SELECT "Instance"."status", "Server"."ip_address", "Server"."port", "Server"."status" FROM "instances" AS "Instance"
               LEFT OUTER JOIN "servers" AS "Server" ON "Instance"."server_id" = "Server"."server_id"
               WHERE "Instance"."instance_id" = '{INSTANCE}'"#
        ))
    }

    /// `GET /instances/sessions/:session_id`.
    fn of_session(&self) -> Result<String> {
        self.sql(&format!(
            r#"SELECT "process_id" FROM "instances" WHERE "session_id" = '{SESSION}' AND "status" != 'IDLE' ORDER BY 1"#
        ))
    }
}

const INSTANCE: &str = "77777777-7777-4777-8777-777777777777";
const CHOSEN: &str = "99999999-9999-4999-8999-999999999999";
const SESSION: &str = "88888888-8888-4888-8888-888888888888";
const OWN: &str =
    "SELECT status, available_instances, num_instances FROM servers WHERE ip_address = 'localhost'";

#[tokio::test]
async fn the_old_back_end_serves_a_visitor_while_a_new_node_lives_in_its_database() -> Result<()> {
    let postgres = Postgres::start()?;
    let node = TestNode::start_with(&["instances.slots=2"], &[]).await?;
    let port = node.ports.supervisor.context("the old door is open")?;
    // `sequelize.sync()` and `seed.js`; and a machine that has not been moved yet, and is full.
    postgres.sql("openspace", OLD_TABLES)?;
    postgres.sql(
        "openspace",
        &format!(
            "INSERT INTO servers VALUES
                ('11111111-1111-4111-8111-111111111111', 'us-east-3', 'localhost', {port}, 'active', 5, 5, '64GB', NULL, '1TB SSD', now(), now()),
                ('22222222-2222-4222-8222-222222222222', NULL, '10.0.0.9', 4699, 'active', 0, 5, '', NULL, '', now(), now())"
        ),
    )?;
    let admin = node.admin()?;
    let join = AdminCommand::JoinRegistry {
        address: place(&postgres),
        password: Some(Password::new(postgres.password())),
    };
    admin.command(&join).await?;
    admin.until_registry(RegistryState::Up).await?;
    postgres.until(OWN, "active|2|2").await?;

    // A visitor joins by the old home page.
    let back_end = BackEnd(&postgres);
    assert_eq!(back_end.info()?, "2|2");
    let (server, at, free) = back_end.best_server()?;
    assert_eq!((server.as_str(), at, free), ("11111111-1111-4111-8111-111111111111", port, 2));
    let started = old(at, json!({ "command": "START" })).await?;
    let process = started["id"].as_i64().context("it has started")?;
    back_end.joined(INSTANCE, &server, process, free)?;
    assert_eq!(back_end.instance()?, format!("INITIALIZING|localhost|{port}|active"));
    until_old(at, process, "RUNNING").await?;
    back_end.set_status(INSTANCE, "RUNNING")?;
    back_end.update_status(&server, at).await?;
    postgres.until(OWN, "active|1|2").await?;
    postgres.until("SELECT count(*) FROM machine_instances", "1").await?;
    assert_eq!(back_end.of_session()?, process.to_string());

    // The same visitor joins a server of the list, and then the old back end finds no place any more: 400 there, 404 without a choice.
    assert_eq!(back_end.user()?, "ben|1280|800");
    let (door, left) = back_end.server(&server)?;
    assert_eq!((door, left), (port, 1));
    let second = old(door, json!({ "command": "START" })).await?["id"].as_i64().context("it has started")?;
    back_end.joined(CHOSEN, &server, second, left)?;
    until_old(door, second, "RUNNING").await?;
    back_end.set_status(CHOSEN, "RUNNING")?;
    postgres.until(OWN, "active|0|2").await?;
    assert_eq!(back_end.of_session()?, format!("{process}\n{second}"));
    assert_eq!(back_end.server(&server)?, (port, 0), "Server is full");
    assert!(back_end.best_server().is_err(), "No active servers available");
    let why = back_end.running().unwrap_err();
    assert!(format!("{why:#}").contains("exit_time"), "it fails as it always did: {why:#}");
    old(door, json!({ "command": "STOP", "id": second })).await?;
    until_old(door, second, "IDLE").await?;
    back_end.set_status(CHOSEN, "IDLE")?;
    postgres.until(OWN, "active|1|2").await?;

    // `PUT /servers/:id` with nonsense is put right while the node lives, and the row of the other machine is nobody's business.
    back_end.sql(r#"UPDATE "servers" SET "available_instances"=99,"ram"='lots',"modified"=now() WHERE "status" = 'active'"#)?;
    postgres.until(OWN, "active|1|2").await?;
    assert_eq!(
        back_end.sql("SELECT available_instances, ram FROM servers WHERE ip_address = '10.0.0.9'")?,
        "99|lots"
    );

    // `PUT /instances/:id/terminate`.
    back_end.set_status(INSTANCE, "DEINITIALIZING")?;
    let stopped = old(at, json!({ "command": "STOP", "id": process })).await?;
    assert_eq!(stopped["error"], "none");
    until_old(at, process, "IDLE").await?;
    back_end.set_status(INSTANCE, "TERMINATED")?;
    back_end.update_status(&server, at).await?;
    postgres.until(OWN, "active|2|2").await?;
    assert_eq!(
        back_end.instance()?,
        format!("TERMINATED|localhost|{port}|active"),
        "its own rows are left alone"
    );

    // `DELETE /servers/:id` of a machine that lives: it comes back, and the instance's row has lost its server only.
    back_end.sql(&format!(r#"DELETE FROM "servers" WHERE "server_id" = '{server}'"#))?;
    postgres.until(OWN, "active|2|2").await?;
    assert_eq!(back_end.instance()?, "TERMINATED|||");
    Ok(())
}
