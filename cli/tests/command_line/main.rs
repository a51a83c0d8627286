//! The command line as its users meet it: the real program, its output and its exit status.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod check;
mod demo;
mod import;
mod lookup;
mod run;
mod shared_data;
mod tail;
mod usage;
