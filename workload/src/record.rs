//! Records an event of a session: nothing is copied or allocated on the way.

use blotter_engine::event::{Field, ValueRef};
use blotter_engine::record::EventBuilder;
use blotter_engine::{Emit, Recorder};

use crate::event::{FieldSink, SessionEvent};

/// The builder goes from call to call by value; it is only ever missing within one.
struct Building<'r>(Option<EventBuilder<'r>>);

impl FieldSink for Building<'_> {
    #[inline]
    fn known(&mut self, field: Field, value: ValueRef<'_>) {
        self.0 = self.0.take().map(|builder| builder.known(field, value));
    }

    #[inline]
    fn named(&mut self, name: &'static str, value: ValueRef<'_>) {
        self.0 = self.0.take().map(|builder| builder.field(name, value));
    }
}

impl SessionEvent {
    /// Records the event at its own time.
    #[inline]
    pub fn record(&self, recorder: &mut Recorder) -> Emit {
        // The name is among the fields.
        let mut building = Building(Some(recorder.event(self.category, self.level, "").at(self.ts)));
        self.fields(&mut building);
        building.0.expect("the builder is put back by every call").emit()
    }
}
