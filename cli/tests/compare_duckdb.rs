//! The program and DuckDB give the same answers over the same file of events; see `benches/compare/queries.py`.
//!
//! Runs where `BLOTTER_COMPARE_EVENTS` names a file of JSON lines and `BLOTTER_PYTHON` (`python3` if it is not set) has
//! the package duckdb; says so where it does not.
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

use std::path::Path;
use std::process::Command;

#[test]
fn answers_are_those_of_duckdb() {
    let Some(events) = std::env::var_os("BLOTTER_COMPARE_EVENTS") else {
        eprintln!("skipped: BLOTTER_COMPARE_EVENTS names no file");
        return;
    };
    let python = std::env::var_os("BLOTTER_PYTHON").unwrap_or_else(|| "python3".into());
    let has_duckdb = Command::new(&python).args(["-c", "import duckdb"]).output();
    if !has_duckdb.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {} has no package duckdb", python.display());
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/compare/queries.py");
    let ran = Command::new(&python)
        .arg(script)
        .arg(events)
        .args(["--blotter", env!("CARGO_BIN_EXE_blotter"), "--runs", "0", "--random", "100"])
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
    assert!(out.contains(" 0 different"), "{out}");
    println!("{out}");
}
