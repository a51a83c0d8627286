//! What the program says of itself, and of arguments that make no sense.

use std::process::Stdio;

use crate::run::{Place, command, numbered_lines, run, start};

#[test]
fn help_names_every_command_and_shows_examples() {
    let help = run(&["--help"]).expect(0).out;
    for name in [
        "demo",
        "import",
        "get",
        "tail",
        "query",
        "repl",
        "report",
        "stats",
        "policy",
        "hold",
        "maintain",
        "delete",
        "history",
        "backup",
        "restore",
        "verify",
        "repair",
        "completions",
    ] {
        assert!(help.contains(&format!("\n  {name} ")), "{name} is missing in\n{help}");
        let own = run(&[name, "--help"]).expect(0).out;
        assert!(own.contains("Usage: blotter ") && own.contains("Examples:"), "{own}");
    }
    assert!(run(&["--version"]).expect(0).out.starts_with("blotter "));
}

#[test]
fn wrong_usage_is_status_2_and_touches_nothing() {
    let place = Place::new();
    let database = place.database.as_str();
    let wrong: &[&[&str]] = &[
        &[],
        &["fly"],
        &["import", database],
        &["import", database, "-", "--format", "xml"],
        &["import", database, "-", "--format", "lobster"],
        &["import", database, "-", "--format", "lobster", "--symbol", "A B", "--date", "2012-06-21"],
        &["import", database, "-", "--format", "lobster", "--symbol", "A", "--date", "21.6.2012"],
        &["import", database, "-", "--symbol", "AMZN"],
        &["get", database],
        &["tail", database, "-n", "-1"],
        &["demo", database, "--events", "0"],
        &["query", database],
        &["query", database, "x", "--format", "xml"],
        &["repl"],
        &["lifecycle", database, "--open", "category = order | stats count()"],
        &["report", database],
        &["report", database, "weather"],
        &["report", database, "daily", "--date", "tomorrow"],
        &["detect", database, "--date", "2026-02-30"],
        &["detect", database, "--date", "today", "--since", "2026-01-02T00:00:00Z"],
        &["detect", database, "--until", "2026-01-02T00:00:00Z"],
        &["report", database, "daily", "--date", "2026-01-02", "--from", "2026-01-01"],
        &["report", database, "daily", "--to", "2026-01-02"],
        &["report", database, "daily", "--from", "2026-01-02", "--to", "2026-01-01"],
        &["report", database, "daily", "--until", "2026-01-02T00:00:00Z"],
        &["report", database, "daily", "--format", "xml"],
        &["report", database, "losing", "--large-loss", "-1"],
        &["policy", database],
        &["policy", database, "set", "order", "--hot", "3d"],
        &["policy", database, "set", "order", "--hot", "3", "--reason", "r"],
        &["policy", database, "set", "order", "--delete", "soon", "--reason", "r"],
        &["policy", database, "set", "order", "--priority", "10", "--reason", "r"],
        &["policy", database, "set", "order", "--hot", "3d", "--reason", "  "],
        &["policy", database, "budget", "0"],
        &["policy", database, "budget", "101%"],
        &["policy", database, "cold-directory", "cold"],
        &["policy", database, "cold-directory", "/mnt/../cold"],
        &["hold", database, "add", "--case", "c", "--symbol", "A"],
        &["hold", database, "add", "--reason", "r", "--symbol", "A"],
        &["hold", database, "add", "--case", "c", "--reason", "r"],
        &["hold", database, "add", "--case", "c", "--reason", "r", "--all", "--symbol", "A"],
        &["hold", database, "add", "--case", "c", "--reason", "r", "--from", "monday"],
        &["hold", database, "release", "1"],
        &["hold", database, "release", "x", "--reason", "r"],
        &["maintain", database, "--at", "noon"],
        &["maintain", database, "--dry-run", "--force"],
        &["maintain", database, "--grace", "60"],
        &["delete", database, "order", "2026-01-02"],
        &["delete", database, "order", "2026-13-02", "--reason", "r"],
        &["delete", database, "order", "9999-01-02", "--reason", "r"],
        &["backup", database],
        &["backup", database, "/d", "--keep", "0"],
        &["backup", database, "/d", "--list", "--verify"],
        &["restore", database],
        &["restore", database, "/d", "--until", "noon"],
        &["history", database, "-n", "-1"],
        &["completions"],
    ];
    for arguments in wrong {
        let ran = run(arguments).expect(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{arguments:?}: {ran:?}");
    }
    assert!(!std::path::Path::new(database).exists());
}

#[test]
fn a_directory_without_a_database_is_named() {
    let place = Place::new();
    for arguments in [
        &["get", &place.database, "A"][..],
        &["tail", &place.database],
        &["stats", &place.database],
        &["policy", &place.database, "show"],
        &["policy", &place.database, "budget", "80%"],
        &["hold", &place.database, "list"],
        &["hold", &place.database, "release", "1", "--reason", "r"],
        &["maintain", &place.database],
        &["delete", &place.database, "order", "2026-01-02", "--reason", "r"],
        &["history", &place.database],
        &["backup", &place.database, &format!("{}.backup", place.database)],
        &["query", &place.database, "x"],
        &["repl", &place.database],
    ] {
        let ran = run(arguments).expect(1);
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains("holds no blotter database"),
            "{}",
            ran.err
        );
    }
    place.file("precious.txt", "mine");
    let directory = place.directory.display().to_string();
    for arguments in [&["demo", directory.as_str(), "--events", "10"][..], &["import", &directory, "-"]] {
        let ran = run(arguments).expect(1);
        assert!(ran.err.contains("error: ") && ran.err.contains("precious.txt"), "{}", ran.err);
    }
    assert_eq!(std::fs::read_dir(&place.directory).unwrap().count(), 1);
}

#[test]
fn output_that_nobody_reads_ends_the_program_quietly() {
    let place = Place::with_lines(&numbered_lines(0..20_000));
    for arguments in
        [&["tail", &place.database, "-n", "20000"][..], &["tail", &place.database, "-n", "20000", "-f"]]
    {
        let mut child = start(&mut command(arguments));
        drop(child.stdout.take());
        let ran = child.wait_with_output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!((ran.status.code(), err.as_str()), (Some(0), ""), "{arguments:?}");
    }
    // Nor does it matter if nobody reads the messages.
    let mut child = start(command(&["get", &place.database, "absent"]).stdin(Stdio::null()));
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
