//! Numbers as bars and sparklines.

const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar of at most that many columns. What is more than nothing is seen, if there is any column.
pub(crate) fn bar(value: f64, most: f64, columns: usize) -> String {
    if value <= 0.0 || most <= 0.0 || columns == 0 {
        return String::new();
    }
    let eighths = (value / most * columns as f64 * 8.0).round() as usize;
    let eighths = eighths.clamp(1, columns * 8);
    let mut bar: String = std::iter::repeat_n('█', eighths / 8).collect();
    if let Some(part) = (eighths % 8).checked_sub(1) {
        bar.push(EIGHTHS[part]);
    }
    bar
}

/// A sparkline of at most that many characters: neighbours are added up if there are more values. A dot is
/// nothing at all.
pub(crate) fn sparkline(values: &[f64], columns: usize) -> String {
    let per_column = values.len().div_ceil(columns.max(1)).max(1);
    let sums: Vec<f64> = values.chunks(per_column).map(|chunk| chunk.iter().sum()).collect();
    let most = sums.iter().copied().fold(0.0, f64::max);
    let step = |value: f64| match value {
        value if value <= 0.0 => '·',
        value => STEPS[((value / most * 8.0).ceil() as usize).clamp(1, 8) - 1],
    };
    sums.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_to_scale_and_show_little_as_little() {
        for (value, expected) in
            [(0.0, ""), (0.001, "▏"), (4.0, "██"), (3.0, "█▌"), (8.0, "████"), (9.0, "████"), (-1.0, "")]
        {
            assert_eq!(bar(value, 8.0, 4), expected);
        }
        assert_eq!(bar(1.0, 0.0, 4), "");
        assert_eq!(bar(1.0, 8.0, 0), "");
    }

    #[test]
    fn sparklines_are_to_scale_and_add_up_what_has_no_room() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0], 10), "·▁▄█");
        assert_eq!(sparkline(&[0.0, 0.0, 1.0, 3.0, 8.0], 3), "·▄█");
        assert_eq!(sparkline(&[], 10), "");
        assert_eq!(sparkline(&[0.0], 0), "·");
    }
}
