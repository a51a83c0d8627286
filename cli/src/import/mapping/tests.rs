//! Mappings at work, the examples of the documentation among them, and what is wrong with some.

use super::*;
use crate::import::intake::Collected;

const BITSTAMP: &str = include_str!("../../../../docs/mappings/bitstamp.toml");
const ORDERS_CSV: &str = include_str!("../../../../docs/mappings/orders-csv.toml");

fn mapped(mapping: &str) -> Mapped {
    match Mapped::new("m.toml", mapping) {
        Ok(mapped) => mapped,
        Err(failure) => panic!("{failure:?}"),
    }
}

fn read(mapping: &str, text: &str) -> Collected {
    Collected::read(&mut mapped(mapping), text)
}

/// Checks what each line becomes.
#[track_caller]
fn check(mapping: &str, text: &str, expected: &[&str]) {
    let read = read(mapping, text);
    assert_eq!(
        (&read.refused, read.count(|taken| matches!(taken, Taken::Bad(_)))),
        (&Vec::new(), 0),
        "{:?}",
        read.taken
    );
    for (found, expected) in read.events.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(read.events.len(), expected.len());
}

#[test]
fn the_example_of_bitstamp() {
    check(
        BITSTAMP,
        r#"1430438404518 order_created {"price": "236.47", "amount": "2.00000000", "datetime": "1430438404", "id": 1, "order_type": 0}
1430438404635 order_changed {"price": "236.47", "amount": "1.5", "datetime": "1430438404", "id": 1, "order_type": 0}
1430438404645 trade {"price": 236.47, "amount": 0.5, "id": 8111041}
1430438404700 order_deleted {"price": "236.47", "amount": "0.00000000", "datetime": "1430438404", "id": 1, "order_type": 0}
1430438404800 order_deleted {"price": "236.5", "amount": "0.00000000", "datetime": "1430438300", "id": 2, "order_type": 1}
1430438404900 order_deleted {"price": "236.5", "amount": "3", "datetime": "1430438300", "id": 3, "order_type": 1}
1430438405000 order_created {"price": "9", "amount": "1", "datetime": "1430438405", "id": 4, "order_type": 1}
1430438405001 order_changed {"price": "9", "amount": "1.5", "datetime": "1430438405", "id": 4, "order_type": 1}
1430438405002 order_changed {"price": "8", "amount": "1.50", "datetime": "1430438405", "id": 4, "order_type": 1}
1430438405003 order_changed {"price": "8", "amount": "1", "datetime": "1430438300", "id": 5, "order_type": 1}
1430438405885 order_book {"bids": [["236.47", "1.7"], ["236.20", "0.1"]], "asks": []}"#,
        &[
            "1: 2015-05-01T00:00:04.518000000Z order info event=order_created order_type=limit status=created symbol=BTC-USD venue=bitstamp source_event=order_created price=236.47 quantity=2.00000000 order_time_s=1430438404 order_id=1 side=BUY",
            "2: 2015-05-01T00:00:04.635000000Z fill info event=order_partially_filled status=partially_filled symbol=BTC-USD venue=bitstamp source_event=order_changed fill_price=236.47 remaining_quantity=1.5 order_time_s=1430438404 order_id=1 side=BUY fill_quantity=0.50000000",
            "3: 2015-05-01T00:00:04.645000000Z market_data debug event=trade symbol=BTC-USD venue=bitstamp source_event=trade price=236.47 quantity=0.5 trade_id=8111041",
            "4: 2015-05-01T00:00:04.700000000Z fill info event=order_filled status=filled symbol=BTC-USD venue=bitstamp source_event=order_deleted fill_price=236.47 remaining_quantity=0.00000000 order_time_s=1430438404 order_id=1 side=BUY fill_quantity=1.5",
            "5: 2015-05-01T00:00:04.800000000Z fill info event=order_filled status=filled symbol=BTC-USD venue=bitstamp source_event=order_deleted fill_price=236.5 remaining_quantity=0.00000000 order_time_s=1430438300 order_id=2 side=SELL",
            "6: 2015-05-01T00:00:04.900000000Z order info event=order_cancelled status=cancelled symbol=BTC-USD venue=bitstamp source_event=order_deleted price=236.5 remaining_quantity=3 order_time_s=1430438300 order_id=3 side=SELL",
            "7: 2015-05-01T00:00:05.000000000Z order info event=order_created order_type=limit status=created symbol=BTC-USD venue=bitstamp source_event=order_created price=9 quantity=1 order_time_s=1430438405 order_id=4 side=SELL",
            "8: 2015-05-01T00:00:05.001000000Z order info event=order_amended symbol=BTC-USD venue=bitstamp source_event=order_changed price=9 remaining_quantity=1.5 order_time_s=1430438405 order_id=4 side=SELL",
            "9: 2015-05-01T00:00:05.002000000Z order info event=order_amended symbol=BTC-USD venue=bitstamp source_event=order_changed price=8 remaining_quantity=1.50 order_time_s=1430438405 order_id=4 side=SELL",
            "10: 2015-05-01T00:00:05.003000000Z order info event=order_changed symbol=BTC-USD venue=bitstamp source_event=order_changed price=8 remaining_quantity=1 order_time_s=1430438300 order_id=5 side=SELL",
            "11: 2015-05-01T00:00:05.885000000Z market_data debug event=quote symbol=BTC-USD venue=bitstamp source_event=order_book bids=[[\"236.47\",\"1.7\"],[\"236.20\",\"0.1\"]] asks=[] bid=236.47 bid_size=1.7",
        ],
    );
    for (line, part) in [
        ("1430438404518 order_moved {}", "no [[when]] is for kind = \"order_moved\", amount missing"),
        ("1430438404518 trade", "not as the pattern says"),
        ("1430438404518 trade {\"price\"}", "column 'json': at "),
        (
            "1430438404518 order_created {\"id\":1,\"amount\":\"1\",\"order_type\":7}",
            "column 'order_type': \"7\" is none of its values 0, 1",
        ),
        ("1430438404518 order_created {\"id\":1,\"amount\":\"x\"}", "field 'quantity': x"),
        ("99999999999999999 trade {}", "another unit"),
    ] {
        let read = read(BITSTAMP, line);
        assert!(
            matches!(&read.taken[0], Taken::Bad(reason) if reason.contains(part)),
            "{line}: {:?}",
            read.taken
        );
    }
}

