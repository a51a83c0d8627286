//! Detectors on small streams made by hand: each finds what is planted and is silent on the near miss, in history as
//! live, and after it was saved and restored half-way.

use blotter_engine::event::{Category, Day, Event, FieldKey, Level, ProducerId, Seq, Timestamp, Value, dec};
use blotter_engine::view::UnsealedEvent;
use blotter_engine::{Db, RecorderOptions};
use blotter_workload::{Session, SessionOptions};

use super::detector::Order;
use super::finding::{Change, Finding, Phase};
use super::stream::Detectors;
use super::{Config, OwnDetector, Settings, Subject, detect};
use crate::api::QueryOptions;
use crate::desk::Period;

const MS: i64 = 1_000_000;
const S: i64 = 1_000_000_000;
/// 2026-01-05T14:30:00Z.
const START: i64 = 1_767_623_400 * S;

/// A stream being made: every event gets the next seq and pseq.
#[derive(Clone, Default)]
struct Stream {
    events: Vec<Event>,
    skipped: u64,
}

impl Stream {
    fn push(
        &mut self,
        at_ns: i64,
        category: Category,
        level: Level,
        fields: &[(&str, Value)],
    ) -> &mut Stream {
        let seq = self.events.len() as u64 + self.skipped;
        self.events.push(Event {
            ts: Timestamp(START + at_ns),
            seq: Seq(seq),
            producer: ProducerId(1),
            pseq: seq,
            category,
            level,
            fields: fields.iter().map(|(name, value)| (FieldKey::new(name), value.clone())).collect(),
        });
        self
    }

    fn order(&mut self, at_ns: i64, status: &str, more: &[(&str, Value)]) -> &mut Stream {
        let mut fields: Vec<(&str, Value)> =
            vec![("order_id", "A-1".into()), ("status", status.into()), ("strategy", "momentum".into())];
        fields.extend_from_slice(more);
        let category = if more.iter().any(|(name, _)| *name == "fill_quantity") {
            Category::FILL
        } else {
            Category::ORDER
        };
        self.push(at_ns, category, Level::Info, &fields)
    }

    fn created(&mut self, at_ns: i64) -> &mut Stream {
        self.order(at_ns, "created", &[])
    }

    fn rejected(&mut self, at_ns: i64, reason: &str) -> &mut Stream {
        self.order(at_ns, "rejected", &[("reason", reason.into())])
    }

    fn fill(&mut self, at_ns: i64, side: &str, quantity: i64, slippage_bps: f64) -> &mut Stream {
        let more = [
            ("symbol", "AMZN".into()),
            ("side", side.into()),
            ("fill_quantity", quantity.into()),
            ("slippage_bps", slippage_bps.into()),
        ];
        self.order(at_ns, "filled", &more)
    }

    fn position(&mut self, at_ns: i64, quantity: impl Into<Value>) -> &mut Stream {
        let fields =
            [("strategy", "momentum".into()), ("symbol", "AMZN".into()), ("quantity_after", quantity.into())];
        self.push(at_ns, Category::POSITION, Level::Info, &fields)
    }

    fn submitted(&mut self, at_ns: i64, latency_us: i64) -> &mut Stream {
        self.order(
            at_ns,
            "submitted",
            &[("event", "order_submitted".into()), ("latency_us", latency_us.into())],
        )
    }

    fn error(&mut self, at_ns: i64) -> &mut Stream {
        self.push(at_ns, Category::ERROR, Level::Error, &[("event", "api_error".into())])
    }

    fn quote(&mut self, at_ns: i64, symbol: &str) -> &mut Stream {
        let fields = [("event", "quote".into()), ("symbol", symbol.into())];
        self.push(at_ns, Category::MARKET_DATA, Level::Debug, &fields)
    }

    /// The next event is that many later in the count.
    fn skip(&mut self, events: u64) -> &mut Stream {
        self.skipped += events;
        self
    }
}

/// What it was made with is not needed again.
fn done(_: &mut Stream) {}

fn observe(detectors: &mut Detectors, event: &Event) {
    detectors.observe(&UnsealedEvent::of(event)).unwrap();
}

/// In one line each: rule, subject, number of events, first and last seq.
fn lines(findings: impl IntoIterator<Item = Finding>) -> Vec<String> {
    let line = |finding: Finding| {
        let events = &finding.events;
        let (first, last) = (events.first().unwrap_or_default(), events.last.unwrap_or_default());
        format!("{} [{}] {} {first}-{last}", finding.rule, finding.subject_text(), events.count)
    };
    let mut lines: Vec<String> = findings.into_iter().map(line).collect();
    lines.sort();
    lines
}

