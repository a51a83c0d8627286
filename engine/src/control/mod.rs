//! How another process asks the owner of a live database to do something: over files in `control/`.
//!
//! One process writes to a database, so whatever changes it must be done by that one. Files need no socket, no
//! port and no thread of their own, and their permissions are those of the database.
//!
//! ```text
//! asker                                     owner, which looks every 200 ms
//! <id>.tmp ─sync─▶ <id>.request ─rename──▶ <id>.claimed ─sync of the directory─▶ executes
//!                      │                                    ├─▶ <id>.progress (replaced now and then)
//!      removed, if nobody claims it in time                 ▼
//! reads and removes ◀────────────────────────────────── <id>.response ─▶ the claim is removed
//! ```
//!
//! # Invariants
//!
//! - A request is executed at most once. The claim is a rename, which either the owner's claim or the asker's
//!   withdrawal wins; it is durable before anything is executed, so that a power failure does not bring the
//!   request back. A claim that an owner finds and did not make itself is never executed.
//! - None is executed after it has expired, nor if a clock that went back makes it seem far from expiring.
//! - The asker is told that nothing was done, or what came of it, or that this is not known because the owner died
//!   in between. An answer is there before its claim goes, so a look finds one of the two.
//! - Jobs are done beside the thread that looks: it takes and answers the rest meanwhile, and a request to end them.
//! - An owner never fails because of what it finds there. What it cannot make sense of is left alone and reported.
//!
//! Names are generated: `<time of the request, 16 hex digits>-<random, 16 hex digits>.<what>`. What is older than an
//! hour is removed by the owner.

mod ask;
mod envelope;
mod inbox;
mod names;
mod request;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use crate::maintain::Progress;
pub use ask::{ask, carry_out};
pub(crate) use inbox::Claim;
pub use inbox::Inbox;
pub use request::{NewEvent, NewValue, Request, Response};

pub use crate::catalog::ledger::By;

/// Name of the directory in the database.
pub const CONTROL_DIRECTORY: &str = "control";

/// How long an owner has to take a request, unless said otherwise: fifty of its looks.
pub const CLAIM_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest that an owner may be given.
pub const CLAIM_TIMEOUT_MAX: Duration = Duration::from_secs(600);

/// Largest request in bytes: a hold of ten thousand ids, and as much as an entry of the ledger may have.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Largest response in bytes.
pub const RESPONSE_BYTES_MAX: usize = 16 * 1024 * 1024;
