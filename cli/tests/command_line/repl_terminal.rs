//! The REPL on a real terminal: typed, completed, cancelled, paged, watched, remembered.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::run::{Ended, Place, command, numbered_lines, run, start};
use crate::terminal::{CTRL_C, CTRL_D, TAB, Terminal, UP};

const PROMPT: &str = "\u{1}desk.blotter> "; // `terminal::READS` first

/// A database, and a place for the history that is no one else's.
struct Desk {
    place: Place,
    history: PathBuf,
}

impl Desk {
    fn with_lines(lines: &str) -> Desk {
        let place = Place::with_lines(lines);
        let history = place.directory.join("state/history");
        Desk { place, history }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut all = vec!["repl", &self.place.database];
        all.extend(arguments);
        let mut command = command(&all);
        command.env("BLOTTER_HISTORY", &self.history).env("PAGER", "cat").env_remove("NO_COLOR");
        command
    }

    /// The REPL at its first prompt.
    fn open(&self) -> Terminal {
        self.open_as(&mut self.command(&[]), 100, 40)
    }

    fn open_as(&self, command: &mut Command, columns: u16, rows: u16) -> Terminal {
        let mut terminal = Terminal::start(command, columns, rows);
        terminal.wait_for(PROMPT);
        terminal
    }

    /// A pager that is a shell script.
    fn pager(&self, script: &str) -> String {
        let path = self.place.file("pager.sh", format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

#[test]
fn it_greets_with_what_there_is_and_leaves_when_told() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = Terminal::start(&mut desk.command(&[]), 100, 40);
    let greeting = terminal.wait_for(PROMPT);
    assert!(
        greeting.contains("desk.blotter: 10 events, the latest of 2023-11-14T22:13:20.009000000Z, "),
        "{greeting:?}"
    );
    terminal.send(CTRL_D);
    assert_eq!(terminal.wait(), 0);
    let mut terminal = desk.open();
    terminal.enter(".quit");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn mistakes_are_said_and_the_session_goes_on() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = desk.open();
    for (entry, expected) in [
        (".hlep", "unknown command '.hlep'; hint: '.help'"),
        (".tz Mars/Olympus", "'Mars/Olympus' is no time zone"),
        (".watch level = error", "'level' is no duration"),
        ("| tpo 5 message", "did you mean 'top'?"),
    ] {
        terminal.enter(entry);
        terminal.wait_for(expected);
        terminal.wait_for(PROMPT);
    }
    terminal.send(CTRL_D);
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn an_interrupt_at_the_prompt_gives_up_what_is_typed() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = desk.open();
    terminal.send(".quit");
    terminal.wait_for(".quit");
    terminal.send(CTRL_C);
    terminal.wait_for(PROMPT);
    terminal.enter(".format");
    terminal.wait_for("format is table");
    terminal.wait_for(PROMPT);
}

#[test]
fn tab_completes_commands_formats_zones_and_names() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = desk.open();
    for (typed, completed) in [
        (".fo", ".format "),
        (".format j", ".format json"),
        (".tz america/new_y", ".tz America/New_York"),
        (".timer of", ".timer off"),
        (".help agg", ".help aggregates"),
    ] {
        terminal.send(typed);
        terminal.send(TAB);
        terminal.wait_for(completed.trim_end());
        terminal.send(CTRL_C);
        terminal.wait_for(PROMPT);
    }
    terminal.enter(".save slow-fills latency_us > 5ms");
    terminal.wait_for(PROMPT);
    terminal.send(".run s");
    terminal.send(TAB);
    terminal.wait_for(".run slow-fills");
}

#[test]
fn tab_completes_stages_fields_and_values() {
    let lines = "{\"ts\":1,\"symbol\":\"AAPL\",\"latency_us\":5}\n{\"ts\":2,\"symbol\":\"AMZN\"}\n";
    let desk = Desk::with_lines(lines);
    let mut terminal = desk.open();
    for (typed, completed) in [
        ("symbol = AM", "symbol = AMZN"),
        ("laten", "latency_us"),
        ("level = error | time", "level = error | timeline"),
        (".explain symbol = AA", ".explain symbol = AAPL"),
    ] {
        terminal.send(typed);
        terminal.send(TAB);
        terminal.wait_for(completed);
        terminal.send(CTRL_C);
        terminal.wait_for(PROMPT);
    }
    // Two values begin so: the second key lists them.
    terminal.send("symbol = A");
    terminal.send(TAB);
    terminal.send(TAB);
    terminal.wait_for("AAPL");
    terminal.wait_for("AMZN");
}

#[test]
fn values_that_come_later_are_completed_too() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = desk.open();
    let more = desk.place.file("more.jsonl", "{\"ts\":5,\"symbol\":\"ZULU\"}\n");
    run(&["import", &desk.place.database, &more]).expect(0);
    terminal.send("symbol = ZU");
    terminal.send(TAB);
    terminal.wait_for("symbol = ZULU");
}

