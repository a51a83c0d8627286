//! Trades against values worked out by hand, and by pandas and numpy (`query/tests/trading_figures.py`).

use blotter_engine::dec;
use blotter_engine::event::{Side, Timestamp};
use rust_decimal::Decimal;

use super::*;
use crate::time::zone::day_start;

const UTC: chrono_tz::Tz = chrono_tz::Tz::UTC;

/// At noon of a day in March 2026, UTC.
fn noon(day: u32) -> Timestamp {
    let date = chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    Timestamp(day_start(date, UTC).unwrap().0 + 12 * 3_600_000_000_000)
}

/// `DAY SIDE QUANTITY PRICE [COMMISSION]`.
fn fill(text: &str) -> Fill {
    let words: Vec<&str> = text.split_whitespace().collect();
    Fill {
        ts: noon(words[0].parse().unwrap()),
        strategy: Some("s".into()),
        symbol: "X".into(),
        side: Side::from_word(words[1]).unwrap(),
        quantity: words[2].parse().unwrap(),
        price: words[3].parse().unwrap(),
        commission: words.get(4).map_or(Decimal::ZERO, |word| word.parse().unwrap()),
        order_id: None,
    }
}

/// Trips as `ENTRY-DAY-EXIT-DAY SIDE QUANTITY ENTRY EXIT GROSS COMMISSION NET`, rounded to 6 digits.
fn trips_of(fills: &[&str]) -> (Vec<RoundTrip>, Vec<String>) {
    let mut fifo = Fifo::default();
    let trips: Vec<RoundTrip> = fills.iter().filter_map(|text| fifo.add(fill(text)).unwrap()).collect();
    let day = |ts: Timestamp| (1..31).find(|day| noon(*day) == ts).unwrap();
    let round = |number: Decimal| number.round_dp(6).normalize();
    let shown = trips.iter().map(|trip| {
        let (entered, left) = (day(trip.entry_ts), day(trip.exit_ts));
        let side = trip.entry_side.as_str();
        let [quantity, entry, exit] = [trip.quantity, trip.entry_price, trip.exit_price].map(round);
        let [gross, commission, net] = [trip.gross_pnl, trip.commission, trip.net_pnl].map(round);
        format!("{entered}-{left} {side} {quantity} {entry} {exit} {gross} {commission} {net}")
    });
    let shown = shown.collect();
    (trips, shown)
}

#[track_caller]
fn check(fills: &[&str], expected: &[&str]) {
    assert_eq!(trips_of(fills).1, expected, "{fills:?}");
}

/// The fills of the script.
const FILLS: [&str; 15] = [
    "2 BUY 100 10.00 1.00",
    "2 BUY 50 10.60 0.50",
    "2 SELL 120 10.90 1.20",
    "3 SELL 80 10.20 0.90",
    "3 SELL 10 10.45 0.10",
    "3 BUY 25 10.75 0.30",
    "5 BUY 75 9.80 0.75",
    "6 SELL 40 9.80 0.40",
    "9 SELL 1 0 0",
    "9 BUY 6 11.37 0.07",
    "10 BUY 30 9.05 0.33",
    "14 SELL 30 9.40 0.30",
    "16 SELL 7 8.88 0.11",
    "17 BUY 3 8.90 0.04",
    "17 BUY 4 8.70 0",
];

#[test]
fn round_trips_are_those_worked_out_by_hand() {
    check(&[], &[]);
    // Opened, not closed.
    check(&["2 BUY 5 10"], &[]);
    // One whole trip, long and short; the commission is that of both sides.
    check(&["2 BUY 5 10 0.1", "3 SELL 5 11 0.2"], &["2-3 BUY 5 10 11 5 0.3 4.7"]);
    check(&["2 SELL 5 10 0.1", "3 BUY 5 11 0.2"], &["2-3 SELL 5 10 11 -5 0.3 -5.3"]);
    // A partial exit: two fifths of the commission of the entry.
    check(&["2 BUY 5 10 0.1", "3 SELL 2 11 0.2"], &["2-3 BUY 2 10 11 2 0.24 1.76"]);
    // The oldest lot goes first, and the average is weighted by what was consumed.
    check(&["2 BUY 3 10", "3 BUY 3 12", "4 SELL 4 13"], &["2-4 BUY 4 10.5 13 10 0 10"]);
    // Through zero: what is left opens the other side, with its share of the commission.
    check(
        &["2 BUY 2 10 0.2", "3 SELL 8 11 0.8", "4 BUY 6 10 0.6"],
        &["2-3 BUY 2 10 11 2 0.4 1.6", "3-4 SELL 6 11 10 6 1.2 4.8"],
    );
    // Bought for nothing, sold for less than that, as contracts for oil once were.
    check(&["2 BUY 1 0", "3 SELL 1 5"], &["2-3 BUY 1 0 5 5 0 5"]);
    check(&["2 BUY 1 0", "3 SELL 1 -37.63"], &["2-3 BUY 1 0 -37.63 -37.63 0 -37.63"]);
}

