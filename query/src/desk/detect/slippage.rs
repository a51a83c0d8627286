//! A fill far from what its strategy is used to.
//!
//! Mean and deviation are those of all the strategy's fills before it, kept as Welford does. It is a finding if it is
//! more than `sigmas` deviations from the mean, better or worse, and `at_least_bps` away: where nearly all fills have no
//! slippage, every other one is many deviations away from nothing.

use serde::{Deserialize, Serialize};

use super::detector::{Detector, saved_state};
use super::finding::{Changes, Figure, Finding, NamedEvents};
use super::seen::Seen;
use super::settings::UnusualSlippage;
use super::subjects::{Subjects, subject};

pub(crate) struct Detect {
    settings: UnusualSlippage,
    state: Subjects<Moments>,
}

/// Running mean and variance.
#[derive(Default, Serialize, Deserialize)]
struct Moments {
    count: u64,
    mean: f64,
    /// Sum of squared differences from the mean.
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    fn deviation(&self) -> f64 {
        if self.count < 2 { 0.0 } else { (self.squares / (self.count - 1) as f64).sqrt() }
    }
}

impl Detect {
    pub(crate) fn new(settings: &UnusualSlippage) -> Detect {
        Detect { settings: settings.clone(), state: Subjects::default() }
    }
}

impl Detector for Detect {
    fn name(&self) -> &'static str {
        "unusual_slippage"
    }

    fn observe(&mut self, seen: &Seen<'_>, changes: &mut Changes) {
        let Some(slippage) = seen.slippage_bps().filter(|slippage| slippage.is_finite()) else { return };
        let Some(moments) = self.state.of(seen.strategy, Moments::default) else { return };
        let settings = &self.settings;
        let (away, deviation) = ((slippage - moments.mean).abs(), moments.deviation());
        let threshold = (settings.sigmas * deviation).max(settings.at_least_bps);
        if moments.count >= settings.fills
            && away > settings.sigmas * deviation
            && away >= settings.at_least_bps
        {
            let mean = moments.mean;
            changes.whole(Finding {
                rule: "unusual_slippage".to_owned(),
                level: settings.level,
                first_ts: seen.ts,
                last_ts: seen.ts,
                subject: subject(&[("strategy", seen.strategy), ("symbol", seen.symbol)]),
                sentence: format!(
                    "a fill with {slippage:.2} bps of slippage, where {mean:.2} are usual, give or take {deviation:.2}"
                ),
                figures: vec![
                    Figure::new("distance_bps", away, threshold),
                    Figure::told("slippage_bps", slippage),
                    Figure::told("mean_bps", mean),
                    Figure::told("deviation_bps", deviation),
                ],
                events: NamedEvents::one(seen.seq),
            });
        }
        moments.add(slippage);
    }

    fn overlooked(&self) -> u64 {
        self.state.overlooked
    }

    saved_state!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_moments_are_those_of_the_whole() {
        let mut moments = Moments::default();
        [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter().for_each(|value| moments.add(value));
        // The squares of the differences from 5 sum to 32.
        assert!((moments.mean - 5.0).abs() < 1e-12);
        assert!((moments.deviation() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
    }
}
