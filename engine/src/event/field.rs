//! The field registry: names known to every reader and writer, and the codes they are stored under.

use std::fmt;

/// A well-known field. The code of each is part of the file format and never changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field(u8);

macro_rules! fields {
    ($($code:literal $constant:ident $name:literal $doc:literal)*) => {
        impl Field {
            $(#[doc = $doc] pub const $constant: Field = Field($code);)*

            /// Every well-known field, by code.
            pub const ALL: &[Field] = &[$(Field($code)),*];

            const NAMES: &[&str] = &[$($name),*];

            /// The well-known field of that name.
            #[inline]
            pub fn from_name(name: &str) -> Option<Field> {
                match name { $($name => Some(Field($code)),)* _ => None }
            }
        }
    };
}

fields! {
    0 EVENT "event" "What happened, e.g. `order_created`."
    1 MESSAGE "message" "The sentence for people."
    2 ORDER_ID "order_id" "Order identifier; indexed."
    3 CORRELATION_ID "correlation_id" "Identifier shared by all events of one decision; indexed."
    4 SYMBOL "symbol" "Instrument; indexed."
    5 STRATEGY "strategy" "Strategy that decided."
    6 SERVICE "service" "Component that recorded."
    7 SESSION_ID "session_id" "Trading session or run."
    8 SIDE "side" "`BUY` or `SELL`."
    9 ORDER_TYPE "order_type" "`limit`, `market`, ..."
    10 STATUS "status" "Status, of an order or otherwise."
    11 TAGS "tags" "Free labels."
    12 PRICE "price" "Limit or trade price; exact decimal."
    13 QUANTITY "quantity" "Order quantity; exact decimal."
    14 FILL_PRICE "fill_price" "Execution price; exact decimal."
    15 FILL_QUANTITY "fill_quantity" "Executed quantity; exact decimal."
    16 COMMISSION "commission" "Commission; exact decimal."
    17 PNL "pnl" "Profit or loss; exact decimal."
    18 LATENCY_US "latency_us" "Latency in microseconds."
    19 SLIPPAGE_BPS "slippage_bps" "Slippage in basis points."
    20 LIFECYCLE_MS "lifecycle_ms" "Life of an order in milliseconds."
    21 BID "bid" "Best bid; exact decimal."
    22 ASK "ask" "Best ask; exact decimal."
    23 BID_SIZE "bid_size" "Quantity at the best bid; exact decimal."
    24 ASK_SIZE "ask_size" "Quantity at the best ask; exact decimal."
}

impl Field {
    /// Its name, as queried.
    pub fn name(self) -> &'static str {
        Field::NAMES[self.0 as usize]
    }

    /// Its stored code.
    #[inline]
    pub fn code(self) -> u8 {
        self.0
    }

    /// The field stored under that code.
    #[inline]
    pub fn from_code(code: u8) -> Option<Field> {
        ((code as usize) < Field::ALL.len()).then_some(Field(code))
    }

    /// Whether its values are identifiers, to which the identifier limit applies.
    #[inline]
    pub fn is_id(self) -> bool {
        matches!(self, Field::ORDER_ID | Field::CORRELATION_ID | Field::SYMBOL)
    }

    /// Whether whole numbers given for it are kept as decimals, so that one column holds them all.
    pub fn is_decimal(self) -> bool {
        (Field::PRICE.0..=Field::PNL.0).contains(&self.0)
            || (Field::BID.0..=Field::ASK_SIZE.0).contains(&self.0)
    }

    /// Names of what every event has; no dynamic field may take them.
    pub const RESERVED: [&str; 6] = ["ts", "seq", "producer", "pseq", "category", "level"];
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A borrowed field name: well-known or dynamic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum FieldRef<'a> {
    /// A well-known field.
    Known(Field),
    /// A dynamic field.
    Named(&'a str),
}

impl<'a> FieldRef<'a> {
    /// Resolves a name: the well-known field of that name, else a dynamic one.
    #[inline]
    pub fn new(name: &'a str) -> FieldRef<'a> {
        Field::from_name(name).map_or(FieldRef::Named(name), FieldRef::Known)
    }

    /// The name.
    pub fn name(self) -> &'a str {
        match self {
            FieldRef::Known(field) => field.name(),
            FieldRef::Named(name) => name,
        }
    }

    /// An owned copy.
    pub fn to_key(self) -> FieldKey {
        match self {
            FieldRef::Known(field) => FieldKey::Known(field),
            FieldRef::Named(name) => FieldKey::Named(name.into()),
        }
    }
}

/// An owned field name: well-known or dynamic.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum FieldKey {
    /// A well-known field.
    Known(Field),
    /// A dynamic field.
    Named(Box<str>),
}

impl FieldKey {
    /// Resolves a name: the well-known field of that name, else a dynamic one.
    pub fn new(name: &str) -> FieldKey {
        FieldRef::new(name).to_key()
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            FieldKey::Known(field) => field.name(),
            FieldKey::Named(name) => name,
        }
    }

    /// A borrowed copy.
    pub fn borrow(&self) -> FieldRef<'_> {
        match self {
            FieldKey::Known(field) => FieldRef::Known(*field),
            FieldKey::Named(name) => FieldRef::Named(name),
        }
    }
}

impl From<Field> for FieldKey {
    fn from(field: Field) -> FieldKey {
        FieldKey::Known(field)
    }
}

impl From<&str> for FieldKey {
    fn from(name: &str) -> FieldKey {
        FieldKey::new(name)
    }
}

impl fmt::Display for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_dense_and_names_unique() {
        for (index, field) in Field::ALL.iter().enumerate() {
            assert_eq!(field.code() as usize, index);
            assert_eq!(Field::from_name(field.name()), Some(*field));
            assert_eq!(Field::from_code(field.code()), Some(*field));
        }
        assert_eq!(Field::from_code(Field::ALL.len() as u8), None);
    }
}
