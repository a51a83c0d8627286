//! Thresholds of the detectors, with defaults that are right for most desks.
//!
//! Each table is written once, here: its fields, their defaults and what they mean become the struct, the keys of the
//! file, and what `blotter detect --defaults` prints.

use std::fmt::Write;
use std::time::Duration;

use blotter_engine::event::{Decimal, Level, dec};

use super::toml_values::Setting;

/// Seqs that a finding lists; of more events it tells the number.
pub const EVENTS_NAMED: usize = 20;

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident $table:ident $level:ident {
        $($(#[doc = $field_doc:literal])* $field:ident: $type:ty = $default:expr;)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                /// Whether it looks at all.
                pub enabled: bool,
                /// The level of its findings.
                pub level: Level,
                $($(#[doc = $field_doc])* pub $field: $type,)*
            }

            impl Default for $name {
                fn default() -> $name {
                    $name { enabled: true, level: Level::$level, $($field: $default,)* }
                }
            }

            impl $name {
                const KEYS: &[&str] = &["enabled", "level", $(stringify!($field)),*];

                fn set(&mut self, key: &str, value: &toml::de::DeValue<'_>) -> Option<Result<(), String>> {
                    Some(match key {
                        "enabled" => Setting::read(value).map(|value| self.enabled = value),
                        "level" => Setting::read(value).map(|value| self.level = value),
                        $(stringify!($field) => Setting::read(value).map(|value| self.$field = value),)*
                        _ => return None,
                    })
                }

                fn print(&self, out: &mut String) {
                    let mut line = |key: &str, value: String, doc: &str| {
                        writeln!(out, "{:<40}#{doc}", format!("{key} = {value}")).expect("a string takes all");
                    };
                    line("enabled", self.enabled.print(), " Whether it looks at all.");
                    line("level", self.level.print(), " The level of its findings.");
                    $(line(stringify!($field), self.$field.print(), concat!($($field_doc),*));)*
                }
            }
        )*

        /// All of them, and what they have in common.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            /// Seqs that a finding lists; of more events it tells the number.
            pub events_named: usize,
            $($(#[$doc])* pub $table: $name,)*
        }

        impl Default for Settings {
            fn default() -> Settings {
                Settings { events_named: EVENTS_NAMED, $($table: $name::default(),)* }
            }
        }

        impl Settings {
            /// Names of the detectors.
            pub const NAMES: &[&str] = &[$(stringify!($table)),*];

            /// Sets a value; `None` if there is no such table or key.
            pub(crate) fn set(
                &mut self,
                table: &str,
                key: &str,
                value: &toml::de::DeValue<'_>,
            ) -> Option<Result<(), String>> {
                match table {
                    $(stringify!($table) => {
                        let kept = self.$table.clone();
                        let set = self.$table.set(key, value)?;
                        Some(set.and_then(|()| check_share(key, value).inspect_err(|_| self.$table = kept)))
                    })*
                    _ => None,
                }
            }

            /// The keys of a table.
            pub(crate) fn keys(table: &str) -> &'static [&'static str] {
                match table {
                    $(stringify!($table) => $name::KEYS,)*
                    _ => &[],
                }
            }

            /// Has only those look that are named.
            ///
            /// # Errors
            /// A name that is no detector's.
            pub fn only(&mut self, names: &[impl AsRef<str>]) -> Result<(), String> {
                if let Some(unknown) = names.iter().find(|name| !Settings::NAMES.contains(&name.as_ref())) {
                    return Err(super::toml_values::unknown("detector", unknown.as_ref(), Settings::NAMES));
                }
                let is_named = |table: &str| names.iter().any(|name| name.as_ref() == table);
                $(self.$table.enabled = is_named(stringify!($table));)*
                Ok(())
            }

            /// All settings as a file that says them.
            pub fn to_toml(&self) -> String {
                let mut out = format!("[detectors]\nevents_named = {}\n", self.events_named);
                $(
                    out.push_str(concat!("\n[detectors.", stringify!($table), "]\n"));
                    self.$table.print(&mut out);
                )*
                out
            }
        }
    };
}

/// Keys of shares, which are parts of one.
const SHARES: [&str; 3] = ["rate", "share", "share_at_first"];

fn check_share(key: &str, value: &toml::de::DeValue<'_>) -> Result<(), String> {
    if !SHARES.contains(&key)
        || f64::read(value).is_ok_and(|share| share <= 1.0)
        || Decimal::read(value) == Ok(Decimal::ZERO)
    {
        return Ok(());
    }
    Err("write a share of at most 1: 0.4 for 40 percent".to_owned())
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

settings! {
    /// Orders of one strategy in quicker succession than its usual ones explain.
    RapidOrders rapid_orders Warn {
        /// Orders nearer to each other than this are rapid.
        gap: Duration = Duration::from_millis(10);
        /// Rapid orders in a row from which on it is a finding, if chance does not explain them.
        orders: u64 = 5;
        /// Orders after which a strategy is known; one that was rapid all the while is taken for a fast one.
        learn_orders: u64 = 1000;
        /// Time after which a strategy is known, however few its orders are.
        learn_time: Duration = seconds(60);
    }
    /// A strategy whose orders are rejected again and again for one reason.
    RepeatedRejections repeated_rejections Error {
        /// Rejections for one reason from which on it is a finding.
        count: u64 = 5;
        /// The time within which they lie.
        window: Duration = seconds(60);
        /// New orders of the strategy, at most, from the first of them to the last.
        orders: u64 = 20;
    }
    /// More orders of a strategy rejected than it should have.
    RejectionRate rejection_rate Warn {
        /// A share of orders rejected above this is a finding.
        rate: f64 = 0.1;
        /// The time in which orders and rejections are counted.
        window: Duration = seconds(60);
        /// Orders in that time below which a rate says nothing.
        orders: u64 = 30;
    }
    /// A recorded position that the fills do not add up to.
    PositionDiscrepancy position_discrepancy Error {
        /// Differences up to this are none.
        tolerance: Decimal = dec!(0);
        /// Time that fills and positions are given to come in any order.
        settle: Duration = seconds(1);
    }
    /// A remainder of a position too small to be meant.
    Dust dust Warn {
        /// A remainder below this quantity is small.
        below: Decimal = dec!(1);
        /// It is dust if it is no larger a share of the largest position that was held.
        share: Decimal = dec!(0.001);
        /// Time for which it stays.
        lasting: Duration = seconds(10);
    }
    /// A fill far from what the strategy is used to.
    UnusualSlippage unusual_slippage Warn {
        /// Standard deviations from the mean of the strategy's fills above which it is a finding.
        sigmas: f64 = 3.0;
        /// It is also at least so many basis points from the mean: most fills of many desks have no slippage at all, and three deviations of those are nothing.
        at_least_bps: f64 = 5.0;
        /// Fills after which the strategy is known.
        fills: u64 = 30;
    }
    /// Orders that take longer and longer to be submitted.
    LatencyDegradation latency_degradation Warn {
        /// The mean of the later half of the window over that of the earlier, from which on it is a finding.
        ratio: f64 = 1.5;
        /// The window, of which the two halves are compared.
        window: Duration = seconds(600);
        /// Submissions in each half below which they are not compared.
        samples: u64 = 50;
    }
    /// A latency far above all recent ones.
    LatencySpike latency_spike Warn {
        /// Times the 99th percentile of the recent ones, above which it is a finding.
        times_p99: f64 = 3.0;
        /// Latencies in microseconds up to this are never one.
        at_least_us: f64 = 1000.0;
        /// How many recent ones are compared with.
        recent: u64 = 1000;
        /// Latencies after which the recent ones are known.
        samples: u64 = 200;
        /// Spikes nearer to each other than this are one finding.
        join: Duration = seconds(1);
    }
    /// More errors than usual.
    ErrorSpike error_spike Error {
        /// The time in which errors are counted.
        window: Duration = seconds(10);
        /// Errors in that time below which there is no spike.
        errors: u64 = 10;
        /// Times the usual number, from which on it is a finding, if chance does not explain it.
        times_usual: f64 = 3.0;
        /// The time before, from which the usual number is taken.
        baseline: Duration = seconds(600);
        /// While nothing is known of what is usual: share of errors among all events from which on it is a finding.
        share_at_first: f64 = 0.1;
    }
    /// A strategy, a feed or the whole recording that has stopped.
    Silence silence Error {
        /// A feed (the market data of a symbol) is not silent before this.
        feed_at_least: Duration = Duration::from_millis(500);
        /// A strategy is not silent before this.
        strategy_at_least: Duration = seconds(10);
        /// Nor is the recording as a whole, which only a live watch can tell.
        recording_at_least: Duration = seconds(10);
        /// Times the usual gap between events, above which it is silent.
        times_usual: f64 = 20.0;
        /// Times the longest gap of the last half to full hour, above which it is silent.
        times_longest: f64 = 3.0;
        /// Events after which it is known what is usual.
        events: u64 = 100;
    }
    /// Events that are missing: lost by a full ring, or gone.
    SequenceGap sequence_gap Error {
        /// Gaps nearer to each other than this are one finding.
        join: Duration = seconds(1);
    }
    /// A clock that goes back, or is ahead.
    ClockJump clock_jump Error {
        /// Time by which an event may lie before an earlier one of its recorder.
        back: Duration = seconds(1);
        /// Time by which an event may lie in the future.
        ahead: Duration = seconds(60);
    }
}
