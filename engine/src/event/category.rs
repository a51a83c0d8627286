//! Categories: the unit of partitioning and retention. Ten are built in, applications add their own.

use std::fmt;
use std::sync::{Mutex, OnceLock};

use crate::limits::{CATEGORIES_MAX, CATEGORY_NAME_BYTES_MAX};

/// What kind of event this is. A small copyable number; [`Category::name`] gives the stable name that
/// is stored. Numbers of application-defined categories are valid in one process only.
///
/// ```
/// use blotter_engine::event::Category;
/// let training = Category::custom("training").unwrap();
/// assert_eq!(training.name(), "training");
/// assert_eq!(Category::custom("order"), Some(Category::ORDER));
/// assert_eq!(Category::custom("No Spaces"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Category(u16);

const BUILT_IN: [&str; 10] =
    ["market_data", "signal", "order", "fill", "position", "risk", "system", "error", "performance", "audit"];

/// Names of application-defined categories, in order of registration. They live as long as the process, and
/// reading one takes no lock.
static CUSTOM_NAMES: [OnceLock<&'static str>; CATEGORIES_MAX - BUILT_IN.len()] =
    [const { OnceLock::new() }; CATEGORIES_MAX - BUILT_IN.len()];

/// Held while a category is registered.
static REGISTERING: Mutex<()> = Mutex::new(());

impl Category {
    /// Quotes, trades and books.
    pub const MARKET_DATA: Category = Category(0);
    /// Decisions of strategies.
    pub const SIGNAL: Category = Category(1);
    /// The life of orders.
    pub const ORDER: Category = Category(2);
    /// Executions.
    pub const FILL: Category = Category(3);
    /// Changes of positions.
    pub const POSITION: Category = Category(4);
    /// Risk checks and limits.
    pub const RISK: Category = Category(5);
    /// Health of the engine itself.
    pub const SYSTEM: Category = Category(6);
    /// Failures.
    pub const ERROR: Category = Category(7);
    /// Latencies and throughput.
    pub const PERFORMANCE: Category = Category(8);
    /// Who did what.
    pub const AUDIT: Category = Category(9);

    /// The built-in categories.
    pub fn built_in() -> impl Iterator<Item = Category> {
        (0..BUILT_IN.len() as u16).map(Category)
    }

    /// The category of that name, registered if it is new. A name is 1 to 48 of `a-z`, `0-9` and `_`,
    /// starting with a letter. `None` if it is not, or if the process already knows 4,096 categories.
    pub fn custom(name: &str) -> Option<Category> {
        if let Some(known) = Category::known(name) {
            return Some(known);
        }
        if !Category::is_well_formed(name) {
            return None;
        }
        let _registering = REGISTERING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = Category::known(name) {
            return Some(known);
        }
        let free = CUSTOM_NAMES.iter().position(|slot| slot.get().is_none())?;
        CUSTOM_NAMES[free].get_or_init(|| Box::leak(name.to_owned().into_boxed_str()));
        Some(Category((BUILT_IN.len() + free) as u16))
    }

    /// Whether a name could be a category's, known or not; only such names become parts of paths.
    pub(crate) fn is_well_formed(name: &str) -> bool {
        name.len() <= CATEGORY_NAME_BYTES_MAX
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    }

    /// The category of that name, if the process knows it.
    pub fn known(name: &str) -> Option<Category> {
        if let Some(index) = BUILT_IN.iter().position(|built_in| *built_in == name) {
            return Some(Category(index as u16));
        }
        let mut names = CUSTOM_NAMES.iter().map_while(OnceLock::get);
        let index = names.position(|known| *known == name)?;
        Some(Category((BUILT_IN.len() + index) as u16))
    }

    /// Its name, as stored and as queried.
    pub fn name(self) -> &'static str {
        if let Some(name) = BUILT_IN.get(self.0 as usize) {
            return name;
        }
        let slot = &CUSTOM_NAMES[self.0 as usize - BUILT_IN.len()];
        slot.get().expect("a category is made by registering its name")
    }

    /// Whether it is one of the ten built-in ones.
    pub fn is_built_in(self) -> bool {
        (self.0 as usize) < BUILT_IN.len()
    }

    /// A dense index below 4,096, stable within the process.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The built-in category stored under that code.
    pub(crate) fn from_built_in_code(code: u8) -> Option<Category> {
        ((code as usize) < BUILT_IN.len()).then_some(Category(u16::from(code)))
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_categories_keep_their_number_and_bad_names_are_refused() {
        let raw = Category::custom("raw_1").unwrap();
        assert_eq!(Category::custom("raw_1"), Some(raw));
        assert!(!raw.is_built_in());
        assert_eq!(raw.name(), "raw_1");
        for bad in ["", "1st", "Upper", "with space", "../etc", &"x".repeat(49)] {
            assert_eq!(Category::custom(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn built_in_categories_round_trip_by_name() {
        for category in Category::built_in() {
            assert_eq!(Category::known(category.name()), Some(category));
        }
    }
}
