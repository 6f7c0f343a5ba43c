//! Many machines as one, decided: where a launch goes, who is next when all is full, who is lost. Pure.
//!
//! Its words are shared by whoever keeps a queue: this machine by itself (`store`), or all of them together (`registry`). Absent on
//! purpose: databases, sockets, and the machine that carries a decision out.

pub mod fate;
pub mod line;
pub mod placement;
pub mod wait;
mod words;

pub use words::{Ticket, TicketState, Wish};
