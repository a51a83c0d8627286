//! Texts that are a recurring prefix and a number: order ids, hexadecimal ids, UUIDs. Such a dictionary
//! is stored as a few prefixes and packed numbers.

use hashbrown::HashMap;

/// How the number behind a prefix is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Notation {
    /// Not at all: the prefix is the whole text.
    None,
    /// Decimal digits without leading zeros.
    Decimal,
    /// So many decimal digits.
    Padded(u8),
    /// So many hexadecimal digits in lower case.
    HexLower(u8),
    /// So many hexadecimal digits in upper case.
    HexUpper(u8),
    /// A UUID in lower case with its hyphens.
    Uuid,
}

/// Most prefixes of one dictionary.
pub(crate) const PREFIXES_MAX: usize = 256;

const UUID_BYTES: usize = 36;
const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];
const HEX_DIGITS_MIN: usize = 5;
const HEX_DIGITS_MAX: usize = 32;
const DECIMAL_DIGITS_MAX: usize = 19;

impl Notation {
    /// Its stored code and width.
    pub(crate) fn code(self) -> (u8, u8) {
        match self {
            Notation::None => (0, 0),
            Notation::Decimal => (1, 0),
            Notation::Padded(width) => (2, width),
            Notation::HexLower(width) => (3, width),
            Notation::HexUpper(width) => (4, width),
            Notation::Uuid => (5, 0),
        }
    }

    /// The notation stored so.
    pub(crate) fn from_code(code: u8, width: u8) -> Option<Notation> {
        let digits = width as usize;
        match code {
            0 => Some(Notation::None),
            1 => Some(Notation::Decimal),
            2 if (1..=DECIMAL_DIGITS_MAX).contains(&digits) => Some(Notation::Padded(width)),
            3 if (1..=HEX_DIGITS_MAX).contains(&digits) => Some(Notation::HexLower(width)),
            4 if (1..=HEX_DIGITS_MAX).contains(&digits) => Some(Notation::HexUpper(width)),
            5 => Some(Notation::Uuid),
            _ => None,
        }
    }

    /// Appends a number in this notation.
    pub(crate) fn write(self, number: u128, out: &mut Vec<u8>) {
        match self {
            Notation::None => {}
            Notation::Decimal => write_decimal(number as u64, 1, out),
            Notation::Padded(width) => write_decimal(number as u64, width as usize, out),
            Notation::HexLower(width) => write_hex(number, width as usize, b"0123456789abcdef", out),
            Notation::HexUpper(width) => write_hex(number, width as usize, b"0123456789ABCDEF", out),
            Notation::Uuid => {
                let start = out.len();
                write_hex(number, 32, b"0123456789abcdef", out);
                for hyphen in UUID_HYPHENS {
                    out.insert(start + hyphen, b'-');
                }
            }
        }
    }

    /// The number that is written so as the whole of `text`.
    pub(crate) fn read(self, text: &[u8]) -> Option<u128> {
        match self {
            Notation::None => text.is_empty().then_some(0),
            Notation::Decimal => {
                let canonical = text == b"0" || text.first().is_some_and(|digit| *digit != b'0');
                if canonical { read_decimal(text) } else { None }
            }
            Notation::Padded(width) => {
                if text.len() == width as usize {
                    read_decimal(text)
                } else {
                    None
                }
            }
            Notation::HexLower(width) if text.len() == width as usize => read_hex(text, &HEX_LOWER),
            Notation::HexUpper(width) if text.len() == width as usize => read_hex(text, &HEX_UPPER),
            Notation::HexLower(_) | Notation::HexUpper(_) => None,
            Notation::Uuid => read_uuid(text),
        }
    }
}

/// Appends a decimal number of at least `width` digits, 32 at most.
pub(crate) fn write_decimal(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 32];
    let mut at = digits.len();
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let at = at.min(digits.len() - width.min(digits.len()));
    out.extend_from_slice(&digits[at..]);
}

fn write_hex(number: u128, width: usize, digits: &[u8; 16], out: &mut Vec<u8>) {
    out.extend((0..width).rev().map(|digit| digits[(number >> (digit * 4)) as usize & 15]));
}

fn read_decimal(text: &[u8]) -> Option<u128> {
    if text.is_empty() || text.len() > DECIMAL_DIGITS_MAX {
        return None;
    }
    let mut number = 0u64;
    for digit in text {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(u128::from(number))
}

/// Values of hexadecimal digits by byte, 16 for what is none. Random digits would mispredict every branch.
const fn hex_values(letter_a: u8) -> [u8; 256] {
    let mut values = [16; 256];
    let mut digit = 0;
    while digit < 16 {
        let byte = if digit < 10 { b'0' + digit } else { letter_a + digit - 10 };
        values[byte as usize] = digit;
        digit += 1;
    }
    values
}

const HEX_LOWER: [u8; 256] = hex_values(b'a');
const HEX_UPPER: [u8; 256] = hex_values(b'A');

fn read_hex(text: &[u8], values: &[u8; 256]) -> Option<u128> {
    let (mut number, mut all) = (0, 0);
    for byte in text {
        let digit = values[*byte as usize];
        all |= digit;
        number = number << 4 | u128::from(digit & 15);
    }
    (all < 16).then_some(number)
}

fn read_uuid(text: &[u8]) -> Option<u128> {
    if text.len() != UUID_BYTES {
        return None;
    }
    let mut number = 0;
    for (at, byte) in text.iter().enumerate() {
        if UUID_HYPHENS.contains(&at) {
            if *byte != b'-' {
                return None;
            }
        } else {
            let digit = HEX_LOWER[*byte as usize];
            if digit > 15 {
                return None;
            }
            number = number << 4 | u128::from(digit);
        }
    }
    Some(number)
}

/// What the texts of a dictionary are taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Family {
    Decimal,
    HexLower,
    HexUpper,
    Uuid,
}

