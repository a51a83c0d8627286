//! `lifecycle` and `replay`.

use crate::run::{Place, run};

const LINES: &str = r#"{"ts":1,"category":"market_data","level":"debug","event":"quote","symbol":"X","bid":9.5,"ask":10.5,"bid_size":5,"ask_size":7}
{"ts":2,"category":"order","event":"order_created","order_id":"A","symbol":"X","strategy":"m","correlation_id":"c","status":"created","side":"BUY","quantity":3,"price":10}
{"ts":2.5,"category":"error","level":"error","event":"api_error","correlation_id":"c","error_message":"timeout \u001b[2J"}
{"ts":3,"category":"order","event":"order_submitted","order_id":"A","status":"submitted"}
{"ts":3,"category":"market_data","level":"debug","event":"trade","symbol":"X","price":10.2,"quantity":12,"side":"SELL"}
{"ts":4,"category":"fill","event":"order_filled","order_id":"A","status":"filled","fill_quantity":3,"fill_price":10.1,"commission":0.03}
{"ts":5,"category":"order","event":"order_acknowledged","order_id":"A","status":"acknowledged"}
{"ts":6,"category":"order","event":"order_created","order_id":"B","symbol":"X","parent_order_id":"A","status":"created"}
{"ts":7,"category":"fill","event":"order_filled","order_id":"C","symbol":"X","status":"filled","fill_quantity":1,"fill_price":1}
{"ts":30,"category":"market_data","level":"debug","event":"quote","symbol":"X","bid":11,"ask":11.2}
"#;

fn desk() -> Place {
    Place::with_lines(LINES)
}

#[track_caller]
fn check(arguments: &[&str], expected: &str, err: &str) {
    let place = desk();
    let mut all = vec![arguments[0], &place.database];
    all.extend(&arguments[1..]);
    let ran = run(&all).expect(0);
    assert_eq!(ran.out, expected.trim_start_matches('\n'), "{arguments:?}\n{}", ran.out);
    assert_eq!(ran.err, err, "{arguments:?}");
}

#[test]
fn a_lifecycle_for_people() {
    check(
        &["lifecycle", "A", "--format", "text"],
        "
order A: filled
  BUY 3 X @ 10, strategy m, correlation c
  filled 3 of 3 at 10.1 in 1 fill, commission 0.03, slippage 100 bps
  submitted after 1s, acknowledged after another 2s, first fill after 2s, ended after 2s
  illegal: acknowledged after filled, #6 at 1970-01-01T00:00:05.000000000Z
family
  A: filled, BUY 3 X @ 10, strategy m, correlation c
    part B: created, X

+0s (+0s) 1970-01-01T00:00:02.000000000Z INFO     order  order_created  order_id=A correlation_id=c symbol=X strategy=m side=BUY status=created price=10 quantity=3  #1
+500ms (+500ms) 1970-01-01T00:00:02.500000000Z ERROR    error  api_error  correlation_id=c error_message=\"timeout \\x1b[2J\"  #2
+1s (+500ms) 1970-01-01T00:00:03.000000000Z INFO     order  order_submitted  order_id=A status=submitted  #3
+2s (+1s) 1970-01-01T00:00:04.000000000Z INFO     fill  order_filled  order_id=A status=filled fill_price=10.1 fill_quantity=3 commission=0.03  #5
+3s (+1s) 1970-01-01T00:00:05.000000000Z INFO     order  order_acknowledged  order_id=A status=acknowledged  #6  illegal: acknowledged after filled, #6
+4s (+1s) 1970-01-01T00:00:06.000000000Z INFO     order  order_created  order_id=B symbol=X status=created parent_order_id=A  #7
",
        "",
    );
}

#[test]
fn a_timeline_as_a_table_and_as_csv() {
    check(
        &["lifecycle", "C"],
        "
order C: filled
  X
  filled 1 at 1 in 1 fill
  ended after 0s
  orphan: no event says that it was created

ts                    start  step  event         status  illegal  details
────────────────────  ─────  ────  ────────────  ──────  ───────  ────────────────────────────
1970-01-01T00:00:07Z     0s    0s  order_filled  filled           fill_price=1 fill_quantity=1
",
        "",
    );
    check(
        &["lifecycle", "C", "--format", "csv"],
        "ts,seq,since_start_us,since_previous_us,role,order_id,event,status,illegal,reason,details,message\r\n\
         1970-01-01T00:00:07.000000000Z,8,0,0,step,C,order_filled,filled,,,fill_price=1 fill_quantity=1,\r\n",
        "",
    );
}

