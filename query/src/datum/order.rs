//! The order of values.
//!
//! Two orders, for two needs. [`DatumRef::compare`] is what a filter asks, and answers as the engine does where it
//! prunes: a float and an exact number are equal if they agree in the 15 digits that a float holds for sure.
//! [`DatumRef::total_cmp`] sorts and groups, so it must be transitive: there a float stands for the shortest decimal
//! that reads back as it, which keeps different floats apart and their order.
//!
//! Between kinds: truth values, numbers, stretches of time, times, levels, categories, text, null.

use std::cmp::Ordering;
use std::fmt::Write;
use std::hash::{Hash, Hasher};

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::{Datum, DatumRef};

impl DatumRef<'_> {
    /// The order of two values of kinds that compare; `None` if they do not, as when one is missing.
    pub fn compare(self, other: DatumRef<'_>) -> Option<Ordering> {
        use DatumRef::*;
        match (self, other) {
            (Str(left), Str(right)) => Some(left.cmp(right)),
            (Bool(left), Bool(right)) => Some(left.cmp(&right)),
            (Int(left), Int(right)) => Some(left.cmp(&right)),
            (Float(left), Float(right)) => left.partial_cmp(&right),
            (Float(left), right) => compare_float(left, right.exact()?),
            (left, Float(right)) => compare_float(right, left.exact()?).map(Ordering::reverse),
            (Time(left), Time(right)) => Some(left.cmp(&right)),
            (Duration(left), Duration(right)) => Some(left.cmp(&right)),
            (Level(left), Level(right)) => Some(left.cmp(&right)),
            (Level(left), Str(right)) => Some(left.cmp(&right.parse().ok()?)),
            (Str(left), Level(right)) => Some(left.parse::<blotter_engine::event::Level>().ok()?.cmp(&right)),
            (Category(left), Category(right)) => Some(left.name().cmp(right.name())),
            (Category(left), Str(right)) => Some(left.name().cmp(right)),
            (Str(left), Category(right)) => Some(left.cmp(right.name())),
            (left, right) => Some(left.exact()?.cmp(&right.exact()?)),
        }
    }

    /// The order in which rows are sorted and grouped: total; null is last.
    pub fn total_cmp(self, other: DatumRef<'_>) -> Ordering {
        use DatumRef::*;
        match (self, other) {
            (Null, Null) => Ordering::Equal,
            (Str(left), Str(right)) => left.cmp(right),
            (Bool(left), Bool(right)) => left.cmp(&right),
            (Int(left), Int(right)) => left.cmp(&right),
            (Decimal(left), Decimal(right)) => left.cmp(&right),
            (Float(left), Float(right)) => left.partial_cmp(&right).unwrap_or_else(|| left.total_cmp(&right)),
            (Time(left), Time(right)) => left.cmp(&right),
            (Duration(left), Duration(right)) => left.cmp(&right),
            (Level(left), Level(right)) => left.cmp(&right),
            (Category(left), Category(right)) if left == right => Ordering::Equal,
            (Category(left), Category(right)) => left.name().cmp(right.name()),
            (Float(left), Int(_) | Decimal(_)) => {
                order_of_float(left, other.exact().expect("a whole number or decimal is exact"))
            }
            (Int(_) | Decimal(_), Float(right)) => {
                order_of_float(right, self.exact().expect("a whole number or decimal is exact")).reverse()
            }
            (Int(left), Decimal(right)) => rust_decimal::Decimal::from(left).cmp(&right),
            (Decimal(left), Int(right)) => left.cmp(&rust_decimal::Decimal::from(right)),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }

    /// The order in which rows are sorted, the greatest first if `descending`: null is last either way.
    pub fn sort_cmp(self, other: DatumRef<'_>, descending: bool) -> Ordering {
        let has_null = matches!(self, DatumRef::Null) || matches!(other, DatumRef::Null);
        let order = self.total_cmp(other);
        if descending && !has_null { order.reverse() } else { order }
    }

    fn exact(self) -> Option<Decimal> {
        match self {
            DatumRef::Int(value) => Some(Decimal::from(value)),
            DatumRef::Decimal(value) => Some(value),
            _ => None,
        }
    }

    /// The place of its kind among kinds.
    fn rank(self) -> u8 {
        match self {
            DatumRef::Bool(_) => 0,
            DatumRef::Int(_) | DatumRef::Float(_) | DatumRef::Decimal(_) => 1,
            DatumRef::Duration(_) => 2,
            DatumRef::Time(_) => 3,
            DatumRef::Level(_) => 4,
            DatumRef::Category(_) => 5,
            DatumRef::Str(_) => 6,
            DatumRef::Null => 7,
        }
    }
}

