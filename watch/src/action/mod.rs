//! What is done about alerts: by threads of their own, so that a program that hangs holds up nobody else.

mod command;
mod webhook;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blotter_engine::control::{By, Request};
use blotter_engine::event::{Category, Level, names};
use blotter_engine::{Emit, Recorder, administer};
use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::alert::{Logged, LoggedAlert};
use crate::config::{Action, ActionKind};
use crate::state::Pending;
use crate::{Error, Result};

/// Pause between two looks whether the watch is to end, while waiting to try again.
const LOOK: Duration = Duration::from_millis(50);
/// Longest pause before something is tried again.
const BACK_OFF_MAX: Duration = Duration::from_secs(60);

/// What came of an action.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) alert: u64,
    pub(crate) action: String,
    /// Whether it succeeded; `None` if the watch ended before it was done.
    pub(crate) outcome: Option<Result<(), String>>,
}

/// Where alerts are recorded.
pub(crate) enum Log {
    /// By this process, which has the database open.
    Own(Box<Recorder>),
    /// By whoever has it open.
    Owner(PathBuf),
}

/// The threads of all actions.
pub(crate) struct Actions {
    queues: Vec<(String, Sender<Pending>)>,
    pub(crate) done: Receiver<Done>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Actions {
    /// Starts them; what is recorded goes where `log` says.
    pub(crate) fn start(actions: &[Action], log: Log) -> Result<Actions> {
        let (told, done) = unbounded();
        let stop = Arc::new(AtomicBool::new(false));
        let mut started = Actions { queues: Vec::new(), done, stop, threads: Vec::new() };
        let mut log = Some(log);
        for action in actions {
            let (queue, waiting) = unbounded::<Pending>();
            // One recorder, one thread; the standard error takes one line after the other.
            let threads = match action.kind {
                ActionKind::Log | ActionKind::Stderr => 1,
                _ => action.at_once.clamp(1, 64),
            };
            for _ in 0..threads {
                let log = match action.kind {
                    ActionKind::Log => log.take(),
                    _ => None,
                };
                let (action, waiting, told) = (action.clone(), waiting.clone(), told.clone());
                let stop = Arc::clone(&started.stop);
                let thread = std::thread::Builder::new().name(format!("watch-{}", action.name));
                let thread = thread.spawn(move || run(&action, log, &waiting, &told, &stop));
                started.threads.push(thread.map_err(Error::Thread)?);
            }
            started.queues.push((action.name.clone(), queue));
        }
        Ok(started)
    }

    /// Begins an action; false if there is none of that name.
    pub(crate) fn begin(&self, pending: &Pending) -> bool {
        let queue = self.queues.iter().find(|(name, _)| *name == pending.action);
        queue.is_some_and(|(_, queue)| queue.send(pending.clone()).is_ok())
    }

    /// Ends them: what is under way is finished, what waits is not begun.
    pub(crate) fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // A panic of it was printed; its action is pending still.
            thread.join().unwrap_or_default();
        }
    }
}

fn run(
    action: &Action,
    mut log: Option<Log>,
    waiting: &Receiver<Pending>,
    told: &Sender<Done>,
    stop: &AtomicBool,
) {
    for pending in waiting {
        let outcome = attempt(action, &mut log, &pending, stop);
        let done = Done { alert: pending.alert, action: pending.action, outcome };
        if told.send(done).is_err() {
            return;
        }
    }
}

/// Tries as often as it may be tried; `None` if the watch ended before it succeeded.
fn attempt(
    action: &Action,
    log: &mut Option<Log>,
    pending: &Pending,
    stop: &AtomicBool,
) -> Option<Result<(), String>> {
    let mut pause = action.back_off;
    for attempt in 1.. {
        if stop.load(Ordering::Acquire) {
            return None;
        }
        let outcome = match &action.kind {
            ActionKind::Log => record(log.as_mut(), &pending.event),
            ActionKind::Stderr => {
                eprintln!("alert: {}", pending.line);
                Ok(())
            }
            ActionKind::Command(words) => {
                command::run(words, &pending.json, action.timeout, stop).map_err(Failed::ForNow)
            }
            ActionKind::Webhook(url) => {
                webhook::post(url, &pending.json, action.timeout).map_err(Failed::ForNow)
            }
        };
        match outcome {
            Ok(()) => return Some(Ok(())),
            // The next watch would be told the same.
            Err(Failed::ForGood(reason)) => return Some(Err(reason)),
            Err(_) if stop.load(Ordering::Acquire) => return None,
            Err(Failed::ForNow(reason)) if attempt >= action.attempts => {
                let times = if attempt == 1 { String::new() } else { format!(" (tried {attempt} times)") };
                return Some(Err(format!("{reason}{times}")));
            }
            Err(_) => {}
        }
        let began = Instant::now();
        while began.elapsed() < pause && !stop.load(Ordering::Acquire) {
            std::thread::sleep(LOOK.min(pause));
        }
        pause = (pause * 2).min(BACK_OFF_MAX);
    }
    unreachable!("attempts are counted up to a number")
}

/// Why it was not done.
enum Failed {
    /// It may be done another time.
    ForNow(String),
    /// It would fail the same way each time, and hold up those that wait behind it.
    ForGood(String),
}

fn record(log: Option<&mut Log>, event: &LoggedAlert) -> Result<(), Failed> {
    match log {
        Some(Log::Own(recorder)) => {
            let level: Level = event.level.parse().map_err(|error| Failed::ForGood(format!("{error}")))?;
            if !recorder.enabled(Category::SYSTEM, level) {
                let reason = format!("events of category system and level {level} are not recorded");
                return Err(Failed::ForNow(reason));
            }
            let mut building = recorder.event(Category::SYSTEM, level, names::ALERT);
            for (name, value) in &event.fields {
                building = match value {
                    Logged::Int(value) => building.field(name, *value),
                    Logged::Text(text) => building.field(name, text),
                };
            }
            match building.emit() {
                Emit::Accepted { .. } => Ok(()),
                Emit::Refused(refused) => Err(Failed::ForGood(format!("the event is refused: {refused}"))),
                Emit::Disabled | Emit::Dropped { .. } => {
                    Err(Failed::ForNow("there was no room for the event in the ring".to_owned()))
                }
            }
        }
        Some(Log::Owner(database)) => {
            let by = By::new("blotter watch", "an alert");
            let request = Request::Record(event.to_request());
            administer(database, &request, &by, &mut |_| {}).map(drop).map_err(|error| match error {
                blotter_engine::Error::Refused(_)
                | blotter_engine::Error::InvalidOption { .. }
                | blotter_engine::Error::Declined { .. } => Failed::ForGood(error.to_string()),
                _ => Failed::ForNow(error.to_string()),
            })
        }
        None => {
            Err(Failed::ForGood("there is one log, and another action of this watch writes it".to_owned()))
        }
    }
}
