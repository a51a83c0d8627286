//! Rules whose queries do more than count: run again and again over the latest stretch, by a thread of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blotter_engine::Reader;
use blotter_engine::event::Timestamp;
use blotter_engine::vfs::yield_to_recording;
use blotter_query::desk::Period;
use blotter_query::desk::detect::{Change, Finding, OwnDetector, Phase};
use blotter_query::{Cancel, QueryOptions, Tz};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use crate::{Error, Result};

/// Of the whole machine, a rule may take no more than one thread.
const THREADS: usize = 1;

/// What a run brought.
pub(crate) struct Answer {
    pub(crate) rule: String,
    /// What the answers of a rule depend on.
    pub(crate) settings: String,
    /// What passes; `None` if the query could not be run.
    pub(crate) passing: Option<Vec<Finding>>,
    /// Whether all was read: if not, what does not pass may have passed.
    pub(crate) is_whole: bool,
    pub(crate) notes: Vec<String>,
}

/// Subjects that pass, of a rule, at most remembered; as many as one run brings.
const PASSING_MAX: usize = 1_000;

impl Answer {
    /// What begins to pass with it: a subject is told of again only after it was seen not to pass.
    pub(crate) fn beginning(self, passed: &mut BTreeMap<String, (String, BTreeSet<String>)>) -> Vec<Change> {
        let Some(found) = self.passing else { return Vec::new() };
        let (_, before) = match passed.remove(&self.rule) {
            Some(known) if known.0 == self.settings => known,
            _ => (String::new(), BTreeSet::new()),
        };
        let mut now: BTreeSet<String> = found.iter().map(Finding::key).collect();
        if !self.is_whole {
            let room = PASSING_MAX.saturating_sub(now.len());
            let unseen: Vec<String> = before.difference(&now).take(room).cloned().collect();
            now.extend(unseen);
        }
        passed.insert(self.rule, (self.settings, now));
        let begins = found.into_iter().filter(|finding| !before.contains(&finding.key()));
        begins.map(|finding| Change { phase: Phase::Whole, finding }).collect()
    }
}

/// The thread.
pub(crate) struct Questions {
    pub(crate) answers: Receiver<Answer>,
    /// The time of the stream, in nanoseconds; the least number before the first event.
    now_ns: Arc<AtomicI64>,
    cancel: Cancel,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A query, how far it looks back, and how often.
pub(crate) struct Question {
    pub(crate) own: OwnDetector,
    pub(crate) window: Duration,
    pub(crate) every: Duration,
}

impl Questions {
    pub(crate) fn start(reader: Reader, questions: Vec<Question>) -> Result<Questions> {
        let (told, answers) = unbounded();
        let (stop, stopped) = bounded(0);
        let now_ns = Arc::new(AtomicI64::new(i64::MIN));
        let cancel = Cancel::new();
        let mut started = Questions { answers, now_ns, cancel, stop: Some(stop), thread: None };
        if !questions.is_empty() {
            let (now_ns, cancel) = (Arc::clone(&started.now_ns), started.cancel.clone());
            let thread = std::thread::Builder::new().name("watch-queries".to_owned());
            let run = move || run(&reader, &questions, &told, &stopped, &now_ns, &cancel);
            started.thread = Some(thread.spawn(run).map_err(Error::Thread)?);
        }
        Ok(started)
    }

    /// What time it is in the stream.
    pub(crate) fn set_now(&self, now: Timestamp) {
        self.now_ns.store(now.nanos(), Ordering::Relaxed);
    }

    pub(crate) fn end(&mut self) {
        self.cancel.cancel();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it was printed.
            thread.join().unwrap_or_default();
        }
    }
}

fn run(
    reader: &Reader,
    questions: &[Question],
    told: &Sender<Answer>,
    stopped: &Receiver<()>,
    now_ns: &AtomicI64,
    cancel: &Cancel,
) {
    yield_to_recording();
    let mut due: Vec<Instant> = questions.iter().map(|question| Instant::now() + question.every).collect();
    loop {
        let next = due.iter().min().copied().unwrap_or_else(Instant::now);
        let wait = next.saturating_duration_since(Instant::now());
        if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        for (question, due) in questions.iter().zip(&mut due) {
            if *due > Instant::now() {
                continue;
            }
            let now = Timestamp(now_ns.load(Ordering::Relaxed));
            if now.nanos() > i64::MIN {
                let answer = ask(reader, question, now, cancel);
                if told.send(answer).is_err() {
                    return;
                }
            }
            // From its end on: one that takes longer than its turn does not run without a pause.
            *due = Instant::now() + question.every;
        }
    }
}

fn ask(reader: &Reader, question: &Question, now: Timestamp, cancel: &Cancel) -> Answer {
    let Question { own, window, .. } = question;
    let window_ns = i64::try_from(window.as_nanos()).unwrap_or(i64::MAX);
    let from = Timestamp(now.nanos().saturating_sub(window_ns));
    let options = QueryOptions {
        now: Some(now),
        allow_unknown_fields: true,
        threads: THREADS,
        cancel: cancel.clone(),
        ..QueryOptions::default()
    };
    let found = Period::between(from, Timestamp(now.nanos().saturating_add(1)), Tz::UTC).and_then(|period| {
        let condition = format!("{} and not (category = system event = alert)", period.condition());
        own.run(reader, &condition, Some(&period), &options)
    });
    let name = &own.name;
    let settings = format!("{}, {} in {window:?}", own.query, own.threshold);
    let mut answer =
        Answer { rule: name.clone(), settings, passing: None, is_whole: true, notes: Vec::new() };
    match found {
        Ok(found) => {
            let unreadable = found.unreadable.iter();
            let unreadable = unreadable
                .map(|part| format!("{name}: {} could not be read: {}", part.path.display(), part.reason));
            answer.is_whole = found.unreadable.is_empty();
            answer.notes = found.notes.into_iter().chain(unreadable).collect();
            answer.passing = Some(found.findings);
        }
        Err(_) if cancel.is_cancelled() => {}
        Err(error) => answer.notes = vec![format!("{name} could not be asked: {error}")],
    }
    answer
}
