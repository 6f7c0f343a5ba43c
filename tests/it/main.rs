//! Stories of one machine, and of several, told through its API: real node, real displays, real programs. The browser's side is in `tests/browser`.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod builds;
mod clock;
mod fetch;
mod fleet;
mod life;
mod line;
mod logs;
mod nonsense;
mod old_back_end;
mod outage;
mod placing;
mod players;
mod queue;
mod registry;
mod rescue;
mod sizes;
mod standby;
mod time;
mod unread;
mod viewers;
