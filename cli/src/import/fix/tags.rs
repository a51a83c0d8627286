//! Names of tags, as fields of events. A tag that is not here is kept as `fix.TAG`.

/// How the value of a tag is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As written.
    Text,
    /// A price, quantity or amount.
    Decimal,
    /// A whole number.
    Whole,
    /// A time in UTC, kept as RFC 3339.
    Time,
    /// `Y` or `N`.
    Flag,
}

use Kind::{Decimal, Flag, Text, Time, Whole};

/// Every tag that has a name.
const TAGS: &[(u32, &str, Kind)] = &[
    (1, "account", Text),
    (6, "average_price", Decimal),
    (7, "begin_seq_no", Whole),
    (8, "fix_version", Text),
    (11, "client_order_id", Text),
    (12, "commission", Decimal),
    (13, "commission_type", Text),
    (14, "filled_quantity", Decimal),
    (15, "currency", Text),
    (16, "end_seq_no", Whole),
    (17, "exec_id", Text),
    (18, "exec_instructions", Text),
    (19, "exec_ref_id", Text),
    (20, "exec_transaction_type", Text),
    (21, "handling_instructions", Text),
    (22, "security_id_source", Text),
    (23, "ioi_id", Text),
    (29, "last_capacity", Text),
    (30, "last_market", Text),
    (31, "last_price", Decimal),
    (32, "last_quantity", Decimal),
    (34, "message_seq_num", Whole),
    (35, "message_type", Text),
    (36, "new_seq_no", Whole),
    (37, "exchange_order_id", Text),
    (38, "quantity", Decimal),
    (39, "exchange_status", Text),
    (40, "order_type", Text),
    (41, "original_client_order_id", Text),
    (43, "possible_duplicate", Flag),
    (44, "price", Decimal),
    (45, "ref_seq_num", Whole),
    (48, "security_id", Text),
    (49, "sender", Text),
    (50, "sender_sub_id", Text),
    (52, "sending_time", Time),
    (54, "side", Text),
    (55, "symbol", Text),
    (56, "target", Text),
    (57, "target_sub_id", Text),
    (58, "text", Text),
    (59, "time_in_force", Text),
    (60, "transaction_time", Time),
    (63, "settlement_type", Text),
    (64, "settlement_date", Text),
    (65, "symbol_suffix", Text),
    (66, "list_id", Text),
    (75, "trade_date", Text),
    (76, "executing_broker", Text),
    (77, "position_effect", Text),
    (78, "allocations_count", Whole),
    (79, "allocation_account", Text),
    (80, "allocation_quantity", Decimal),
    (97, "possible_resend", Flag),
    (98, "encryption_method", Text),
    (99, "stop_price", Decimal),
    (100, "destination", Text),
    (102, "cancel_reject_reason", Text),
    (103, "order_reject_reason", Text),
    (106, "issuer", Text),
    (107, "security_description", Text),
    (108, "heartbeat_interval_s", Whole),
    (109, "client_id", Text),
    (110, "minimum_quantity", Decimal),
    (111, "maximum_floor", Decimal),
    (112, "test_request_id", Text),
    (114, "locate_required", Flag),
    (115, "on_behalf_of", Text),
    (116, "on_behalf_of_sub_id", Text),
    (122, "original_sending_time", Time),
    (123, "gap_fill", Flag),
    (126, "expire_time", Time),
    (128, "deliver_to", Text),
    (131, "quote_request_id", Text),
    (132, "bid", Decimal),
    (133, "ask", Decimal),
    (134, "bid_size", Decimal),
    (135, "ask_size", Decimal),
    (136, "fees_count", Whole),
    (137, "fee_amount", Decimal),
    (138, "fee_currency", Text),
    (139, "fee_type", Text),
    (141, "reset_seq_num", Flag),
    (146, "related_symbols_count", Whole),
    (150, "exec_type", Text),
    (151, "remaining_quantity", Decimal),
    (152, "cash_order_quantity", Decimal),
    (167, "security_type", Text),
    (198, "secondary_order_id", Text),
    (200, "maturity", Text),
    (201, "put_or_call", Text),
    (202, "strike_price", Decimal),
    (204, "customer_or_firm", Text),
    (205, "maturity_day", Text),
    (207, "exchange", Text),
    (210, "maximum_show", Decimal),
    (211, "peg_difference", Decimal),
    (231, "contract_multiplier", Decimal),
    (262, "market_data_request_id", Text),
    (264, "market_depth", Whole),
    (268, "entries_count", Whole),
    (269, "entry_type", Text),
    (270, "entry_price", Decimal),
    (271, "entry_size", Decimal),
    (272, "entry_date", Text),
    (273, "entry_time", Text),
    (278, "entry_id", Text),
    (279, "update_action", Text),
    (336, "trading_session_id", Text),
    (371, "ref_tag", Whole),
    (372, "ref_message_type", Text),
    (373, "session_reject_reason", Text),
    (378, "restatement_reason", Text),
    (379, "business_reject_ref_id", Text),
    (380, "business_reject_reason", Text),
    (381, "gross_amount", Decimal),
    (382, "contra_brokers_count", Whole),
    (375, "contra_broker", Text),
    (423, "price_type", Text),
    (432, "expire_date", Text),
    (434, "cancel_reject_response_to", Text),
    (442, "multi_leg_type", Text),
    (447, "party_id_source", Text),
    (448, "party_id", Text),
    (452, "party_role", Text),
    (453, "parties_count", Whole),
    (461, "cfi_code", Text),
    (483, "transaction_bkd_time", Time),
    (526, "secondary_client_order_id", Text),
    (527, "secondary_exec_id", Text),
    (528, "order_capacity", Text),
    (529, "order_restrictions", Text),
    (541, "maturity_date", Text),
    (553, "username", Text),
    (571, "trade_report_id", Text),
    (583, "client_order_link_id", Text),
    (627, "hops_count", Whole),
    (789, "next_expected_seq_num", Whole),
    (790, "status_request_id", Text),
    (797, "copy_message", Flag),
    (802, "party_sub_ids_count", Whole),
    (803, "party_sub_id_type", Text),
    (523, "party_sub_id", Text),
    (851, "last_liquidity", Text),
    (880, "match_id", Text),
    (1128, "application_version", Text),
    (1137, "default_application_version", Text),
];

