//! The command line as its users meet it: the real program, its output and its exit status.

mod demo;
mod import;
mod lookup;
mod run;
mod shared_data;
mod tail;
mod usage;
