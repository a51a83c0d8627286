//! Charts as inline SVG: lines or bars over a shared horizontal axis, with a value axis of round numbers.
//!
//! ```text
//! TOP    ┌──────────────────┐
//!        │ grid, series     │ one slot of the width for each x
//! BOTTOM ├──────────────────┤
//!        │ labels of x      │ as many as fit
//!        └──────────────────┘
//!     LEFT               RIGHT
//! ```

use blotter_engine::event::{Decimal, Timestamp};
use chrono::TimeZone;
use chrono_tz::Tz;
use maud::{Markup, html};

use crate::datum::{Datum, escaped};
use crate::desk::report::shown::with_unit;
use crate::desk::report::{Chart, ChartForm, Unit};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 952.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 214.0;
/// Colours in the style sheet.
const COLOURS: usize = 6;
/// Labels of the horizontal axis that fit.
const LABELS_MAX: usize = 10;
/// Points drawn of a line; more could not be told apart, and would make a page of megabytes.
const POINTS_MAX: usize = 2_000;

/// The picture, and below it which colour is which series.
pub(super) fn chart(chart: &Chart, zone: Tz) -> Markup {
    let values = || chart.series.iter().flat_map(|(_, values)| values).filter_map(number);
    let Some(axis) = Axis::of(values()) else {
        return html! { p.none { "nothing to draw" } };
    };
    let wide = chart.x.len().max(1) as f64;
    let slot = (RIGHT - LEFT) / wide;
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(escaped(&chart.title)) {
            @for tick in &axis.ticks {
                @let y = axis.y(*tick);
                line class={ @if *tick == 0.0 { "zero" } @else { "grid" } } x1=(LEFT) x2=(RIGHT) y1=(y) y2=(y) {}
                text x=(LEFT - 8.0) y=(y + 4.0) text-anchor="end" { (tick_label(*tick, axis.step, chart.unit, zone)) }
            }
            @for (place, label) in labels(&chart.x, zone) {
                text x=(near(LEFT + slot * (place as f64 + 0.5))) y=(BOTTOM + 18.0) text-anchor="middle" { (label) }
            }
            @for (number, (name, values)) in chart.series.iter().enumerate() {
                @match chart.form {
                    ChartForm::Bars => (bars(chart, &axis, number, name, values, zone)),
                    ChartForm::Line => (lines(&axis, slot, number % COLOURS, name, values)),
                }
            }
        }
        @if chart.series.len() > 1 {
            ul.legend {
                @for (number, (name, _)) in chart.series.iter().enumerate() {
                    li { i class={ "fill-" (number % COLOURS) } {} (escaped(name)) }
                }
            }
        }
    }
}

fn bars(chart: &Chart, axis: &Axis, number: usize, name: &str, values: &[Datum], zone: Tz) -> Markup {
    let slot = (RIGHT - LEFT) / chart.x.len().max(1) as f64;
    let wide = slot * 0.8 / chart.series.len() as f64;
    html! {
        g class={ "fill-" (number % COLOURS) } {
            @for (place, (x, value)) in chart.x.iter().zip(values).enumerate() {
                @if let Some(height) = self::number(value) {
                    @let (from, to) = (axis.y(height.max(0.0)), axis.y(height.min(0.0)));
                    @let left = LEFT + slot * (place as f64 + 0.1) + wide * number as f64;
                    rect x=(near(left)) y=(from) width=(near(wide)) height=(near(to - from)) {
                        title { (x_label(x, zone, true)) " " (escaped(name)) ": " (with_unit(value, chart.unit, zone)) }
                    }
                }
            }
        }
    }
}

/// One line for each stretch without a gap; of very many points those that reach furthest up and down are kept.
fn lines(axis: &Axis, slot: f64, colour: usize, name: &str, values: &[Datum]) -> Markup {
    let point = |(place, value): (usize, f64)| {
        format!("{},{} ", near(LEFT + slot * (place as f64 + 0.5)), axis.y(value))
    };
    let mut stretches: Vec<Vec<(usize, f64)>> = vec![Vec::new()];
    for (place, value) in values.iter().enumerate() {
        match (number(value), stretches.last_mut()) {
            (Some(value), Some(stretch)) => stretch.push((place, value)),
            (_, Some(stretch)) if stretch.is_empty() => {}
            _ => stretches.push(Vec::new()),
        }
    }
    let per_point = values.len().div_ceil(POINTS_MAX / 2);
    html! {
        g class={ "ink-" (colour) } {
            title { (escaped(name)) }
            @for stretch in stretches.iter().filter(|stretch| !stretch.is_empty()) {
                @let points: String = thinned(stretch, per_point).into_iter().map(point).collect();
                @if stretch.len() == 1 {
                    @let (place, value) = stretch[0];
                    circle class="line" cx=(near(LEFT + slot * (place as f64 + 0.5))) cy=(axis.y(value)) r="2" {}
                } @else {
                    polyline class="line" points=(points.trim_end()) {}
                }
            }
        }
    }
}

/// The least and the greatest of each `per_point` values, in the order in which they come.
fn thinned(stretch: &[(usize, f64)], per_point: usize) -> Vec<(usize, f64)> {
    if per_point <= 1 {
        return stretch.to_vec();
    }
    let mut kept = Vec::new();
    for chunk in stretch.chunks(per_point) {
        let by_value = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
        let (least, greatest) = (chunk.iter().min_by(by_value), chunk.iter().max_by(by_value));
        let mut both: Vec<(usize, f64)> = least.into_iter().chain(greatest).copied().collect();
        both.sort_by_key(|(place, _)| *place);
        both.dedup();
        kept.extend(both);
    }
    kept
}

