//! One order on its way through the fold.

use blotter_engine::event::{OrderStatus, Side, Timestamp, names};
use rust_decimal::Decimal;
use smol_str::SmolStr;

use super::facts::{Fact, Facts};
use super::fold::{text, text_bytes};
use super::life::Transition;
use crate::datum::DatumRef;

/// What a time is before it is known.
pub(super) const UNKNOWN: i64 = i64::MIN;

/// Texts of which there are few: symbols, strategies.
#[derive(Default)]
pub(crate) struct Words {
    words: Vec<SmolStr>,
    bytes: usize,
}

/// One of [`Words`]; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word(u32);

impl Words {
    fn add(&mut self, text: &str) -> Word {
        // They are few, and those of late are asked for again.
        if let Some(at) = self.words.iter().rposition(|word| word == text) {
            return Word(at as u32 + 1);
        }
        self.bytes += size_of::<SmolStr>() + text_bytes(text);
        self.words.push(text.into());
        Word(self.words.len() as u32)
    }

    pub(crate) fn get(&self, word: Word) -> Option<&SmolStr> {
        self.words.get((word.0 as usize).checked_sub(1)?)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// See the module. What few orders have is in `rare`.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) order_id: SmolStr,
    pub(crate) correlation_id: SmolStr,
    pub(crate) symbol: Word,
    pub(crate) strategy: Word,
    pub(crate) side: Word,
    pub(crate) order_type: Word,
    pub(crate) session_id: Word,
    pub(super) first: (i64, u64),
    pub(super) last: i64,
    pub(super) created: i64,
    pub(super) submitted: i64,
    pub(super) acknowledged: i64,
    pub(super) first_fill: i64,
    pub(super) last_fill: i64,
    pub(super) ended: i64,
    pub(crate) quantity: Option<Decimal>,
    pub(crate) price: Option<Decimal>,
    pub(crate) commission: Option<Decimal>,
    /// Sum of its fills; `None` if it is more than a decimal holds.
    pub(super) filled: Option<Decimal>,
    /// Sum of price times quantity of its priced fills; `None` likewise.
    pub(super) notional: Option<Decimal>,
    pub(crate) events: u32,
    pub(crate) fills: u32,
    pub(crate) errors: u32,
    pub(crate) illegal_transitions: u32,
    pub(crate) status: Option<OrderStatus>,
    pub(super) buys: Option<Side>,
    /// Whether its last status was told with a fill, and without one.
    told_with_fill: bool,
    told_without_fill: bool,
    rare: Option<Box<Rare>>,
}

// A day has a million of them.
const _: () = assert!(size_of::<Folded>() <= 320);

/// What few orders have.
#[derive(Debug, Default)]
pub(crate) struct Rare {
    pub(crate) decision_price: Option<Decimal>,
    pub(crate) parent_order_id: Option<SmolStr>,
    pub(crate) replaces: Option<SmolStr>,
    pub(crate) replaced_by: Option<SmolStr>,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) error_seqs: Vec<u64>,
    /// Fills that were told again.
    pub(crate) duplicates: u32,
    /// What the venue said is filled in all, and remains, and at which average.
    pub(crate) announced_quantity: Option<Decimal>,
    pub(crate) remaining_quantity: Option<Decimal>,
    pub(super) announced_average: Option<Decimal>,
    exec_ids: Vec<SmolStr>,
    /// Quantity of fills without a price.
    pub(super) unpriced: Decimal,
    /// Sum of recorded slippage times quantity, and of those quantities.
    pub(super) slippage: Decimal,
    pub(super) slippage_quantity: Decimal,
}

fn decimal(value: DatumRef<'_>) -> Option<Decimal> {
    value.to_datum().as_decimal()
}

fn set_first(time: &mut i64, ts: Timestamp) {
    if *time == UNKNOWN {
        *time = ts.nanos();
    }
}

