//! What a message says of which order.
//!
//! | message (35) | becomes |
//! |---|---|
//! | `D` new order | `order` `order_created` of ClOrdID |
//! | `G` cancel/replace request | `order` `order_created` of the new ClOrdID, `replaces` OrigClOrdID |
//! | `F` cancel request | `order` `order_cancel_requested` of OrigClOrdID, `cancel_request_id` ClOrdID |
//! | `8` execution report | by ExecType (150), or OrdStatus (39) where FIX 4.0 has none; see [`Steps::of`] |
//! | `9` cancel reject | `order` `order_cancel_rejected` of OrigClOrdID; a replacing order is `order_rejected` |
//! | `3`, `j` reject | `error` `fix_reject`, `fix_business_reject` |
//! | `0 1 2 4 5 A` session | `system` `fix_heartbeat`, `fix_logon`, ... |
//! | `S` quote | `market_data` `quote` |
//! | any other | `system` `fix_` and its name, or `fix_message` |
//!
//! An execution report of a cancel or replacement is about the order it ends, OrigClOrdID; where it does not name
//! that, it is the one the request named. A replacement is two events: the old order is replaced, the new one
//! accepted. A message sent again (43 or 97 is `Y`) that the log has had is `audit` `fix_duplicate`, so that no fill
//! counts twice.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use blotter::event::{Category, Level, OrderStatus, names};

use super::message::Message;
use super::tags;
use crate::import::draft::Draft;

/// Requests remembered until they are answered.
const REQUESTS_MAX: usize = 100_000;
/// Messages remembered, to know one that is sent again.
const SEEN_MAX: usize = 1_000_000;

/// One event that a message becomes.
pub(super) struct Step<'a> {
    pub(super) category: Category,
    pub(super) level: Level,
    pub(super) name: &'static str,
    /// Fields that are not just tags.
    pub(super) fields: Vec<(&'static str, Cow<'a, str>)>,
    /// Whether LastPx and LastQty are an execution of the order.
    pub(super) is_fill: bool,
}

impl<'a> Step<'a> {
    fn new(category: Category, level: Level, name: &'static str) -> Step<'a> {
        Step { category, level, name, fields: Vec::new(), is_fill: false }
    }

    fn order(name: &'static str, order_id: impl Into<Cow<'a, str>>) -> Step<'a> {
        Step::new(Category::ORDER, Level::Info, name).with("order_id", order_id)
    }

    fn status(status: OrderStatus, order_id: impl Into<Cow<'a, str>>) -> Step<'a> {
        let is_fill = matches!(status, OrderStatus::PartiallyFilled | OrderStatus::Filled);
        let mut step = Step::order(status.event_name(), order_id).with("status", status.as_str());
        if is_fill {
            step.category = Category::FILL;
        }
        if status == OrderStatus::Rejected {
            step.level = Level::Warn;
        }
        Step { is_fill, ..step }
    }

    fn with(mut self, name: &'static str, text: impl Into<Cow<'a, str>>) -> Step<'a> {
        self.fields.push((name, text.into()));
        self
    }

    fn with_if(self, name: &'static str, text: Option<impl Into<Cow<'a, str>>>) -> Step<'a> {
        match text {
            Some(text) => self.with(name, text),
            None => self,
        }
    }

    /// What happened, in words.
    pub(super) fn sentence(&self, draft: &Draft<'_>) -> String {
        let mut sentence = self.name.replace('_', " ");
        let (quantity, price) =
            if self.is_fill { ("fill_quantity", "fill_price") } else { ("quantity", "price") };
        let is_order = self.fields.iter().any(|(name, _)| *name == "order_id");
        let parts = [(": ", "side"), (" ", quantity), (" ", "symbol"), (" @ ", price)];
        for (before, name) in parts.into_iter().filter(|_| is_order) {
            if let Some(value) = draft.value(name) {
                sentence += &format!("{before}{}", value.borrow());
            }
        }
        for name in ["reason", "error_message"] {
            if let Some(value) = draft.value(name) {
                sentence += &format!(": {}", value.borrow());
            }
        }
        sentence
    }
}