fn over(changes: Vec<Change>) -> Vec<Finding> {
    changes.into_iter().filter(|change| change.phase != Phase::Begun).map(|change| change.finding).collect()
}

/// Live: in the order of recording. `restart` saves and restores after that many events.
fn live(settings: &Settings, events: &[Event], restart: Option<usize>) -> Vec<Finding> {
    let mut detectors = Detectors::new(settings);
    let (mut begun, mut ended) = (0, Vec::new());
    for (number, event) in events.iter().enumerate() {
        if restart == Some(number) {
            let saved = serde_json::to_string(&detectors.save()).unwrap();
            detectors = Detectors::new(settings);
            assert_eq!(detectors.restore(serde_json::from_str(&saved).unwrap()), Vec::<String>::new());
        }
        detectors.set_wall(event.ts);
        observe(&mut detectors, event);
        let changes = detectors.take();
        begun += changes.iter().filter(|change| change.phase == Phase::Begun).count();
        ended.extend(changes);
    }
    detectors.finish();
    let changes = detectors.take();
    begun += changes.iter().filter(|change| change.phase == Phase::Begun).count();
    ended.extend(changes);
    let of_begun = ended.iter().filter(|change| change.phase == Phase::Ended).count();
    assert_eq!(begun, of_begun, "what has begun has ended: {ended:?}");
    over(ended)
}

/// History, as it is read: by time, and by recording.
fn history(settings: &Settings, events: &[Event]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for order in [Order::Time, Order::Recording] {
        let mut detectors =
            Detectors::in_order(settings, Some(order), &[], Timestamp(START + 365 * 86_400 * S));
        let mut events = events.to_vec();
        if order == Order::Time {
            events.sort_by_key(|event| (event.ts, event.seq));
        }
        for event in &events {
            if order == Order::Time {
                detectors.follow_history(event.ts);
            }
            observe(&mut detectors, event);
        }
        detectors.finish();
        findings.extend(over(detectors.take()));
    }
    findings
}

/// The settings of some detectors, all others off.
fn only(names: &[&str], toml: &str) -> Settings {
    let mut config = Config::parse(toml).unwrap();
    config.settings.only(names).unwrap();
    config.settings
}

#[track_caller]
fn check_with(what: &str, settings: &Settings, stream: &Stream, expected: &[&str]) {
    let found = live(settings, &stream.events, None);
    for finding in &found {
        assert!(!finding.sentence.is_empty() && finding.first_ts <= finding.last_ts, "{what}: {finding:?}");
        let read: serde_json::Value = serde_json::from_str(&finding.to_json()).unwrap();
        assert_eq!(read["rule"], finding.rule.as_str());
    }
    assert_eq!(lines(found), expected, "{what}: live");
    assert_eq!(lines(history(settings, &stream.events)), expected, "{what}: in history");
    let half = stream.events.len() / 2;
    assert_eq!(lines(live(settings, &stream.events, Some(half))), expected, "{what}: after a restart");
}

#[track_caller]
fn check(what: &str, detector: &str, make: impl FnOnce(&mut Stream), expected: &[&str]) {
    let mut stream = Stream::default();
    make(&mut stream);
    check_with(what, &only(&[detector], ""), &stream, expected);
}

