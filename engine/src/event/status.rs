//! Words of the trade: order status, side, order type.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $word:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word stored in the event.
            #[inline]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
        }
    };
}

words! {
    /// Where an order is in its life; stored in `status`.
    OrderStatus {
        /// Decided, not yet sent.
        Created "created"
        /// Sent to the venue.
        Submitted "submitted"
        /// Accepted by the venue.
        Acknowledged "acknowledged"
        /// Executed in part.
        PartiallyFilled "partially_filled"
        /// Executed in full.
        Filled "filled"
        /// Withdrawn.
        Cancelled "cancelled"
        /// Refused, by risk or by the venue.
        Rejected "rejected"
        /// Ended by time.
        Expired "expired"
        /// Could not be sent or followed.
        Failed "failed"
        /// Superseded by another order.
        Replaced "replaced"
    }
}

impl OrderStatus {
    /// The name of the event that records reaching this status: `order_` and the status.
    #[inline]
    pub fn event_name(self) -> &'static str {
        use crate::event::names;
        match self {
            OrderStatus::Created => names::ORDER_CREATED,
            OrderStatus::Submitted => names::ORDER_SUBMITTED,
            OrderStatus::Acknowledged => names::ORDER_ACKNOWLEDGED,
            OrderStatus::PartiallyFilled => names::ORDER_PARTIALLY_FILLED,
            OrderStatus::Filled => names::ORDER_FILLED,
            OrderStatus::Cancelled => names::ORDER_CANCELLED,
            OrderStatus::Rejected => names::ORDER_REJECTED,
            OrderStatus::Expired => names::ORDER_EXPIRED,
            OrderStatus::Failed => names::ORDER_FAILED,
            OrderStatus::Replaced => names::ORDER_REPLACED,
        }
    }
}

words! {
    /// Which way; stored in `side`.
    Side {
        /// Buy.
        Buy "BUY"
        /// Sell.
        Sell "SELL"
    }
}

words! {
    /// Order type; stored in `order_type`. Any other word may be given as text.
    OrderType {
        /// Limit.
        Limit "limit"
        /// Market.
        Market "market"
        /// Stop.
        Stop "stop"
        /// Stop limit.
        StopLimit "stop_limit"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names_follow_the_status() {
        for status in OrderStatus::ALL {
            assert_eq!(status.event_name(), format!("order_{}", status.as_str()));
        }
    }
}