#[test]
fn the_example_of_csv() {
    let text = "date,time,kind,id,account,pair,direction,type,limit,amount,executed,executed_price,fee,note
14.11.2022,06:55:35.307,NEW,A-1,main,EDG-USDT,B,LMT,3.81E-8,100,,NULL,,
14.11.2022,06:55:36.100,EXEC,A-1,main,EDG-USDT,B,ICE,0.000523,100,40,0.000522,0.01,\"first, of

two \"\"parts\"\"\"

14.11.2022,06:55:37,REJECT,A-2,main,EDG-USDT,S,MKT,,100,,,,no money
";
    let read = read(ORDERS_CSV, text);
    let kinds = [
        Taken::Header,
        Taken::Record,
        Taken::Record,
        Taken::Continuation,
        Taken::Continuation,
        Taken::Blank,
        Taken::Record,
    ];
    assert_eq!(read.taken, kinds);
    assert_eq!(
        read.events,
        [
            "2: 2022-11-14T05:55:35.307000000Z order info event=order_created status=created source_event=NEW order_id=A-1 symbol=EDG-USDT side=BUY order_type=limit price=0.0000000381 quantity=100",
            "3: 2022-11-14T05:55:36.100000000Z fill info event=order_partially_filled status=partially_filled source_event=EXEC order_id=A-1 symbol=EDG-USDT side=BUY order_type=ICE price=0.000523 quantity=100 fill_quantity=40 fill_price=0.000522 commission=0.01 reason=first, of\n\ntwo \"parts\"",
            "7: 2022-11-14T05:55:37.000000000Z order warn event=order_rejected status=rejected source_event=REJECT order_id=A-2 symbol=EDG-USDT side=SELL order_type=market quantity=100 reason=no money",
        ]
    );
}

#[test]
fn columns_may_say_what_an_event_is() {
    let mapping = r#"
        [source]
        kind = "csv"
        delimiter = ";"
        columns = ["at", "what", "how", "of", "n", "left_out"]
        default_type = "auto"
        [time]
        column = "at"
        format = "epoch_s"
        [event]
        ignore = ["left_out"]
        set = { desk = 7, share = 0.10, live = true }
        [columns]
        what = { as = "event" }
        how = { as = "level" }
        of = { as = "category" }
    "#;
    check(
        mapping,
        "1;opened;Warning;Position;007;x\n2.0000000001;;;;1.50;\n",
        &[
            "1: 1970-01-01T00:00:01.000000000Z position warn event=opened desk=7 live=true share=0.10 n=007",
            "2: 1970-01-01T00:00:02.000000000Z raw info desk=7 live=true share=0.10 n=1.50 ts_text=2.0000000001",
        ],
    );
    let read = read(mapping, "1;a;loud;order;1;\n1;a;info;no good;1;\n;a;info;order;1;\n1;a\n");
    assert_eq!(read.count(|taken| matches!(taken, Taken::Bad(_))), 4, "{:?}", read.taken);
    assert!(matches!(&read.taken[3], Taken::Bad(reason) if reason.contains("2 columns, expected 6")));
}