/// The name of a tag and how its value is kept.
pub(super) fn of(tag: u32) -> Option<(&'static str, Kind)> {
    TAGS.iter().find(|(found, ..)| *found == tag).map(|(_, name, kind)| (*name, *kind))
}

/// The word for a value of Side (54): which way, and what more it says.
pub(super) fn side(value: &str) -> (Option<&'static str>, Option<&'static str>) {
    match value {
        "1" => (Some("BUY"), None),
        "2" => (Some("SELL"), None),
        "3" => (Some("BUY"), Some("buy_minus")),
        "4" => (Some("SELL"), Some("sell_plus")),
        "5" => (Some("SELL"), Some("sell_short")),
        "6" => (Some("SELL"), Some("sell_short_exempt")),
        _ => (None, None),
    }
}

/// The word for a value of OrdType (40).
pub(super) fn order_type(value: &str) -> Option<&'static str> {
    Some(match value {
        "1" => "market",
        "2" => "limit",
        "3" => "stop",
        "4" => "stop_limit",
        "5" => "market_on_close",
        "6" => "with_or_without",
        "7" => "limit_or_better",
        "8" => "limit_with_or_without",
        "9" => "on_basis",
        "B" => "limit_on_close",
        "D" => "previously_quoted",
        "E" => "previously_indicated",
        "I" => "funari",
        "J" => "market_if_touched",
        "K" => "market_with_leftover_as_limit",
        "P" => "pegged",
        _ => return None,
    })
}

/// The word for a value of TimeInForce (59).
pub(super) fn time_in_force(value: &str) -> Option<&'static str> {
    Some(match value {
        "0" => "day",
        "1" => "gtc",
        "2" => "at_the_opening",
        "3" => "ioc",
        "4" => "fok",
        "5" => "gtx",
        "6" => "gtd",
        "7" => "at_the_close",
        _ => return None,
    })
}

/// The word for a value of OrdStatus (39).
pub(super) fn exchange_status(value: &str) -> Option<&'static str> {
    Some(match value {
        "0" => "new",
        "1" => "partially_filled",
        "2" => "filled",
        "3" => "done_for_day",
        "4" => "canceled",
        "5" => "replaced",
        "6" => "pending_cancel",
        "7" => "stopped",
        "8" => "rejected",
        "9" => "suspended",
        "A" => "pending_new",
        "B" => "calculated",
        "C" => "expired",
        "D" => "accepted_for_bidding",
        "E" => "pending_replace",
        _ => return None,
    })
}

/// The word for a value of OrdRejReason (103).
pub(super) fn order_reject_reason(value: &str) -> Option<&'static str> {
    Some(match value {
        "0" => "broker option",
        "1" => "unknown symbol",
        "2" => "exchange closed",
        "3" => "order exceeds limit",
        "4" => "too late to enter",
        "5" => "unknown order",
        "6" => "duplicate order",
        "7" => "duplicate of a verbally communicated order",
        "8" => "stale order",
        "11" => "unsupported order characteristic",
        "13" => "incorrect quantity",
        "15" => "unknown account",
        _ => return None,
    })
}

/// The word for a value of CxlRejReason (102).
pub(super) fn cancel_reject_reason(value: &str) -> Option<&'static str> {
    Some(match value {
        "0" => "too late to cancel",
        "1" => "unknown order",
        "2" => "broker option",
        "3" => "order already in pending cancel or pending replace",
        "6" => "duplicate client order id",
        _ => return None,
    })
}

/// The name of the event that a message without an order is, and whether it is of the session alone.
pub(super) fn message_event(message_type: &str) -> (&'static str, bool) {
    match message_type {
        "0" => ("fix_heartbeat", true),
        "1" => ("fix_test_request", true),
        "2" => ("fix_resend_request", true),
        "4" => ("fix_sequence_reset", true),
        "5" => ("fix_logout", true),
        "A" => ("fix_logon", true),
        "6" => ("fix_indication_of_interest", false),
        "B" => ("fix_news", false),
        "E" => ("fix_new_order_list", false),
        "H" => ("fix_order_status_request", false),
        "J" => ("fix_allocation", false),
        "Q" => ("fix_dont_know_trade", false),
        "R" => ("fix_quote_request", false),
        "S" => ("fix_quote", false),
        "V" => ("fix_market_data_request", false),
        "W" => ("fix_market_data_snapshot", false),
        "X" => ("fix_market_data_refresh", false),
        "Y" => ("fix_market_data_reject", false),
        "d" => ("fix_security_definition", false),
        "h" => ("fix_trading_session_status", false),
        "AE" => ("fix_trade_report", false),
        "q" => ("fix_mass_cancel_request", false),
        "r" => ("fix_mass_cancel_report", false),
        _ => ("fix_message", false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_names_are_given_once() {
        for (index, (tag, name, _)) in TAGS.iter().enumerate() {
            let others = &TAGS[index + 1..];
            assert!(others.iter().all(|(other, other_name, _)| other != tag && other_name != name), "{tag}");
        }
        assert_eq!(of(44), Some(("price", Decimal)));
        assert_eq!(of(9999), None);
    }
}
