//! The engine: plays a session at its own pace, plants faults, and hears when the watch tells of them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

use blotter::event::{OrderStatus, Timestamp};
use blotter::{Db, Recorder, RecorderOptions};
use blotter_workload::{Detail, Session, SessionEvent, SessionOptions};

use super::{bench, watcher};

/// What the watch is given to tell of a fault.
const TARGET: Duration = Duration::from_secs(1);
/// How long a fault is waited for before the next is planted.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two faults.
const PAUSE: Duration = Duration::from_secs(3);
/// Events in a row that are behind their time before the clock is asked again.
const BATCH: u32 = 32;

/// A fault that is being planted.
enum Fault {
    /// So many errors are still to come.
    Errors(u32),
    /// So many orders of a strategy are still to be rejected as they are created.
    Rejections(u32),
    /// A feed does not come.
    Silent,
}

const STRATEGY: &str = "momentum";
const SYMBOL: &str = "MSFT";

struct Line {
    text: String,
    at: Instant,
}

struct Engine {
    session: Session,
    recorder: Recorder,
    recorded: u64,
    late_max: Duration,
    start: Instant,
    start_ns: i64,
}

pub(crate) fn run(clean_seconds: u64, rate: u64) {
    let dir = bench::scratch();
    let path = dir.path().join("bench.blotter");
    let db = Db::open(&path).expect("a new database opens");
    let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
        .args([watcher::ROLE.as_ref(), path.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the watcher starts");
    let lines = lines_of(child.stdout.take().expect("it is piped"));
    let ready = lines.recv_timeout(Duration::from_secs(30)).expect("a line");
    assert_eq!(ready.text, "ready");

    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let start_ns = since_1970.as_nanos() as i64;
    let options = SessionOptions {
        start: Timestamp(start_ns),
        events_per_second: rate as u32,
        ..SessionOptions::default()
    };
    let recorder = db.recorder(RecorderOptions::new().backpressure(bench::BLOCK)).expect("a recorder");
    let session = Session::new(bench::SEED, options);
    let start = Instant::now();
    let mut engine = Engine { session, recorder, recorded: 0, late_max: Duration::ZERO, start, start_ns };

    engine.play(Duration::from_secs(clean_seconds), None);
    let unexpected: Vec<String> = lines.try_iter().map(|line| line.text).collect();
    println!("watch, {clean_seconds} s of clean data at {rate}/s: {} alerts (must be 0)", unexpected.len());
    unexpected.iter().take(10).for_each(|line| println!("watch, unexpected: {line}"));

    let (mut late, mut others) = (0, 0);
    for (name, fault, wanted) in [
        ("error spike", Fault::Errors(1000), "\"rule\":\"error_spike\""),
        ("rejection burst", Fault::Rejections(50), "\"rule\":\"repeated_rejections\""),
        ("silent feed", Fault::Silent, "\"rule\":\"silence\""),
    ] {
        let planted = Instant::now();
        let told = engine.play_until(fault, &lines, wanted, &mut others);
        match told {
            Some(at) => {
                let took = at - planted;
                late += u64::from(took > TARGET);
                println!("watch, {name} told after {:.0} ms", took.as_secs_f64() * 1e3);
            }
            None => {
                late += 1;
                println!("watch, {name} not told within {PATIENCE:?}");
            }
        }
        engine.play(PAUSE, None);
    }
    let (recorded, late_max) = (engine.recorded, engine.late_max);
    let took = engine.start.elapsed();
    drop(engine);
    db.flush().expect("the disk takes it");
    drop(child.stdin.take());
    for line in lines.iter() {
        println!("watcher: {}", line.text);
    }
    assert!(child.wait().expect("it ends").success());
    let statistics = db.statistics();
    println!(
        "watch, recorded {recorded} events in {:.1} s ({:.0}/s), dropped {}, the engine was late by up to {:.0} ms",
        took.as_secs_f64(),
        recorded as f64 / took.as_secs_f64(),
        statistics.dropped,
        late_max.as_secs_f64() * 1e3
    );
    println!("watch, told late or not at all: {late} (must be 0), other alerts: {others} (must be 0)");
    assert!(unexpected.is_empty(), "clean data raises nothing");
    assert_eq!((late, others), (0, 0), "each fault is told of within {TARGET:?}, and nothing else");
}

impl Engine {
    /// Plays the session for some time.
    fn play(&mut self, time: Duration, mut fault: Option<Fault>) {
        let end_ns = self.start.elapsed() + time;
        while self.start.elapsed() < end_ns {
            self.play_some(&mut fault);
        }
    }

    /// Plants a fault, and plays until the watch tells of it; when it did.
    fn play_until(
        &mut self,
        fault: Fault,
        lines: &Receiver<Line>,
        wanted: &str,
        others: &mut u64,
    ) -> Option<Instant> {
        let planted = Instant::now();
        let mut fault = Some(fault);
        while planted.elapsed() < PATIENCE {
            self.play_some(&mut fault);
            for line in lines.try_iter() {
                if line.text.contains(wanted) {
                    return Some(line.at);
                }
                *others += 1;
                println!("watch, unexpected: {}", line.text);
            }
        }
        None
    }

    /// Plays some events, as soon as it is their time.
    fn play_some(&mut self, fault: &mut Option<Fault>) {
        for _ in 0..BATCH {
            let event = self.session.next().expect("a session never ends");
            self.wait_for(&event);
            if !self.is_withheld(&event, fault.as_ref()) {
                self.record(&event);
            }
            self.plant(&event, fault.as_mut());
        }
    }

    fn wait_for(&mut self, event: &SessionEvent) {
        let due = Duration::from_nanos(event.ts.nanos().saturating_sub(self.start_ns).max(0) as u64);
        let now = self.start.elapsed();
        if due > now + Duration::from_millis(1) {
            std::thread::sleep(due - now);
        } else {
            self.late_max = self.late_max.max(now.saturating_sub(due));
        }
    }

    fn record(&mut self, event: &SessionEvent) {
        assert!(event.record(&mut self.recorder).is_accepted());
        self.recorded += 1;
    }

    fn is_withheld(&self, event: &SessionEvent, fault: Option<&Fault>) -> bool {
        matches!(fault, Some(Fault::Silent))
            && event.symbol == SYMBOL
            && matches!(event.detail, Detail::Quote { .. } | Detail::Trade { .. })
    }

    fn plant(&mut self, event: &SessionEvent, fault: Option<&mut Fault>) {
        match fault {
            Some(Fault::Errors(left)) if *left > 0 => {
                *left -= 1;
                let error = self.recorder.error("api_error").at(event.ts).strategy("gateway");
                error.field("endpoint", "/v2/orders").message("API connection failed").emit();
                self.recorded += 1;
            }
            Some(Fault::Rejections(left))
                if *left > 0
                    && event.strategy == STRATEGY
                    && matches!(event.detail, Detail::Created { .. }) =>
            {
                *left -= 1;
                let order = self.recorder.order(OrderStatus::Rejected).at(event.ts).strategy(STRATEGY);
                order
                    .order_id(event.order_id.as_str())
                    .symbol(event.symbol)
                    .field("reason", "insufficient buying power")
                    .emit();
                self.recorded += 1;
            }
            _ => {}
        }
    }
}

fn lines_of(stdout: std::process::ChildStdout) -> Receiver<Line> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for text in BufReader::new(stdout).lines() {
            let line = Line { text: text.expect("readable"), at: Instant::now() };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
