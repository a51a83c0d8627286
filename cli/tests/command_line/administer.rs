//! `policy`, `hold`, `maintain`, `delete`, `history`, and what `stats` says of them, beside a live owner.

use blotter::control::{By, Request};
use blotter::ledger::{Budget, Hold, HoldId, HoldQuery, Policy};

use crate::owner::Owner;
use crate::run::{Place, Ran, command, numbered_lines, run, run_with_input};

fn desk() -> Place {
    let ticks = "{\"ts\":1700000000,\"category\":\"raw_ticks\",\"symbol\":\"R\"}\n";
    Place::with_lines(&(numbered_lines(0..1000) + ticks))
}

fn run_as_ann(arguments: &[&str]) -> Ran {
    let output = command(arguments).env("USER", "ann").output().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[track_caller]
fn only_asked(owner: &Owner) -> (Request, By) {
    let mut asked = owner.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    asked.remove(0)
}

/// The policy of a category as `show` prints it.
fn shown(place: &Place, category: &str) -> serde_json::Value {
    let shown = run(&["policy", &place.database, "show", "--format", "json"]).expect(0).json();
    shown.into_iter().find(|policy| policy["category"] == category).unwrap()
}

#[test]
fn policies_are_shown_with_who_set_them_and_why() {
    let place = desk();
    let out = run(&["policy", &place.database, "show"]).expect(0).out;
    assert!(
        out.starts_with("category") && out.contains("\nraw_ticks ") && out.contains("budget: unlimited"),
        "{out}"
    );
    let market_data = out.lines().find(|line| line.starts_with("market_data")).unwrap();
    assert_eq!(
        market_data.split_whitespace().collect::<Vec<_>>().join(" "),
        "market_data 3 d 30 d 90 d 0 d never 0 no 0 default"
    );
    let owner = Owner::of(&place.database);
    let reason = "bigger disk\u{1b}[2J";
    let set = [
        "policy",
        &place.database,
        "set",
        "market_data",
        "--delete",
        "never",
        "--keep-at-least",
        "1y",
        "--lock",
        "--reason",
        reason,
    ];
    let ran = run_as_ann(&set).expect(0);
    assert_eq!(
        ran.out,
        "market_data: delete 90 d to never, keep_at_least 0 d to 1 y, locked false to true (version 1)\n"
    );
    let policy = Policy {
        delete_days: None,
        keep_at_least_days: 365,
        locked: true,
        ..Policy::default_of("market_data")
    };
    let asked = (Request::SetPolicy { category: "market_data".into(), policy }, By::new("ann", reason));
    assert_eq!(only_asked(&owner), asked);
    let shown = shown(&place, "market_data");
    assert_eq!(
        (&shown["delete_days"], &shown["keep_at_least_days"], &shown["locked"], &shown["version"]),
        (&serde_json::Value::Null, &365.into(), &true.into(), &1.into())
    );
    assert_eq!((&shown["actor"], &shown["reason"]), (&"ann".into(), &reason.into()));
    let out = run(&["policy", &place.database, "show"]).expect(0).out;
    assert!(out.contains("bigger disk\\x1b[2J") && !out.contains('\u{1b}'), "{out}");

    // Only what is given changes, and what is locked stays: the owner's words are shown.
    let set = |options: &[&str]| {
        let mut all = vec!["policy", place.database.as_str(), "set", "market_data"];
        all.extend(options);
        all.extend(["--reason", "r", "--actor", "bob"]);
        run(&all)
    };
    assert_eq!(set(&["--hot", "2w"]).expect(0).out, "market_data: hot 3 d to 14 d (version 2)\n");
    assert_eq!(only_asked(&owner).1, By::new("bob", "r"));
    let ran = set(&["--keep-at-least", "30d"]).expect(1);
    assert!(
        ran.err.contains("keep_at_least 365 days") && ran.err.contains("cannot be lowered"),
        "{}",
        ran.err
    );
    assert!(set(&[]).expect(2).err.contains("nothing to change"));
}

#[test]
fn categories_are_known_or_meant() {
    let place = desk();
    let owner = Owner::of(&place.database);
    let set = |category: &str, option: &[&str]| {
        let mut all = vec!["policy", &place.database, "set", category, "--hot", "3d", "--reason", "r"];
        all.extend(option);
        run(&all)
    };
    assert!(set("ordr", &[]).expect(2).err.contains("did you mean order?"));
    assert!(set("Order!", &["--new-category"]).expect(2).err.contains("is no category"));
    set("raw_ticks", &[]).expect(0);
    set("future", &["--new-category"]).expect(0);
    let hold = ["hold", &place.database, "add", "--case", "c", "--reason", "r", "--category", "fil"];
    assert!(run(&hold).expect(2).err.contains("did you mean fill?"));
    assert_eq!(owner.asked().len(), 2);
}

#[test]
fn a_file_of_policies_is_applied_whole_or_not_at_all() {
    let place = desk();
    let owner = Owner::of(&place.database);
    let wrong =
        place.file("wrong.toml", "[order]\nhot = \"1d\"\n[fil]\nhot = \"1d\"\n[disk]\nbudget = \"80%\"\n");
    let ran = run(&["policy", &place.database, "apply", &wrong]).expect(2);
    assert!(ran.err.contains("wrong.toml:3: ") && ran.err.contains("did you mean fill?"), "{}", ran.err);
    let conflict = place.file("conflict.toml", "[order]\nhot = \"1d\"\n\n[fill]\nhot = \"9y\"\n");
    let ran = run(&["policy", &place.database, "apply", &conflict]).expect(2);
    assert!(
        ran.err.contains("conflict.toml:4: [fill]: ") && ran.err.contains("nothing was changed"),
        "{}",
        ran.err
    );
    assert_eq!(owner.asked(), []);

    let file = place.file(
        "retention.toml",
        "[order]\nhot = \"1d\"\n[fill]\nhot = \"30d\"\n[disk]\nbudget = \"80%\"\ncold_directory = \"/mnt/archive\"\n",
    );
    let expected = "order: hot 30 d to 1 d\nbudget: unlimited to 80% of the volume\ncold_directory: none to /mnt/archive\n";
    let ran = run(&["policy", &place.database, "apply", &file, "--dry-run"]).expect(0);
    assert_eq!((ran.out, owner.asked()), (format!("{expected}3 would change\n"), vec![]));
    let ran = run(&["policy", &place.database, "apply", &file]).expect(0);
    assert_eq!(ran.out, format!("{expected}3 changed\n"));
    let asked = owner.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|(_, by)| by.reason.contains("retention.toml")), "{asked:?}");
    let ran = run(&["policy", &place.database, "apply", &file]).expect(0);
    assert_eq!((ran.out.as_str(), owner.asked()), ("nothing to change\n", vec![]));
}

