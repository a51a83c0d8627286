//! `policy`, `hold`, `maintain`, `delete`, `history`, and what `stats` says of them.

use blotter::ledger::{Budget, Change, Hold, HoldId, HoldQuery, Policy};

use crate::owner::{ledger, only_entry_after, with_each_owner};
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

/// The policy of a category as `show` prints it.
fn shown(place: &Place, category: &str) -> serde_json::Value {
    let shown = run(&["policy", &place.database, "show", "--format", "json"]).expect(0).json();
    shown.into_iter().find(|policy| policy["category"] == category).unwrap()
}

#[test]
fn policies_are_shown_with_who_set_them_and_why() {
    with_each_owner(desk, |place| {
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
        let entry = only_entry_after(place, 0);
        assert_eq!(entry.change, Change::PolicySet { category: "market_data".into(), policy });
        assert_eq!((entry.actor.as_str(), entry.reason.as_str()), ("ann", reason));
        let shown = shown(place, "market_data");
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
        let entry = only_entry_after(place, 1);
        assert_eq!((entry.actor.as_str(), entry.reason.as_str()), ("bob", "r"));
        let ran = set(&["--keep-at-least", "30d"]).expect(1);
        assert!(
            ran.err.contains("keep_at_least 365 days") && ran.err.contains("cannot be lowered"),
            "{}",
            ran.err
        );
        assert!(set(&[]).expect(2).err.contains("nothing to change"));
    });
}

#[test]
fn categories_are_known_or_meant() {
    with_each_owner(desk, |place| {
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
        assert_eq!(ledger(place).entries().len(), 2);
    });
}

#[test]
fn a_file_of_policies_is_applied_whole_or_not_at_all() {
    with_each_owner(desk, |place| {
        let wrong = place
            .file("wrong.toml", "[order]\nhot = \"1d\"\n[fil]\nhot = \"1d\"\n[disk]\nbudget = \"80%\"\n");
        let ran = run(&["policy", &place.database, "apply", &wrong]).expect(2);
        assert!(ran.err.contains("wrong.toml:3: ") && ran.err.contains("did you mean fill?"), "{}", ran.err);
        let conflict = place.file("conflict.toml", "[order]\nhot = \"1d\"\n\n[fill]\nhot = \"9y\"\n");
        let ran = run(&["policy", &place.database, "apply", &conflict]).expect(2);
        assert!(
            ran.err.contains("conflict.toml:4: [fill]: ") && ran.err.contains("nothing was changed"),
            "{}",
            ran.err
        );
        assert_eq!(ledger(place).entries(), []);

        let archive = place.directory.join("archive").display().to_string();
        std::fs::create_dir(&archive).unwrap();
        let file = place.file(
        "retention.toml",
        format!("[order]\nhot = \"1d\"\n[fill]\nhot = \"30d\"\n[disk]\nbudget = \"100%\"\ncold_directory = \"{archive}\"\n"),
    );
        let expected = format!(
            "cold_directory: none to {archive}\norder: hot 30 d to 1 d\nbudget: unlimited to 100% of the volume\n"
        );
        let ran = run(&["policy", &place.database, "apply", &file, "--dry-run"]).expect(0);
        assert_eq!(ran.out, format!("{expected}3 would change\n"));
        assert_eq!(ledger(place).entries(), []);
        let ran = run(&["policy", &place.database, "apply", &file]).expect(0);
        assert_eq!(ran.out, format!("{expected}3 changed\n"));
        let found = ledger(place);
        assert_eq!(found.entries().len(), 3);
        assert!(found.entries().iter().all(|entry| entry.reason.contains("retention.toml")), "{found:?}");
        let ran = run(&["policy", &place.database, "apply", &file]).expect(0);
        assert_eq!((ran.out.as_str(), ledger(place)), ("nothing to change\n", found));
    });
}