#[test]
fn rapid_orders_are_runs_that_chance_does_not_explain() {
    let run = |count: i64, gap_ns: i64| {
        move |stream: &mut Stream| {
            (0..30).for_each(|n| done(stream.created(n * S)));
            (0..count).for_each(|n| done(stream.created(60 * S + n * gap_ns)));
            stream.created(90 * S);
        }
    };
    check("five in a row", "rapid_orders", run(5, 9 * MS), &["rapid_orders [strategy=momentum] 5 30-34"]);
    check("four in a row", "rapid_orders", run(4, 9 * MS), &[]);
    check("at the edge", "rapid_orders", run(5, 10 * MS), &[]);
    check(
        "below the edge",
        "rapid_orders",
        run(5, 10 * MS - 1),
        &["rapid_orders [strategy=momentum] 5 30-34"],
    );
    let at_first = |stream: &mut Stream| (0..6).for_each(|n| done(stream.created(n * MS)));
    check("at the very first", "rapid_orders", at_first, &["rapid_orders [strategy=momentum] 6 0-5"]);
    // One in two gaps is short: a run of six means nothing, one of forty does.
    let busy = |run: i64| {
        move |stream: &mut Stream| {
            (0..1200).for_each(|n| done(stream.created(n / 2 * 40 * MS + n % 2 * 5 * MS)));
            (0..run).for_each(|n| done(stream.created(30 * S + n * MS)));
            stream.created(31 * S);
        }
    };
    check("six of a busy strategy", "rapid_orders", busy(6), &[]);
    let found = "rapid_orders [strategy=momentum] 40 1200-1239";
    check("forty of a busy strategy", "rapid_orders", busy(40), &[found]);
    let always = |stream: &mut Stream| (0..5000).for_each(|n| done(stream.created(n * MS)));
    check("a strategy that is always fast", "rapid_orders", always, &[]);
}

#[test]
fn repeated_rejections_are_five_of_one_reason_among_few_orders() {
    let expected = ["repeated_rejections [strategy=momentum reason=no credit] 5 1-9"];
    let rejections = |count: i64, gap_ns: i64, between: i64| {
        move |stream: &mut Stream| {
            for n in 0..count {
                (0..between).for_each(|k| done(stream.created(n * gap_ns + k)));
                stream.rejected(n * gap_ns + between, "no credit");
            }
        }
    };
    check("five", "repeated_rejections", rejections(5, S, 1), &expected);
    check("four", "repeated_rejections", rejections(4, S, 1), &[]);
    check("within the window", "repeated_rejections", rejections(5, 15 * S, 1), &expected);
    check("beyond the window", "repeated_rejections", rejections(5, 15 * S + 1, 1), &[]);
    let few = ["repeated_rejections [strategy=momentum reason=no credit] 5 5-29"];
    check("among twenty orders", "repeated_rejections", rejections(5, S, 5), &few);
    check("among twenty-four orders", "repeated_rejections", rejections(5, S, 6), &[]);
    let reasons = |stream: &mut Stream| {
        for n in 0..8 {
            stream.rejected(n * S, if n % 2 == 0 { "no credit" } else { "collar" });
        }
    };
    check("four of each of two reasons", "repeated_rejections", reasons, &[]);
    let twice = |stream: &mut Stream| {
        (0..7).for_each(|n| done(stream.rejected(n * S, "no credit")));
        (0..6).for_each(|n| done(stream.rejected(300 * S + n * S, "no credit")));
    };
    let both = [
        "repeated_rejections [strategy=momentum reason=no credit] 6 7-12",
        "repeated_rejections [strategy=momentum reason=no credit] 7 0-6",
    ];
    check("two runs", "repeated_rejections", twice, &both);
}

#[test]
fn a_rejection_rate_is_judged_above_a_number_of_orders() {
    let orders = |count: i64, rejected: i64| {
        move |stream: &mut Stream| {
            (0..count).for_each(|n| done(stream.created(n * MS)));
            (0..rejected).for_each(|n| done(stream.rejected(S + n * MS, &format!("reason {n}"))));
        }
    };
    let expected = ["rejection_rate [strategy=momentum] 5 40-44"];
    check("five of forty", "rejection_rate", orders(40, 5), &expected);
    check("four of forty is ten percent", "rejection_rate", orders(40, 4), &[]);
    check("all of twenty-nine", "rejection_rate", orders(29, 29), &[]);
}

