//! The syntax tree: what was written, before names and types are known.
//!
//! Every node carries the bytes of the text it came from; equality ignores them, so that a tree can be compared
//! with the tree of its printed form.

use rust_decimal::Decimal;

/// Bytes of the query text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// From the start of one to the end of another.
    pub fn to(self, end: Span) -> Span {
        Span { start: self.start, end: end.end }
    }
}

/// A node with its place. Equal if the nodes are, wherever they stand.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The node.
    pub node: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A node at its place.
    pub fn new(node: T, span: Span) -> Spanned<T> {
        Spanned { node, span }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Spanned<T>) -> bool {
        self.node == other.node
    }
}

/// The name of a field or column.
pub type Name = Spanned<String>;

/// `[filter] { "|" stage }`
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Query {
    /// Which events; all if there is none.
    pub filter: Option<Filter>,
    /// What becomes of them, in order.
    pub stages: Vec<Spanned<Stage>>,
}

/// A condition on a row.
pub type Filter = Spanned<FilterKind>;

/// See [`Filter`]. `And` and `Or` have two parts or more, and none of their own kind directly within.
#[derive(Clone, Debug, PartialEq)]
pub enum FilterKind {
    /// All hold.
    And(Vec<Filter>),
    /// One holds at least.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// `left op right`. On the left of every comparison stand a field, a call, or arithmetic in braces; on the right
    /// a literal, a `$parameter`, a call, or arithmetic in braces.
    Compare {
        /// What is compared.
        left: Expr,
        /// How.
        op: CompareOp,
        /// With what.
        right: Expr,
    },
    /// `left in (a, b)`, `left not in (a, b)`.
    In {
        /// What is compared.
        left: Expr,
        /// With what; one at least.
        values: Vec<Expr>,
        /// `not in`.
        negated: bool,
    },
    /// `left between low and high`, both included.
    Between {
        /// What is compared.
        left: Expr,
        /// The least that holds.
        low: Expr,
        /// The greatest that holds.
        high: Expr,
    },
    /// `left ~ "regex"`, `left !~ "regex"`.
    Regex {
        /// What is matched.
        left: Expr,
        /// The regular expression.
        pattern: Spanned<String>,
        /// `!~`.
        negated: bool,
    },
    /// `left like "glob*"`: `*` any characters, `?` one.
    Like {
        /// What is matched.
        left: Expr,
        /// The pattern.
        pattern: Spanned<String>,
    },
    /// `left contains "text"`.
    Contains {
        /// What is searched.
        left: Expr,
        /// What it holds.
        text: Spanned<String>,
    },
    /// `exists field`.
    Exists(Name),
    /// `missing field`.
    Missing(Name),
    /// A bare word: stands in the message as a whole word, in any case. `prefix`: written `word*`, words that begin so.
    Word {
        /// The word, without the `*`.
        text: String,
        /// Whether there was one.
        prefix: bool,
    },
    /// A quoted phrase: stands in the message between word boundaries, in any case.
    Phrase(String),
    /// `last 15m`: not before now less that many nanoseconds.
    Last(Literal),
    /// `since T [tz ZONE]`: at or after.
    Since(TimeTerm),
    /// `until T [tz ZONE]`: before.
    Until(TimeTerm),
    /// `on 2026-01-02 [tz ZONE]`, `on today`, `on yesterday`: that day in the zone.
    On(TimeTerm),
}

/// A point in time as written, and the zone it is read in, if that is not the session's.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeTerm {
    /// `2026-01-02`, `2026-01-02T14:30:00.5Z`, `14:30`, `-2h`, `now`, `today`, `yesterday`.
    pub point: Spanned<String>,
    /// `America/New_York`, `UTC`.
    pub zone: Option<Spanned<String>>,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A value computed from a row.
pub type Expr = Spanned<ExprKind>;

