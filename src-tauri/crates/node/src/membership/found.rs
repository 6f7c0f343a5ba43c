//! What a look at a database has shown, in sentences for the administrator. Pure.

use protocol::admin::{RegistryFound, RegistryTables};
use registry::{Address, Found, Tables, Trouble};

use crate::views::{count, sentence};

pub(super) fn in_words(address: &Address, found: Found) -> RegistryFound {
    let user = address.parts().user;
    let (tables, usable) = match &found.tables {
        Tables::None => (RegistryTables::None, true),
        Tables::Ours { older: false, .. } => (RegistryTables::Ours, true),
        Tables::Ours { older: true, .. } => (RegistryTables::Older, true),
        Tables::Old { .. } => (RegistryTables::Old, true),
        Tables::Newer { .. } => (RegistryTables::Newer, false),
        Tables::Foreign { .. } => (RegistryTables::Foreign, false),
    };
    RegistryFound {
        version: found.version,
        encrypted: found.encrypted,
        tables,
        tables_message: about_tables(found.tables),
        usable: usable && found.missing_rights.is_empty(),
        rights_message: about_rights(&user, &found.missing_rights),
    }
}

fn about_tables(tables: Tables) -> String {
    match tables {
        Tables::None => "It has no tables of ours yet: they are made when this machine joins.".to_owned(),
        Tables::Ours { machines, older: false } => {
            format!("It is set up, and has {} in it.", count(machines, "machine"))
        }
        Tables::Ours { machines, older: true } => format!(
            "An older version has set it up, and it has {} in it. Joining brings its tables up to date; those that run the older version are to be updated then.",
            count(machines, "machine")
        ),
        Tables::Old { servers, instances } => format!(
            "It is the old back end's, with {} and {}. It is adopted as it is: nothing is lost, and the old back end goes on using it.",
            count(servers, "server"),
            count(instances, "instance")
        ),
        Tables::Newer { found, known } => sentence(&Trouble::Newer { found, known }.to_string()),
        Tables::Foreign { why } => sentence(&Trouble::Foreign { why }.to_string()),
    }
}

fn about_rights(user: &str, missing: &[String]) -> Option<String> {
    /// So many are enough to see what is wrong.
    const SHOWN: usize = 3;
    if missing.is_empty() {
        return None;
    }
    let more = missing.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = missing[..missing.len().min(SHOWN)].join(", ");
    Some(format!(
        "`{user}` lacks {shown}{more}. Let the owner of the database grant what is missing, or name a user who owns it."
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use model::UnixMillis;

    use super::*;

    fn told(tables: Tables, missing: &[&str]) -> RegistryFound {
        let address: Address = "postgres://ann:hunter2@db/openspace".parse().unwrap();
        let missing_rights = missing.iter().map(|&right| right.to_owned()).collect();
        let (version, database_now) = ("15.18".to_owned(), UnixMillis(0));
        in_words(&address, Found { version, database_now, encrypted: true, tables, missing_rights })
    }

    #[test]
    fn each_thing_that_can_be_found_has_its_sentence_and_only_some_can_be_joined() {
        for (tables, kind, usable, says) in [
            (Tables::None, RegistryTables::None, true, "no tables of ours yet"),
            (Tables::Ours { machines: 1, older: false }, RegistryTables::Ours, true, "1 machine in it"),
            (Tables::Ours { machines: 3, older: true }, RegistryTables::Older, true, "3 machines in it"),
            (Tables::Old { servers: 2, instances: 1 }, RegistryTables::Old, true, "2 servers and 1 instance"),
            (
                Tables::Newer { found: 9, known: 4 },
                RegistryTables::Newer,
                false,
                "schema 9, this one knows 4",
            ),
            (Tables::Foreign { why: "odd".into() }, RegistryTables::Foreign, false, "something else: odd"),
        ] {
            let found = told(tables.clone(), &[]);
            assert_eq!((found.tables, found.usable), (kind, usable), "{tables:?}");
            assert!(found.tables_message.contains(says), "{}", found.tables_message);
            assert!(!told(tables, &["CREATE on schema public"]).usable);
        }
    }

    #[test]
    fn missing_rights_are_named_but_not_all_of_many() {
        assert_eq!(told(Tables::None, &[]).rights_message, None);
        let said = told(Tables::None, &["A on a", "B on b", "C on c", "D on d"]).rights_message.unwrap();
        assert!(said.contains("`ann` lacks A on a, B on b, C on c and 1 more."), "{said}");
    }
}