#[test]
fn positions_are_what_the_fills_add_up_to() {
    let found = |first: u32, last: u32| {
        format!("position_discrepancy [strategy=momentum symbol=AMZN] 2 {first}-{last}")
    };
    let right = |stream: &mut Stream| {
        stream.position(0, 500);
        stream.fill(S, "BUY", 100, 0.0).position(S + 1, 600);
        stream.fill(2 * S, "sell", 700, 0.0).position(2 * S + 1, -100);
        stream.created(10 * S);
    };
    check("a position that is right, through zero", "position_discrepancy", right, &[]);
    let wrong = |stream: &mut Stream| {
        right(stream);
        stream.fill(20 * S, "BUY", 100, 0.0).position(20 * S + 1, 10);
        stream.fill(30 * S, "BUY", 100, 0.0).position(30 * S + 1, 110);
        stream.fill(40 * S, "BUY", 100, 0.0).position(40 * S + 1, 210);
    };
    check("one that is wrong is told once", "position_discrepancy", wrong, &[&found(6, 7)]);
    let crossing = |stream: &mut Stream| {
        stream.position(0, 0);
        stream
            .fill(S, "BUY", 1, 0.0)
            .fill(S + 1000, "BUY", 2, 0.0)
            .position(S + 1500, 1)
            .position(S + 2500, 3);
        stream.position(5 * S, 7).fill(5 * S + 500 * MS, "BUY", 4, 0.0);
        stream.created(20 * S);
    };
    check("fills and positions that cross", "position_discrepancy", crossing, &[]);
    let late = |stream: &mut Stream| {
        stream.position(0, 0);
        stream.fill(S, "BUY", 1, 0.0).position(2 * S, 5).fill(3 * S + 1, "BUY", 4, 0.0);
        stream.created(20 * S);
    };
    check("a fill that comes too late", "position_discrepancy", late, &[&found(1, 2)]);
    // Two engines under the same names, each right by its own fills; then one of them is wrong.
    let mut stream = Stream::default();
    for n in 1..5 {
        stream.fill(n * S, "BUY", 10, 0.0).position(n * S + 1, n * 10);
        stream.fill(n * S + 2, "SELL", 1, 0.0).position(n * S + 3, -n);
    }
    stream
        .fill(20 * S, "SELL", 1, 0.0)
        .fill(20 * S + 1, "SELL", 1, 0.0)
        .position(20 * S + 2, -7)
        .created(30 * S);
    for (number, event) in stream.events.iter_mut().enumerate() {
        event.producer = ProducerId(if number % 4 < 2 && number < 16 { 1 } else { 2 });
    }
    check_with("two engines", &only(&["position_discrepancy"], ""), &stream, &[&found(17, 18)]);
    let mut stream = Stream::default();
    stream.position(0, dec!(1.5)).fill(S, "BUY", 1, 0.0).position(S + 1, dec!(2.51)).created(9 * S);
    let tolerant = only(&["position_discrepancy"], "[detectors.position_discrepancy]\ntolerance = 0.01");
    check_with("within the tolerance", &tolerant, &stream, &[]);
    check_with("beyond none", &only(&["position_discrepancy"], ""), &stream, &[&found(1, 2)]);
}

#[test]
fn dust_is_less_than_a_unit_a_small_share_and_stays() {
    let remains = |quantity: rust_decimal::Decimal, until_ns: i64| {
        move |stream: &mut Stream| {
            stream
                .position(0, dec!(0.5))
                .position(S, quantity)
                .position(S + until_ns, dec!(0))
                .created(60 * S);
        }
    };
    let expected = ["dust [strategy=momentum symbol=AMZN] 1 1-1"];
    check("a thousandth", "dust", remains(dec!(0.0005), 10 * S), &expected);
    check("above a thousandth", "dust", remains(dec!(0.00051), 10 * S), &[]);
    check("gone in time", "dust", remains(dec!(-0.0005), 10 * S - 1), &[]);
    let shares = |stream: &mut Stream| done(stream.position(0, 90_000).position(S, 1).created(60 * S));
    check("a share of stock is a whole one", "dust", shares, &[]);
}

#[test]
fn slippage_is_unusual_beyond_three_deviations_and_some_basis_points() {
    let last = |fills: i64, spread: f64, slippage: f64| {
        move |stream: &mut Stream| {
            (0..fills)
                .for_each(|n| done(stream.fill(n * S, "BUY", 1, if n % 2 == 0 { spread } else { -spread })));
            stream.fill(fills * S, "BUY", 1, slippage);
        }
    };
    // Thirty of +2 and -2: the deviation is 2.034.
    let expected = ["unusual_slippage [strategy=momentum symbol=AMZN] 1 30-30"];
    check("above", "unusual_slippage", last(30, 2.0, 6.2), &expected);
    check("far better than usual", "unusual_slippage", last(30, 2.0, -6.2), &expected);
    check("below", "unusual_slippage", last(30, 2.0, 6.0), &[]);
    check("of a strategy that is not known", "unusual_slippage", last(29, 2.0, 60.0), &[]);
    check("many deviations, but little", "unusual_slippage", last(30, 0.1, 4.9), &[]);
    let computed = |stream: &mut Stream| {
        let fill = |stream: &mut Stream, at: i64, price: rust_decimal::Decimal| {
            let more = [
                ("side", "SELL".into()),
                ("price", dec!(100).into()),
                ("fill_quantity", 1.into()),
                ("fill_price", price.into()),
            ];
            stream.order(at, "filled", &more);
        };
        (0..30).for_each(|n| fill(stream, n * S, dec!(100)));
        fill(stream, 31 * S, dec!(99.96));
        fill(stream, 32 * S, dec!(99.94));
    };
    check("from prices", "unusual_slippage", computed, &["unusual_slippage [strategy=momentum] 1 31-31"]);
}

