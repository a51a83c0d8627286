//! Records of the `log` crate, recorded.

use std::fmt;
use std::sync::Arc;

use blotter_engine::event::{Level, Value};
use log::kv;

use crate::fields::Fields;
use crate::seats::Seats;

/// Records what is said through the `log` crate, key-values included; see the [package](crate). Made by
/// [`Bridge::logger`](crate::Bridge::logger).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// use blotter_bridge::Bridge;
/// use blotter_engine::{Db, RecorderOptions};
///
/// let db = Db::open(dir.path().join("desk.blotter"))?;
/// let bridge = Bridge::new(&db, RecorderOptions::new().service("oms"));
/// log::set_boxed_logger(Box::new(bridge.logger()))?;
/// log::set_max_level(log::LevelFilter::Info);
/// log::warn!(order_id = "A-1", price = 150.25; "rejected by the venue");
/// drop(bridge);
/// db.flush()?;
/// let found: Vec<_> = db.snapshot()?.lookup("A-1").collect();
/// assert_eq!(found[0].get("message").unwrap().to_string(), "rejected by the venue");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct BlotterLogger {
    seats: Arc<Seats>,
}

impl BlotterLogger {
    pub(crate) fn new(seats: Arc<Seats>) -> BlotterLogger {
        BlotterLogger { seats }
    }
}

impl log::Log for BlotterLogger {
    /// Whether the database records it is known only with its category.
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let level = level_of(record.level());
        let mut fields = Fields::new(level);
        fields.add_formatted("message", *record.args());
        if let Err(error) = record.key_values().visit(&mut Visitor(&mut fields)) {
            fields.add_formatted("field.unreadable", format_args!("{error}"));
        }
        if !fields.has("component") {
            fields.add("component", Value::from(record.target()));
        }
        if let (Level::Error, Some(file), Some(line)) = (level, record.file(), record.line())
            && !fields.has("location")
        {
            fields.add_formatted("location", format_args!("{file}:{line}"));
        }
        self.seats.record(&fields);
    }

    /// Nothing waits here: what is recorded is in the thread's ring.
    fn flush(&self) {}
}

fn level_of(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::Error,
        log::Level::Warn => Level::Warn,
        log::Level::Info => Level::Info,
        log::Level::Debug => Level::Debug,
        log::Level::Trace => Level::Trace,
    }
}

struct Visitor<'f>(&'f mut Fields);

impl<'kvs> kv::VisitSource<'kvs> for Visitor<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(Pair { name: key.as_str().to_owned(), fields: self.0 })
    }
}

/// The value under a key.
struct Pair<'f> {
    name: String,
    fields: &'f mut Fields,
}

impl<'v> kv::VisitValue<'v> for Pair<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.add_text(format_args!("{value}"))
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.add_wide(value.into())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.add_wide(value.into())
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.add_wide(value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.fields.add(std::mem::take(&mut self.name), Value::F64(value));
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.fields.add(std::mem::take(&mut self.name), Value::Bool(value));
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.add_text(format_args!("{value}"))
    }
}

impl Pair<'_> {
    fn add_text(&mut self, text: fmt::Arguments<'_>) -> Result<(), kv::Error> {
        self.fields.add_formatted(std::mem::take(&mut self.name), text);
        Ok(())
    }

    fn add_wide(&mut self, value: i128) -> Result<(), kv::Error> {
        self.fields.add_wide(std::mem::take(&mut self.name), value);
        Ok(())
    }
}
