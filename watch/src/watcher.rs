//! The thread that follows the stream, and what is known of it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use blotter_engine::catalog::Manifest;
use blotter_engine::event::{Seq, Timestamp};
use blotter_engine::vfs::{Host, yield_to_recording};
use blotter_engine::view::{FollowFrom, Follower};
use blotter_engine::{Db, Reader, RecorderOptions, limits};
use blotter_query::desk::detect::{Change, Counter, Detectors};
use blotter_query::{QueryOptions, Vocabulary};

use crate::action::{Actions, Log};
use crate::alert::Alert;
use crate::config::WatchConfig;
use crate::questions::{Question, Questions};
use crate::rules::raise;
use crate::state::{Pending, State, StateFile};
use crate::{Error, Result};

/// Longest wait for events; then time passes all the same.
const WAIT: Duration = Duration::from_millis(50);
/// Pause after the stream could not be read.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Time after which the state is saved, if the stream went on.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);
/// Longest that a watch that was told to stop goes on looking.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);
/// Problems remembered.
const PROBLEMS_MAX: usize = 100;

/// Name of the file in the database where a watch keeps its state unless said otherwise.
const STATE_FILE: &str = "watch/state.json";

/// A counter, and what its counts depend on.
type KnownCounter = (Counter, String);

type Told<T> = Arc<dyn Fn(&T) + Send + Sync>;

/// How a watch runs.
#[derive(Clone)]
pub struct WatchOptions {
    config: WatchConfig,
    state: Option<PathBuf>,
    from_start: bool,
    on_alert: Option<Told<Alert>>,
    on_note: Option<Told<String>>,
}

impl WatchOptions {
    /// With a configuration.
    pub fn new(config: WatchConfig) -> WatchOptions {
        WatchOptions { config, state: None, from_start: false, on_alert: None, on_note: None }
    }

    /// Where the state is kept: `watch/state.json` in the database unless said otherwise.
    pub fn state(mut self, path: impl Into<PathBuf>) -> WatchOptions {
        self.state = Some(path.into());
        self
    }

    /// Begin with the first event there is where there is no state yet, rather than with the next one.
    pub fn from_start(mut self, from_start: bool) -> WatchOptions {
        self.from_start = from_start;
        self
    }

    /// Is called with every alert, by the thread that follows.
    pub fn on_alert(mut self, told: impl Fn(&Alert) + Send + Sync + 'static) -> WatchOptions {
        self.on_alert = Some(Arc::new(told));
        self
    }

    /// Is called with everything else there is to say: what failed, what was passed over.
    pub fn on_note(mut self, told: impl Fn(&String) + Send + Sync + 'static) -> WatchOptions {
        self.on_note = Some(Arc::new(told));
        self
    }
}

/// Where a watch began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begins {
    /// With the event recorded next when it was started: there was no state of this database.
    #[default]
    WithNext,
    /// With the first event there is: there was no state of this database, and that was asked for.
    FromStart,
    /// Where another watch ended.
    FromState,
}

/// How a watch goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Where this run began.
    pub begins: Begins,
    /// The seq from which on events are looked at in this run.
    pub first_seq: u64,
    /// Events looked at in this run.
    pub events: u64,
    /// The seq of the event that comes next.
    pub next_seq: u64,
    /// Alerts raised, over all runs.
    pub alerts: u64,
    /// Actions that wait or are under way.
    pub pending: usize,
    /// Actions that failed for good in this run.
    pub failed: u64,
    /// The latest of what there was to say.
    pub notes: Vec<String>,
}