#[test]
fn history_is_recalled_in_the_session_and_in_the_next_and_is_private() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = desk.open();
    terminal.enter(".tz Asia/Tokyo");
    terminal.wait_for(PROMPT);
    terminal.enter(".timer");
    terminal.wait_for("timer is off");
    terminal.wait_for(PROMPT);
    terminal.send(UP);
    terminal.send(UP);
    terminal.wait_for(".tz Asia/Tokyo");
    terminal.send(CTRL_C);
    terminal.wait_for(PROMPT);
    terminal.send(CTRL_D);
    assert_eq!(terminal.wait(), 0);

    let mode = std::fs::metadata(&desk.history).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut terminal = desk.open();
    terminal.send(UP);
    terminal.wait_for(".timer");
    terminal.send(UP);
    terminal.wait_for(".tz Asia/Tokyo");
    terminal.enter("");
    terminal.wait_for(PROMPT);
    terminal.enter(".tz");
    terminal.wait_for("tz is Asia/Tokyo");
}

#[test]
fn a_session_that_is_killed_leaves_its_history() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = desk.open();
    terminal.enter(".timer on");
    terminal.wait_for(PROMPT);
    drop(terminal);
    let mut terminal = desk.open();
    terminal.send(UP);
    terminal.wait_for(".timer on");
}

#[test]
fn without_a_place_for_history_it_says_so_once_and_works() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut command = desk.command(&[]);
    command.env_remove("BLOTTER_HISTORY").env_remove("HOME").env_remove("XDG_STATE_HOME");
    let mut terminal = Terminal::start(&mut command, 100, 40);
    let greeting = terminal.wait_for(PROMPT);
    assert_eq!(greeting.matches("no history is kept").count(), 1, "{greeting:?}");
    terminal.enter(".save a level = error");
    terminal.wait_for("kept until the session ends");
    terminal.wait_for(PROMPT);
    terminal.enter(".saved");
    terminal.wait_for("level = error");
    // A file that cannot be is no reason to stop either.
    let file = desk.place.file("file", "");
    let mut command = desk.command(&[]);
    command.env("BLOTTER_HISTORY", format!("{file}/history"));
    let mut terminal = Terminal::start(&mut command, 100, 40);
    let greeting = terminal.wait_for(PROMPT);
    assert_eq!(greeting.matches("no history is kept").count(), 1, "{greeting:?}");
}

#[test]
fn what_is_taller_than_the_screen_goes_through_the_pager_and_what_is_not_does_not() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let pager = desk.pager("echo PAGED; cat; echo UNPAGED");
    let mut terminal = desk.open_as(desk.command(&[]).env("PAGER", &pager), 120, 12);
    terminal.enter(".help");
    terminal.wait_for("PAGED");
    terminal.wait_for(".exit");
    terminal.wait_for("UNPAGED");
    terminal.wait_for(PROMPT);
    terminal.enter(".help watch");
    let shown = terminal.wait_for(PROMPT);
    assert!(shown.contains(".watch INTERVAL QUERY") && !shown.contains("PAGED"), "{shown:?}");
}

#[test]
fn whoever_leaves_the_pager_has_seen_enough() {
    let desk = Desk::with_lines(&numbered_lines(0..3000));
    let pager = desk.pager("head -n 2; echo ANY-KEY; read -r key < /dev/tty; echo LEFT");
    let mut terminal = desk.open_as(desk.command(&["--format", "json"]).env("PAGER", &pager), 80, 12);
    terminal.enter("| sort ts");
    terminal.wait_for("ANY-KEY");
    terminal.enter("");
    terminal.wait_for("LEFT");
    let after = terminal.wait_for(PROMPT);
    assert!(!after.contains("error") && !after.contains("note"), "{after:?}");
}

#[test]
fn a_pager_that_fails_is_said_to_and_everything_is_shown() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    for (pager, said) in [("/nowhere/pager -x", "does not start"), ("false", "the pager failed")] {
        let mut terminal = desk.open_as(desk.command(&[]).env("PAGER", pager), 120, 12);
        terminal.enter(".help");
        let shown = terminal.wait_for(PROMPT);
        assert!(shown.contains(said), "{shown:?}");
        assert!(shown.contains("Write a query") && shown.contains(".exit"), "{shown:?}");
    }
}

#[test]
fn an_unfinished_query_goes_on_with_the_next_line() {
    let desk = Desk::with_lines(&numbered_lines(0..10));
    let mut terminal = desk.open();
    terminal.enter("category = order |");
    terminal.enter("stats count() as total,");
    terminal.enter("max(n)");
    let shown = terminal.wait_for("(1 row)");
    assert!(shown.contains("total  max_n") && shown.contains("10      9"), "{shown:?}");
    // The parts of a query have their colours while it is typed.
    assert!(terminal.raw().contains("\x1b[1;36mstats\x1b[0m"), "{:?}", terminal.raw());
    // Recalled as a whole.
    terminal.wait_for(PROMPT);
    terminal.send(UP);
    terminal.wait_for("stats count() as total,\nmax(n)");
    terminal.enter("");
    terminal.wait_for("(1 row)");
}

