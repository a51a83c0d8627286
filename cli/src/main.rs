//! `blotter`: the command line.

fn main() {}