#[test]
fn the_disk_is_limited_and_cold_segments_sent_elsewhere() {
    let place = desk();
    let owner = Owner::of(&place.database);
    let policy = |arguments: &[&str]| {
        let mut all = vec!["policy", place.database.as_str()];
        all.extend(arguments);
        run(&all).expect(0).out
    };
    assert_eq!(policy(&["budget", "500GB", "--reason", "r"]), "the budget is 500 GB\n");
    assert_eq!(only_asked(&owner).0, Request::SetBudget(Budget::Bytes(500_000_000_000)));
    assert_eq!(policy(&["cold-directory", "/mnt/a b"]), "cold segments go to /mnt/a b\n");
    assert_eq!(only_asked(&owner).0, Request::SetColdDirectory(Some("/mnt/a b".into())));
    let out = policy(&["show"]);
    assert!(out.contains("budget: 500 GB") && out.contains("cold directory: /mnt/a b"), "{out}");
    policy(&["cold-directory", "none"]);
    assert_eq!(only_asked(&owner).0, Request::SetColdDirectory(None));
}

#[test]
fn holds_are_placed_listed_and_released() {
    let place = desk();
    let owner = Owner::of(&place.database);
    let ids = place.file("ids.txt", "\u{feff}A-1\r\n\n A-2 \n");
    let arguments = [
        "hold",
        &place.database,
        "add",
        "--case",
        "2026-17",
        "--reason",
        "a letter",
        "--order-id",
        "-X",
        "--order-ids-from",
        &ids,
        "--category",
        "order",
        "--from",
        "2023-11-14T00:00:00Z",
    ];
    let ran = run_as_ann(&arguments).expect(0);
    let events = "from 2023-11-14T00:00:00Z, category order, order_id -X A-1 A-2";
    assert_eq!(ran.out, format!("hold 1 is placed for case 2026-17: {events}\n"));
    let query = HoldQuery {
        from: Some("2023-11-14T00:00:00Z".parse().unwrap()),
        categories: vec!["order".into()],
        order_ids: vec!["-X".into(), "A-1".into(), "A-2".into()],
        ..HoldQuery::default()
    };
    let hold = Hold { case: "2026-17".into(), query };
    assert_eq!(only_asked(&owner), (Request::PlaceHold(hold), By::new("ann", "a letter")));
    let out = run(&["hold", &place.database, "list"]).expect(0).out;
    assert!(out.contains("2026-17") && out.contains(events) && out.contains("a letter"), "{out}");
    let listed = run(&["hold", &place.database, "list", "--format", "json"]).expect(0).json();
    assert_eq!((&listed[0]["hold"], &listed[0]["order_id"][2]), (&1.into(), &"A-2".into()));

    let all = ["hold", &place.database, "add", "--case", "b", "--reason", "r", "--all"];
    assert_eq!(run(&all).expect(0).out, "hold 2 is placed for case b: all events\n");
    let release = |id: &str| run(&["hold", &place.database, "release", id, "--reason", "closed"]);
    assert_eq!(release("1").expect(0).out, "hold 1 is released\n");
    assert!(release("1").expect(1).err.contains("there is no hold 1"));
    assert_eq!(owner.asked().pop().unwrap().0, Request::ReleaseHold(HoldId(1)));
    assert_eq!(run(&["hold", &place.database, "list", "--format", "json"]).expect(0).json().len(), 1);

    // A file without ids would hold everything.
    let from = ["hold", &place.database, "add", "--case", "c", "--reason", "r", "--order-ids-from", "-"];
    assert!(run_with_input(&from, b"\n \n").expect(2).err.contains("has no ids"));
    assert!(run_with_input(&from, b"A-7\n").expect(0).out.contains("order_id A-7"));
}