#[test]
fn no_part_of_a_commission_is_lost_by_rounding() {
    let (trips, _) = trips_of(&["2 BUY 3 10 0.1", "3 SELL 1 10", "4 SELL 1 10", "5 SELL 1 10"]);
    let total: Decimal = trips.iter().map(|trip| trip.commission).sum();
    assert_eq!((trips.len(), total), (3, dec!(0.1)));
    assert_eq!(trips[0].commission, dec!(0.0333333333333333333333333333));
}

#[test]
fn strategies_and_symbols_have_positions_of_their_own() {
    let mut fifo = Fifo::default();
    for (strategy, symbol, text) in [
        (Some("s"), "X", "2 BUY 1 10"),
        (Some("t"), "X", "2 SELL 1 11"),
        (Some("s"), "Y", "2 SELL 1 11"),
        (None, "X", "2 SELL 1 11"),
    ] {
        let found =
            fifo.add(Fill { strategy: strategy.map(Into::into), symbol: symbol.into(), ..fill(text) });
        assert_eq!(found.unwrap(), None);
    }
    assert_eq!(fifo.open_positions(), 4);
    assert_eq!(fifo.add(fill("3 SELL 1 11")).unwrap().unwrap().gross_pnl, dec!(1));
    assert_eq!(fifo.open_positions(), 3);
}

#[test]
fn what_makes_no_sense_or_does_not_fit_is_an_error() {
    for (fills, expected) in [
        (&["2 BUY 0 10"][..], "a fill of 0 is none"),
        (&["2 BUY -1 10"], "a fill of -1 is none"),
        (&["2 BUY 9e14 9e14", "3 SELL 9e14 1"], "the value of a fill does not fit"),
    ] {
        let fills: Vec<String> = fills.iter().map(|text| text.replace("9e14", "900000000000000")).collect();
        let mut fifo = Fifo::default();
        let error = fills.iter().find_map(|text| fifo.add(fill(text)).err()).expect("one of them is wrong");
        assert!(error.message().contains(expected), "{error}");
    }
    let most = Outcome { ts: noon(2), net_pnl: Decimal::MAX };
    let error = TradingMetrics::of(&[most, most], UTC).unwrap_err();
    assert!(error.message().contains("a sum of profits and losses does not fit"), "{error}");
}

/// Outcomes by day.
fn outcomes(results: &[(u32, Decimal)]) -> Vec<Outcome> {
    results.iter().map(|(day, net_pnl)| Outcome { ts: noon(*day), net_pnl: *net_pnl }).collect()
}

#[test]
fn figures_are_those_of_pandas() {
    let (trips, shown) = trips_of(&FILLS);
    // The frame that the script prints.
    assert_eq!(
        shown,
        [
            "2-2 BUY 120 10.1 10.9 96 2.4 93.6",
            "2-3 BUY 30 10.6 10.2 -12 0.6375 -12.6375",
            "3-3 SELL 25 10.2 10.75 -13.75 0.58125 -14.33125",
            "3-5 SELL 35 10.271429 9.8 16.5 0.73125 15.76875",
            "5-6 BUY 40 9.8 9.8 0 0.8 -0.8",
            "9-9 SELL 1 0 11.37 -11.37 0.011667 -11.381667",
            "9-14 BUY 30 9.436667 9.4 -1.1 0.633333 -1.733333",
            "10-16 BUY 5 9.05 8.88 -0.85 0.133571 -0.983571",
            "16-17 SELL 2 8.88 8.9 -0.04 0.058095 -0.098095",
        ]
    );
    let outcomes: Vec<Outcome> = trips.iter().map(Outcome::from).collect();
    let metrics = TradingMetrics::of(&outcomes, UTC).unwrap();
    assert_eq!((metrics.trades, metrics.wins, metrics.losses, metrics.even()), (9, 2, 7, 0));
    assert_eq!((metrics.win_streak_max, metrics.loss_streak_max), (1, 5));
    for (found, expected) in [
        (Some(metrics.total_pnl), dec!(67.4033333333)),
        (Some(metrics.gross_profit), dec!(109.36875)),
        (Some(metrics.gross_loss), dec!(-41.9654166667)),
        (metrics.win_rate(), dec!(0.2222222222)),
        (metrics.average_win(), dec!(54.684375)),
        (metrics.average_loss(), dec!(-5.9950595238)),
        (metrics.expectancy(), dec!(7.4892592593)),
        (metrics.profit_factor(), dec!(2.6061638055)),
        (metrics.best, dec!(93.6)),
        (metrics.worst, dec!(-14.33125)),
        (Some(metrics.max_drawdown), dec!(26.96875)),
    ] {
        assert_eq!(found.map(|found| found.round_dp(10)), Some(expected));
    }
    for (found, expected) in
        [(metrics.sharpe_per_trade, 0.2232361326643129), (metrics.sharpe_daily_annualised, 2.921955851119113)]
    {
        assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} {expected}");
    }
}