/// What earlier messages said that later ones leave out.
#[derive(Default)]
pub(super) struct Steps {
    /// The order that each request to cancel or replace was about.
    requests: HashMap<String, String>,
    requests_by_age: VecDeque<String>,
    /// Fingerprints of messages about orders.
    seen: HashSet<u64>,
    seen_by_age: VecDeque<u64>,
}

impl Steps {
    /// The events of a message, at least one.
    pub(super) fn of<'a>(&mut self, message: &Message<'a>) -> Vec<Step<'a>> {
        let kind = message.get(35).unwrap_or_default();
        let order = message.get(11).filter(|id| !id.is_empty());
        let original = message.get(41).filter(|id| !id.is_empty());
        let is_about_orders = matches!(kind, "D" | "F" | "G" | "8" | "9");
        if is_about_orders && self.is_duplicate(message, kind) {
            let step = Step::new(Category::AUDIT, Level::Info, "fix_duplicate");
            return vec![step.with_if("order_id", original.or(order))];
        }
        match (kind, order) {
            ("D", Some(id)) => vec![Step::status(OrderStatus::Created, id)],
            ("G", Some(id)) => {
                self.remember_request(id, original);
                vec![Step::status(OrderStatus::Created, id).with_if("replaces", original)]
            }
            ("F", Some(id)) => {
                self.remember_request(id, original);
                let step = Step::order(names::ORDER_CANCEL_REQUESTED, original.unwrap_or(id));
                vec![step.with("cancel_request_id", id)]
            }
            ("8", _) => self.execution(message, order, original),
            ("9", Some(id)) => self.cancel_rejected(message, id, original),
            ("3" | "j", _) => {
                let name = if kind == "3" { "fix_reject" } else { "fix_business_reject" };
                let step = Step::new(Category::ERROR, Level::Error, name)
                    .with("error_message", message.get(58).unwrap_or("rejected without a text"));
                let is_of_order = matches!(message.get(372), Some("D" | "F" | "G"));
                let about = message.get(379).filter(|id| is_of_order && !id.is_empty());
                vec![step.with_if("order_id", order.or(about))]
            }
            ("S", _) => vec![Step::new(Category::MARKET_DATA, Level::Debug, names::QUOTE)],
            _ => {
                let (name, is_session) = tags::message_event(kind);
                let category = match kind {
                    "V" | "W" | "X" | "Y" => Category::MARKET_DATA,
                    _ => Category::SYSTEM,
                };
                let level = match kind {
                    "0" | "1" => Level::Debug,
                    "2" | "4" => Level::Warn,
                    _ => Level::Info,
                };
                let step = Step::new(category, level, name);
                vec![if is_session { step } else { step.with_if("order_id", order) }]
            }
        }
    }

    /// An execution report. ExecType says what it reports, OrdStatus where the order stands after it.
    fn execution<'a>(
        &self,
        message: &Message<'a>,
        order: Option<&'a str>,
        original: Option<&'a str>,
    ) -> Vec<Step<'a>> {
        let Some(id) = order.or(original).or(message.get(37)) else {
            return vec![Step::new(Category::ORDER, Level::Warn, "execution_report")];
        };
        // A report that corrects, cancels or repeats an earlier one is no step of its own.
        let told_again = match message.get(20) {
            Some("1") => Some("trade_busted"),
            Some("2") => Some("trade_corrected"),
            Some("3") => Some("order_status_report"),
            _ => None,
        };
        if let Some(name) = told_again {
            return vec![Step::order(name, id)];
        }
        let exec_type = message.get(150).or(message.get(39)).unwrap_or_default();
        let is_complete = message.get(39) == Some("2");
        let is_partial = message.get(39) == Some("1");
        let remains = message.get(151).is_some_and(|left| !super::is_zero(left));
        let reason = message.get(58).map(Cow::Borrowed);
        let ended = self.ended_by(id, original);
        match exec_type {
            "0" => vec![Step::status(OrderStatus::Acknowledged, id)],
            "A" => vec![Step::status(OrderStatus::Submitted, id)],
            "1" => vec![Step::status(OrderStatus::PartiallyFilled, id)],
            "2" => vec![Step::status(OrderStatus::Filled, id)],
            "F" if is_complete || !is_partial && !remains => vec![Step::status(OrderStatus::Filled, id)],
            "F" => vec![Step::status(OrderStatus::PartiallyFilled, id)],
            "4" => {
                let is_requested = ended != id;
                let step = Step::status(OrderStatus::Cancelled, ended).with_if("reason", reason);
                vec![if is_requested { step.with("cancel_request_id", id) } else { step }]
            }
            "5" if ended != id => vec![
                Step::status(OrderStatus::Replaced, ended.clone()).with("replaced_by", id),
                Step::status(OrderStatus::Acknowledged, id).with("replaces", ended),
            ],
            // It kept its id: nothing was superseded.
            "5" => vec![Step::order(names::ORDER_AMENDED, id)],
            "8" => {
                let word = || message.get(103).and_then(tags::order_reject_reason).map(Cow::Borrowed);
                let reason = reason.or_else(word);
                vec![Step::status(OrderStatus::Rejected, id).with_if("reason", reason)]
            }
            "C" => vec![Step::status(OrderStatus::Expired, id).with_if("reason", reason)],
            "3" => vec![Step::order("order_done_for_day", id)],
            "6" => vec![Step::order("order_cancel_pending", ended)],
            "7" => vec![Step::order("order_stopped", id)],
            "9" => vec![Step::order("order_suspended", id)],
            "B" => vec![Step::order("order_calculated", id)],
            "D" => vec![Step::order("order_restated", id).with_if("reason", reason)],
            "E" => vec![Step::order("order_replace_pending", ended)],
            "G" => vec![Step::order("trade_corrected", id)],
            "H" => vec![Step::order("trade_busted", id)],
            "I" => vec![Step::order("order_status_report", id)],
            _ => vec![Step::order("execution_report", id)],
        }
    }

    /// The order that a cancel or replacement reported under `id` ends.
    fn ended_by<'a>(&self, id: &'a str, original: Option<&'a str>) -> Cow<'a, str> {
        match (original, self.requests.get(id)) {
            (Some(original), _) => original.into(),
            (None, Some(requested)) => requested.clone().into(),
            (None, None) => id.into(),
        }
    }

    fn cancel_rejected<'a>(
        &self,
        message: &Message<'a>,
        id: &'a str,
        original: Option<&'a str>,
    ) -> Vec<Step<'a>> {
        let word = || message.get(102).and_then(tags::cancel_reject_reason);
        let reason = message.get(58).or_else(word);
        let mut rejected = Step::order(names::ORDER_CANCEL_REJECTED, original.unwrap_or(id))
            .with("cancel_request_id", id)
            .with_if("reason", reason);
        rejected.level = Level::Warn;
        let mut steps = vec![rejected];
        // What was refused was a replacement: the order that should have come does not.
        if message.get(434) == Some("2") && original.is_some_and(|original| original != id) {
            steps.push(Step::status(OrderStatus::Rejected, id).with_if("reason", reason));
        }
        steps
    }

    fn remember_request(&mut self, id: &str, original: Option<&str>) {
        let Some(original) = original else { return };
        if self.requests.insert(id.to_owned(), original.to_owned()).is_none() {
            self.requests_by_age.push_back(id.to_owned());
        }
        if self.requests_by_age.len() > REQUESTS_MAX
            && let Some(oldest) = self.requests_by_age.pop_front()
        {
            self.requests.remove(&oldest);
        }
    }

    /// Whether the message says it is sent again, and the log has had it.
    fn is_duplicate(&mut self, message: &Message<'_>, kind: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        let key = if kind == "8" { message.get(17) } else { message.get(11) };
        (kind, key, message.get(49), message.get(56)).hash(&mut hasher);
        let fingerprint = hasher.finish();
        let is_sent_again = message.get(43) == Some("Y") || message.get(97) == Some("Y");
        if !self.seen.insert(fingerprint) {
            return is_sent_again;
        }
        self.seen_by_age.push_back(fingerprint);
        if self.seen_by_age.len() > SEEN_MAX
            && let Some(oldest) = self.seen_by_age.pop_front()
        {
            self.seen.remove(&oldest);
        }
        false
    }
}