#[test]
fn the_disk_is_limited_and_cold_segments_sent_elsewhere() {
    with_each_owner(desk, |place| {
        let policy = |arguments: &[&str]| {
            let mut all = vec!["policy", place.database.as_str()];
            all.extend(arguments);
            run(&all).expect(0).out
        };
        assert_eq!(policy(&["budget", "500GB", "--reason", "r"]), "the budget is 500 GB\n");
        assert_eq!(only_entry_after(place, 0).change, Change::BudgetSet(Budget::Bytes(500_000_000_000)));
        let archive = place.directory.join("a b");
        let shown = archive.display().to_string();
        // A directory that is not there may be a volume that is not mounted.
        let refused = run(&["policy", &place.database, "cold-directory", &shown]).expect(1);
        assert!(refused.err.contains("is not there; hint: create it"), "{}", refused.err);
        std::fs::create_dir(&archive).unwrap();
        assert_eq!(policy(&["cold-directory", &shown]), format!("cold segments go to {shown}\n"));
        assert_eq!(only_entry_after(place, 1).change, Change::ColdDirectorySet(Some(shown.clone())));
        let out = policy(&["show"]);
        assert!(out.contains("budget: 500 GB") && out.contains(&format!("cold directory: {shown}")), "{out}");
        policy(&["cold-directory", "none"]);
        assert_eq!(only_entry_after(place, 2).change, Change::ColdDirectorySet(None));
        // Whoever sets a budget that is exceeded already is told so.
        let ran = run(&["policy", &place.database, "budget", "1kB"]).expect(0);
        assert!(ran.err.contains("over it now") && ran.err.contains("--dry-run"), "{}", ran.err);
    });
}

#[test]
fn holds_are_placed_listed_and_released() {
    with_each_owner(desk, |place| {
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
        let entry = only_entry_after(place, 0);
        assert_eq!(
            (entry.change, entry.actor.as_str(), entry.reason.as_str()),
            (Change::HoldPlaced(hold), "ann", "a letter")
        );
        let out = run(&["hold", &place.database, "list"]).expect(0).out;
        assert!(out.contains("2026-17") && out.contains(events) && out.contains("a letter"), "{out}");
        let listed = run(&["hold", &place.database, "list", "--format", "json"]).expect(0).json();
        assert_eq!((&listed[0]["hold"], &listed[0]["order_id"][2]), (&1.into(), &"A-2".into()));

        let all = ["hold", &place.database, "add", "--case", "b", "--reason", "r", "--all"];
        assert_eq!(run(&all).expect(0).out, "hold 2 is placed for case b: all events\n");
        let release = |id: &str| run(&["hold", &place.database, "release", id, "--reason", "closed"]);
        assert_eq!(release("1").expect(0).out, "hold 1 is released\n");
        assert!(release("1").expect(1).err.contains("there is no hold 1 in force"));
        assert_eq!(only_entry_after(place, 2).change, Change::HoldReleased(HoldId(1)));
        assert_eq!(run(&["hold", &place.database, "list", "--format", "json"]).expect(0).json().len(), 1);

        // A file without ids would hold everything.
        let from = ["hold", &place.database, "add", "--case", "c", "--reason", "r", "--order-ids-from", "-"];
        assert!(run_with_input(&from, b"\n \n").expect(2).err.contains("has no ids"));
        assert!(run_with_input(&from, b"A-7\n").expect(0).out.contains("order_id A-7"));
    });
}

/// Days from 2023-11-14 on with two hundred orders each, and one tick.
fn days(count: u64) -> Place {
    let mut lines = "{\"ts\":1700000000,\"category\":\"raw_ticks\",\"symbol\":\"R\"}\n".to_owned();
    for day in 0..count {
        for n in 0..200 {
            let ts = 1_700_000_000 + day * 86_400 + n;
            lines += &format!(
                "{{\"ts\":{ts},\"category\":\"order\",\"order_id\":\"A-{day}-{n}\",\"symbol\":\"S{}\",\"n\":{n}}}\n",
                n % 7
            );
        }
    }
    Place::with_lines(&lines)
}