#[test]
fn maintenance_is_asked_for_and_its_outcome_is_the_status() {
    let place = desk();
    let owner = Owner::of(&place.database);
    let maintain = |arguments: &[&str]| {
        let mut all = vec!["maintain", place.database.as_str()];
        all.extend(arguments);
        run(&all)
    };
    let ran = maintain(&[]).expect(1);
    assert!(
        ran.out.contains("problem: large deletions wait") && ran.out.contains("needs confirmation"),
        "{}",
        ran.out
    );
    let ran = maintain(&["--force", "--at", "2026-01-02T02:00:00Z", "--grace", "90s"]).expect(0);
    assert!(
        ran.out.contains("nothing is due") && ran.out.contains("36.0 kB  12.0 kB  3.00x     12.0"),
        "{}",
        ran.out
    );
    assert!(ran.out.ends_with("done in 2.5 s\n"), "{}", ran.out);
    let at_ns = Some(1_767_319_200_000_000_000);
    let forced = Request::Maintain { at_ns, force: true, dry_run: false, grace_ms: Some(90_000) };
    let asked = owner.asked();
    assert_eq!(
        (&asked[1].0, asked[1].1.reason.as_str()),
        (&forced, "maintenance, large deletions confirmed")
    );
    let found = maintain(&["--dry-run", "--format", "json"]).expect(1).json().remove(0);
    assert_eq!((&found["dry_run"], &found["plan"]["needs_confirmation"]), (&true.into(), &true.into()));
    let found = maintain(&["--force", "--format", "json"]).expect(0).json().remove(0);
    assert_eq!((&found["outcome"], &found["warmed"]["bytes_after"]), (&"done".into(), &12_000.into()));
}