/// The value axis.
struct Axis {
    bottom: f64,
    top: f64,
    step: f64,
    ticks: Vec<f64>,
}

impl Axis {
    /// An axis of four or five round numbers around zero and the values; none without values.
    fn of(values: impl Iterator<Item = f64>) -> Option<Axis> {
        let (least, greatest) = values
            .fold((f64::MAX, f64::MIN), |(least, greatest), value| (least.min(value), greatest.max(value)));
        if least > greatest {
            return None;
        }
        let (least, greatest) = (least.min(0.0), greatest.max(0.0));
        let span = if greatest > least { greatest - least } else { 1.0 };
        let rough = span / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|nice| nice * power).find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        let (first, last) = ((least / step).floor() as i64, (greatest / step).ceil() as i64);
        let last = if last == first { first + 1 } else { last };
        let ticks = (first..=last).map(|tick| tick as f64 * step).collect();
        Some(Axis { bottom: first as f64 * step, top: last as f64 * step, step, ticks })
    }

    /// Where a value stands.
    fn y(&self, value: f64) -> f64 {
        near(BOTTOM - (value - self.bottom) / (self.top - self.bottom) * (BOTTOM - TOP))
    }
}

/// The number that is drawn, if it is one.
fn number(value: &Datum) -> Option<f64> {
    value.as_f64().filter(|value| value.is_finite())
}

/// A tick is a round number of its step: digits that a float adds are not shown.
fn tick_label(tick: f64, step: f64, unit: Unit, zone: Tz) -> String {
    let digits = (-step.log10().floor()).clamp(0.0, 12.0) as u32;
    let Some(tick) = Decimal::from_f64_retain(tick) else { return format!("{tick:e}") };
    let tick = tick.round_dp(digits).normalize();
    match unit {
        Unit::Money | Unit::Ratio => with_unit(&Datum::Decimal(tick), Unit::Quantity, zone),
        unit => with_unit(&Datum::Decimal(tick), unit, zone),
    }
}

/// At most so many labels, evenly spread, with their places.
fn labels(x: &[Datum], zone: Tz) -> Vec<(usize, String)> {
    let every = x.len().div_ceil(LABELS_MAX).max(1);
    // Times of more than two days are told by the day.
    let span_ns = match (x.first(), x.last()) {
        (Some(Datum::Time(first)), Some(Datum::Time(last))) => last.nanos().saturating_sub(first.nanos()),
        _ => 0,
    };
    let is_short = span_ns < 2 * 86_400_000_000_000;
    let each = x.iter().enumerate().step_by(every);
    each.map(|(place, x)| (place, x_label(x, zone, is_short))).collect()
}

fn x_label(x: &Datum, zone: Tz, is_short: bool) -> String {
    match x {
        Datum::Time(Timestamp(ns)) => {
            zone.timestamp_nanos(*ns).format(if is_short { "%H:%M" } else { "%Y-%m-%d" }).to_string()
        }
        other => {
            let text = escaped(&with_unit(other, Unit::None, zone)).to_string();
            let cut = text.char_indices().nth(16).map(|(at, _)| at);
            cut.map_or(text.clone(), |at| format!("{}…", &text[..at]))
        }
    }
}

/// A tenth of a pixel is enough.
fn near(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64]) -> Option<(f64, f64, f64)> {
        Axis::of(values.iter().copied()).map(|axis| (axis.bottom, axis.step, axis.top))
    }

    #[test]
    fn axes_hold_zero_and_every_value_between_round_numbers() {
        assert_eq!(ticks(&[]), None);
        assert_eq!(ticks(&[0.0]), Some((0.0, 0.5, 0.5)));
        assert_eq!(ticks(&[7.0, 93.0]), Some((0.0, 50.0, 100.0)));
        assert_eq!(ticks(&[100.0]), Some((0.0, 50.0, 100.0)));
        assert_eq!(ticks(&[-3.0, 12.0]), Some((-5.0, 5.0, 15.0)));
        assert_eq!(ticks(&[-1_000.0]), Some((-1_000.0, 500.0, 0.0)));
    }

    #[test]
    fn thinning_keeps_what_reaches_furthest() {
        let mut values: Vec<(usize, f64)> = (0..10_000).map(|place| (place, 0.0)).collect();
        values[1_234].1 = 9.0;
        values[8_765].1 = -9.0;
        let kept = thinned(&values, 10);
        assert!(kept.len() <= POINTS_MAX, "{}", kept.len());
        assert!(kept.contains(&(1_234, 9.0)) && kept.contains(&(8_765, -9.0)));
        assert!(kept.is_sorted_by_key(|(place, _)| *place));
    }

    #[test]
    fn gaps_part_a_line_and_bars_go_down_from_zero() {
        let mut chart = Chart {
            name: "equity",
            title: "Equity".into(),
            form: ChartForm::Line,
            unit: Unit::Money,
            x: (0..5).map(|hour| Datum::Time(Timestamp(hour * 3_600_000_000_000))).collect(),
            series: vec![(
                "pnl".into(),
                vec![Datum::Int(1), Datum::Int(2), Datum::Null, Datum::Int(-1), Datum::Int(-2)],
            )],
        };
        let line = super::chart(&chart, Tz::UTC).into_string();
        assert_eq!(line.matches("<polyline").count(), 2, "{line}");
        assert!(line.contains(">04:00<"), "{line}");
        chart.form = ChartForm::Bars;
        let bars = super::chart(&chart, Tz::UTC).into_string();
        assert_eq!(bars.matches("<rect").count(), 4, "{bars}");
        assert!(bars.contains("<title>00:00 pnl: 1.00</title>"), "{bars}");
    }
}
