//! Every bound of the engine, by name. Each is checked before anything is allocated or written.

/// Longest identifier (`order_id`, `correlation_id`, `symbol`, and any other indexed field), in bytes.
pub const ID_BYTES_MAX: usize = 256;

/// Longest string value of any other field, `message` included, in bytes.
pub const STRING_BYTES_MAX: usize = 32 * 1024;

/// Longest name of a dynamic field, in bytes.
pub const FIELD_NAME_BYTES_MAX: usize = 128;

/// Most fields one event may carry.
pub const FIELDS_PER_EVENT_MAX: usize = 512;

/// Largest encoded event record, header included, in bytes.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// Longest name of an application-defined category, in bytes.
pub const CATEGORY_NAME_BYTES_MAX: usize = 48;

/// Most categories, built-in ones included, one process can know: those of all databases it reads and writes.
pub const CATEGORIES_MAX: usize = 4096;

/// Largest payload of one WAL frame, in bytes.
pub const FRAME_PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// Smallest ring a recorder may be given, in bytes.
pub const RING_BYTES_MIN: usize = 256 * 1024;

/// Largest ring a recorder may be given, in bytes.
pub const RING_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Most rows one segment holds.
pub const SEGMENT_ROWS_MAX: usize = 1 << 28;

/// Most distinct columns one segment holds.
pub const SEGMENT_COLUMNS_MAX: usize = 16 * 1024;

/// Largest decoded page or dictionary of a segment, in bytes; a larger claim is damage.
pub const PAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Longest bound the catalog keeps of an indexed field, in bytes.
pub const ROUTE_BOUND_BYTES_MAX: usize = 64;

/// Most problems that the record of one job names; the rest is counted.
pub const PROBLEMS_PER_JOB_MAX: usize = 100;
