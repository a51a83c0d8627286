//! The command line as its users meet it: the real program, its output and its exit status.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod administer;
mod backup;
mod check;
mod demo;
mod detect;
mod import;
mod lookup;
mod orders;
mod owner;
mod query;
mod repl_pipe;
#[cfg(unix)]
mod repl_terminal;
mod report;
mod run;
mod shared_data;
mod tail;
#[cfg(unix)]
mod terminal;
mod usage;