#[test]
fn latencies_degrade_and_spike() {
    let halves = |count: i64, later_us: i64| {
        move |stream: &mut Stream| {
            (0..2 * count).for_each(|n| {
                let at = n * 300 * S / (2 * count);
                done(stream.submitted(at, if n < count { 100 } else { later_us }));
            });
        }
    };
    let found = |make: &dyn Fn(&mut Stream)| {
        let mut stream = Stream::default();
        make(&mut stream);
        history(&only(&["latency_degradation"], ""), &stream.events).len()
    };
    assert_eq!(found(&halves(60, 150)), 1);
    assert_eq!(found(&halves(60, 149)), 0);
    assert_eq!(found(&halves(49, 300)), 0);
    let full = |stream: &mut Stream| {
        (0..1200).for_each(|n| done(stream.submitted(n * S, if n < 600 { 100 } else { 200 })));
        (1200..3000).for_each(|n| done(stream.submitted(n * S, 200)));
    };
    let mut stream = Stream::default();
    full(&mut stream);
    let settings = only(&["latency_degradation"], "");
    let (of_live, of_history) =
        (live(&settings, &stream.events, Some(900)), history(&settings, &stream.events));
    assert_eq!((of_live.len(), &of_live), (1, &of_history));

    let spike = |after: i64, latency_us: i64| {
        move |stream: &mut Stream| {
            (0..after).for_each(|n| done(stream.submitted(n * 10 * MS, 400 + n % 2 * 99)));
            stream.submitted(after * 10 * MS, latency_us).submitted(after * 10 * MS + 900 * MS, latency_us);
            stream.submitted(after * 10 * MS + 5 * S, 450);
        }
    };
    // The 99th percentile is 499, three times that 1497.
    let expected = ["latency_spike [of=momentum event=order_submitted] 2 300-301"];
    check("above", "latency_spike", spike(300, 1498), &expected);
    check("at the edge", "latency_spike", spike(300, 1497), &[]);
    check("of what is not known", "latency_spike", spike(190, 9000), &[]);
}

#[test]
fn errors_spike_above_what_is_usual() {
    let spike = |errors: i64| {
        move |stream: &mut Stream| {
            (0..1200).for_each(|n| {
                if n % 20 == 0 {
                    stream.error(n * S / 10);
                }
                stream.created(n * S / 10 + 1);
            });
            (0..errors).for_each(|n| done(stream.error(120 * S + n * MS)));
            (121..150).for_each(|n| done(stream.created(n * S)));
        }
    };
    let found = |errors: i64| {
        let mut stream = Stream::default();
        spike(errors)(&mut stream);
        let settings = only(&["error_spike"], "");
        let found = live(&settings, &stream.events, Some(100));
        assert_eq!(found, history(&settings, &stream.events));
        found.len()
    };
    // Five a window are usual: fifteen are three times that, but chance explains up to some twenty.
    assert_eq!((found(11), found(40)), (0, 1));
    let at_first = |errors: i64, others: i64| {
        move |stream: &mut Stream| {
            (0..others).for_each(|n| done(stream.created(n)));
            (0..errors).for_each(|n| done(stream.error(S + n)));
        }
    };
    check("at first, ten of a hundred", "error_spike", at_first(10, 90), &["error_spike [] 10 90-99"]);
    check("at first, nine", "error_spike", at_first(9, 0), &[]);
    check("at first, few of many", "error_spike", at_first(10, 91), &[]);
}

