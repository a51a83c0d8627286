use blotter_engine::dec;

use super::*;
use crate::desk::recorded::recorded;

/// Replays order A in live and in sealed events; both must say the same.
#[track_caller]
fn replayed(lines: &str, replay_options: &ReplayOptions) -> Replay {
    let ask = |is_sealed| {
        let recorded = recorded(lines, is_sealed);
        replay(&recorded.db, "A", replay_options, &QueryOptions::default()).unwrap().unwrap()
    };
    let (live, sealed) = (ask(false), ask(true));
    let shown = |replay: &Replay| {
        let entries: Vec<_> = replay
            .timeline
            .iter()
            .map(|entry| (entry.seq, entry.kind, entry.touch, entry.state.clone()))
            .collect();
        format!("{entries:?} {:?} {:?} {:?} {:?}", replay.fills, replay.quality, replay.notes, replay.life)
    };
    assert_eq!(shown(&live), shown(&sealed));
    live
}

fn figures(lines: &str) -> (Replay, impl Fn(&str) -> String) {
    let replay = replayed(lines, &ReplayOptions::default());
    let figures = replay.quality.figures();
    let value = move |name: &str| {
        let figure = figures.figures.iter().find(|figure| figure.name == name).unwrap();
        if figure.value.is_null() { "-".to_owned() } else { figure.value.to_string() }
    };
    (replay, value)
}

/// Asserts figures, written as `slippage_bps=2 decision_mid=-`, and how many notes there are.
#[track_caller]
fn check(lines: &str, expected: &str, notes: &[&str]) {
    let (replay, value) = figures(lines);
    for cell in expected.split_whitespace() {
        let (name, expected) = cell.split_once('=').unwrap();
        assert_eq!(value(name), expected, "{name} of {lines}");
    }
    assert_eq!(replay.notes, notes, "{lines}");
}

/// A buy at 100.10 decided at a mid of 100 and a spread of 0.2.
const BUY: &str = "
    @0 market_data quote symbol=X bid=90 ask=91 bid_size=1 ask_size=1
    @10 market_data quote symbol=X bid=99.9 ask=100.1 bid_size=5 ask_size=7
    @10 market_data quote symbol=Y bid=1 ask=2
    @20 signal entry_signal symbol=X strategy=m correlation_id=c
    @20 order order_created order_id=A symbol=X strategy=m correlation_id=c side=BUY quantity=10 price=100.1
    @21 market_data trade symbol=X price=100.1 quantity=30 side=BUY
    @22 market_data quote symbol=X bid=100 ask=100.2
    @25 fill order_partially_filled order_id=A status=partially_filled fill_quantity=4 fill_price=100.1
    @26 market_data quote symbol=X bid=100.1 ask=100.3
    @30 fill order_filled order_id=A status=filled fill_quantity=6 fill_price=100.2
    @30 market_data trade symbol=X price=100.2 quantity=10 side=BUY
    @1025 market_data quote symbol=X bid=100.2 ask=100.6
    @1030 market_data quote symbol=X bid=100.3 ask=100.7
    @20000 market_data quote symbol=X bid=110 ask=111";

#[test]
fn a_buy_is_worth_what_was_worked_out_by_hand() {
    // Average 100.16. Against mid 100: +16 bps. Far touch 100.1: 0.06/100.1 = 5.994006 bps worse.
    // Effective: fill 1 at mid 100.1: 0. Fill 2 at mid 100.2: 0.
    // 1 s after fill 1 (1025): mid 100.4, +0.3/100.1 = 29.970030; after fill 2 (1030): 100.5, +0.3/100.2 = 29.940120.
    // Weighted 4 and 6: 29.952084. 10 s after: 0.4/100.1 = 39.960040 and 29.940120: 33.948088.
    check(
        BUY,
        "decision_bid=99.9 decision_ask=100.1 decision_mid=100 decision_spread=0.2 decision_spread_bps=20
         average_fill_price=100.16 slippage_bps=16 improvement_far_bps=-5.994006 improvement_mid_bps=-16
         effective_spread_bps=0 markout_1s_bps=29.952084 markout_10s_bps=33.948088 first_fill_us=5000
         last_fill_us=10000 market_volume=40 participation=0.25",
        &[],
    );
    let (replay, _) = figures(BUY);
    assert_eq!(replay.fills.len(), 2);
    assert_eq!(replay.fills[0].slippage_bps, Some(dec!(10)));
    assert_eq!(replay.fills[0].improvement_far_bps, Some(dec!(0)));
    assert_eq!((replay.fills[0].mid, replay.fills[1].mid), (Some(dec!(100.1)), Some(dec!(100.2))));
    assert_eq!(replay.fills[0].mids_after, [Some(dec!(100.4)), Some(dec!(100.5))]);
}