#[test]
fn everything_is_in_the_json() {
    let place = desk();
    let ran = run(&["lifecycle", &place.database, "c", "--format", "json"]).expect(0);
    let [found] = &ran.json()[..] else { panic!("{}", ran.out) };
    assert_eq!(found["identity"], "correlation");
    assert_eq!(found["orders"].as_array().unwrap().len(), 2);
    assert_eq!(found["orders"][0]["status"], "filled");
    assert_eq!(found["orders"][0]["slippage_bps"], 100);
    assert_eq!(found["orders"][0]["transitions_illegal"][0]["to"], "acknowledged");
    assert_eq!(found["links"][0]["relation"], "part");
    let roles: Vec<&str> =
        found["timeline"].as_array().unwrap().iter().map(|moment| moment["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["step", "error", "step", "step", "step", "step"]);
    assert_eq!(found["timeline"][1]["event"]["error_message"], "timeout \u{1b}[2J");
    assert!(!ran.out.contains('\u{1b}'));
    assert_eq!(found["events_left_out"], 0);
}

#[test]
fn orders_that_went_wrong_are_listed() {
    let place = desk();
    let list = |arguments: &[&str], status: i32, expected: &[&str]| {
        let mut all = vec!["lifecycle", &place.database];
        all.extend(arguments);
        all.extend(["--format", "json"]);
        let ran = run(&all).expect(status);
        let ids: Vec<String> =
            ran.json().iter().map(|life| life["order_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids, expected, "{arguments:?}");
        ran.err
    };
    list(&["--open"], 0, &["B"]);
    list(&["--orphans"], 0, &["C"]);
    list(&["--illegal"], 0, &["A"]);
    list(&["--illegal", "--orphans", "--open"], 0, &["A", "B", "C"]);
    list(&["--open", "symbol = X # all of them"], 0, &["B"]);
    assert_eq!(list(&["--open", "strategy = m"], 1, &[]), "no such order\n");
    let wrong = run(&["lifecycle", &place.database, "--open", "symbl = X"]).expect(2);
    assert!(wrong.err.contains("did you mean 'symbol'?"), "{}", wrong.err);
}

#[test]
fn what_is_not_there_is_said() {
    let place = desk();
    for (arguments, status, expected) in [
        (&["lifecycle", "nope"][..], 1, "no event has 'nope' as its order_id or correlation_id"),
        (&["lifecycle", "X"], 1, "`blotter get` looks in every indexed field"),
        (&["lifecycle"], 2, "one of --orphans, --open, --illegal"),
        (&["replay", "c"], 1, "no order event has 'c' as its order_id"),
        (&["replay", "A", "--window", "5"], 2, "'5' is no duration"),
    ] {
        let mut all = vec![arguments[0], &place.database];
        all.extend(&arguments[1..]);
        let ran = run(&all).expect(status);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains(expected), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn what_could_not_be_read_is_said() {
    // Enough events that they are sealed.
    let mut lines = crate::run::numbered_lines(0..2000);
    lines.push_str(LINES);
    let place = Place::with_lines(&lines);
    let files = crate::run::files_under(std::path::Path::new(&place.database));
    let is_fill =
        |path: &&std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("fill-");
    std::fs::write(files.iter().find(is_fill).unwrap(), "no segment").unwrap();
    for arguments in [&["lifecycle", "A"][..], &["replay", "A"], &["lifecycle", "--open"]] {
        let mut all = vec![arguments[0], &place.database];
        all.extend(&arguments[1..]);
        let ran = run(&all).expect(1);
        assert!(ran.err.contains("could not be read") && ran.err.contains("blotter verify"), "{}", ran.err);
        // The rest is shown: without its fill the order stands.
        assert!(ran.out.contains("acknowledged"), "{}", ran.out);
        assert!(!ran.out.contains("illegal: "), "{}", ran.out);
    }
}

#[test]
fn a_replay_for_people() {
    check(&["replay", "A", "--window", "1s"], "
order A: filled
  BUY 3 X @ 10, strategy m, correlation c
  filled 3 of 3 at 10.1 in 1 fill, commission 0.03, slippage 100 bps
  submitted after 1s, acknowledged after another 2s, first fill after 2s, ended after 2s
  illegal: acknowledged after filled, #6 at 1970-01-01T00:00:05.000000000Z

since   bid_size  bid   ask  ask_size  kind   event               details                                          status     filled
──────  ────────  ───  ────  ────────  ─────  ──────────────────  ───────────────────────────────────────────────  ─────────  ──────
-1s            5  9.5  10.5         7  quote  quote
+0s            5  9.5  10.5         7  order  order_created       side=BUY price=10 quantity=3                     created         0
+500ms         5  9.5  10.5         7  error  api_error           error_message=\"timeout \\\\x1b[2J\"                 created         0
+1s            5  9.5  10.5         7  order  order_submitted                                                      submitted       0
+1s            5  9.5  10.5         7  trade  trade               side=SELL price=10.2 quantity=12                 submitted       0
+2s            5  9.5  10.5         7  order  order_filled        fill_price=10.1 fill_quantity=3 commission=0.03  filled          3
+3s            5  9.5  10.5         7  order  order_acknowledged                                                   filled          3

execution quality
────────────────────────  ──────────  ───
bid at decision                  9.5
ask at decision                 10.5
mid at decision                   10
spread at decision               1.0
spread at decision              1000  bps
average price                   10.1
slippage against mid             100  bps
improvement on far touch  380.952381  bps
improvement on mid              -100  bps
effective spread                 200  bps
mark-out after 1 s        -99.009901  bps
mark-out after 10 s       -99.009901  bps
time to first fill           2000000  us
time to last fill            2000000  us
traded in the market              12
share of it                     25 %

fill                            quantity  price  mid  slippage bps  on far touch bps  effective bps     1 s bps    10 s bps
──────────────────────────────  ────────  ─────  ───  ────────────  ────────────────  ─────────────  ──────────  ──────────
1970-01-01T00:00:04.000000000Z         3   10.1   10           100        380.952381            200  -99.009901  -99.009901
", "");
}

#[test]
fn a_replay_for_programs() {
    let place = desk();
    let ran = run(&["replay", &place.database, "A", "--format", "json"]).expect(0);
    let [found] = &ran.json()[..] else { panic!("{}", ran.out) };
    assert_eq!(found["quality"]["decision_mid"], 10);
    assert_eq!(found["quality"]["slippage_bps"], 100);
    assert_eq!(found["quality"]["participation"], 0.25);
    assert_eq!(found["fills"][0]["mid_1s"], 10);
    assert_eq!(found["timeline"][0]["kind"], "quote");
    assert_eq!(found["timeline"][1]["touch"]["ask"], 10.5);
    let csv = run(&["replay", &place.database, "A", "--format", "csv"]).expect(0).out;
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("ts,seq,since_decision_us,kind,bid,ask,"), "{csv}");
    assert!(
        lines.next().unwrap().starts_with("1970-01-01T00:00:01.000000000Z,0,-1000000,quote,9.5,10.5,"),
        "{csv}"
    );
}

#[test]
fn steps_without_a_terminal_are_printed() {
    let place = desk();
    let ran = run(&["replay", &place.database, "A", "--step"]).expect(0);
    assert!(ran.err.contains("nothing to step through, so all is printed"), "{}", ran.err);
    assert_eq!(ran.out, run(&["replay", &place.database, "A"]).expect(0).out);
}

#[cfg(unix)]
#[test]
fn a_replay_is_gone_through_in_a_terminal() {
    use crate::run::command;
    use crate::terminal::{CTRL_C, Terminal, UP};
    let place = desk();
    let step = || Terminal::start(&mut command(&["replay", &place.database, "A", "--step"]), 100, 30);
    let mut terminal = step();
    terminal.wait_for("2 of 7");
    terminal.wait_for("order  created");
    terminal.send("n");
    terminal.wait_for("3 of 7");
    terminal.send("N");
    terminal.wait_for("order  submitted");
    terminal.send("G");
    terminal.wait_for("7 of 7");
    terminal.wait_for("order  filled   filled 3 of 3 at 10.1");
    terminal.send(UP);
    terminal.wait_for("6 of 7");
    terminal.send("g");
    terminal.wait_for("1 of 7");
    terminal.wait_for("not yet created");
    terminal.send("q");
    assert_eq!(terminal.wait(), 0);
    assert!(terminal.raw().ends_with("\x1b[?25h\x1b[?1049l"), "{:?}", terminal.raw());
    assert!(!terminal.raw().contains("\x1b[2J"), "{:?}", terminal.raw());
    let mut terminal = step();
    terminal.wait_for("2 of 7");
    terminal.send(CTRL_C);
    assert_eq!(terminal.wait(), 0);
}