#[test]
fn a_feed_is_silent_while_the_others_are_not() {
    let stops = |silent_ms: i64| {
        move |stream: &mut Stream| {
            for ms in 0..1000 {
                stream.quote(ms * MS, "AMZN").quote(ms * MS + 1, "AAPL");
            }
            (1000..1000 + silent_ms).for_each(|ms| done(stream.quote(ms * MS, "AAPL")));
            stream.quote((1000 + silent_ms) * MS, "AMZN");
        }
    };
    check("half a second", "silence", stops(499), &[]);
    check("more", "silence", stops(700), &["silence [symbol=AMZN] 1 1998-1998"]);
    let night = |stream: &mut Stream| {
        for day in 0..2 {
            for ms in 0..1000 {
                let at = day * 60_000 * S + ms * MS;
                stream.quote(at, "AMZN").quote(at + 1, "AAPL");
            }
        }
    };
    check("a night makes nobody silent", "silence", night, &[]);
    // The recording as a whole: only a clock can tell.
    let mut stream = Stream::default();
    (0..1000).for_each(|ms| done(stream.quote(ms * MS, "AMZN")));
    let mut detectors = Detectors::new(&only(&["silence"], ""));
    for event in &stream.events {
        detectors.set_wall(event.ts);
        observe(&mut detectors, event);
    }
    let last = stream.events.last().unwrap().ts.nanos();
    detectors.tick(Timestamp(last + 10 * S));
    assert_eq!(detectors.take(), []);
    detectors.tick(Timestamp(last + 10 * S + 200 * MS));
    let found = detectors.take();
    assert_eq!((found.len(), found[0].phase), (1, Phase::Begun));
    assert!(found[0].finding.sentence.starts_with("no event at all for 10.2s"), "{found:?}");
}

#[test]
fn missing_events_are_told_with_the_reason_if_there_is_one() {
    let gap = |stream: &mut Stream| {
        stream.created(0).created(1).skip(3).created(2).created(60 * S);
    };
    let expected = ["sequence_gap [] 2 1-5", "sequence_gap [producer=1] 2 1-5"];
    check("a gap nobody tells of", "sequence_gap", gap, &expected);
    check("no gap", "sequence_gap", |stream| done(stream.created(0).created(60 * S)), &[]);
    // The database goes on; the recorder's count does not, and that is told.
    let mut stream = Stream::default();
    stream.created(0).created(1);
    let lost = [
        ("event", "events_lost".into()),
        ("lost_producer", 1.into()),
        ("lost_first_pseq", 2.into()),
        ("lost_count", 5.into()),
    ];
    stream.created(2).push(3, Category::SYSTEM, Level::Error, &lost).created(60 * S);
    stream.events[2].pseq = 7;
    (stream.events[3].producer, stream.events[3].pseq) = (ProducerId(2), 0);
    stream.events[4].pseq = 8;
    check_with("told", &only(&["sequence_gap"], ""), &stream, &["sequence_gap [producer=1] 1 3-3"]);
    // Deleted on that day.
    let settings = only(&["sequence_gap"], "");
    let mut stream = Stream::default();
    gap(&mut stream);
    let deleted = [Timestamp(START).day(), Day(1)];
    let mut sorted = deleted.to_vec();
    sorted.sort_unstable();
    let mut detectors = Detectors::in_order(&settings, Some(Order::Recording), &sorted, Timestamp(START));
    stream.events.iter().for_each(|event| observe(&mut detectors, event));
    detectors.finish();
    assert_eq!(detectors.take(), []);
}

#[test]
fn a_clock_that_goes_back_or_is_ahead_is_found() {
    let back = |by_ns: i64| {
        move |stream: &mut Stream| {
            stream.created(10 * S).created(10 * S - by_ns).created(10 * S - by_ns + 1).created(11 * S);
        }
    };
    let expected = ["clock_jump [producer=1 way=back] 2 1-2"];
    check("two seconds", "clock_jump", back(2 * S), &expected);
    check("one second", "clock_jump", back(S), &[]);
    let mut detectors = Detectors::new(&only(&["clock_jump"], ""));
    let mut stream = Stream::default();
    stream.created(0).created(61 * S).created(S);
    for event in &stream.events {
        detectors.set_wall(Timestamp(START));
        observe(&mut detectors, event);
    }
    detectors.finish();
    let expected = ["clock_jump [producer=1 way=ahead] 1 1-1", "clock_jump [producer=1 way=back] 1 2-2"];
    assert_eq!(lines(over(detectors.take())), expected);
}

#[test]
fn one_clock_that_leaps_does_not_blind_the_others() {
    let mut stream = Stream::default();
    (0..300).for_each(|n| done(stream.error(n * S).created(n * S)));
    stream.created(86_400 * 365 * S);
    (0..100).for_each(|n| done(stream.error(300 * S + n * MS)));
    let found = live(&only(&["error_spike"], ""), &stream.events, None);
    assert_eq!(lines(found).len(), 1);
}

