//! What every detector does: it looks at events one by one, and says what begins and ends.

use blotter_engine::event::Timestamp;
use serde_json::Value;

use super::finding::Changes;
use super::seen::Seen;

/// In which order a detector is shown history. Live, all of them see the order of recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By (`ts`, `seq`).
    Time,
    /// By `seq`.
    Recording,
}

/// See the module. What it keeps is bounded, and can be saved and restored between two events.
pub(crate) trait Detector: Send {
    /// Its name, which is that of its table of settings.
    fn name(&self) -> &'static str;

    /// In which order it is shown history.
    fn order(&self) -> Order {
        Order::Time
    }

    /// Looks at an event.
    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes);

    /// Time has passed.
    fn tick(&mut self, _now: Timestamp, _changes: &mut Changes) {}

    /// What the clock of whoever watches says.
    fn set_wall(&mut self, _wall: Timestamp) {}

    /// The time by which windows go has gone back.
    fn rewind(&mut self) {}

    /// There is no more: what has begun is over.
    fn finish(&mut self, _now: Timestamp, _changes: &mut Changes) {}

    /// Events of subjects beyond those it follows.
    fn overlooked(&self) -> u64 {
        0
    }

    /// What it knows, to go on from later.
    fn save(&self) -> Value;

    /// Goes on from what was saved.
    ///
    /// # Errors
    /// What cannot be what was saved.
    fn restore(&mut self, saved: Value) -> serde_json::Result<()>;
}

/// The methods that save and restore the field `state`.
macro_rules! saved_state {
    () => {
        fn save(&self) -> serde_json::Value {
            serde_json::to_value(&self.state).expect("a state has names for keys and no strange numbers")
        }

        fn restore(&mut self, saved: serde_json::Value) -> serde_json::Result<()> {
            self.state = serde_json::from_value(saved)?;
            Ok(())
        }
    };
}

pub(crate) use saved_state;