#[test]
fn history_tells_what_was_decided_and_deleted() {
    let place = desk();
    assert_eq!(run(&["history", &place.database]).expect(0).out.lines().count(), 2, "names and a rule");
    let owner = Owner::of(&place.database);
    let database = place.database.as_str();
    for arguments in [
        &["policy", database, "set", "order", "--hot", "3d", "--reason", "one"][..],
        &["policy", database, "set", "order", "--hot", "4d", "--reason", "two"],
        &["delete", database, "market_data", "2026-01-02", "--reason", "a feed gone wild"],
        &["maintain", database, "--force"],
    ] {
        run_as_ann(arguments).expect(0);
    }
    assert_eq!(owner.asked().len(), 4);
    let out = run(&["history", database]).expect(0).out;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 6, "{out}");
    assert!(lines[2].contains("policy of order: hot 30 d to 3 d") && lines[2].ends_with("one"), "{out}");
    assert!(lines[3].contains("policy of order: hot 3 d to 4 d"), "{out}");
    assert!(
        lines[4].contains(
            "deleted market_data 2026-01-02: 1000 events, 36.0 kB, seq 5 to 1004, by hand, root abab"
        ),
        "{out}"
    );
    assert!(lines[5].contains("maintenance: done; warmed 1 partitions, 36.0 kB to 12.0 kB (3.00x)"), "{out}");
    let found = run(&["history", database, "-n", "2", "--format", "json"]).expect(0).json();
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0]["change"], &found[0]["events"]), (&"deleted".into(), &1000.into()));
    assert_eq!((&found[1]["number"], &found[1]["outcome"]), (&4.into(), &"done".into()));
    assert_eq!(run(&["history", database, "-n", "0", "--format", "json"]).expect(0).json().len(), 4);
}

#[test]
fn stats_show_tiers_days_holds_and_what_is_due() {
    let place = desk();
    let owner = Owner::of(&place.database);
    let database = place.database.as_str();
    run(&["hold", database, "add", "--case", "2026-17", "--reason", "r", "--order-id", "A-1"]).expect(0);
    run(&["maintain", database, "--force"]).expect(0);
    drop(owner);
    let out = run(&["stats", database]).expect(0).out;
    for part in [
        "tier  category ",
        "\nhot   order  ",
        "to hot",
        "smaller by tier changes so far: warmed 3.00x",
        "free of",
        "2026-17",
        "last maintenance: 1970-01-01T00:00:00Z, maintenance: done",
        "a run now would do:",
    ] {
        assert!(out.contains(part), "'{part}' is missing in\n{out}");
    }
    assert!(!out.contains("2023-11-14  order"), "{out}");
    let out = run(&["stats", database, "--days"]).expect(0).out;
    assert!(out.contains("2023-11-14  order      hot"), "{out}");
    let found = run(&["stats", database, "--days", "--format", "json"]).expect(0).json().remove(0);
    assert_eq!(found["tiers_by_category"][0]["events"], 1000);
    assert_eq!(found["days"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&found["holds"][0]["case"], &found["budget_bytes"]),
        (&"2026-17".into(), &serde_json::Value::Null)
    );
    assert_eq!(found["last_maintenance"]["outcome"], "done");
    // Events of 2023 are due for deletion or for a colder tier, but for the held ones.
    assert!(found["next_run"]["steps"].is_array() && found["next_run"]["kept"].is_array(), "{found}");
}
