//! What chance explains: events that come independently of each other come in clusters now and then.

/// How rarely chance may bring what is called a finding: once in so many looks.
const LOOKS: f64 = 1e9;

/// Means above which the distribution is as good as normal.
const MEAN_NORMAL: f64 = 200.0;

/// The least count that chance does not explain where `mean` is usual: a Poisson variable reaches it once in a billion
/// looks.
pub(crate) fn count_beyond(mean: f64) -> u64 {
    if mean > MEAN_NORMAL {
        // Six deviations of a normal variable are one in a billion; the rest makes up for the skewness.
        return (mean + 6.2 * mean.sqrt() + 6.0).ceil() as u64;
    }
    let (mut term, mut below, mut count) = ((-mean).exp(), 0.0, 0_u64);
    loop {
        below += term;
        count += 1;
        term *= mean / count as f64;
        // Past the mean terms fall by more than half soon; the tail is not much more than its first one.
        if count as f64 > mean && (1.0 - below < 1.0 / LOOKS || term < 0.1 / LOOKS) {
            return count;
        }
    }
}

/// The length of a run that chance does not explain, of things of which a share is such.
pub(crate) fn run_beyond(share: f64) -> u64 {
    if share <= 0.0 {
        return 0;
    }
    // A share of one is no finding, however long the run.
    if share >= 1.0 { u64::MAX } else { (LOOKS.ln() / -share.ln()).ceil() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_chance_are_those_of_the_tables() {
        // scipy.stats.poisson.isf(1e-9, mean) + 1
        for (mean, expected) in
            [(0.001, 3..=4), (0.1, 6..=7), (1.0, 12..=13), (10.0, 34..=36), (100.0, 165..=168)]
        {
            let count = count_beyond(mean);
            assert!(expected.contains(&count), "{mean}: {count}");
        }
        let (below, above) = (count_beyond(MEAN_NORMAL), count_beyond(MEAN_NORMAL + 0.001));
        assert!(below.abs_diff(above) <= 8, "{below} {above}");
        assert_eq!((run_beyond(0.0), run_beyond(0.1), run_beyond(0.5)), (0, 9, 30));
        assert!(run_beyond(0.999) > 20_000 && run_beyond(1.0) == u64::MAX);
    }
}