#[test]
fn the_timeline_has_the_market_and_the_order_as_they_were() {
    let (replay, _) = figures(BUY);
    let shown: Vec<String> = replay
        .timeline
        .iter()
        .map(|entry| {
            let bid = entry.touch.and_then(|touch| touch.bid).map_or("-".to_owned(), |bid| bid.to_string());
            let status = entry.state.status.map_or("-", |status| status.as_str());
            format!("{} {} {bid} {status}", entry.since_decision_ns / 1_000_000, entry.kind.name())
        })
        .collect();
    assert_eq!(
        shown,
        [
            "-20 quote 90 -",
            "-10 quote 99.9 -",
            "0 related 99.9 -",
            "0 order 99.9 created",
            "1 trade 99.9 created",
            "2 quote 100 created",
            "5 order 100 partially_filled",
            "6 quote 100.1 partially_filled",
            "10 order 100.1 filled",
            "10 trade 100.1 filled",
            "1005 quote 100.2 filled",
            "1010 quote 100.3 filled",
        ]
    );
    assert_eq!(replay.market_events_left_out, 0);
}

#[test]
fn a_sell_is_the_other_way_round() {
    let sell = "
        @0 market_data quote symbol=X bid=50 ask=52
        @1 order order_created order_id=A symbol=X side=SELL quantity=1
        @2 fill order_filled order_id=A fill_quantity=1 fill_price=50.5
        @20000 market_data quote symbol=X bid=49 ask=50";
    // Mid 51. 0.5/51 = 98.039216 bps worse; 0.5/50 = 100 bps better than the bid. Nothing happened after the fill.
    check(
        sell,
        "slippage_bps=98.039216 improvement_far_bps=100 improvement_mid_bps=-98.039216
         effective_spread_bps=196.078432 markout_1s_bps=-99.009901 markout_10s_bps=-99.009901
         market_volume=- participation=-",
        &["no trade of X was recorded in the life of the order, so its share is not known"],
    );
}

#[test]
fn what_cannot_be_known_is_null_and_said() {
    let order = "
        @1 order order_created order_id=A symbol=X side=BUY quantity=1
        @2 fill order_filled order_id=A fill_quantity=1 fill_price=50";
    let none = "decision_mid=- slippage_bps=- improvement_far_bps=- effective_spread_bps=- markout_1s_bps=- average_fill_price=50";
    check(
        order,
        none,
        &[
            "no quote of X was recorded before the decision",
            "1 of 1 fills have no mid: no quote with two sides was recorded before them",
            "1 of 1 fills have no mid 1 s later: the recorded quotes end before, or have one side",
            "1 of 1 fills have no mid 10 s later: the recorded quotes end before, or have one side",
            "no trade of X was recorded in the life of the order, so its share is not known",
        ],
    );
    // One side: there is no mid, but a far touch.
    check(
        &format!(
            "@0 market_data quote symbol=X ask=50 ask_size=3\n{order}\n@3 market_data trade symbol=X quantity=1"
        ),
        "decision_mid=- decision_ask=50 slippage_bps=- improvement_far_bps=0 effective_spread_bps=-",
        &[
            "the quote of X before the decision has one side only, so it has no mid",
            "1 of 1 fills have no mid: no quote with two sides was recorded before them",
            "1 of 1 fills have no mid 1 s later: the recorded quotes end before, or have one side",
            "1 of 1 fills have no mid 10 s later: the recorded quotes end before, or have one side",
            "no trade of X was recorded in the life of the order, so its share is not known",
        ],
    );
    // Nothing is measured against a price of 0.
    let zero = "
        @0 market_data quote symbol=X bid=0 ask=0
        @1 order order_created order_id=A symbol=X side=BUY quantity=1
        @1 market_data trade symbol=X quantity=0
        @2 fill order_filled order_id=A fill_quantity=1 fill_price=0
        @20000 market_data quote symbol=X bid=1 ask=1";
    check(
        zero,
        "decision_mid=0 decision_spread_bps=- slippage_bps=- improvement_far_bps=- effective_spread_bps=- markout_1s_bps=- market_volume=0 participation=-",
        &[],
    );
    let unnamed = replayed("@0 order order_submitted order_id=A", &ReplayOptions::default());
    assert_eq!(unnamed.notes.len(), 2, "{:?}", unnamed.notes);
    let recorded = recorded("@0 order order_created order_id=B", false);
    assert!(
        replay(&recorded.db, "A", &ReplayOptions::default(), &QueryOptions::default()).unwrap().is_none()
    );
}