#[test]
fn what_is_due_changes_tier_and_goes_and_what_is_held_stays() {
    with_each_owner(
        || days(8),
        |place| {
            let database = place.database.as_str();
            let maintain = |at: &str, options: &[&str]| {
                let mut all = vec!["maintain", database, "--at", at];
                all.extend(options);
                run(&all)
            };
            let orders = || run(&["query", database, "category = order", "--format", "json"]).expect(0).out;
            let tier = |name: &str| {
                let found = run(&["stats", database, "--format", "json"]).expect(0).json().remove(0);
                let tiers = found["tiers"].as_array().unwrap().clone();
                let found = tiers.into_iter().find(|tier| tier["tier"] == name);
                found.map_or(0, |tier| tier["events"].as_u64().unwrap())
            };
            let of_day = |day: u64| {
                run(&["get", database, &format!("A-{day}-7"), "--format", "json"]).out.lines().count()
            };
            let all = orders();
            assert_eq!((all.lines().count(), tier("hot")), (1600, 1601));
            let ages = ["--hot", "10d", "--warm", "20d", "--delete", "30d", "--reason", "short of space"];
            run(&[&["policy", database, "set", "order"], &ages[..]].concat()).expect(0);
            let hold = ["hold", database, "add", "--case", "c", "--reason", "r", "--order-id", "A-1-7"];
            assert_eq!(run(&hold).expect(0).out, "hold 2 is placed for case c: order_id A-1-7\n");

            let ran = maintain("2023-12-01T02:00:00Z", &[]).expect(0);
            assert!(ran.out.contains("\nwarmed") && ran.out.contains("  8 to 8  "), "{}", ran.out);
            assert_eq!((orders() == all, tier("warm"), tier("hot")), (true, 1600, 1));
            let found = maintain("2023-12-11T02:00:00Z", &["--format", "json"]).expect(0).json().remove(0);
            assert_eq!((&found["outcome"], &found["cooled"]["partitions"]), (&"done".into(), &8.into()));
            assert_eq!((orders() == all, tier("cold")), (true, 1600));
            // The day of the tick has reached its age for warm meanwhile: nothing is due twice.
            maintain("2023-12-14T02:00:00Z", &["--dry-run"]).expect(0);
            assert_eq!(orders(), all);
            let ran = maintain("2023-12-14T02:00:00Z", &[]).expect(0);
            assert!(ran.out.contains("age, by policy version 1"), "{}", ran.out);
            assert_eq!((tier("cold"), of_day(0), of_day(1)), (1400, 0, 1));

            let ran = maintain("2023-12-15T02:00:00Z", &[]).expect(0);
            assert!(ran.out.contains("kept: order 2023-11-15: 200 events, "), "{}", ran.out);
            assert!(ran.out.contains(": held by hold 2; due: age, by policy version 1\n"), "{}", ran.out);
            let by_hand = ["delete", database, "order", "2023-11-15", "--reason", "r"];
            assert!(run(&by_hand).expect(1).err.contains("is kept: held by hold 2; hint: "));
            assert_eq!((tier("cold"), of_day(1)), (1400, 1));
            run(&["hold", database, "release", "2", "--reason", "closed"]).expect(0);
            maintain("2023-12-15T02:00:00Z", &[]).expect(0);
            assert_eq!((tier("cold"), of_day(1), of_day(2)), (1200, 0, 1));

            // All the rest at once is more than anybody wants to lose to a wrong clock.
            let ran = maintain("2024-01-01T02:00:00Z", &[]).expect(1);
            assert!(ran.out.contains("problem: 1200 events of 1205 would be deleted"), "{}", ran.out);
            assert_eq!(ran.out.matches("problem: 1200 events").count(), 1, "{}", ran.out);
            assert!(ran.out.contains("needs confirmation") && ran.err.contains("--force"), "{ran:?}");
            assert_eq!((tier("cold"), of_day(7)), (1200, 1));
            let ran = maintain("2024-01-01T02:00:00Z", &["--force", "--grace", "0s"]).expect(0);
            let deleted = ran.out.lines().find(|line| line.starts_with("deleted ")).unwrap();
            let deleted: Vec<&str> = deleted.split_whitespace().collect();
            assert_eq!(deleted[1..6], ["6", "6", "to", "0", "1200"]);
            assert_eq!((tier("cold"), orders()), (0, String::new()));
            let files = crate::run::files_under(std::path::Path::new(database));
            let segments = files.iter().filter(|path| path.to_string_lossy().contains("order-"));
            assert_eq!(segments.count(), 0, "{files:?}");
            let reason = ledger(place).entries().last().unwrap().reason.clone();
            assert_eq!(reason, "maintenance, large deletions confirmed");
        },
    );
}

