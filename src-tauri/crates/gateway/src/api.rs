//! The handlers of the HTTP API of the contract, by what they are about; `routes` says which serves what.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod catalog;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod instances;
pub(crate) mod logs;
pub(crate) mod queue;
pub(crate) mod refusals;
pub(crate) mod saved;
pub(crate) mod scenes;
pub(crate) mod sessions;