#[test]
fn a_flood_of_quotes_is_cut_to_those_next_to_the_order_and_told() {
    let mut lines = String::new();
    for ms in 0..100 {
        lines.push_str(&format!("@{ms} market_data quote symbol=X bid={ms} ask=200\n"));
        if ms == 30 {
            lines.push_str("@30 order order_created order_id=A symbol=X side=BUY quantity=1\n");
        }
        if ms == 60 {
            lines.push_str("@60 fill order_filled order_id=A symbol=X fill_quantity=1 fill_price=150\n");
        }
    }
    let options = ReplayOptions { market_events_max: 8, ..ReplayOptions::default() };
    let replay = replayed(&lines, &options);
    let bids: Vec<String> = replay
        .timeline
        .iter()
        .filter(|entry| entry.kind == EntryKind::Quote)
        .map(|entry| entry.touch.unwrap().bid.unwrap().to_string())
        .collect();
    assert_eq!(bids, ["29", "30", "31", "32", "59", "60", "61", "62"]);
    assert_eq!(replay.market_events_left_out, 92);
    // The book is that of then, whether its quote is shown or not.
    let book_at = |kind: EntryKind, status: &str| {
        let is_it =
            |entry: &&Entry| entry.kind == kind && entry.state.status.is_some_and(|it| it.as_str() == status);
        replay.timeline.iter().find(is_it).unwrap().touch.unwrap().bid.unwrap()
    };
    assert_eq!(book_at(EntryKind::Step, "created"), dec!(30));
    assert_eq!(book_at(EntryKind::Step, "filled"), dec!(60));
    // Figures do not depend on what is shown.
    assert_eq!(replay.quality, replayed(&lines, &ReplayOptions::default()).quality);
    let wide = replayed(&lines, &ReplayOptions { market_events_max: 100, ..ReplayOptions::default() });
    assert_eq!((wide.market_events_left_out, wide.timeline.len()), (0, 102));
    let narrow = ReplayOptions { window: Duration::from_millis(1), ..ReplayOptions::default() };
    assert_eq!(replayed(&lines, &narrow).timeline.len(), 2 + 2 * 3);
}

#[test]
fn trouble_around_the_order_is_shown() {
    let lines = "
        @0 error api_error level=error symbol=X
        @1 order order_created order_id=A symbol=X strategy=m side=BUY
        @2 risk portfolio_heat_warning level=warn strategy=m
        @2 risk risk_check level=info strategy=m
        @3 error api_error level=error symbol=Y strategy=n
        @4 order order_cancelled order_id=A
        @9000 error api_error level=error symbol=X";
    let replay = replayed(lines, &ReplayOptions::default());
    let seqs: Vec<u64> = replay.timeline.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [0, 1, 2, 5]);
    assert_eq!(replay.quality.first_fill_ns, None);
}
