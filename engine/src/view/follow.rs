//! Follows a database live, event by event in seq order, from another process or the same.
//!
//! The follower reads the WAL file that the writer appends to, goes on to the next one at an End frame, and
//! turns to the segments only when a file was sealed and removed before it came to it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::catalog::{DatabaseId, Manifest};
use crate::error::{Error, Result};
use crate::event::{Event, Seq};
use crate::segment::Projection;
use crate::vfs::Stopwatch;
use crate::view::reader::open_tail;
use crate::view::{Predicate, Reader, UnsealedEvent, WalTail};
use crate::wal::{WalNumber, wal_numbers};

/// Pause between two looks at the WAL: well below what a person notices, and cheap.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// Time between two looks whether it is still the same database.
const IDENTITY_INTERVAL_NS: u64 = 1_000_000_000;

/// Most events fetched from segments at once when the follower fell behind.
const CATCH_UP_EVENTS_MAX: u64 = 65_536;

/// About how many events are given away at once.
const VISITED_EVENTS_MAX: u64 = 16_384;

/// Where following begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FollowFrom {
    /// With the first event recorded from now on.
    Now,
    /// With that event.
    Seq(Seq),
}

/// See the module.
pub struct Follower {
    reader: Reader,
    next_seq: Seq,
    tail: Option<WalTail>,
    /// Frames of the tail that are done with.
    frames_done: usize,
    ready: VecDeque<Event>,
    /// The database followed; another may take its place.
    identity: DatabaseId,
    looked_at: Stopwatch,
}

impl Follower {
    pub(crate) fn new(reader: Reader, from: FollowFrom) -> Result<Follower> {
        let next_seq = match from {
            FollowFrom::Now => reader.snapshot()?.next_seq(),
            FollowFrom::Seq(seq) => seq,
        };
        let (host, database) = reader.place();
        let identity = Manifest::read(host, database)?.identity;
        let (tail, frames_done, ready, looked_at) = (None, 0, VecDeque::new(), Stopwatch::start());
        Ok(Follower { reader, next_seq, tail, frames_done, ready, identity, looked_at })
    }