#[test]
fn figures_of_few_trades_are_those_that_exist() {
    let none = TradingMetrics::of(&[], UTC).unwrap();
    assert_eq!(none, TradingMetrics::default());
    assert_eq!(
        (none.win_rate(), none.average_win(), none.expectancy(), none.profit_factor()),
        (None, None, None, None)
    );
    let one = TradingMetrics::of(&outcomes(&[(2, dec!(-4))]), UTC).unwrap();
    assert_eq!((one.trades, one.losses, one.win_rate()), (1, 1, Some(Decimal::ZERO)));
    assert_eq!((one.max_drawdown, one.best, one.worst), (dec!(4), Some(dec!(-4)), Some(dec!(-4))));
    assert_eq!((one.profit_factor(), one.average_win()), (Some(Decimal::ZERO), None));
    assert_eq!((one.sharpe_per_trade, one.sharpe_daily_annualised), (None, None));
    // Without a loss there is no profit factor; results that are all the same have no deviation.
    let same =
        TradingMetrics::of(&outcomes(&[(2, dec!(0.1)), (3, dec!(0.1)), (4, dec!(0.10))]), UTC).unwrap();
    assert_eq!(
        (same.profit_factor(), same.sharpe_per_trade, same.sharpe_daily_annualised),
        (None, None, None)
    );
    // What came out even ends streaks, and counts among the trades only.
    let even =
        outcomes(&[(2, dec!(1)), (2, dec!(0)), (3, dec!(1)), (3, dec!(-1)), (3, dec!(0)), (4, dec!(-2))]);
    let metrics = TradingMetrics::of(&even, UTC).unwrap();
    assert_eq!((metrics.wins, metrics.losses, metrics.even()), (2, 2, 2));
    assert_eq!((metrics.win_streak_max, metrics.loss_streak_max), (1, 1));
    assert_eq!((metrics.total_pnl, metrics.max_drawdown), (dec!(-1), dec!(3)));
}

#[test]
fn days_are_those_of_the_zone_and_weekends_count_where_there_was_trading() {
    // By hand: Friday 6 March +2, Monday 9 March -1: two days, for nobody traded at the weekend. The mean is 0.5, the
    // deviation 3 / sqrt(2): 0.5 * sqrt(2) / 3 * sqrt(252) = sqrt(14).
    let friday = outcomes(&[(6, dec!(2)), (9, dec!(-1))]);
    let sharpe =
        |outcomes: &[Outcome], zone| TradingMetrics::of(outcomes, zone).unwrap().sharpe_daily_annualised;
    assert!((sharpe(&friday, UTC).unwrap() - 14f64.sqrt()).abs() < 1e-12);
    // With a trade on Saturday there are three days, of 2, 0 and -1: mean 1/3, deviation sqrt(7/3).
    let saturday = outcomes(&[(6, dec!(2)), (7, dec!(0)), (9, dec!(-1))]);
    assert!((sharpe(&saturday, UTC).unwrap() - 252f64.sqrt() / 3.0 / (7f64 / 3.0).sqrt()).abs() < 1e-12);
    // 12:00 and 23:00 of one day in UTC are two days in Tokyo.
    let late = Outcome { ts: Timestamp(noon(3).0 + 11 * 3_600_000_000_000), net_pnl: dec!(-1) };
    let day = [outcomes(&[(3, dec!(2))]), vec![late]].concat();
    assert_eq!(sharpe(&day, UTC), None);
    assert!((sharpe(&day, chrono_tz::Asia::Tokyo).unwrap() - 14f64.sqrt()).abs() < 1e-12);
}

#[test]
fn streaks_are_rows_of_losses_long_enough() {
    let results = [
        (2, dec!(-1)),
        (3, dec!(-2)),
        (4, dec!(1)),
        (5, dec!(-1)),
        (6, dec!(0)),
        (9, dec!(-3)),
        (10, dec!(-4)),
    ];
    let streaks = |least| losing_streaks(outcomes(&results), least).unwrap();
    let streak =
        |first, last, trades, net_pnl| Streak { first_ts: noon(first), last_ts: noon(last), trades, net_pnl };
    assert_eq!(streaks(2), [streak(2, 3, 2, dec!(-3)), streak(9, 10, 2, dec!(-7))]);
    assert_eq!((streaks(1).len(), streaks(3).len()), (3, 0));
}