#[test]
fn json_lines_with_names_of_their_own() {
    let mapping = r#"
        [source]
        kind = "json"
        [time]
        column = "meta.at"
        format = "auto"
        [event]
        category = "order"
        event = "seen"
        [columns]
        oid = { as = "order_id" }
        "legs[1].x" = { as = "second", type = "decimal" }
        "legs[1]" = { as = "second_leg" }
    "#;
    check(
        mapping,
        r#"{"meta":{"at":"2026-01-02T03:04:05Z","seq":9},"oid":77,"px":1.50,"ok":true,"none":null,"legs":[1,"b"],"seq":3,"empty":{}}"#,
        &[
            "1: 2026-01-02T03:04:05.000000000Z order info event=seen meta.seq=9 order_id=77 px=1.50 ok=true legs=[1,\"b\"] source.seq=3 empty={} second_leg=b",
        ],
    );
}

#[test]
fn quotes_that_are_never_closed_are_told() {
    let mapping = "[source]\nkind = \"csv\"\n[time]\ncolumn = \"t\"\nformat = \"epoch_s\"\n";
    let read_end = read(mapping, "t,x\n1,a\n2,\"b\n3,c\n");
    assert_eq!(read_end.refused, ["3: a quote is opened in this record and never closed"]);
    assert_eq!(read_end.events.len(), 1);
    // After a record that does not end, lines are read again.
    let line = "y".repeat(300_000);
    let read_long = read(mapping, &format!("t,x\n1,\"{line}\n{line}\n{line}\n{line}\n2,b\n"));
    assert_eq!(read_long.refused.len(), 1);
    assert!(
        read_long.refused[0]
            .starts_with("2: a quote is opened in this record and not closed in 1048576 bytes, to line 5")
    );
    assert_eq!(read_long.events.len(), 1);
}

#[test]
fn each_file_has_its_own_header_which_must_fit() {
    let mapping = "[source]\nkind = \"csv\"\n[time]\ncolumn = \"time\"\nformat = \"epoch_s\"\n";
    let mut parser = mapped(mapping);
    for (text, event) in [("time,x\n1,a\n", "x=a"), ("y,time\nb,1\n", "y=b")] {
        assert!(Collected::read(&mut parser, text).events[0].contains(event));
    }
    for (header, part) in [
        ("tim,x", "m.toml:4: there is no column 'time'; did you mean tim?"),
        ("time,time", "column 2 of the file, 'time', is named twice"),
        ("time,", "column 2 of the file, '', has no name"),
    ] {
        let refused = mapped(mapping).line(1, header, &mut Collected::default());
        assert!(
            matches!(&refused, Err(Failure::Usage(reason)) if reason.contains(part)),
            "{header}: {refused:?}"
        );
    }
}