/// A float against an exact number, as the engine compares them: exactly where the float fits a decimal, else by
/// magnitude.
fn compare_float(float: f64, other: Decimal) -> Option<Ordering> {
    match Decimal::from_f64(float) {
        Some(float) => Some(float.cmp(&other)),
        None => float.partial_cmp(&other.to_f64()?),
    }
}

/// The shortest decimal that reads back as a float: `digits * 10^exponent`, digits without zeros at their end unless
/// the float is whole and small.
struct Shortest {
    negative: bool,
    digits: u64,
    exponent: i32,
}

/// Whole floats up to here are exact, and their digits need no printing.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl Shortest {
    /// Of a finite float.
    fn of(float: f64) -> Shortest {
        let (negative, magnitude) = (float.is_sign_negative(), float.abs());
        if magnitude <= WHOLE_MAX && magnitude.fract() == 0.0 {
            return Shortest { negative, digits: magnitude as u64, exponent: 0 };
        }
        let mut printed = Printed { bytes: [0; 32], length: 0 };
        write!(printed, "{magnitude:e}").expect("17 digits, a point and an exponent fit 32 bytes");
        let (mut digits, mut exponent, mut after_point) = (0u64, 0i32, 0i32);
        let mut bytes = printed.bytes[..printed.length].iter();
        let mut seen_point = false;
        for byte in bytes.by_ref() {
            match byte {
                b'.' => seen_point = true,
                b'e' => break,
                digit => {
                    digits = digits * 10 + u64::from(digit - b'0');
                    after_point += i32::from(seen_point);
                }
            }
        }
        let mut below_zero = false;
        for byte in bytes {
            match byte {
                b'-' => below_zero = true,
                digit => exponent = exponent * 10 + i32::from(digit - b'0'),
            }
        }
        let exponent = if below_zero { -exponent } else { exponent };
        Shortest { negative, digits, exponent: exponent - after_point }
    }

    /// As a decimal, if it fits one exactly.
    fn to_decimal(&self) -> Option<Decimal> {
        let mut mantissa = i128::from(self.digits);
        let mut scale = 0;
        if self.exponent >= 0 {
            mantissa = mantissa.checked_mul(10i128.checked_pow(self.exponent as u32)?)?;
        } else {
            scale = self.exponent.unsigned_abs();
        }
        let mantissa = if self.negative { -mantissa } else { mantissa };
        Decimal::try_from_i128_with_scale(mantissa, scale).ok()
    }
}

struct Printed {
    bytes: [u8; 32],
    length: usize,
}

impl Write for Printed {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// Digits after the point that a decimal can hold.
const SCALE_MAX: u32 = 28;

/// Where a float stands beside an exact number, the float taken as its shortest decimal.
fn order_of_float(float: f64, exact: Decimal) -> Ordering {
    let away_from_zero = if float < 0.0 { Ordering::Less } else { Ordering::Greater };
    if !float.is_finite() {
        return away_from_zero;
    }
    let shortest = Shortest::of(float);
    if let Some(float) = shortest.to_decimal() {
        return float.cmp(&exact);
    }
    if shortest.exponent > -(SCALE_MAX as i32) {
        // It has more digits than any decimal, or too many zeros: it is larger than all of them.
        return away_from_zero;
    }
    if exact.is_zero() || (exact.is_sign_negative() != shortest.negative) {
        return away_from_zero;
    }
    // It lies strictly between two neighbouring decimals of the finest scale, below which its digits are cut.
    let cut_digits = shortest.exponent.unsigned_abs() - SCALE_MAX;
    let floor = 10u64.checked_pow(cut_digits).map_or(0, |unit| shortest.digits / unit);
    let floor = Decimal::from_i128_with_scale(i128::from(floor), SCALE_MAX);
    if exact.abs() <= floor { away_from_zero } else { away_from_zero.reverse() }
}

impl Hash for DatumRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.rank());
        match *self {
            DatumRef::Null => {}
            DatumRef::Bool(value) => state.write_u8(u8::from(value)),
            DatumRef::Int(value) => state.write_i64(value),
            DatumRef::Decimal(value) => hash_decimal(value, state),
            DatumRef::Float(value) => match value.is_finite().then(|| Shortest::of(value).to_decimal()) {
                Some(Some(value)) => hash_decimal(value, state),
                _ => state.write_u64(value.to_bits()),
            },
            DatumRef::Str(value) => state.write(value.as_bytes()),
            DatumRef::Time(value) => state.write_i64(value.0),
            DatumRef::Duration(value) => state.write_i64(value),
            DatumRef::Level(value) => state.write_u8(value as u8),
            DatumRef::Category(value) => state.write_usize(value.index()),
        }
    }
}