#[test]
fn a_hand_deletes_no_more_than_the_policy_allows() {
    with_each_owner(desk, |place| {
        let database = place.database.as_str();
        let delete = |category: &str, day: &str| {
            run(&["delete", database, category, day, "--reason", "a feed gone wild"])
        };
        let floor = ["--delete", "never", "--keep-at-least", "80y", "--reason", "r"];
        run(&[&["policy", database, "set", "order"], &floor[..]].concat()).expect(0);
        let ran = delete("order", "2023-11-14").expect(1);
        assert!(
            ran.err.contains("must be kept for at least 29200; hint: keep_at_least of its policy"),
            "{}",
            ran.err
        );
        assert!(delete("raw_tick", "2023-11-14").expect(2).err.contains("did you mean raw_ticks?"));
        let ran = delete("raw_ticks", "2023-11-15").expect(1);
        assert!(
            ran.err.contains("no event of it is sealed; hint: `blotter stats DIR --days`"),
            "{}",
            ran.err
        );
        let ran = delete("raw_ticks", "2023-11-14").expect(0);
        assert!(ran.out.starts_with("deleted raw_ticks 2023-11-14: 1 event, "), "{}", ran.out);
        run(&["get", database, "R"]).expect(1);
        assert_eq!(
            run(&["query", database, "category = order", "--format", "json"]).expect(0).json().len(),
            1000
        );
    });
}

#[test]
fn history_tells_what_was_decided_and_deleted() {
    with_each_owner(desk, |place| {
        let database = place.database.as_str();
        assert_eq!(run(&["history", database]).expect(0).out, "nothing was decided or done yet\n");
        for (arguments, status) in [
            (&["policy", database, "set", "order", "--hot", "3d", "--reason", "one"][..], 0),
            (&["policy", database, "set", "order", "--hot", "4d", "--delete", "400d", "--reason", "two"], 0),
            (&["delete", database, "raw_ticks", "2023-11-14", "--reason", "a feed gone wild"], 0),
            (&["maintain", database, "--at", "2023-11-20T02:00:00Z"], 0),
            (&["maintain", database, "--at", "2025-11-20T02:00:00Z"], 1),
        ] {
            run_as_ann(arguments).expect(status);
        }
        let out = run(&["history", database]).expect(0).out;
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 9, "{out}");
        assert!(lines[2].ends_with(" ann    one               policy of order: hot 30 d to 3 d"), "{out}");
        assert!(lines[3].contains("policy of order: hot 3 d to 4 d"), "{out}");
        assert!(lines[4].contains("deleted raw_ticks 2023-11-14: 1 event, "), "{out}");
        assert!(lines[4].contains("seq 1000 to 1000, by hand, root "), "{out}");
        assert!(lines[5].contains("maintenance: done; warmed 1 partition, "), "{out}");
        assert!(lines[6].contains("maintenance: needs confirmation; cooled 1 partition, "), "{out}");
        assert!(lines[7].starts_with("        problem: the clock says 2025"), "{out}");
        assert!(lines[8].starts_with("        problem: 1000 events of 100"), "{out}");
        let found = run(&["history", database, "-n", "3", "--format", "json"]).expect(0).json();
        assert_eq!(found.len(), 3);
        assert_eq!((&found[0]["change"], &found[0]["events"]), (&"deleted".into(), &1.into()));
        assert_eq!((&found[1]["number"], &found[1]["outcome"]), (&4.into(), &"done".into()));
        assert!(found.iter().all(|entry| entry["actor"] == "ann"), "{found:?}");
        assert_eq!(run(&["history", database, "-n", "0", "--format", "json"]).expect(0).json().len(), 5);
    });
}

/// Every file with what it holds, but for the WAL, which its writer marks when it is quiet.
fn content(place: &Place) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = crate::run::files_under(std::path::Path::new(&place.database));
    let mut found: Vec<_> =
        files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    found.retain(|(path, _)| path.extension().is_none_or(|ending| ending != "wal"));
    found.sort();
    found
}