/// See [`Expr`].
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Literal),
    /// `$name`: a value given beside the text.
    Parameter(String),
    /// A field.
    Field(String),
    /// `-x`
    Negate(Box<Expr>),
    /// `a + b`
    Binary {
        /// What is done.
        op: BinaryOp,
        /// Left of the sign.
        left: Box<Expr>,
        /// Right of it.
        right: Box<Expr>,
    },
    /// `function(a, b)`
    Call {
        /// The name as it was written.
        function: Name,
        /// What it is given.
        arguments: Vec<Expr>,
    },
    /// `if(condition, then, otherwise)`
    If {
        /// What is asked of the row.
        condition: Box<Filter>,
        /// The value if it holds.
        then: Box<Expr>,
        /// The value if it does not.
        otherwise: Box<Expr>,
    },
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// A literal: its text, and what the text can mean. What it does mean depends on what it is compared with: `5m` is a
/// duration against `latency_us` and a text against `symbol`.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// As written, without quotes and with escapes resolved.
    pub text: String,
    /// What it can mean beside the text.
    pub kind: LiteralKind,
}

/// See [`Literal`].
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralKind {
    /// Text in quotes: text only.
    Quoted,
    /// A bare word: text, or whatever the field makes of it (a level, a time).
    Word,
    /// `100`, `1.50`, `1e-7`, `-3`, `100_000`: exact.
    Number(Decimal),
    /// `true`, `false`.
    Bool(bool),
    /// `null`, in arithmetic only.
    Null,
    /// `1ms`, `-2h`, `1.5s`: nanoseconds.
    Duration(i64),
    /// `64kb`, `2MiB`: bytes.
    Size(Decimal),
    /// `5%`: the number before the sign.
    Percent(Decimal),
    /// `5bps`: the number before the unit.
    BasisPoints(Decimal),
}

/// An expression with the name of the column it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The expression.
    pub expr: Expr,
    /// `as name`; the default is made of the expression.
    pub name: Option<Name>,
}

/// A key to sort by.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// The value.
    pub expr: Expr,
    /// Greatest first.
    pub descending: bool,
}

/// `count()`, `avg(price) as mean`, `count(where status = filled)`, `sum(quantity where side = BUY)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The function.
    pub function: AggregateFunction,
    /// Its arguments.
    pub arguments: Vec<Expr>,
    /// Rows that it takes; all if there is none.
    pub condition: Option<Filter>,
    /// `as name`.
    pub name: Option<Name>,
}

/// See the language reference for what each gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AggregateFunction {
    /// `count()`, `count(x)`: rows, or rows that have x.
    Count,
    /// `sum(x)`: exact for whole numbers and decimals.
    Sum,
    /// `avg(x)`
    Avg,
    /// `min(x)`
    Min,
    /// `max(x)`
    Max,
    /// `stddev(x)`: of a sample.
    Stddev,
    /// `median(x)`: the 50th percentile, under a name of its own.
    Median,
    /// `p50(x)`, `p99(x)`, `p99.9(x)`: nearest rank, exact. The number is the percentile.
    Percentile(Decimal),
    /// `distinct(x)`: number of distinct values.
    Distinct,
    /// `first(x)`: of the earliest row that has x.
    First,
    /// `last(x)`: of the latest row that has x.
    Last,
    /// `arg_max(x, y)`: y of the first row in which x is greatest.
    ArgMax,
    /// `arg_min(x, y)`
    ArgMin,
    /// `rate()`, `rate(x)`: count, or sum of x, per second of the bin or of the time covered.
    Rate,
}

impl AggregateFunction {
    /// Whether it looks at the time of rows besides its arguments.
    pub(crate) fn needs_time(self) -> bool {
        self == AggregateFunction::Rate
    }
}

