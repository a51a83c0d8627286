//! `blotter tail`: the latest events, and those to come.

use std::time::Duration;

use blotter::segment::Projection;
use blotter::view::FollowFrom;
use blotter::{Predicate, Reader};

use super::{Output, report_unreadable};
use crate::args::Tail;
use crate::outcome::{Failure, Outcome};

/// Longest wait for one event; then the wait begins again.
const WAIT: Duration = Duration::from_secs(1);

/// Runs the command. With `-f` it ends when it is interrupted or nobody reads its output any more.
pub(crate) fn run(arguments: &Tail) -> Result<Outcome, Failure> {
    let reader = Reader::open(&arguments.directory)?;
    let snapshot = reader.snapshot()?;
    let mut scan = snapshot.scan_backwards(&Predicate::all(), &Projection::all());
    let latest: Vec<_> = scan.by_ref().take(arguments.count).collect();
    let mut output = Output::new(arguments.format);
    for event in latest.iter().rev() {
        output.event(event)?;
    }
    output.flush()?;
    let is_damaged = report_unreadable(scan.unreadable());
    if !arguments.follow {
        return Ok(Outcome::no_if(is_damaged));
    }
    let next_seq = snapshot.next_seq();
    // What the snapshot holds on to may be removed by the writer while this goes on for days.
    drop((scan, snapshot));
    let mut follower = reader.follow(FollowFrom::Seq(next_seq))?;
    loop {
        match follower.next(Duration::ZERO)? {
            Some(event) => output.event(&event)?,
            None => {
                output.flush()?;
                if let Some(event) = follower.next(WAIT)? {
                    output.event(&event)?;
                }
            }
        }
    }
}