#[test]
fn an_hour_of_a_clean_session_has_no_findings() {
    let start = Timestamp(START);
    for (events_per_second, symbols, strategies) in [(250, 6, 8), (20, 2, 3)] {
        let options =
            SessionOptions { start, events_per_second, symbols, strategies, ..SessionOptions::default() };
        let mut detectors = Detectors::new(&Settings::default());
        let hour = Session::new(7, options).take_while(|event| event.ts.nanos() < START + 3600 * S);
        for (number, event) in hour.enumerate() {
            let fields = event.to_fields();
            let (ts, seq) = (event.ts, number as u64);
            let (category, level) = (event.category, event.level);
            let (seq, producer) = (Seq(seq), ProducerId(0));
            let event = Event { ts, seq, producer, pseq: seq.0, category, level, fields };
            detectors.set_wall(ts);
            observe(&mut detectors, &event);
        }
        detectors.finish();
        let found = lines(over(detectors.take()));
        assert!(found.is_empty(), "{events_per_second}/s: {found:#?}");
    }
}

#[test]
fn history_in_a_database_is_what_a_live_stream_is() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(directory.path().join("desk.blotter")).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    let mut stream = Stream::default();
    (0..40).for_each(|n| done(stream.created(n * S).rejected(n * S + 1, "no credit")));
    (0..10).for_each(|n| done(stream.created(50 * S + n * MS)));
    stream.created(90 * S).created(80 * S).created(91 * S);
    for event in &stream.events {
        let mut building = recorder.event(event.category, event.level, "").at(event.ts);
        for (key, value) in &event.fields {
            building = building.field(key.name(), value.borrow());
        }
        assert!(building.emit().is_accepted());
    }
    db.flush().unwrap();
    let expected = lines(live(&Settings::default(), &stream.events, None));
    assert_eq!(expected.len(), 4, "{expected:?}");
    let config = Config::default();
    let options = QueryOptions::default();
    for is_sealed in [false, true] {
        if is_sealed {
            db.seal().unwrap();
        }
        let detection = detect(&db, &Subject::default(), &config, &options).unwrap();
        assert_eq!((lines(detection.findings), detection.events), (expected.clone(), 93));
    }
    let period = |from: i64, until: i64| {
        let at = |ns: i64| Timestamp(START + ns * S);
        Some(Period::between(at(from), at(until), chrono_tz::Tz::UTC).unwrap())
    };
    let within = |period: Option<Period>, filter: Option<&str>| {
        let subject = Subject { period, filter: filter.map(str::to_owned), ..Subject::default() };
        lines(detect(&db, &subject, &config, &options).unwrap().findings)
    };
    assert_eq!(within(period(45, 70), None), ["rapid_orders [strategy=momentum] 10 80-89"]);
    assert_eq!(within(period(75, 95), None), ["clock_jump [producer=1 way=back] 1 91-91"]);
    assert_eq!(within(None, Some("status = created # all")), ["rapid_orders [strategy=momentum] 10 80-89"]);
    assert!(within(None, Some("symbol = AMZN")).is_empty());
}