#[test]
fn stats_show_tiers_days_holds_and_what_is_due() {
    with_each_owner(desk, |place| {
        let database = place.database.as_str();
        let hold = ["hold", database, "add", "--case", "2026-17", "--reason", "r", "--order-id", "A-1"];
        run(&hold).expect(0);
        run(&["maintain", database, "--at", "2024-01-20T02:00:00Z"]).expect(0);
        let before = content(place);
        let out = run(&["stats", database]).expect(0).out;
        for part in [
            "tier  category ",
            "\nwarm  order  ",
            "vs hot",
            "smaller by tier changes so far: warmed ",
            "free of",
            "2026-17",
            ", maintenance: done; warmed 2 partitions, ",
            "a run now would do:",
        ] {
            assert!(out.contains(part), "'{part}' is missing in\n{out}");
        }
        assert!(!out.contains("2023-11-14  order      warm"), "{out}");
        let out = run(&["stats", database, "--days"]).expect(0).out;
        assert!(out.contains("2023-11-14  order      warm"), "{out}");
        let found = run(&["stats", database, "--days", "--format", "json"]).expect(0).json().remove(0);
        assert_eq!(found["tiers_by_category"][0]["events"], 1000);
        assert_eq!(found["days"].as_array().unwrap().len(), 2);
        assert_eq!(
            (&found["holds"][0]["case"], &found["budget_bytes"]),
            (&"2026-17".into(), &serde_json::Value::Null)
        );
        assert_eq!(found["last_maintenance"]["outcome"], "done");
        assert!(found["next_run"]["steps"].is_array() && found["next_run"]["kept"].is_array(), "{found}");
        // What a run would do at another time, held or not.
        let plan = |at: &str, status: i32| {
            let all = ["maintain", database, "--dry-run", "--format", "json", "--at", at];
            run(&all).expect(status).json().remove(0)["plan"].clone()
        };
        assert_eq!(plan("2024-01-21T02:00:00Z", 0)["steps"], serde_json::json!([]));
        let later = plan("2024-02-19T02:00:00Z", 0);
        assert_eq!(later["needs_confirmation"], false, "{later}");
        let later = plan("2039-02-19T02:00:00Z", 1);
        assert_eq!(
            (&later["steps"][0]["step"], &later["kept"][0]["why"]),
            (&"cool".into(), &"held by hold 1".into())
        );
        assert_eq!(later["needs_confirmation"], true, "the tick is not held");
        assert_eq!(content(place), before, "looking changes nothing");
    });
}

#[test]
fn a_cold_volume_that_is_not_mounted_is_told_of_and_left_alone() {
    with_each_owner(desk, |place| {
        let database = place.database.as_str();
        let archive = place.directory.join("archive");
        let away = place.directory.join("away");
        std::fs::create_dir(&archive).unwrap();
        run(&["policy", database, "cold-directory", &archive.display().to_string()]).expect(0);
        run(&["maintain", database, "--at", "2024-06-20T02:00:00Z", "--grace", "0s"]).expect(0);
        let count = |status| run(&["query", database, "category = order | stats count()"]).expect(status);
        assert!(count(0).out.contains("1000"));
        std::fs::rename(&archive, &away).unwrap();
        let ran = count(1);
        assert!(ran.err.contains("archive") && ran.err.contains("could not be read"), "{}", ran.err);
        let ran = run(&["stats", database]).expect(1);
        assert!(ran.out.contains("archive, not there: is its volume mounted?"), "{}", ran.out);
        for arguments in [&["--dry-run"][..], &["--force"]] {
            let mut all = vec!["maintain", database, "--at", "2039-06-20T02:00:00Z"];
            all.extend(arguments);
            let ran = run(&all).expect(1);
            assert!(ran.out.contains("problem: the directory of cold segments '"), "{}", ran.out);
            assert!(ran.out.contains("hint: mount its volume"), "{}", ran.out);
        }
        std::fs::rename(&away, &archive).unwrap();
        assert!(count(0).out.contains("1000"));
        run(&["stats", database]).expect(0);
    });
}

#[test]
fn an_engine_that_starts_gets_the_database_from_a_run() {
    let place = days(60);
    let database = place.database.as_str();
    let arguments = ["maintain", database, "--at", "2025-06-20T02:00:00Z", "--format", "json"];
    let run = crate::run::start(&mut command(&arguments));
    let cold = || {
        let snapshot = blotter::Reader::open(database).unwrap().snapshot().unwrap();
        snapshot.segments().filter(|meta| meta.tier == blotter::segment::Tier::Cold).count()
    };
    crate::run::wait_for("the first days to be cold", || (cold() > 1).then_some(()));
    let db = crate::owner::engine(&place);
    let output = run.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out} {}", String::from_utf8_lossy(&output.stderr));
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&found["outcome"], &found["earlier"][0]["outcome"]),
        (&"done".into(), &"interrupted".into()),
        "{found}"
    );
    let cooled = |job: &serde_json::Value| job["cooled"]["partitions"].as_u64().unwrap();
    assert_eq!((cooled(&found) + cooled(&found["earlier"][0]), cold()), (61, 61), "{found}");
    // It records, so nobody gets it from that one.
    assert!(matches!(blotter::Db::open(database), Err(blotter::Error::Locked { .. })));
    db.close().unwrap();
    assert!(blotter::verify(database).unwrap().is_clean());
}