/// Hashes a whole number of 64 bits as such, so that it agrees with `Int`.
fn hash_decimal<H: Hasher>(value: Decimal, state: &mut H) {
    let value = value.normalize();
    match i64::try_from(value.mantissa()) {
        Ok(whole) if value.scale() == 0 => state.write_i64(whole),
        _ => {
            state.write_i128(value.mantissa());
            state.write_u32(value.scale());
        }
    }
}

impl PartialEq for DatumRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.total_cmp(*other).is_eq()
    }
}

impl Eq for DatumRef<'_> {}

/// So that tables keyed by values are asked without an owned copy.
impl hashbrown::Equivalent<Datum> for DatumRef<'_> {
    fn equivalent(&self, key: &Datum) -> bool {
        *self == key.borrow()
    }
}

impl PartialOrd for DatumRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DatumRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.total_cmp(*other)
    }
}

impl Datum {
    /// See [`DatumRef::total_cmp`].
    pub fn total_cmp(&self, other: &Datum) -> Ordering {
        self.borrow().total_cmp(other.borrow())
    }
}

impl PartialEq for Datum {
    fn eq(&self, other: &Datum) -> bool {
        self.total_cmp(other).is_eq()
    }
}

impl Eq for Datum {}

impl PartialOrd for Datum {
    fn partial_cmp(&self, other: &Datum) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Datum {
    fn cmp(&self, other: &Datum) -> Ordering {
        self.total_cmp(other)
    }
}

impl Hash for Datum {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.borrow().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use blotter_engine::dec;
    use blotter_engine::event::{Category, Level, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn hash(datum: &Datum) -> u64 {
        foldhash::fast::FixedState::default().hash_one(datum)
    }

    #[test]
    fn values_of_all_kinds_have_one_order_with_null_last() {
        let ascending = [
            vec![Datum::Bool(false)],
            vec![Datum::Bool(true)],
            vec![Datum::Float(f64::MIN)],
            vec![Datum::Decimal(Decimal::MIN)],
            vec![Datum::Int(i64::MIN), Datum::Decimal(Decimal::from(i64::MIN))],
            vec![Datum::Decimal(dec!(-0.0000000000000000000000000002))],
            vec![Datum::Float(-1.5e-28)],
            vec![Datum::Decimal(dec!(-0.0000000000000000000000000001))],
            vec![Datum::Float(-1e-300)],
            vec![Datum::Int(0), Datum::Float(0.0), Datum::Float(-0.0), Datum::Decimal(dec!(-0.00))],
            vec![Datum::Float(1e-300)],
            vec![Datum::Float(0.1), Datum::Decimal(dec!(0.100))],
            vec![Datum::Float(0.1f64.next_up())],
            vec![Datum::Int(1), Datum::Float(1.0), Datum::Decimal(dec!(1.00))],
            vec![Datum::Int(i64::MAX)],
            vec![Datum::Float(9_223_372_036_854_775_807.0), Datum::Decimal(dec!(9223372036854776000))],
            vec![Datum::Decimal(Decimal::MAX)],
            vec![Datum::Float(79_228_162_514_264_337_593_543_950_336.0)],
            vec![Datum::Float(f64::MAX)],
            vec![Datum::Duration(-1)],
            vec![Datum::Duration(5)],
            vec![Datum::Time(Timestamp(-1))],
            vec![Datum::Time(Timestamp(0))],
            vec![Datum::Level(Level::Error)],
            vec![Datum::Level(Level::Critical)],
            vec![Datum::Category(Category::FILL)],
            vec![Datum::Category(Category::ORDER)],
            vec![Datum::from("")],
            vec![Datum::from("B")],
            vec![Datum::from("a")],
            vec![Datum::Null],
        ];
        for (at, left) in ascending.iter().enumerate() {
            for (other, right) in ascending.iter().enumerate() {
                for (left, right) in left.iter().flat_map(|left| right.iter().map(move |right| (left, right)))
                {
                    assert_eq!(left.total_cmp(right), at.cmp(&other), "{left:?} {right:?}");
                    assert!(left != right || hash(left) == hash(right), "{left:?} {right:?}");
                }
            }
        }
    }

    #[test]
    fn filters_compare_values_of_one_kind_only() {
        let ts = Timestamp(5);
        for (left, right, expected) in [
            (Datum::Int(2), Datum::Decimal(dec!(2.00)), Some(Ordering::Equal)),
            (Datum::Float(0.1 + 0.2), Datum::Decimal(dec!(0.3)), Some(Ordering::Equal)),
            (Datum::Int(1), Datum::Float(1e300), Some(Ordering::Less)),
            (Datum::from("b"), Datum::from("a"), Some(Ordering::Greater)),
            (Datum::from("1"), Datum::Int(1), None),
            (Datum::Bool(true), Datum::Int(1), None),
            (Datum::Duration(1), Datum::Int(1), None),
            (Datum::Time(ts), Datum::Time(ts), Some(Ordering::Equal)),
            (Datum::Time(ts), Datum::Duration(5), None),
            (Datum::Level(Level::Warn), Datum::from("ERROR"), Some(Ordering::Less)),
            (Datum::Level(Level::Warn), Datum::from("loud"), None),
            (Datum::Category(Category::FILL), Datum::from("order"), Some(Ordering::Less)),
            (Datum::Null, Datum::Null, None),
            (Datum::Null, Datum::Int(1), None),
        ] {
            assert_eq!(left.borrow().compare(right.borrow()), expected, "{left:?} {right:?}");
            let reversed = expected.map(Ordering::reverse);
            assert_eq!(right.borrow().compare(left.borrow()), reversed, "{right:?} {left:?}");
        }
    }

    #[test]
    fn null_sorts_last_either_way() {
        let mut data = [Datum::Null, Datum::Int(1), Datum::Int(3), Datum::Null, Datum::Int(2)];
        data.sort_by(|left, right| left.borrow().sort_cmp(right.borrow(), true));
        assert_eq!(data, [Datum::Int(3), Datum::Int(2), Datum::Int(1), Datum::Null, Datum::Null]);
        data.sort_by(|left, right| left.borrow().sort_cmp(right.borrow(), false));
        assert_eq!(data, [Datum::Int(1), Datum::Int(2), Datum::Int(3), Datum::Null, Datum::Null]);
    }

    /// Numbers that are often equal or close across types.
    fn number() -> impl Strategy<Value = Datum> {
        let small = (-40i64..40, 0u32..4).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale));
        let any_decimal = (any::<i64>(), any::<i32>(), 0u32..=28).prop_map(|(low, high, scale)| {
            Decimal::from_i128_with_scale((i128::from(high) << 63) + i128::from(low), scale)
        });
        let decimal = prop_oneof![small, any_decimal].boxed();
        let float = prop_oneof![any::<f64>(), decimal.clone().prop_map(|value| value.as_f64())];
        prop_oneof![
            decimal.clone().prop_map(Datum::Decimal),
            decimal.clone().prop_map(|value| value.to_i64().map_or(Datum::Decimal(value), Datum::Int)),
            float.prop_map(Datum::from),
        ]
    }

    proptest! {
        #[test]
        fn the_order_of_numbers_is_total_and_equal_numbers_hash_alike(
            a in number(), b in number(), c in number()
        ) {
            prop_assert_eq!(a.total_cmp(&b), b.total_cmp(&a).reverse());
            prop_assert!(a != b || hash(&a) == hash(&b));
            let mut sorted = [&a, &b, &c];
            sorted.sort();
            prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
            if a == b && b == c {
                prop_assert!(a == c);
            }
        }

        #[test]
        fn a_float_equals_the_decimal_that_it_prints_as(float in -1e15f64..1e15) {
            let printed = blotter_engine::event::parse_decimal("", &format!("{float:?}")).unwrap();
            prop_assert_eq!(Datum::Float(float), Datum::Decimal(printed));
        }
    }
}