#[test]
fn tables_are_fitted_and_what_is_cut_is_said() {
    let long = "x".repeat(200);
    let desk = Desk::with_lines(&format!("{{\"ts\":1,\"level\":\"error\",\"message\":\"{long}\"}}\n"));
    let mut terminal = desk.open_as(&mut desk.command(&["--timer"]), 80, 40);
    terminal.enter("level = error");
    let shown = terminal.wait_for("(1 row in ");
    assert!(shown.contains("xxx…") && shown.contains("cut to fit; .format json shows all"), "{shown:?}");
    assert!(terminal.raw().contains("\x1b[31merror\x1b[0m"), "{:?}", terminal.raw());
    terminal.wait_for(PROMPT);
    terminal.enter(".format json");
    terminal.wait_for(PROMPT);
    terminal.enter("level = error");
    terminal.wait_for(&long);
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    let desk = Desk::with_lines("{\"ts\":1,\"level\":\"error\",\"message\":\"m\"}\n");
    let check = |command: &mut Command| {
        let mut terminal = desk.open_as(command, 80, 40);
        terminal.enter(".segments");
        terminal.wait_for(PROMPT);
        terminal.enter("level = error");
        terminal.wait_for("(1 row)");
        let raw = terminal.raw();
        ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m"].iter().any(|code| raw.contains(code))
    };
    assert!(check(&mut desk.command(&[])));
    assert!(!check(desk.command(&[]).env("NO_COLOR", "1")));
    assert!(!check(&mut desk.command(&["--color", "never"])));
}

#[test]
fn nothing_that_was_recorded_acts_on_the_terminal() {
    let desk = Desk::with_lines(
        "{\"ts\":1,\"symbol\":\"EV\\u001b[2JIL\",\"message\":\"\\u001b]0;title\\u0007\",\"k\\u009by\":\"\\u202e\"}\n",
    );
    let mut terminal = desk.open();
    for entry in ["| head 5", ".schema", ".schema symbol", "| fields symbol, message", "| top 5 symbol"] {
        terminal.enter(entry);
        terminal.wait_for(PROMPT);
    }
    terminal.send("symbol = E");
    terminal.send(TAB);
    terminal.send(TAB);
    terminal.send(CTRL_C);
    terminal.wait_for(PROMPT);
    terminal.enter(".nosuch");
    terminal.wait_for("unknown command");
    let raw = terminal.raw();
    for evil in ["\x1b[2J", "\x1b]0;", "\x07title", "\u{9b}", "\u{202e}"] {
        assert!(!raw.contains(evil), "{evil:?} in {raw:?}");
    }
}

#[test]
fn an_interrupt_cancels_the_query_and_not_the_session() {
    let desk = Desk::with_lines(&numbered_lines(0..30_000));
    let mut terminal = desk.open();
    for _ in 0..2 {
        // Every event with every other: far more than anybody waits for.
        terminal.enter("category = order | join (category = order) on category = category | stats count()");
        std::thread::sleep(std::time::Duration::from_millis(700));
        terminal.send(CTRL_C);
        terminal.wait_for("the query was cancelled");
        terminal.wait_for(PROMPT);
    }
    terminal.enter("| stats count() as total");
    let shown = terminal.wait_for("(1 row)");
    assert!(shown.contains("30000"), "{shown:?}");
    terminal.wait_for(PROMPT);
    terminal.send(CTRL_D);
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_watch_follows_a_live_database_until_interrupted() {
    let place = Place::new();
    let mut import = Ended(start(command(&["import", &place.database, "-"]).stdin(Stdio::piped())));
    let mut pipe = import.0.stdin.take().unwrap();
    pipe.write_all(numbered_lines(0..10).as_bytes()).unwrap();
    crate::run::wait_for("the first events", || {
        (run(&["get", &place.database, "A-9"]).status == 0).then_some(())
    });
    let history = place.directory.join("state/history");
    let desk = Desk { place, history };
    let mut terminal = desk.open();
    terminal.enter(".watch 200ms | stats max(n) as latest");
    terminal.wait_for("every 200ms, Ctrl-C ends");
    terminal.wait_for("9");
    pipe.write_all(numbered_lines(10..778).as_bytes()).unwrap();
    terminal.wait_for("777");
    // Painted over what was there: the cursor goes up again.
    assert!(terminal.raw().contains("\x1b[4A\r"), "{:?}", terminal.raw());
    terminal.send(CTRL_C);
    terminal.wait_for(PROMPT);
    pipe.write_all(numbered_lines(778..889).as_bytes()).unwrap();
    crate::run::wait_for("the last events", || {
        (run(&["get", &desk.place.database, "A-888"]).status == 0).then_some(())
    });
    // Each query sees what is recorded up to then.
    terminal.enter("| stats max(n) as latest");
    let shown = terminal.wait_for("(1 row)");
    assert!(shown.contains("888"), "{shown:?}");
}
