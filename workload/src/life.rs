//! The life of one order: what becomes of it is drawn when it is created, then played step by step.
//!
//! ```text
//! created ─▶ submitted ─▶ acknowledged ─▶ [reduced] ─▶ [partially filled]* ─▶ filled | cancelled ─▶ lifecycle
//!                   └───▶ rejected                └─▶ stands to the end of the session
//! ```

use blotter_engine::event::Side;

use crate::prng::Prng;
use crate::text::InlineText;

/// Out of a million orders. Together with the mean of the fills they give the mix of the session.
const REJECTED: u64 = 3_400;
const FILLED: u64 = 61_000;
const CANCELLED: u64 = 724_000;
const CANCELLED_AFTER_A_FILL: u64 = 56_000;
const REDUCED: u64 = 4_400;

/// An order under way.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) order_id: InlineText<32>,
    pub(crate) correlation_id: InlineText<32>,
    pub(crate) market: usize,
    pub(crate) strategy: usize,
    pub(crate) side: Side,
    pub(crate) quantity: i64,
    pub(crate) remaining: i64,
    pub(crate) price_cents: i64,
    pub(crate) created_ns: i64,
    /// Events of the order so far.
    pub(crate) events: i64,
    /// What is still to happen, the next thing last.
    pub(crate) to_come: Plan,
    /// Time from one thing to the next once it stands.
    pub(crate) pause_ns: i64,
}

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Submit,
    Acknowledge,
    Reject,
    Reduce,
    FillSome,
    FillRest,
    Cancel,
}

/// Steps to come, a stack of at most eight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    steps: [Step; 8],
    count: usize,
}

impl Plan {
    /// Draws what becomes of an order of that quantity.
    pub(crate) fn draw(random: &mut Prng, quantity: i64) -> Plan {
        let mut plan = Plan { steps: [Step::Cancel; 8], count: 0 };
        let fate = random.below(1_000_000);
        if fate < REJECTED {
            plan.push(Step::Reject);
        } else {
            if fate < REJECTED + FILLED {
                plan.push(Step::FillRest);
                // One to four executions, two in the mean.
                for _ in 1..[1, 1, 1, 1, 2, 2, 2, 3, 3, 4][random.below(10) as usize] {
                    plan.push(Step::FillSome);
                }
            } else if fate < REJECTED + FILLED + CANCELLED {
                plan.push(Step::Cancel);
                if quantity > 1 && random.chance(CANCELLED_AFTER_A_FILL) {
                    plan.push(Step::FillSome);
                }
            }
            if quantity > 1 && random.chance(REDUCED) {
                plan.push(Step::Reduce);
            }
            plan.push(Step::Acknowledge);
        }
        plan.push(Step::Submit);
        plan
    }

    fn push(&mut self, step: Step) {
        self.steps[self.count] = step;
        self.count += 1;
    }

    /// Takes the next step.
    pub(crate) fn pop(&mut self) -> Option<Step> {
        self.count = self.count.checked_sub(1)?;
        Some(self.steps[self.count])
    }

    /// The step after the one taken.
    pub(crate) fn peek(&self) -> Option<Step> {
        self.count.checked_sub(1).map(|last| self.steps[last])
    }
}

impl Life {
    /// Time until the next step: the way to the venue and back first, then as patient as the order is.
    pub(crate) fn until_next_ns(&self, random: &mut Prng) -> Option<i64> {
        Some(match self.to_come.peek()? {
            Step::Submit => 1_000 * random.within(8, 180),
            Step::Acknowledge | Step::Reject => random.within(250_000, 1_500_000),
            _ => self.pause_ns + random.within(0, self.pause_ns / 8),
        })
    }

    /// Takes one execution from what remains: all of it, or some that leaves something.
    pub(crate) fn fill(&mut self, random: &mut Prng, is_last: bool) -> i64 {
        let quantity = if is_last || self.remaining == 1 {
            self.remaining
        } else {
            random.within(1, self.remaining - 1)
        };
        self.remaining -= quantity;
        quantity
    }
}
