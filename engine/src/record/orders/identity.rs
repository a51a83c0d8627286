//! Who an order is: the fields every event of it carries, encoded once, when it is created.
//!
//! One allocation per order holds them all, the key of the table included; stamping an event is one copy.
//!
//! ```text
//! | field code | type | length u16 | bytes |  order_id first, then correlation_id, symbol, strategy, side, as given
//! ```

use crate::error::Refused;
use crate::event::record::{Fields, text_head};
use crate::event::{Field, FieldRef, ValueRef};
use crate::limits::ID_BYTES_MAX;

const HEAD_BYTES: usize = 4;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    bytes: Box<[u8]>,
    order_id_bytes: u16,
    count: u16,
    /// Bit n: the well-known field of code n is among them.
    known: u64,
}

impl Identity {
    /// Encodes the order's id, and those of the other texts that are not empty.
    ///
    /// # Errors
    /// A text over the limit of ids. Nothing can be recorded under it, so nothing is tracked under it either.
    pub(super) fn new(order_id: &str, others: [(Field, &str); 4]) -> Result<Identity, Refused> {
        let given = others.into_iter().filter(|(_, text)| !text.is_empty());
        let texts = std::iter::once((Field::ORDER_ID, order_id)).chain(given);
        let (mut bytes_sum, mut count, mut known) = (0, 0, 0);
        for (field, text) in texts.clone() {
            if text.len() > ID_BYTES_MAX {
                let field = field.name().to_owned();
                return Err(Refused::TooLong { field, found_bytes: text.len(), limit_bytes: ID_BYTES_MAX });
            }
            bytes_sum += HEAD_BYTES + text.len();
            count += 1;
            known |= 1 << field.code();
        }
        let mut bytes = Vec::with_capacity(bytes_sum);
        for (field, text) in texts {
            bytes.extend_from_slice(&text_head(field, text));
            bytes.extend_from_slice(text.as_bytes());
        }
        Ok(Identity { bytes: bytes.into(), order_id_bytes: order_id.len() as u16, count, known })
    }

    /// The order's id.
    #[inline]
    pub(super) fn order_id(&self) -> &str {
        let id = &self.bytes[HEAD_BYTES..HEAD_BYTES + self.order_id_bytes as usize];
        std::str::from_utf8(id).expect("it was encoded from text")
    }

    /// The text of a field; empty if it was not given.
    pub(super) fn text(&self, wanted: Field) -> &str {
        let text = self.fields().find(|(field, _)| *field == wanted);
        text.map_or("", |(_, text)| text)
    }

    /// All of them, for an event that has some of its own.
    pub(super) fn fields(&self) -> impl Iterator<Item = (Field, &str)> {
        Fields::new(&self.bytes).map(|field| match field {
            Ok((FieldRef::Known(field), ValueRef::Str(text))) => (field, text),
            _ => unreachable!("they were encoded from texts of well-known fields"),
        })
    }

    /// The encoded fields, their number, and their codes as bits.
    #[inline]
    pub(super) fn encoded(&self) -> (&[u8], u16, u64) {
        (&self.bytes, self.count, self.known)
    }
}
