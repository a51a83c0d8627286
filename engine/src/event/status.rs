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

            /// The one that a word names, in any case.
            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.as_str().eq_ignore_ascii_case(word))
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

    /// The status that an event tells of its order: that of its `status`, if it is one, else that of its name. Events of
    /// [`ORDER_KEEPS_STATUS`](crate::event::names::ORDER_KEEPS_STATUS) tell none.
    ///
    /// ```
    /// use blotter_engine::event::OrderStatus;
    /// assert_eq!(OrderStatus::of_event("execution", "FILLED"), Some(OrderStatus::Filled));
    /// assert_eq!(OrderStatus::of_event("order_cancelled", ""), Some(OrderStatus::Cancelled));
    /// assert_eq!(OrderStatus::of_event("order_amended", "acknowledged"), None);
    /// ```
    pub fn of_event(name: &str, status: &str) -> Option<OrderStatus> {
        if crate::event::names::ORDER_KEEPS_STATUS.contains(&name) {
            return None;
        }
        let by_name = || OrderStatus::ALL.iter().copied().find(|status| status.event_name() == name);
        OrderStatus::from_word(status).or_else(by_name)
    }

    /// Whether an order of this status has ended.
    #[inline]
    pub fn is_final(self) -> bool {
        use OrderStatus::*;
        matches!(self, Filled | Cancelled | Rejected | Expired | Failed | Replaced)
    }

    /// Whether an order may go from this status to the next one.
    ///
    /// ```text
    /// created ─▶ submitted ─▶ acknowledged ─▶ partially_filled ─▶ filled
    /// ```
    /// An order goes forward, may leave out what nobody recorded (a fill can be the first answer of a venue), may be
    /// partially filled again and again, and may be accepted again when it is amended while it stands. It can be
    /// rejected until it was accepted, and cancelled, expired, failed or replaced until it has ended. Nothing comes
    /// after an end.
    ///
    /// ```
    /// use blotter_engine::event::OrderStatus::*;
    /// assert!(Submitted.can_become(PartiallyFilled) && PartiallyFilled.can_become(PartiallyFilled));
    /// assert!(!Cancelled.can_become(Filled) && !Acknowledged.can_become(Rejected));
    /// ```
    pub fn can_become(self, next: OrderStatus) -> bool {
        use OrderStatus::*;
        match next {
            Created => false,
            Submitted => self == Created,
            Rejected => matches!(self, Created | Submitted),
            Acknowledged => matches!(self, Created | Submitted | Acknowledged),
            PartiallyFilled | Filled | Cancelled | Expired | Failed | Replaced => !self.is_final(),
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

    #[test]
    fn words_are_read_in_any_case() {
        assert_eq!(OrderStatus::from_word("Partially_Filled"), Some(OrderStatus::PartiallyFilled));
        assert_eq!((Side::from_word("sell"), Side::from_word("short")), (Some(Side::Sell), None));
    }

    #[test]
    fn nothing_comes_after_an_end_and_nothing_goes_back() {
        use OrderStatus::*;
        let forward = [Created, Submitted, Acknowledged, PartiallyFilled, Filled];
        for (place, from) in forward.into_iter().enumerate() {
            for (next_place, next) in forward.into_iter().enumerate() {
                let stays = from == next && matches!(next, Acknowledged | PartiallyFilled);
                assert_eq!(from.can_become(next), next_place > place || stays, "{from:?} {next:?}");
            }
        }
        for end in OrderStatus::ALL.iter().filter(|status| status.is_final()) {
            assert!(OrderStatus::ALL.iter().all(|next| !end.can_become(*next)), "{end:?}");
            assert_eq!(Acknowledged.can_become(*end), *end != Rejected, "{end:?}");
            assert!(Submitted.can_become(*end), "{end:?}");
        }
    }
}
