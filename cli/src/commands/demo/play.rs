//! Plays the session: one thread per recorder, each with a lane of its own.
//!
//! Events are made a batch ahead, so that the measured time is that of `emit` and not of their invention.

use std::time::{Duration, Instant};

use blotter::{Db, Emit, Recorder, RecorderOptions};
use blotter_workload::{Session, SessionEvent, SessionOptions};
use hdrhistogram::Histogram;
use quanta::Clock;

use crate::args::Demo;
use crate::outcome::Failure;

/// Events made ahead.
const BATCH_EVENTS: u64 = 512;
/// With a given rate, so many batches a second keep it even.
const BATCHES_PER_SECOND: u64 = 500;
/// Orders remembered by each recorder, to be asked for later.
const ORDERS_REMEMBERED_MAX: usize = 1_000;
/// One order in so many is remembered.
const ORDERS_BETWEEN_REMEMBERED: u64 = 97;

/// What was recorded.
pub(crate) struct Played {
    pub(crate) recorders: u32,
    pub(crate) accepted: u64,
    pub(crate) lost: u64,
    pub(crate) emit_ns: Histogram<u64>,
    /// Order ids to ask for.
    pub(crate) orders: Vec<String>,
    /// Order and correlation id of an order that was filled.
    pub(crate) filled_order: Option<(String, String)>,
}

impl Played {
    fn nothing(recorders: u32) -> Played {
        Played {
            recorders,
            accepted: 0,
            lost: 0,
            emit_ns: histogram(),
            orders: Vec::new(),
            filled_order: None,
        }
    }

    fn add(&mut self, other: Played) {
        self.accepted += other.accepted;
        self.lost += other.lost;
        self.emit_ns += other.emit_ns;
        self.orders.extend(other.orders);
        self.filled_order = self.filled_order.take().or(other.filled_order);
    }
}

/// For times up to a minute, in any unit down to nanoseconds; longer ones count as a minute.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3)
        .expect("these bounds are within the range of a histogram")
}

/// Plays the whole session.
pub(crate) fn play(database: &Db, arguments: &Demo) -> Result<Played, Failure> {
    let lanes = arguments.recorders;
    let mut players = Vec::new();
    for lane in 0..lanes {
        let options = RecorderOptions::new()
            .service(format!("desk-{lane}"))
            .session(format!("demo-{}", arguments.seed));
        players.push(Player {
            recorder: database.recorder(options)?,
            session: Session::new(
                arguments.seed,
                SessionOptions { lane: (lane, lanes), ..SessionOptions::default() },
            ),
            events: share(arguments.events, lane, lanes),
            rate: arguments.rate.map(|rate| share(rate, lane, lanes).max(1)),
            clock: Clock::new(),
            orders_created: 0,
            played: Played::nothing(1),
        });
    }
    let mut played = Played::nothing(lanes);
    std::thread::scope(|scope| {
        let threads: Vec<_> = players.into_iter().map(|player| scope.spawn(|| player.play())).collect();
        for thread in threads {
            // A panic of a recorder thread is a bug; it goes on here.
            played.add(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(played)
    })
}

/// What measuring costs by itself: the median time between two readings of the clock with nothing between.
pub(crate) fn empty_measurement_ns() -> u64 {
    let clock = Clock::new();
    let mut times = histogram();
    for _ in 0..10_000 {
        let before = clock.raw();
        let after = clock.raw();
        times.saturating_record(clock.delta_as_nanos(before, after));
    }
    times.value_at_quantile(0.5)
}

/// The lane's share of a whole.
fn share(whole: u64, lane: u32, lanes: u32) -> u64 {
    whole / u64::from(lanes) + u64::from(u64::from(lane) < whole % u64::from(lanes))
}

struct Player {
    recorder: Recorder,
    session: Session,
    events: u64,
    rate: Option<u64>,
    clock: Clock,
    orders_created: u64,
    played: Played,
}

impl Player {
    fn play(mut self) -> Result<Played, Failure> {
        let batch_events =
            self.rate.map_or(BATCH_EVENTS, |rate| (rate / BATCHES_PER_SECOND).clamp(1, BATCH_EVENTS));
        let started = Instant::now();
        let mut batch = Vec::with_capacity(batch_events as usize);
        let mut done = 0;
        while done < self.events {
            let count = batch_events.min(self.events - done);
            batch.clear();
            batch.extend(self.session.by_ref().take(count as usize));
            if let Some(rate) = self.rate {
                let due = Duration::from_secs_f64(done as f64 / rate as f64);
                std::thread::sleep(due.saturating_sub(started.elapsed()));
            }
            self.record(&batch)?;
            self.remember(&batch);
            done += count;
        }
        Ok(self.played)
    }

    fn record(&mut self, batch: &[SessionEvent]) -> Result<(), Failure> {
        for event in batch {
            let before = self.clock.raw();
            let emitted = event.record(&mut self.recorder);
            let after = self.clock.raw();
            self.played.emit_ns.saturating_record(self.clock.delta_as_nanos(before, after));
            match emitted {
                Emit::Accepted { .. } => self.played.accepted += 1,
                // Turned off meanwhile: neither recorded nor lost.
                Emit::Disabled => {}
                Emit::Dropped { .. } => self.played.lost += 1,
                Emit::Refused(refused) => return Err(blotter::Error::from(refused).into()),
            }
        }
        Ok(())
    }

    fn remember(&mut self, batch: &[SessionEvent]) {
        for event in batch {
            if event.event == "order_filled" && self.played.filled_order.is_none() {
                let ids = (event.order_id.as_str().to_owned(), event.correlation_id.as_str().to_owned());
                self.played.filled_order = Some(ids);
            }
        }
        for order in batch.iter().filter(|event| event.event == "order_created") {
            self.orders_created += 1;
            let is_wanted = self.orders_created.is_multiple_of(ORDERS_BETWEEN_REMEMBERED);
            if is_wanted && self.played.orders.len() < ORDERS_REMEMBERED_MAX {
                self.played.orders.push(order.order_id.as_str().to_owned());
            }
        }
    }
}
