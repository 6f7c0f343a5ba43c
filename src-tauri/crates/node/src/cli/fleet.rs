//! `fleet`: machines that trust each other. Joining works before a node has ever run; codes are made by one that runs, since the other
//! machine comes to its door.

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use model::ServerId;
use protocol::admin::{AdminCommand, AdminReply};

use super::{Flags, door::Door};
use crate::{assemble, clock, fleet};

#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// Makes this machine the founder of a fleet.
    Create,
    /// Prints a code by which one other machine joins, within a quarter of an hour. A node must run.
    Code,
    /// Joins the fleet of the machine that made the code.
    Join { code: String },
    /// Belongs to no fleet any more. What runs here runs on.
    Leave,
    /// The founder's: that machine is not trusted any more. A node must run.
    Remove { machine: ServerId },
}

pub async fn perform(command: FleetCommand, flags: &Flags) -> Result<()> {
    let (config, data_dir) = (flags.load()?, flags.data_dir()?);
    let (door, dir) = (Door::open(&data_dir)?, fleet::dir(&data_dir));
    match (command, &door) {
        (FleetCommand::Create, Door::Node(node)) => {
            node.command(AdminCommand::FoundFleet).await?;
            println!("This machine has founded a fleet. Let others join with `fleet code`.");
        }
        (FleetCommand::Create, Door::Journal(store)) => {
            let server = assemble::server_id(store).await?;
            relay::Identity::found(&dir, server, clock::now())?;
            println!("This machine has founded a fleet. Start it, and let others join with `fleet code`.");
        }
        (FleetCommand::Code, Door::Node(node)) => match node.command(AdminCommand::CreateJoinCode).await? {
            AdminReply::JoinCode { code } => println!("{code}"),
            other => bail!("the node answered something else: {other:?}"),
        },
        (FleetCommand::Join { code }, Door::Node(node)) => {
            node.command(AdminCommand::JoinFleet { code }).await?;
            println!("This machine has joined the fleet.");
        }
        (FleetCommand::Join { code }, Door::Journal(store)) => {
            let me = fleet::me(&config, assemble::server_id(store).await?);
            let founder = relay::join(&dir, &me, &code.parse()?).await?.founder;
            println!("This machine has joined the fleet of machine {founder}. Start it.");
        }
        (FleetCommand::Leave, door) => {
            match door {
                Door::Node(node) => _ = node.command(AdminCommand::LeaveFleet).await?,
                Door::Journal(_) => relay::leave(&dir)?,
            }
            println!("This machine belongs to no fleet any more. It may join one with `fleet join`.");
        }
        (FleetCommand::Remove { machine }, Door::Node(node)) => {
            node.command(AdminCommand::RemoveMachine { server_id: machine }).await?;
            println!("The machine {machine} is not trusted any more.");
        }
        (FleetCommand::Code | FleetCommand::Remove { .. }, Door::Journal(_)) => {
            return Err(anyhow::anyhow!("no node runs on {}", data_dir.display()))
                .context("start it first: the other machines come to its door");
        }
    }
    Ok(())
}
