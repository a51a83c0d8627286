//! Levels, and the per-category minimum that decides what is recorded.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::event::Category;
use crate::limits::CATEGORIES_MAX;

/// How much an event matters, least first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// The finest detail.
    Trace = 0,
    /// For those who debug the engine.
    Debug = 1,
    /// Business as usual.
    Info = 2,
    /// Something to look at.
    Warn = 3,
    /// Something failed.
    Error = 4,
    /// Trading is at risk.
    Critical = 5,
}

impl Level {
    /// All levels, least first.
    pub const ALL: [Level; 6] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];

    /// Its lower-case name, as stored and as queried.
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Critical => "critical",
        }
    }

    /// The level stored under that code.
    pub fn from_code(code: u8) -> Option<Level> {
        Level::ALL.get(code as usize).copied()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is not a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is not a level; hint: trace, debug, info, warn, error or critical")]
pub struct ParseLevelError {
    /// The word.
    pub word: String,
}

impl FromStr for Level {
    type Err = ParseLevelError;

    /// Any case; `WARNING`, `ERR` and `FATAL` are understood too.
    fn from_str(word: &str) -> Result<Level, ParseLevelError> {
        let level = match word.to_ascii_lowercase().as_str() {
            "trace" => Level::Trace,
            "debug" => Level::Debug,
            "info" => Level::Info,
            "warn" | "warning" => Level::Warn,
            "error" | "err" => Level::Error,
            "critical" | "fatal" => Level::Critical,
            _ => return Err(ParseLevelError { word: word.to_owned() }),
        };
        Ok(level)
    }
}

/// The least level recorded, per category. Shared by all recorders of a database and changeable while
/// they run; asking it costs one relaxed load.
pub struct LevelFilter {
    minimum: [AtomicU8; CATEGORIES_MAX],
}

/// Above every level: records nothing.
const OFF: u8 = 6;

impl LevelFilter {
    /// Records everything from `minimum` on.
    pub fn new(minimum: Level) -> LevelFilter {
        LevelFilter { minimum: [const { AtomicU8::new(0) }; CATEGORIES_MAX] }.with(minimum)
    }

    fn with(self, minimum: Level) -> LevelFilter {
        self.set_all(Some(minimum));
        self
    }

    /// Whether an event of that category and level is recorded.
    #[inline]
    pub fn allows(&self, category: Category, level: Level) -> bool {
        level as u8 >= self.minimum[category.index()].load(Ordering::Relaxed)
    }

    /// Sets the least level of one category; `None` turns it off.
    pub fn set(&self, category: Category, minimum: Option<Level>) {
        self.minimum[category.index()].store(minimum.map_or(OFF, |level| level as u8), Ordering::Relaxed);
    }

    /// Sets the least level of every category; `None` turns all off.
    pub fn set_all(&self, minimum: Option<Level>) {
        for slot in &self.minimum {
            slot.store(minimum.map_or(OFF, |level| level as u8), Ordering::Relaxed);
        }
    }

    /// Applies a directive such as `info,market_data=warn,training=off`: a bare level is for all
    /// categories, `category=level` for one; later parts win. Nothing is applied if any part is wrong.
    ///
    /// ```
    /// use blotter_engine::event::{Category, Level, LevelFilter};
    /// let filter = LevelFilter::new(Level::Trace);
    /// filter.apply("info,market_data=warn").unwrap();
    /// assert!(filter.allows(Category::ORDER, Level::Info));
    /// assert!(!filter.allows(Category::MARKET_DATA, Level::Info));
    /// assert!(filter.apply("order=loud").is_err());
    /// ```
    ///
    /// # Errors
    /// The reason, naming the part of the directive that is not understood.
    pub fn apply(&self, directive: &str) -> Result<(), String> {
        let mut changes = Vec::new();
        for part in directive.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, word) = match part.split_once('=') {
                Some((name, word)) => (Some(name.trim()), word.trim()),
                None => (None, part),
            };
            let minimum = match word {
                "off" => None,
                word => Some(word.parse::<Level>().map_err(|error| format!("in '{part}': {error}, or off"))?),
            };
            let category = name
                .map(|name| {
                    Category::custom(name)
                        .ok_or_else(|| format!("in '{part}': '{name}' is not a category name"))
                })
                .transpose()?;
            changes.push((category, minimum));
        }
        for (category, minimum) in changes {
            match category {
                Some(category) => self.set(category, minimum),
                None => self.set_all(minimum),
            }
        }
        Ok(())
    }
}

impl fmt::Debug for LevelFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minimum =
            |category: Category| Level::from_code(self.minimum[category.index()].load(Ordering::Relaxed));
        f.debug_map().entries(Category::built_in().map(|category| (category, minimum(category)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_loggers_are_understood() {
        for (word, level) in [("WARNING", Level::Warn), ("Fatal", Level::Critical), ("iNfO", Level::Info)] {
            assert_eq!(word.parse(), Ok(level));
        }
        assert!("loud".parse::<Level>().is_err());
    }

    #[test]
    fn a_wrong_directive_changes_nothing() {
        let filter = LevelFilter::new(Level::Info);
        let error = filter.apply("debug,order=loud").unwrap_err();
        assert!(error.contains("order=loud"), "{error}");
        assert!(!filter.allows(Category::ORDER, Level::Debug));
    }

    #[test]
    fn off_records_nothing() {
        let filter = LevelFilter::new(Level::Trace);
        filter.apply("risk=off").unwrap();
        assert!(!filter.allows(Category::RISK, Level::Critical));
        assert!(filter.allows(Category::ORDER, Level::Trace));
    }
}