    /// The next event, in seq order without gaps but for deleted events; `None` if none comes within `timeout`.
    ///
    /// # Errors
    /// IO errors and damage. The call can be repeated.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Event>> {
        let waiting = Stopwatch::start();
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let before = self.next_seq;
            self.fetch()?;
            // A stretch of deleted events is passed over, not waited for.
            if self.ready.is_empty() && self.next_seq == before {
                self.check_identity()?;
                if u128::from(waiting.elapsed_ns()) >= timeout.as_nanos() {
                    return Ok(None);
                }
                std::thread::sleep(POLL_INTERVAL.min(timeout));
            }
        }
    }

    /// Now and then, whether it is still the same database.
    fn check_identity(&mut self) -> Result<()> {
        if self.looked_at.elapsed_ns() < IDENTITY_INTERVAL_NS {
            return Ok(());
        }
        self.looked_at = Stopwatch::start();
        let (host, database) = self.reader.place();
        if Manifest::read(host, database)?.identity == self.identity {
            return Ok(());
        }
        let reason = "another database has taken its place; hint: follow that one anew".to_owned();
        Err(Error::Unavailable { path: database.to_path_buf(), reason })
    }

    /// Calls `take` with every event that has come, in seq order, borrowed from where it lies, up to some ten thousand
    /// of them; gives their number, 0 if none comes within `timeout`. For those who look at every event of a busy
    /// engine and keep few: nothing is allocated for one that is passed over.
    ///
    /// # Errors
    /// IO errors and damage. The call can be repeated; it goes on after the last event taken.
    pub fn each(
        &mut self,
        timeout: Duration,
        take: &mut dyn FnMut(&UnsealedEvent<'_>) -> Result<()>,
    ) -> Result<u64> {
        let waiting = Stopwatch::start();
        loop {
            let mut count = 0;
            while let Some(event) = self.ready.pop_front() {
                take(&UnsealedEvent::of(&event))?;
                count += 1;
            }
            if count > 0 {
                return Ok(count);
            }
            let before = self.next_seq;
            let count = self.visit(take)?;
            if count > 0 {
                return Ok(count);
            }
            // What segments hold is fetched, and a stretch of deleted events is passed over.
            if self.ready.is_empty() && self.next_seq == before {
                self.check_identity()?;
                if u128::from(waiting.elapsed_ns()) >= timeout.as_nanos() {
                    return Ok(0);
                }
                std::thread::sleep(POLL_INTERVAL.min(timeout));
            }
        }
    }

    /// As [`Follower::fetch`], but gives what a WAL file holds away instead of decoding it.
    fn visit(&mut self, take: &mut dyn FnMut(&UnsealedEvent<'_>) -> Result<()>) -> Result<u64> {
        loop {
            let Some(tail) = &self.tail else {
                if self.find_tail()? {
                    continue;
                }
                return Ok(0);
            };
            let view = tail.view_file()?;
            let mut count = 0;
            while self.frames_done < view.frames.len() && count < VISITED_EVENTS_MAX {
                let frame = view.frames[self.frames_done];
                let next_seq = &mut self.next_seq;
                view.each_record(&frame, |seq, record, defaults| {
                    if seq >= *next_seq {
                        if seq != *next_seq {
                            let found = format!("seq {seq} where {next_seq} is next");
                            return Err(view.damaged(frame.offset, &found));
                        }
                        // Before it is taken: what fails at one event fails once.
                        next_seq.0 += 1;
                        count += 1;
                        take(&UnsealedEvent::of_record(seq, frame.producer, &view, *record, defaults))?;
                    }
                    Ok(())
                })?;
                self.frames_done += 1;
            }
            if count > 0 || !view.finished {
                return Ok(count);
            }
            let next = tail.number().next();
            self.tail = None;
            self.open(next)?;
            if self.tail.is_none() && !self.find_tail()? {
                return Ok(0);
            }
        }
    }

    /// The seq of the event that comes next.
    pub fn next_seq(&self) -> Seq {
        self.ready.front().map_or(self.next_seq, |event| event.seq)
    }

    /// Fetches what has come.
    fn fetch(&mut self) -> Result<()> {
        loop {
            let Some(tail) = &self.tail else {
                if self.find_tail()? {
                    continue;
                }
                return Ok(());
            };
            let view = tail.view_file()?;
            while self.frames_done < view.frames.len() && self.ready.len() < CATCH_UP_EVENTS_MAX as usize {
                let frame = view.frames[self.frames_done];
                view.each_record(&frame, |seq, record, defaults| {
                    if seq >= self.next_seq {
                        if seq != self.next_seq {
                            return Err(view.damaged(
                                frame.offset,
                                &format!("seq {seq} where {} is next", self.next_seq),
                            ));
                        }
                        self.ready.push_back(view.event(frame.producer, seq, record, defaults)?);
                        self.next_seq.0 += 1;
                    }
                    Ok(())
                })?;
                self.frames_done += 1;
            }
            if !self.ready.is_empty() || !view.finished {
                return Ok(());
            }
            let next = tail.number().next();
            self.tail = None;
            self.open(next)?;
            if self.tail.is_none() && !self.find_tail()? {
                return Ok(());
            }
        }
    }

    fn open(&mut self, number: WalNumber) -> Result<()> {
        let (host, database) = self.reader.place();
        self.tail = open_tail(host, database, number)?.filter(|tail| tail.header.first_seq <= self.next_seq);
        self.frames_done = 0;
        Ok(())
    }

    /// Finds the WAL file that holds the next event, or fetches it from segments. False: it is not there yet.
    fn find_tail(&mut self) -> Result<bool> {
        let (host, database) = self.reader.place();
        let manifest = Manifest::read(host, database)?;
        if self.next_seq.0 < manifest.next_seq {
            self.catch_up(manifest.next_seq)?;
            return Ok(false);
        }
        let numbers = wal_numbers(host, database)?;
        for number in numbers.into_iter().rev().filter(|number| number.0 > manifest.sealed_wal) {
            self.open(number)?;
            if self.tail.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Fetches the next events from segments.
    fn catch_up(&mut self, sealed_before: u64) -> Result<()> {
        let last = (self.next_seq.0 + CATCH_UP_EVENTS_MAX).min(sealed_before) - 1;
        let wanted = Predicate::all().seq_between(self.next_seq.0, last);
        let mut scan = self.reader.snapshot()?.scan(&wanted, &Projection::all());
        let mut events: Vec<Event> = scan.by_ref().collect();
        if let Some(unreadable) = scan.unreadable().first() {
            let (path, reason) = (unreadable.path.clone(), unreadable.error.to_string());
            return Err(Error::Unavailable { path, reason });
        }
        events.sort_unstable_by_key(|event| event.seq);
        self.next_seq = Seq(last + 1);
        self.ready.extend(events);
        Ok(())
    }
}
