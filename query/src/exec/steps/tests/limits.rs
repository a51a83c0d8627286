//! What every step owes to a query: it ends when it is cancelled, and holds no more than it may.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::apply;
use super::fake::World;
use crate::cells::Cells;
use crate::error::{ErrorKind, QueryError, Result};
use crate::exec::execution::RowStream;
use crate::plan::scalar::Condition;
use crate::plan::step::{Lifecycle, Lives, SampleSize, Sessions, Step};
use crate::syntax::ast::{ShiftKind, Span};

/// One of each step, and whether what it holds grows with its input.
fn steps(world: &World) -> Vec<(Step, bool)> {
    let slot = |name| world.slot(name);
    let span = Span::default();
    let shift = |kind, by: &str| Step::Shift {
        kind,
        items: world.columns(&["x as y"]),
        by: vec![world.column(by)],
        span,
    };
    let plan = || world.plan(Condition::Always, Vec::new());
    let lives = |of| Step::Lifecycle(Lifecycle { of, columns: vec![0, 1] });
    let sessions = Sessions {
        by: world.columns(&["x"]),
        max_span_ns: Some(1),
        max_pause_ns: None,
        start: slot("start"),
        end: slot("end"),
        duration: slot("duration"),
        count: slot("count"),
        first_event: slot("first_event"),
        last_event: slot("last_event"),
        level: slot("top"),
    };
    let timeline = Step::FillTimeline {
        ts: slot("ts"),
        key: None,
        count: slot("count"),
        width_ns: 1000,
        zone: chrono_tz::UTC,
        range: (None, None),
    };
    let histogram = Step::Histogram {
        value: world.column("x"),
        width: None,
        from: slot("from"),
        to: slot("to"),
        count: slot("count"),
        span,
    };
    vec![
        (Step::Where(Condition::Never), false),
        (Step::Distinct(Vec::new()), true),
        (Step::Distinct(world.columns(&["x"])), true),
        (Step::Sort { keys: vec![(world.column("x"), true)], limit: None }, true),
        (Step::Sort { keys: vec![(world.column("x"), true)], limit: Some(10) }, false),
        (Step::Tail(10), false),
        (Step::Tail(u64::MAX), true),
        (Step::Sample(SampleSize::Share(0.0)), false),
        (Step::Sample(SampleSize::Rows(10)), false),
        (Step::Sample(SampleSize::Rows(u64::MAX)), true),
        (timeline, true),
        (histogram, false),
        (shift(ShiftKind::Prev, "x"), true),
        (shift(ShiftKind::Delta, "nothing"), false),
        (shift(ShiftKind::Next, "x"), true),
        (shift(ShiftKind::Next, "nothing"), false),
        (Step::Sessions(sessions), true),
        (Step::Related { from: slot("x"), to: slot("z"), is_recorded: true }, true),
        (Step::Context { before_ns: 1, after_ns: 1, filter: Condition::Always, by: slot("x") }, true),
        (Step::Asof { plan: plan(), by: world.slots(&["x"]), within_ns: None, renamed: Vec::new() }, true),
        (
            Step::Join {
                plan: plan(),
                on: vec![(slot("x"), slot("x"))],
                keep_unmatched: false,
                renamed: Vec::new(),
            },
            false,
        ),
        (lives(Lives::Ids(slot("x"))), true),
        (lives(Lives::Rows), true),
    ]
}

const ENDLESS: i64 = 5_000_000;

/// Rows that are all different. After so many the query is cancelled; if that does not end it the test does.
fn rows(world: &World, cancel_after: Option<usize>) -> (RowStream, Arc<AtomicUsize>) {
    let pulls = Arc::new(AtomicUsize::new(0));
    let (counted, cancel) = (Arc::clone(&pulls), world.cancel.clone());
    let template: Cells = world.parse("ts=@0 seq=0 x=0 category=order").remove(0);
    let slots = [world.slot("ts"), world.slot("seq"), world.slot("x"), world.slot("order_id")];
    let rows = (0..ENDLESS).map(move |i| {
        if Some(counted.fetch_add(1, Ordering::Relaxed)) == cancel_after {
            cancel.cancel();
        }
        let mut row = template.clone();
        let ts = crate::Datum::Time(blotter_engine::event::Timestamp(i));
        let number = || crate::Datum::Int(i);
        for (slot, datum) in slots.into_iter().zip([ts, number(), number(), number()]) {
            row.set(slot, datum);
        }
        Ok(row)
    });
    (Box::new(rows), pulls)
}

fn first_error(rows: RowStream) -> Option<QueryError> {
    rows.filter_map(Result::err).next()
}

#[test]
fn every_step_ends_soon_after_it_is_cancelled() {
    let world = World::new("ts=@0 seq=0 x=0");
    for (step, _) in steps(&world) {
        world.cancel.reset();
        let (rows, pulls) = rows(&world, Some(1000));
        let error = first_error(apply(&step, rows, &world.source, &world.execution).unwrap());
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Cancelled), "{step:?}");
        let pulls = pulls.load(Ordering::Relaxed);
        assert!(pulls < 2000, "{pulls} rows were read by {step:?}");
    }
}

#[test]
fn every_step_holds_what_it_may_and_no_more() {
    let world = World::with_memory("ts=@0 seq=0 x=0", 4 << 20);
    for (step, is_growing) in steps(&world) {
        let (rows, pulls) = rows(&world, None);
        // What does not grow would read all rows; enough of them are enough.
        let rows: RowStream = if is_growing { rows } else { Box::new(rows.take(100_000)) };
        let error = first_error(apply(&step, rows, &world.source, &world.execution).unwrap());
        let expected = is_growing.then_some(ErrorKind::Limit);
        assert_eq!(error.map(|error| error.kind()), expected, "{step:?}");
        assert!(pulls.load(Ordering::Relaxed) < 400_000, "{step:?}");
        // An error gives everything back too.
        world.execution.budget.take(4 << 20).unwrap();
        world.execution.budget.release(4 << 20);
    }
}

#[test]
fn every_step_hands_on_the_error_of_its_input() {
    let world = World::new("ts=@0 seq=0 x=0");
    for (step, _) in steps(&world) {
        let mut left = world.parse("ts=@1 seq=1 x=1").into_iter();
        let rows = std::iter::from_fn(move || {
            Some(left.next().ok_or_else(|| QueryError::new(ErrorKind::Database, "unreadable")))
        });
        let rows = apply(&step, Box::new(rows.take(100)), &world.source, &world.execution).unwrap();
        assert_eq!(first_error(rows).map(|error| error.kind()), Some(ErrorKind::Database), "{step:?}");
    }
}
