//! What became of events. Everything a bridge is given is counted once.

/// What a bridge has recorded, and what not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BridgeStatistics {
    /// Events that are recorded.
    pub recorded: u64,
    /// Events whose category and level are not recorded.
    pub disabled: u64,
    /// Events for which the ring had no room. The writer records the loss as `events_lost`.
    pub dropped: u64,
    /// Events over a limit of blotter. In place of each a `bridge_event_refused` is recorded, which tells why.
    pub refused: u64,
    /// Events of threads that could not have a recorder. Told as `bridge_events_lost` with the next that can.
    pub without_recorder: u64,
    /// Events that came up while another was being recorded on the same thread. Told like those without recorder.
    pub nested: u64,
}