/// A watch under way. Dropping it ends it, as [`Watch::stop`] does.
pub struct Watch {
    stop: Arc<AtomicBool>,
    statistics: Arc<Mutex<Statistics>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Watch {
    /// Watches a database from the process that records, beside it. End the watch before the database is closed: it
    /// holds a recorder if alerts are written to the log.
    ///
    /// # Errors
    /// A rule that is wrong, a state that cannot be kept, and those of the engine.
    pub fn start(db: &Db, options: WatchOptions) -> Result<Watch> {
        let ring_bytes = limits::RING_BYTES_MIN;
        let recorder = db.recorder(RecorderOptions::new().service("blotter").ring_bytes(ring_bytes))?;
        Watch::begin(db.path(), options, Log::Own(Box::new(recorder)))
    }

    /// Watches a database from another process than the one that records.
    ///
    /// # Errors
    /// As [`Watch::start`].
    pub fn follow(database: impl AsRef<Path>, options: WatchOptions) -> Result<Watch> {
        let database = database.as_ref();
        Watch::begin(database, options, Log::Owner(database.to_path_buf()))
    }

    /// Does what a start does short of following: reads the database and the state, and asks what the rules name.
    /// Changes nothing, so it may be done beside another watch. Gives what there is to say.
    ///
    /// # Errors
    /// As [`Watch::follow`], but for a state that another watch holds or that cannot be written.
    pub fn check(database: impl AsRef<Path>, options: &WatchOptions) -> Result<Vec<String>> {
        let (host, database) = (Host::os(), database.as_ref());
        let vocabulary = Vocabulary::new(Reader::open_on(&host, database)?.snapshot()?);
        questions_of(&options.config, &vocabulary)?;
        let mut notes = Watcher::unheard_of(&options.config, &vocabulary)?;
        let state_path = options.state.clone().unwrap_or_else(|| database.join(STATE_FILE));
        let identity = Manifest::read(&host, database)?.identity.to_string();
        let kept = StateFile::look(&host, &state_path)?;
        notes.extend(kept.filter(|kept| kept.database != identity).map(|kept| another(&kept, &state_path)));
        Ok(notes)
    }

    fn begin(database: &Path, options: WatchOptions, log: Log) -> Result<Watch> {
        let host = Host::os();
        let stop = Arc::new(AtomicBool::new(false));
        let statistics = Arc::default();
        let mut watcher = Watcher::new(&host, database, options, log, Arc::clone(&statistics))?;
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("blotter-watch".to_owned());
        let thread = thread.spawn(move || watcher.run(&stopped)).map_err(Error::Thread)?;
        Ok(Watch { stop, statistics, thread: Some(thread) })
    }

    /// How it goes.
    pub fn statistics(&self) -> Statistics {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it has ended by itself, which it does only if it cannot go on.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends it: what has come by now is looked at, the state is saved. Actions that are not done ([`Statistics::pending`]
    /// of what it gives) are done by the next watch that goes on from it.
    ///
    /// # Errors
    /// Why it could not go on, or the state could not be saved.
    pub fn stop(mut self) -> Result<Statistics> {
        self.end().map(|()| self.statistics())
    }

    fn end(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::Release);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(Error::Panicked),
            None => Ok(()),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Whoever wants to know calls stop.
        self.end().unwrap_or_default();
    }
}

/// What the thread works with.
struct Watcher {
    host: Host,
    options: WatchOptions,
    follower: Follower,
    detectors: Detectors,
    counters: Vec<KnownCounter>,
    questions: Questions,
    actions: Actions,
    file: StateFile,
    state: State,
    statistics: Arc<Mutex<Statistics>>,
    /// Raised, and not told yet.
    raised: Vec<Alert>,
    /// The last alert whose actions have begun.
    begun: u64,
    /// Said, and not told yet.
    notes: Vec<String>,
    known_notes: VecDeque<String>,
}

impl Watcher {
    fn new(
        host: &Host,
        database: &Path,
        mut options: WatchOptions,
        log: Log,
        statistics: Arc<Mutex<Statistics>>,
    ) -> Result<Watcher> {
        let reader = Reader::open_on(host, database)?;
        let snapshot = reader.snapshot()?;
        let vocabulary = Vocabulary::new(snapshot.clone());
        let (counters, questions) = questions_of(&options.config, &vocabulary)?;
        let state_path = options.state.get_or_insert_with(|| database.join(STATE_FILE)).clone();
        let file = StateFile::take(host, &state_path)?;
        let mut notes = Watcher::unheard_of(&options.config, &vocabulary)?;
        drop(vocabulary);
        let end = snapshot.next_seq().0;
        drop(snapshot);
        let detectors = Detectors::new(&options.config.detect.settings);
        let identity = Manifest::read(host, database)?.identity.to_string();
        let kept = file.read()?.filter(|kept| {
            let of_another = kept.database != identity;
            if of_another {
                notes.push(another(kept, &state_path));
            }
            !of_another
        });
        let begins = match (&kept, options.from_start) {
            (Some(_), _) => Begins::FromState,
            (None, true) => Begins::FromStart,
            (None, false) => Begins::WithNext,
        };
        let state = kept.unwrap_or_else(|| State {
            database: identity,
            next_seq: if options.from_start { 0 } else { end },
            ..State::default()
        });
        let follower = reader.follow(FollowFrom::Seq(Seq(state.next_seq.min(end))))?;
        let (actions, for_queries) =
            (Actions::start(&options.config.actions, log)?, Reader::open_on(host, database)?);
        let begun = state.alerts;
        let mut watcher = Watcher {
            host: host.clone(),
            raised: Vec::new(),
            begun,
            follower,
            detectors,
            counters,
            questions: Questions::start(for_queries, questions)?,
            actions,
            file,
            state,
            statistics,
            notes: Vec::new(),
            known_notes: VecDeque::new(),
            options,
        };
        watcher.go_on_from(&mut notes, database, end)?;
        {
            let mut statistics = watcher.statistics.lock().unwrap_or_else(PoisonError::into_inner);
            statistics.begins = begins;
            statistics.first_seq = watcher.state.next_seq;
            statistics.next_seq = watcher.state.next_seq;
            statistics.alerts = watcher.state.alerts;
        }
        watcher.notes = notes;
        let pending = std::mem::take(&mut watcher.state.pending);
        for pending in pending {
            if watcher.actions.begin(&pending) {
                watcher.state.pending.push(pending);
            } else {
                let Pending { alert, action, .. } = pending;
                watcher.notes.push(format!("alert {alert}: there is no action {action} any longer"));
            }
        }
        // So that it is known now whether it can be kept.
        watcher.save()?;
        Ok(watcher)
    }

    /// Says what the rules name and no event has; what is wrong with them is an error.
    fn unheard_of(config: &WatchConfig, vocabulary: &Vocabulary) -> Result<Vec<String>> {
        let mut said = Vec::new();
        for (own, ..) in config.queries() {
            let sentences = own.unheard_of(vocabulary);
            let sentences = sentences.map_err(|error| Error::Rule { rule: own.name.clone(), error })?;
            said.extend(sentences.into_iter().map(|sentence| format!("rule '{}': {sentence}", own.name)));
        }
        Ok(said)
    }

    /// Restores what was kept, if the stream still goes on from there.
    fn go_on_from(&mut self, notes: &mut Vec<String>, database: &Path, end: u64) -> Result<()> {
        let missed = end.saturating_sub(self.state.next_seq);
        let catch_up = self.options.config.catch_up_events;
        if self.state.next_seq > end {
            notes.push(format!(
                "the state is of seq {}, and the database has events up to {end}: it was restored from an older copy, and is \
                 followed from now on",
                self.state.next_seq
            ));
            self.state.next_seq = end;
        } else if missed > catch_up {
            notes.push(format!(
                "{missed} events were recorded while nobody watched; the first {} of them are passed over",
                missed - catch_up
            ));
            self.state.next_seq = end - catch_up;
            self.follower =
                Reader::open_on(&self.host, database)?.follow(FollowFrom::Seq(Seq(self.state.next_seq)))?;
        } else {
            let saved = std::mem::take(&mut self.state.detectors);
            if !saved.is_null() {
                notes.extend(self.detectors.restore(saved));
            }
            for (counter, settings) in &mut self.counters {
                match self.state.counters.remove(counter.name()) {
                    Some((of, saved)) if of == *settings => {
                        if let Err(error) = counter.restore(saved) {
                            notes.push(format!("{} begins anew: {error}", counter.name()));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn run(&mut self, stop: &AtomicBool) -> Result<()> {
        yield_to_recording();
        let mut saved = Instant::now();
        let mut told_to_stop: Option<Instant> = None;
        let outcome = loop {
            let is_last = stop.load(Ordering::Acquire);
            if is_last {
                told_to_stop.get_or_insert_with(Instant::now);
            }
            // A stream that never pauses is gone on with by the next watch.
            let is_late = told_to_stop.is_some_and(|told| told.elapsed() > STOP_TIME_MAX);
            let count = self.look(if is_last { Duration::ZERO } else { WAIT });
            let raised = self.tell();
            if raised || saved.elapsed() >= SAVE_INTERVAL {
                saved = Instant::now();
                if let Err(error) = self.save() {
                    self.notes.push(error.to_string());
                }
            }
            if raised {
                self.begin_actions();
            }
            self.note_done();
            self.tell_notes();
            match count {
                // What has come by the time it is told to stop is looked at.
                Ok(0) if is_last => break Ok(()),
                Ok(_) if is_late => break Ok(()),
                Ok(_) => {}
                Err(error) => {
                    if is_last {
                        break Err(error.into());
                    }
                    self.notes.push(format!("the stream cannot be followed: {error}; it is tried again"));
                    std::thread::sleep(RETRY_PAUSE);
                }
            }
        };
        self.questions.end();
        self.actions.end();
        self.note_done();
        let saved = self.save();
        self.tell_notes();
        outcome.and(saved)
    }

    /// Looks at what has come; the number of events.
    fn look(&mut self, wait: Duration) -> blotter_engine::Result<u64> {
        let wall = Timestamp(self.host.clock.now_ns());
        self.detectors.set_wall(wall);
        let Watcher { follower, detectors, counters, notes, .. } = self;
        // By the time at which each was found, so that cool-downs do not depend on how much comes at once.
        let mut changes: Vec<(Timestamp, Change)> = Vec::new();
        let mut of_counters: Vec<Change> = Vec::new();
        let count = follower.each(wait, &mut |event| {
            let mut looked = detectors.observe(event);
            let now = detectors.now().unwrap_or(event.ts);
            for (counter, _) in counters.iter_mut() {
                looked = looked.and(counter.observe(event, now, &mut of_counters));
            }
            if let Err(error) = looked {
                notes.push(format!("event {} is passed over: {error}", event.seq));
            }
            if detectors.has_changes() || !of_counters.is_empty() {
                changes.extend(detectors.take().into_iter().map(|change| (now, change)));
                changes.extend(of_counters.drain(..).map(|change| (now, change)));
            }
            Ok(())
        });
        if let Ok(0) = count {
            detectors.tick(Timestamp(self.host.clock.now_ns()));
        }
        self.state.next_seq = follower.next_seq().0;
        let now = detectors.now();
        if let Some(now) = now {
            counters.iter_mut().for_each(|(counter, _)| counter.tick(now));
            self.questions.set_now(now);
        }
        let at = now.unwrap_or(wall);
        changes.extend(detectors.take().into_iter().map(|change| (at, change)));
        for mut answer in self.questions.answers.try_iter() {
            notes.append(&mut answer.notes);
            let begins = answer.beginning(&mut self.state.passing);
            changes.extend(begins.into_iter().map(|change| (at, change)));
        }
        if !changes.is_empty() {
            let config = &self.options.config;
            let alerts = raise(config, &mut self.state, changes, notes);
            self.raised.extend(alerts);
        }
        let mut statistics = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        statistics.events += *count.as_ref().unwrap_or(&0);
        statistics.next_seq = self.state.next_seq;
        (statistics.alerts, statistics.pending) = (self.state.alerts, self.state.pending.len());
        drop(statistics);
        count
    }

    /// Tells of alerts; whether there were any.
    fn tell(&mut self) -> bool {
        let alerts = std::mem::take(&mut self.raised);
        if let Some(told) = &self.options.on_alert {
            alerts.iter().for_each(|alert| told(alert));
        }
        !alerts.is_empty()
    }

    /// Begins actions that have not begun yet.
    fn begin_actions(&mut self) {
        let Watcher { state, actions, begun, .. } = self;
        for pending in &state.pending {
            if pending.alert > *begun && !actions.begin(pending) {
                // Its thread has failed, which was printed; the next watch tries again.
                self.notes.push(format!("alert {}: {} cannot be begun", pending.alert, pending.action));
            }
        }
        *begun = state.alerts;
    }

    /// Takes note of actions that are done.
    fn note_done(&mut self) {
        let mut failed = 0;
        for done in self.actions.done.try_iter() {
            let Some(outcome) = done.outcome else { continue };
            self.state.pending.retain(|pending| pending.alert != done.alert || pending.action != done.action);
            if let Err(reason) = outcome {
                failed += 1;
                self.notes.push(format!("alert {}: {} failed: {reason}", done.alert, done.action));
            }
        }
        let mut statistics = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        statistics.failed += failed;
        statistics.pending = self.state.pending.len();
    }

    fn tell_notes(&mut self) {
        for note in self.notes.drain(..) {
            // What goes on failing is said once.
            if self.known_notes.contains(&note) {
                continue;
            }
            if self.known_notes.len() >= PROBLEMS_MAX {
                self.known_notes.pop_front();
            }
            self.known_notes.push_back(note.clone());
            if let Some(told) = &self.options.on_note {
                told(&note);
            }
            let mut statistics = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
            if statistics.notes.len() >= PROBLEMS_MAX {
                statistics.notes.remove(0);
            }
            statistics.notes.push(note);
        }
    }

    fn save(&mut self) -> Result<()> {
        self.state.detectors = self.detectors.save();
        let kept = |(counter, settings): &KnownCounter| {
            (counter.name().to_owned(), (settings.clone(), counter.save()))
        };
        self.state.counters = self.counters.iter().map(kept).collect();
        let config = &self.options.config;
        self.state.passing.retain(|rule, _| config.has_query(rule));
        self.file.write(&mut self.state)
    }
}

/// What is said of a state that is not of this database.
fn another(kept: &State, path: &Path) -> String {
    let whose = match kept.database.as_str() {
        "" => "does not say of which database it is".to_owned(),
        identity => format!("is of another database ({})", identity.escape_debug()),
    };
    let waiting = match kept.pending.len() {
        0 => String::new(),
        count => format!("; {count} actions that waited there are not done"),
    };
    format!("the state in {} {whose}, so this watch begins anew{waiting}", path.display())
}

/// The queries of the rules: those that only count, with what their counts depend on, and the others.
fn questions_of(config: &WatchConfig, vocabulary: &Vocabulary) -> Result<(Vec<KnownCounter>, Vec<Question>)> {
    // A field that no event has yet may come.
    let options = QueryOptions { allow_unknown_fields: true, ..QueryOptions::default() };
    let named = config.detect.settings.events_named;
    let (mut counters, mut questions) = (Vec::new(), Vec::new());
    for (own, window, every) in config.queries() {
        let counter = Counter::new(&own, window, named, vocabulary, &options);
        match counter.map_err(|error| Error::Rule { rule: own.name.clone(), error })? {
            Some(counter) => {
                let settings = format!("{}, {} in {window:?}", own.query, own.threshold);
                counters.push((counter, settings));
            }
            None => questions.push(Question { own, window, every }),
        }
    }
    Ok((counters, questions))
}