#[test]
fn your_own_detectors_are_queries_with_a_threshold() {
    let directory = tempfile::tempdir().unwrap();
    let db = Db::open(directory.path().join("desk.blotter")).unwrap();
    let mut recorder = db.recorder(RecorderOptions::new()).unwrap();
    for n in 0..10_i64 {
        let symbol = if n < 7 { "AMZN" } else { "AAPL" };
        recorder.performance("probe").at(Timestamp(START + n * S)).symbol(symbol).latency_us(n * 1000).emit();
    }
    db.flush().unwrap();
    let found = |definition: &str| {
        let own = OwnDetector::parse(definition).unwrap();
        let config = Config { own: vec![own], ..Config::default() };
        let subject = Subject { filter: Some("category = performance".into()), ..Subject::default() };
        detect(&db, &subject, &config, &QueryOptions::default()).unwrap().findings
    };
    let counted = found("detector slow = latency_us >= 5ms # or more, count >= 5");
    assert_eq!(lines(counted), ["slow [] 5 5-9"]);
    let counted = found("detector slow = latency_us >= 5ms or symbol = none, count >= 5");
    assert_eq!(lines(counted.clone()), ["slow [] 5 5-9"]);
    assert_eq!(counted[0].events.seqs.len(), 5);
    assert!(found("slow = latency_us >= 5ms, count > 5").is_empty());
    let rows =
        found("by_symbol = | stats count(), max(latency_us) by symbol, max_latency_us > 6ms and count < 5");
    assert_eq!(lines(rows.clone()), ["by_symbol [symbol=AAPL] 0 0-0"]);
    assert!(rows[0].sentence.contains("max_latency_us=9000"), "{rows:?}");
    let rows = found("each = | fields ts, seq, latency_us, latency_us > 7ms");
    assert_eq!(lines(rows), ["each [] 1 8-8", "each [] 1 9-9"]);
    for (wrong, said) in [
        ("slow", "a detector is written"),
        ("slow = level >= error", "a detector is written"),
        ("slow = level >= error,", "the threshold is missing"),
        ("slow = level >= error, count >", "expected"),
        ("slow = level >=, count > 5", "expected"),
        ("1st = level >= error, count > 5", "no name for a detector"),
        ("silence = level >= error, count > 5", "there is a detector silence already"),
        ("slow = level >= error, count > 5 | limit 1", "a threshold is a condition"),
        (
            "slow = level >= error, foo > 1",
            "the threshold 'foo > 1': no column 'foo' here; hint: the columns are count",
        ),
        ("slow = | stats max(price) by symbol, count > 1", "no column 'count' here"),
        (
            "slow = level >= error, count",
            "a threshold compares columns of the rows at 1:1; hint: as count > 5",
        ),
        ("slow = level >= error, count > 1 or (last 5m)", "a threshold compares columns"),
        ("slow = level >= error last 5m, count > 1", "is its window at 1:16; hint: leave this out"),
        ("slow = level >= error | where last 5m | stats count(), count > 1", "is its window"),
        ("slow = | stats nonsense(x), count > 1", "nonsense"),
    ] {
        let error = OwnDetector::parse(wrong).unwrap_err().to_string();
        assert!(error.contains(said), "{wrong}: {error}");
    }
}

#[test]
fn mistakes_in_a_file_have_lines_and_hints() {
    for (text, line, said) in [
        ("[detector]\n", 1, "did you mean 'detectors'?"),
        ("[detectors]\nsilense = 1\n", 2, "did you mean 'silence'?"),
        ("[detectors.silence]\nfeed_atleast = \"1s\"\n", 2, "did you mean 'feed_at_least'?"),
        ("[detectors.silence]\nfeed_at_least = 1\n", 2, "write a duration in quotes"),
        ("[detectors.silence]\nfeed_at_least = \"0s\"\n", 2, "write a duration in quotes"),
        ("[detectors.silence]\nlevel = \"loud\"\n", 2, "write a level"),
        ("[detectors.silence]\nenabled = 1\n", 2, "true or false"),
        ("[detectors.rejection_rate]\nrate = -0.1\n", 2, "a number above 0"),
        ("[detectors.rejection_rate]\nrate = 40\n", 2, "a share of at most 1"),
        ("[detectors.error_spike]\nshare_at_first = 1.5\n", 2, "a share of at most 1"),
        ("[detectors.dust]\nshare = 2\n", 2, "a share of at most 1"),
        ("[detectors.rejection_rate]\norders = 0\n", 2, "from 1 on"),
        ("[define]\nmany = \"level >= error\"\n", 2, "the threshold is missing"),
        ("[define]\nmany = { query = \"x\", treshold = \"count > 5\" }\n", 2, "did you mean 'threshold'?"),
        ("[define]\nmany = 5\n", 2, "QUERY, THRESHOLD"),
        ("detectors = 5\n", 1, "is a table"),
        ("[detectors\n", 1, ""),
    ] {
        let mistakes = Config::parse(text).unwrap_err();
        assert!(mistakes[0].line == line && mistakes[0].reason.contains(said), "{text}: {mistakes:?}");
    }
    let config =
        Config::parse("[define]\nmany = \"level >= error, count > 5\"\n[watch]\n[rules.x]\n").unwrap();
    assert_eq!(config.own[0].name, "many");
    let defaults = Settings::default();
    assert_eq!(Config::parse(&defaults.to_toml()).unwrap().settings, defaults);
    assert!(Config::default().only(&["silense".to_owned()]).unwrap_err().contains("did you mean 'silence'?"));
}
