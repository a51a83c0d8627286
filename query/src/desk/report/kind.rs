//! Which reports there are.

use super::inquiry::Inquiry;
use super::{Section, daily, errors, losing, missed, performance, risk, strategies, symbols, system, trades};
use crate::error::Result;

macro_rules! kinds {
    ($(#[doc = $doc:literal] $variant:ident $module:ident $name:literal $title:literal)*) => {
        /// What a report is about.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum ReportKind { $(#[doc = $doc] $variant),* }

        impl ReportKind {
            /// All of them.
            pub const ALL: &[ReportKind] = &[$(ReportKind::$variant),*];

            /// Its name for programs, by which it is asked for.
            pub fn name(self) -> &'static str {
                match self { $(ReportKind::$variant => $name),* }
            }

            /// What people call it.
            pub fn title(self) -> &'static str {
                match self { $(ReportKind::$variant => $title),* }
            }

            /// What it says, in one sentence.
            pub fn description(self) -> &'static str {
                match self { $(ReportKind::$variant => $doc.trim_ascii()),* }
            }

            /// The kind of that name.
            pub fn from_name(name: &str) -> Option<ReportKind> {
                ReportKind::ALL.iter().copied().find(|kind| kind.name() == name)
            }

            /// What it says of the period of an inquiry.
            pub(super) fn sections(self, inquiry: &mut Inquiry<'_>) -> Result<Vec<Section>> {
                match self { $(ReportKind::$variant => $module::sections(inquiry)),* }
            }
        }
    };
}

kinds! {
    /// Orders, executions, slippage and latency, in all, by strategy and over time.
    Daily daily "daily" "Daily report"
    /// What went wrong: by event, level and strategy.
    Errors errors "errors" "Errors"
    /// What trading came to: round trips and their figures.
    Trades trades "trades" "Trading figures"
    /// Trades that lost, and what they have in common.
    Losing losing "losing" "Losing trades"
    /// Orders, executions and results by symbol.
    Symbols symbols "symbols" "Symbols"
    /// The same by strategy.
    Strategies strategies "strategies" "Strategies"
    /// Checks, limits, heat and warnings.
    Risk risk "risk" "Risk"
    /// Uptime, and calls of APIs.
    System system "system" "System"
    /// Figures that the engine measured of itself.
    Performance performance "performance" "Performance"
    /// Signals that no order answered.
    Missed missed "missed" "Missed opportunities"
}