impl Folded {
    pub(super) fn new(order_id: SmolStr) -> Folded {
        Folded {
            order_id,
            correlation_id: SmolStr::default(),
            symbol: Word::default(),
            strategy: Word::default(),
            side: Word::default(),
            order_type: Word::default(),
            session_id: Word::default(),
            first: (0, 0),
            last: UNKNOWN,
            created: UNKNOWN,
            submitted: UNKNOWN,
            acknowledged: UNKNOWN,
            first_fill: UNKNOWN,
            last_fill: UNKNOWN,
            ended: UNKNOWN,
            quantity: None,
            price: None,
            commission: None,
            filled: Some(Decimal::ZERO),
            notional: Some(Decimal::ZERO),
            events: 0,
            fills: 0,
            errors: 0,
            illegal_transitions: 0,
            status: None,
            buys: None,
            told_with_fill: false,
            told_without_fill: false,
            rare: None,
        }
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// An error on its way; how many bytes more it takes.
    pub(super) fn error(&mut self, seq: u64) -> usize {
        let before = self.rare_bytes();
        self.errors += 1;
        self.rare_mut().error_seqs.push(seq);
        self.rare_bytes() - before
    }

    /// An order event; how many bytes more it takes.
    pub(super) fn step(
        &mut self,
        event: &impl Facts,
        (ts, seq): (Timestamp, u64),
        words: &mut Words,
    ) -> usize {
        let before = self.rare_bytes() + text_bytes(&self.correlation_id);
        if self.events == 0 {
            self.first = (ts.nanos(), seq);
        }
        self.events += 1;
        self.last = ts.nanos();
        let name = event.fact(Fact::Event);
        let name = if let DatumRef::Str(name) = name { name } else { "" };
        self.learn(event, name, words);
        // A quantity of nothing is a report of a venue that is no fill.
        let fill = decimal(event.fact(Fact::FillQuantity)).filter(|quantity| !quantity.is_zero());
        let is_repeated = fill.is_some() && self.is_repeated(event);
        if is_repeated {
            self.rare_mut().duplicates += 1;
        } else {
            if let Some(quantity) = fill {
                self.fill(event, quantity, ts);
            }
            if let Some(status) = status_of(event, name) {
                self.turn(status, fill.is_some(), ts, seq);
            }
        }
        self.rare_bytes() + text_bytes(&self.correlation_id) - before
    }

    /// Who and what it is: the first event that has it tells.
    fn learn(&mut self, event: &impl Facts, name: &str, words: &mut Words) {
        let word = |word: &mut Word, fact: Fact, words: &mut Words| {
            if *word == Word::default()
                && let Some(text) = text(event.fact(fact))
            {
                *word = words.add(&text);
            }
        };
        word(&mut self.symbol, Fact::Symbol, words);
        word(&mut self.strategy, Fact::Strategy, words);
        word(&mut self.side, Fact::Side, words);
        word(&mut self.order_type, Fact::OrderType, words);
        word(&mut self.session_id, Fact::SessionId, words);
        if self.buys.is_none() {
            self.buys = words.get(self.side).and_then(|side| Side::from_word(side));
        }
        if self.correlation_id.is_empty()
            && let Some(id) = text(event.fact(Fact::CorrelationId))
        {
            self.correlation_id = id.into();
        }
        let is_amended = name == names::ORDER_AMENDED;
        if is_amended || self.price.is_none() {
            self.price = decimal(event.fact(Fact::Price)).or(self.price);
        }
        // What a reduction says is how much was withdrawn.
        if is_amended || self.quantity.is_none() && name != names::ORDER_REDUCED {
            self.quantity = decimal(event.fact(Fact::Quantity)).or(self.quantity);
        }
        self.learn_rare(event);
    }

    fn learn_rare(&mut self, event: &impl Facts) {
        if let Some(price) = decimal(event.fact(Fact::DecisionPrice)) {
            self.rare_mut().decision_price.get_or_insert(price);
        }
        if let Some(id) = text(event.fact(Fact::ParentOrderId)) {
            self.rare_mut().parent_order_id.get_or_insert_with(|| id.into());
        }
        if let Some(id) = text(event.fact(Fact::Replaces)) {
            self.rare_mut().replaces.get_or_insert_with(|| id.into());
        }
        if let Some(id) = text(event.fact(Fact::ReplacedBy)) {
            self.rare_mut().replaced_by.get_or_insert_with(|| id.into());
        }
        if let Some(quantity) = decimal(event.fact(Fact::FilledQuantity)) {
            let announced = &mut self.rare_mut().announced_quantity;
            *announced = (*announced).max(Some(quantity));
        }
        if let Some(quantity) = decimal(event.fact(Fact::RemainingQuantity)) {
            self.rare_mut().remaining_quantity = Some(quantity);
        }
        // Venues say an average of nothing with 0.
        if let Some(price) = decimal(event.fact(Fact::AveragePrice)).filter(|price| !price.is_zero()) {
            self.rare_mut().announced_average = Some(price);
        }
    }

    /// Whether a fill was told before: one with the same id of its execution.
    fn is_repeated(&mut self, event: &impl Facts) -> bool {
        let Some(id) = text(event.fact(Fact::ExecId)) else { return false };
        let ids = &mut self.rare_mut().exec_ids;
        let is_known = ids.iter().any(|known| *known == *id);
        if !is_known {
            ids.push(id.into());
        }
        is_known
    }

    fn fill(&mut self, event: &impl Facts, quantity: Decimal, ts: Timestamp) {
        self.fills += 1;
        set_first(&mut self.first_fill, ts);
        self.last_fill = ts.nanos();
        self.filled = self.filled.and_then(|filled| filled.checked_add(quantity));
        match decimal(event.fact(Fact::FillPrice)) {
            Some(price) => {
                let value = price.checked_mul(quantity);
                let sum = |notional: Decimal| notional.checked_add(value?);
                self.notional = self.notional.and_then(sum);
            }
            None => {
                let rare = self.rare_mut();
                rare.unpriced = rare.unpriced.saturating_add(quantity);
            }
        }
        if let Some(commission) = decimal(event.fact(Fact::Commission)) {
            self.commission = self.commission.unwrap_or_default().checked_add(commission).or(self.commission);
        }
        if self.reference().is_none()
            && let Some(slippage) = decimal(event.fact(Fact::SlippageBps))
            && let Some(weighted) = slippage.checked_mul(quantity)
        {
            let rare = self.rare_mut();
            rare.slippage = rare.slippage.saturating_add(weighted);
            rare.slippage_quantity = rare.slippage_quantity.saturating_add(quantity);
        }
    }

    /// The next status. What may not follow is noted, and, unless it ends the order, changes nothing else.
    fn turn(&mut self, next: OrderStatus, has_fill: bool, ts: Timestamp, seq: u64) {
        match next {
            OrderStatus::Created => set_first(&mut self.created, ts),
            OrderStatus::Submitted => set_first(&mut self.submitted, ts),
            OrderStatus::Acknowledged => set_first(&mut self.acknowledged, ts),
            _ if next.is_final() => set_first(&mut self.ended, ts),
            _ => {}
        }
        let told = if has_fill { self.told_with_fill } else { self.told_without_fill };
        if let Some(current) = self.status {
            // The fill itself and its announcement are one step.
            let is_announced = current == next && next == OrderStatus::Filled && !told;
            if !is_announced && !current.can_become(next) {
                self.illegal_transitions += 1;
                self.rare_mut().transitions.push(Transition { ts, seq, from: current, to: next });
                if !next.is_final() {
                    return;
                }
            }
        }
        if self.status != Some(next) {
            (self.told_with_fill, self.told_without_fill) = (false, false);
        }
        self.status = Some(next);
        match has_fill {
            true => self.told_with_fill = true,
            false => self.told_without_fill = true,
        }
    }

    fn rare_bytes(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| {
            size_of::<Rare>()
                + rare.transitions.capacity() * size_of::<Transition>()
                + rare.error_seqs.capacity() * size_of::<u64>()
                + rare.exec_ids.capacity() * size_of::<SmolStr>()
                + rare.exec_ids.iter().map(|id| text_bytes(id)).sum::<usize>()
        })
    }
}

/// The status that an event says its order has now.
pub(super) fn status_of(event: &impl Facts, name: &str) -> Option<OrderStatus> {
    let word = match event.fact(Fact::Status) {
        DatumRef::Str(word) => word,
        _ => "",
    };
    OrderStatus::of_event(name, word)
}