/// Where the number of a text starts, and how it is written.
fn split(text: &[u8], family: Family) -> (usize, Notation) {
    let whole = (text.len(), Notation::None);
    match family {
        Family::Decimal => {
            let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            match digits.min(DECIMAL_DIGITS_MAX) {
                0 => whole,
                digits if digits > 1 && text[text.len() - digits] == b'0' => {
                    (text.len() - digits, Notation::Padded(digits as u8))
                }
                digits => (text.len() - digits, Notation::Decimal),
            }
        }
        Family::HexLower | Family::HexUpper => {
            let values = if family == Family::HexLower { &HEX_LOWER } else { &HEX_UPPER };
            let digits = text.iter().rev().take_while(|byte| values[**byte as usize] < 16).count();
            let at = text.len() - digits;
            let bounded = at == 0 || !text[at - 1].is_ascii_alphanumeric();
            if !bounded || !(HEX_DIGITS_MIN..=HEX_DIGITS_MAX).contains(&digits) {
                return whole;
            }
            let width = digits as u8;
            (
                at,
                if family == Family::HexLower {
                    Notation::HexLower(width)
                } else {
                    Notation::HexUpper(width)
                },
            )
        }
        Family::Uuid => match text.len().checked_sub(UUID_BYTES) {
            Some(at) if read_uuid(&text[at..]).is_some() => (at, Notation::Uuid),
            _ => whole,
        },
    }
}

/// Texts taken apart.
pub(crate) struct Numbered {
    pub(crate) prefixes: Vec<(Vec<u8>, Notation)>,
    pub(crate) prefix_codes: Vec<i64>,
    pub(crate) numbers: Vec<u128>,
}

/// Takes texts apart, if that is worth it: there are many and they share few prefixes.
pub(crate) fn take_apart<'t>(
    texts: impl Iterator<Item = &'t [u8]> + Clone,
    count: usize,
) -> Option<Numbered> {
    const SAMPLES: usize = 64;
    if count < 16 {
        return None;
    }
    let family =
        [Family::Uuid, Family::Decimal, Family::HexLower, Family::HexUpper].into_iter().find(|family| {
            let mut prefixes: Vec<(&[u8], Notation)> = Vec::new();
            for text in texts.clone().step_by((count / SAMPLES).max(1)) {
                let (at, notation) = split(text, *family);
                if !prefixes.contains(&(&text[..at], notation)) {
                    prefixes.push((&text[..at], notation));
                }
            }
            prefixes.len() <= SAMPLES.min(count) / 4
        })?;
    let mut numbered = Numbered {
        prefixes: vec![],
        prefix_codes: Vec::with_capacity(count),
        numbers: Vec::with_capacity(count),
    };
    let mut known: HashMap<(&[u8], Notation), i64, foldhash::fast::FixedState> = HashMap::default();
    for text in texts {
        let (at, notation) = split(text, family);
        let next = known.len() as i64;
        let code = *known.entry((&text[..at], notation)).or_insert(next);
        if code == next {
            if known.len() > PREFIXES_MAX {
                return None;
            }
            numbered.prefixes.push((text[..at].to_vec(), notation));
        }
        numbered.prefix_codes.push(code);
        numbered.numbers.push(notation.read(&text[at..])?);
    }
    Some(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[String]) -> Option<Numbered> {
        let numbered = take_apart(texts.iter().map(|text| text.as_bytes()), texts.len())?;
        for (index, text) in texts.iter().enumerate() {
            let (prefix, notation) = &numbered.prefixes[numbered.prefix_codes[index] as usize];
            let mut written = prefix.clone();
            notation.write(numbered.numbers[index], &mut written);
            assert_eq!(written, text.as_bytes());
            assert_eq!(notation.read(&written[prefix.len()..]), Some(numbered.numbers[index]));
        }
        Some(numbered)
    }

    fn texts(count: u64, text: impl Fn(u64) -> String) -> Vec<String> {
        (0..count).map(|i| text(i.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect()
    }

    #[test]
    fn ids_of_many_makes_are_taken_apart() {
        let wide = |i: u64| u128::from(i) << 64 | u128::from(i.rotate_left(13));
        assert_eq!(check(&texts(500, |i| format!("A-{}", i >> 20))).unwrap().prefixes.len(), 1);
        assert!(check(&texts(500, |i| format!("A-{:06}", i >> 46))).unwrap().prefixes.len() <= 3);
        assert_eq!(check(&texts(500, |i| format!("m{}_{:012x}", i % 8, i >> 16))).unwrap().prefixes.len(), 8);
        assert_eq!(check(&texts(500, |i| format!("{:032X}", wide(i)))).unwrap().prefixes.len(), 1);
        assert!(check(&texts(500, |i| i.to_string())).is_some());
        let uuid = |i: u64| {
            let mut text = format!("{:032x}", wide(i));
            UUID_HYPHENS.iter().for_each(|hyphen| text.insert(*hyphen, '-'));
            text
        };
        let numbered = check(&texts(500, uuid)).unwrap();
        assert_eq!(numbered.prefixes, [(vec![], Notation::Uuid)]);
    }

    #[test]
    fn odd_ones_among_them_stay_whole() {
        let mut some = texts(500, |i| format!("A-{}", i >> 20));
        some.extend(
            ["", "A", "A-", "A-0", "A-00", "A-99999999999999999999999", "é7", "-1", "A-18446744073709551616"]
                .map(str::to_owned),
        );
        assert!(check(&some).is_some());
        assert!(check(&texts(500, |i| format!("{i}-{}", i % 7))).is_none());
        assert!(check(&texts(10, |i| format!("A-{i}"))).is_none());
    }
}