/// One step of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// `where filter`
    Where(Filter),
    /// `fields a, b as c`: these columns in this order.
    Fields(Vec<Named>),
    /// `fields except a, b`: all others.
    FieldsExcept(Vec<Name>),
    /// `extend x = expr, y = expr`
    Extend(Vec<(Name, Expr)>),
    /// `sort a desc, b`
    Sort(Vec<SortKey>),
    /// `head n`, `limit n`: the first rows.
    Head(Spanned<u64>),
    /// `tail n`: the last rows.
    Tail(Spanned<u64>),
    /// `distinct [a, b]`: the first row of each combination, with these columns only.
    Distinct(Vec<Named>),
    /// `top n expr [by aggregate]`: the values with the most rows, or the greatest aggregate.
    Top {
        /// How many.
        count: Spanned<u64>,
        /// Whose values.
        key: Named,
        /// What makes one greater than another; the number of rows if there is none.
        by: Option<Aggregate>,
    },
    /// `sample n`, `sample 1%`: the same rows each time.
    Sample(Sample),
    /// `stats aggregates [by keys]`
    Stats {
        /// What is computed.
        aggregates: Vec<Aggregate>,
        /// For each combination of these.
        by: Vec<Named>,
    },
    /// `bin(field, width[, zone]) [as name]`: brings the field down to the start of its bin.
    Bin {
        /// A call of `bin`.
        expr: Expr,
        /// `as name`; the default is the field's own.
        name: Option<Name>,
    },
    /// `histogram(expr[, width])`: rows per range of values.
    Histogram {
        /// What is counted by its value.
        expr: Expr,
        /// How wide the ranges are.
        width: Option<Literal>,
    },
    /// `timeline [span] [tz ZONE] [by expr]`: rows per stretch of time, empty ones included.
    Timeline {
        /// How long the stretches are.
        span: Option<Literal>,
        /// The zone whose days they begin with.
        zone: Option<Spanned<String>>,
        /// Counted for each value of this.
        by: Option<Named>,
    },
    /// `prev a, b as c [by key]`, `next ...`, `delta ...`: values of the row before or after with the same key.
    Shift {
        /// Which row.
        kind: ShiftKind,
        /// The values taken from it.
        items: Vec<Named>,
        /// Rows are neighbours among those that agree in these.
        by: Vec<Expr>,
    },
    /// `sessions by a, b [maxspan 5m] [maxpause 30s]`
    Sessions {
        /// Each combination has sessions of its own.
        by: Vec<Named>,
        /// The longest session.
        max_span: Option<Literal>,
        /// The longest silence within one. One of the two is given at least.
        max_pause: Option<Literal>,
    },
    /// `related [a [-> b]]`
    Related {
        /// The field of the rows.
        from: Option<Name>,
        /// The field of the events that are looked for; given only if `from` is.
        to: Option<Name>,
    },
    /// `context 5s 5s [where filter] [by field]`
    Context {
        /// How long before each row.
        before: Literal,
        /// How long after it.
        after: Literal,
        /// Which events.
        filter: Option<Filter>,
        /// Only events that agree with the row in this.
        by: Option<Name>,
    },
    /// `asof (query) by a, b [within 5s]`
    Asof {
        /// The other rows.
        query: Box<Spanned<Query>>,
        /// Rows agree in these.
        by: Vec<Name>,
        /// How old the other row may be.
        within: Option<Literal>,
    },
    /// `join (query) on a = b, c`, `join left (query) on ...`
    Join {
        /// The other rows.
        query: Box<Spanned<Query>>,
        /// Pairs of equal fields, of these rows and of the other ones.
        on: Vec<(Name, Name)>,
        /// `join left`: rows without another one are kept.
        keep_unmatched: bool,
    },
    /// `lifecycle`, `lifecycle of rows`: one row per order.
    Lifecycle {
        /// Only what the rows tell of their orders, rather than all events of these orders.
        of_rows: bool,
    },
    /// `gaps`
    Gaps,
    /// `tz ZONE`: the zone of the stages that follow, and of the times shown.
    Zone(Spanned<String>),
    /// `explain`: how the query was run, instead of its rows.
    Explain,
}

/// How much is sampled.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// That many rows.
    Rows(Spanned<u64>),
    /// That share of the rows, in percent.
    Percent(Spanned<Decimal>),
}

/// Which row a [`Stage::Shift`] looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShiftKind {
    /// The row before: `prev_NAME`.
    Prev,
    /// The row after: `next_NAME`.
    Next,
    /// This row's value less that of the row before: `delta_NAME`.
    Delta,
}