#[test]
fn mistakes_have_lines_and_hints() {
    let source = "[source]\nkind = \"csv\"\ncolumns = [\"t\", \"kind\"]\n";
    let time = "[time]\ncolumn = \"t\"\nformat = \"epoch_s\"\n";
    for (mapping, part) in [
        (String::new(), "m.toml:1: [source] is missing; hint: "),
        (time.to_owned(), "[source] is missing"),
        (source.to_owned(), "[time] is missing"),
        ("[source\n".to_owned(), "m.toml:1: "),
        (
            format!("{source}{time}[colums]\n"),
            "m.toml:7: there is no setting 'colums'; did you mean columns?",
        ),
        (
            format!("{source}{time}[columns]\nknd = {{}}\n"),
            "m.toml:8: there is no column 'knd'; did you mean kind?",
        ),
        (format!("{source}{time}[columns]\nkind = {{ type = \"float\" }}\n"), "m.toml:8: 'float' is no type"),
        (format!("{source}{time}[columns]\nkind = {{ az = \"x\" }}\n"), "m.toml:8: there is no setting 'az'"),
        (format!("{source}{time}[event]\nignore = [\"a\"]\n"), "m.toml:8: there is no column 'a'"),
        (
            format!("{source}{time}[event]\ncategory = \"No Spaces\"\n"),
            "m.toml:8: \"No Spaces\" cannot be a category",
        ),
        (format!("{source}{time}[event]\nlevel = \"loud\"\n"), "m.toml:8: "),
        (format!("{source}{time}[event]\nset = {{ a = [1] }}\n"), "m.toml:8: a constant is"),
        (format!("{source}{time}[[when]]\nevent = \"x\"\n"), "m.toml:7: match in [[when]] is missing"),
        (
            format!("{source}{time}[[when]]\nmatch = {{ kin = \"x\" }}\n"),
            "m.toml:8: there is no column 'kin'; did you mean kind?",
        ),
        (
            format!("{source}{time}[[when]]\nmatch = {{ kind = \"x\" }}\ntrack = true\n"),
            "there is no [track]",
        ),
        (
            format!("{source}{time}[[when]]\nmatch = {{ kind = \"x\" }}\nmoved = \"sideways\"\n"),
            "m.toml:9: 'sideways' is none of up, down, same",
        ),
        (format!("{source}{time}[when]\nmatch = {{}}\n"), "write it as [[when]]"),
        (format!("{source}{time}[track]\nkey = \"kind\"\n"), "m.toml:7: column in [track] is missing"),
        (format!("{source}{time}[columns]\n\"kind[0]\" = {{}}\n"), "say how to call it"),
        (
            format!("{source}[time]\ncolumn = \"t\"\nformat = \"ms\"\n"),
            "m.toml:6: 'ms' is no format of times",
        ),
        (
            format!("{source}[time]\ncolumn = \"t\"\nformat = \"epoch_s\"\nzone = \"Europe/Pari\"\n"),
            "m.toml:7: ",
        ),
        (format!("[source]\nkind = \"cvs\"\n{time}"), "m.toml:2: 'cvs' is none of csv, pattern, json"),
        (format!("[source]\nkind = \"csv\"\ndelimiter = \"::\"\n{time}"), "m.toml:3: the delimiter"),
        (format!("[source]\nkind = \"csv\"\ncolumns = [\"t\", \"t\"]\n{time}"), "column 't' is named twice"),
        (format!("[source]\nkind = \"json\"\npattern = \"x\"\n{time}"), "pattern is for kind = \"pattern\""),
        (format!("[source]\nkind = \"pattern\"\n{time}"), "pattern in [source] is missing"),
        (format!("[source]\nkind = \"pattern\"\npattern = \"(\"\n{time}"), "m.toml:3: the pattern is wrong"),
        (format!("[source]\nkind = \"pattern\"\npattern = \"a\"\n{time}"), "names no column"),
        (
            format!("[source]\nkind = \"pattern\"\npattern = \"(?<t>a)\"\njson = \"j\"\n{time}"),
            "m.toml:4: there is no column 'j'",
        ),
    ] {
        match Mapped::new("m.toml", &mapping) {
            Err(Failure::Usage(reason)) => assert!(reason.contains(part), "{mapping}: {reason}"),
            Err(other) => panic!("{mapping}: {other:?}"),
            Ok(_) => panic!("{mapping}: accepted"),
        }
    }
}

/// Lines of CSV, cut and changed: every one is something, and nothing panics.
#[test]
fn every_line_of_a_damaged_file_is_accounted_for() {
    let text = "14.11.2022,06:55:35.307,NEW,A-1,main,EDG-USDT,B,LMT,3.81E-8,100,,NULL,,\n\
                14.11.2022,06:55:36.100,EXEC,A-1,main,EDG-USDT,B,LMT,0.000523,100,40,0.000522,0.01,\"é, of\nx\"\n";
    let header =
        "date,time,kind,id,account,pair,direction,type,limit,amount,executed,executed_price,fee,note\n";
    let mut random = blotter_workload::Prng::new(5);
    for _ in 0..3_000 {
        let mut text: Vec<char> = text.chars().collect();
        for _ in 0..random.below(6) {
            let at = random.below(text.len() as u64) as usize;
            match random.below(2) {
                0 if text.len() > 1 => drop(text.remove(at)),
                _ => text.insert(at, ",\"\n\r;é".chars().nth(random.below(6) as usize).unwrap()),
            }
        }
        let text: String = text.into_iter().collect();
        let read = read(ORDERS_CSV, &format!("{header}{text}"));
        let records = read.count(|taken| *taken == Taken::Record);
        assert_eq!(read.events.len() + read.refused.len(), records, "{text:?}: {:?}", read.taken);
    }
}
