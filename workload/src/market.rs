//! What is traded and by whom: symbols with a price that wanders, strategies with positions.

use blotter_engine::event::Side;

use crate::prng::Prng;

/// Symbols and the price, in cents, each starts from.
pub(crate) const SYMBOLS: [(&str, i64); 12] = [
    ("AMZN", 22_381),
    ("AAPL", 58_733),
    ("MSFT", 3_095),
    ("GOOG", 57_774),
    ("INTC", 2_736),
    ("CSCO", 1_720),
    ("ORCL", 2_878),
    ("QCOM", 5_711),
    ("NVDA", 1_264),
    ("SBUX", 5_422),
    ("EBAY", 4_138),
    ("COST", 9_318),
];

/// Strategies.
pub(crate) const STRATEGIES: [&str; 8] =
    ["market_maker", "momentum", "mean_reversion", "vwap_exec", "twap_exec", "breakout", "pairs", "stat_arb"];

/// Cheapest price, in cents: a price that wandered to nothing would be no market.
const PRICE_CENTS_MIN: i64 = 100;

/// One symbol's market.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub(crate) symbol: &'static str,
    /// Best bid, in cents.
    pub(crate) bid_cents: i64,
    /// Best ask less best bid, in cents.
    pub(crate) spread_cents: i64,
    /// Position of each strategy.
    positions: [i64; STRATEGIES.len()],
}

impl Market {
    pub(crate) fn new((symbol, price_cents): (&'static str, i64)) -> Market {
        Market { symbol, bid_cents: price_cents, spread_cents: 2, positions: [0; STRATEGIES.len()] }
    }

    /// Lets the price wander by a cent or not.
    pub(crate) fn wander(&mut self, random: &mut Prng) {
        self.bid_cents = (self.bid_cents + random.within(-1, 1)).max(PRICE_CENTS_MIN);
        self.spread_cents = (self.spread_cents + random.within(-1, 1)).clamp(1, 9);
    }

    /// The price a passive order of that side would ask, a few cents from the best one.
    pub(crate) fn passive_price_cents(&self, side: Side, random: &mut Prng) -> i64 {
        let away = random.of_any_size(0, 5) - 1;
        match side {
            Side::Sell => self.bid_cents + self.spread_cents + away,
            _ => (self.bid_cents - away).max(1),
        }
    }

    /// The strategy's position after it traded.
    pub(crate) fn trade(&mut self, strategy: usize, side: Side, quantity: i64) -> i64 {
        let position = &mut self.positions[strategy];
        *position += if side == Side::Sell { -quantity } else { quantity };
        *position
    }
}
