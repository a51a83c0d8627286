//! Random trees, such as parsing can give: what holds of every parsed tree holds of them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use rust_decimal::Decimal;

use crate::syntax::ast::*;
use crate::syntax::{lexical, literal, names, words};

/// A query, with queries nested in it to a depth; `explain` ends only the outermost.
pub(crate) fn query(depth: u32) -> BoxedStrategy<Query> {
    (pipeline(depth), any::<bool>())
        .prop_map(|(mut query, explain)| {
            query.stages.extend(explain.then(|| spanned(Stage::Explain)));
            query
        })
        .boxed()
}

fn pipeline(depth: u32) -> BoxedStrategy<Query> {
    (option::of(filter(2)), vec(stage(depth), 0..4))
        .prop_map(|(filter, stages)| Query { filter, stages: stages.into_iter().map(spanned).collect() })
        .boxed()
}

fn spanned<T>(node: T) -> Spanned<T> {
    Spanned::new(node, Span::default())
}

/// Any text, signs and line ends among it.
fn text() -> BoxedStrategy<String> {
    prop_oneof!["[a-zA-Z ]{0,8}", "(?s).{0,6}", r#"["'\\`$#{}()|,\n\t\r!=<>~ud]{0,8}"#].boxed()
}

/// Any text but the empty one.
fn filled_text() -> BoxedStrategy<String> {
    text().prop_map(|text| if text.is_empty() { " ".to_owned() } else { text }).boxed()
}

/// The name of a field; one that is a keyword, or needs backticks, too.
pub(crate) fn name() -> BoxedStrategy<Name> {
    prop_oneof![
        4 => select(vec!["ts", "symbol", "price", "quantity", "latency_us", "status", "level", "message"])
            .prop_map(str::to_owned),
        1 => select([words::KEYWORDS, words::CONSTANTS].concat()).prop_map(str::to_owned),
        1 => select(words::KEYWORDS).prop_map(str::to_uppercase),
        1 => "[A-Za-z_][A-Za-z0-9_.]{0,6}",
        1 => filled_text(),
    ]
    .prop_map(spanned)
    .boxed()
}

/// A value as it stands in a filter.
fn filter_literal() -> BoxedStrategy<Literal> {
    prop_oneof![
        select(vec![
            "AAPL",
            "trade_12345",
            "BRK.B",
            "on",
            "last",
            "2026-01-02T14:30:00Z",
            "-15m",
            "a/b",
            "x:y",
            "5%"
        ])
        .prop_map(literal::of_word),
        "[+-]?[0-9]{1,4}(\\.[0-9]{1,4})?(e-?[0-9])?(ns|us|µs|ms|s|m|h|d|w|kb|MiB|b|%|bps)?"
            .prop_map(|text| literal::of_word(&text)),
        "[A-Za-z0-9_.:/+%;é-]{1,10}".prop_filter_map("a word that stands as it is", |text| {
            let refused = ["and", "or", "not", "null"].iter().any(|word| text.eq_ignore_ascii_case(word));
            (!refused && !text.ends_with(';')).then(|| literal::of_word(&text))
        }),
        text().prop_map(literal::of_quoted),
    ]
    .boxed()
}

/// A value as it stands in an expression.
fn expression_literal() -> BoxedStrategy<Literal> {
    prop_oneof![
        prop_oneof![
            "[0-9]{1,4}(\\.[0-9]{1,4})?(e-?[0-9])?(kb|MiB|b|%|bps)?",
            "[0-9]{1,4}(\\.[0-9]{1,3})?(us|µs|ms|s|m|h|d|w)",
        ]
        .prop_map(|text| literal::of_word(&text)),
        any::<bool>().prop_map(|value| literal::of_word(&value.to_string())),
        Just(Literal { text: "null".to_owned(), kind: LiteralKind::Null }),
        text().prop_map(literal::of_quoted),
    ]
    .boxed()
}

/// A stretch of time.
pub(crate) fn duration() -> BoxedStrategy<Literal> {
    prop_oneof!["[1-9][0-9]{0,3}(\\.[1-9])?(us|ms|s|m|h|d)", "[1-9]h[1-9]{1,2}m"]
        .prop_map(|text| literal::of_word(&text))
        .prop_filter("a duration", |literal| matches!(literal.kind, LiteralKind::Duration(_)))
        .boxed()
}

fn parameter() -> impl Strategy<Value = ExprKind> {
    "[a-z_][a-z0-9_]{0,4}".prop_map(ExprKind::Parameter)
}

/// An expression, nested to a depth.
pub(crate) fn expr(depth: u32) -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![
        3 => name().prop_map(|name| ExprKind::Field(name.node)),
        3 => expression_literal().prop_map(ExprKind::Literal),
        1 => parameter(),
    ];
    if depth == 0 {
        return leaf.prop_map(spanned).boxed();
    }
    let inner = expr(depth - 1);
    let boxed = || inner.clone().prop_map(Box::new);
    let op = select(vec![
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::Divide,
        BinaryOp::Remainder,
    ]);
    prop_oneof![
        2 => leaf,
        1 => boxed().prop_map(ExprKind::Negate),
        3 => (op, boxed(), boxed()).prop_map(|(op, left, right)| ExprKind::Binary { op, left, right }),
        2 => call(inner.clone()),
        1 => (filter(depth - 1), boxed(), boxed()).prop_map(|(condition, then, otherwise)| ExprKind::If {
            condition: Box::new(condition),
            then,
            otherwise
        }),
    ]
    .prop_map(spanned)
    .boxed()
}

fn call(argument: BoxedStrategy<Expr>) -> impl Strategy<Value = ExprKind> {
    let functions: Vec<_> = words::names(words::FUNCTIONS)
        .filter(|name| *name != "if")
        .chain(["avg", "count", "last", "p99.9", "my.function"])
        .collect();
    (select(functions), vec(argument, 0..4)).prop_map(|(function, arguments)| ExprKind::Call {
        function: spanned(function.to_owned()),
        arguments,
    })
}

/// What can stand on a side of a comparison.
fn side(depth: u32, literal: BoxedStrategy<Literal>) -> BoxedStrategy<Expr> {
    prop_oneof![
        6 => literal.prop_map(ExprKind::Literal).prop_map(spanned),
        2 => expr(depth),
    ]
    .boxed()
}

/// A condition, nested to a depth.
pub(crate) fn filter(depth: u32) -> BoxedStrategy<Filter> {
    let left = || {
        prop_oneof![
            6 => name().prop_map(|name| spanned(ExprKind::Field(name.node))),
            1 => expr(depth),
        ]
        .boxed()
    };
    let right = side(depth, filter_literal());
    let op = select(vec![
        CompareOp::Equal,
        CompareOp::NotEqual,
        CompareOp::Less,
        CompareOp::LessOrEqual,
        CompareOp::Greater,
        CompareOp::GreaterOrEqual,
    ]);
    let string = || text().prop_map(spanned);
    let term = || {
        (text().prop_map(spanned), option::of(text().prop_map(spanned)))
            .prop_map(|(point, zone)| TimeTerm { point, zone })
    };
    let leaf = prop_oneof![
        6 => (left(), op, right.clone()).prop_map(|(left, op, right)| FilterKind::Compare { left, op, right }),
        1 => (left(), vec(right.clone(), 1..4), any::<bool>())
            .prop_map(|(left, values, negated)| FilterKind::In { left, values, negated }),
        1 => (left(), right.clone(), right).prop_map(|(left, low, high)| FilterKind::Between { left, low, high }),
        1 => (left(), string(), any::<bool>())
            .prop_map(|(left, pattern, negated)| FilterKind::Regex { left, pattern, negated }),
        1 => (left(), string()).prop_map(|(left, pattern)| FilterKind::Like { left, pattern }),
        1 => (left(), string()).prop_map(|(left, text)| FilterKind::Contains { left, text }),
        1 => name().prop_map(FilterKind::Exists),
        1 => name().prop_map(FilterKind::Missing),
        1 => word(),
        1 => filled_text().prop_map(FilterKind::Phrase),
        1 => duration().prop_map(FilterKind::Last),
        1 => term().prop_map(FilterKind::Since),
        1 => term().prop_map(FilterKind::Until),
        1 => term().prop_map(FilterKind::On),
    ]
    .prop_map(spanned);
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = filter(depth - 1);
    prop_oneof![
        3 => leaf,
        1 => vec(inner.clone(), 2..4).prop_map(|parts| spanned(FilterKind::And(flat(parts, true)))),
        1 => vec(inner.clone(), 2..4).prop_map(|parts| spanned(FilterKind::Or(flat(parts, false)))),
        1 => inner.prop_map(|inner| spanned(FilterKind::Not(Box::new(inner)))),
    ]
    .boxed()
}

fn flat(parts: Vec<Filter>, and: bool) -> Vec<Filter> {
    let open = |part: Filter| match part.node {
        FilterKind::And(inner) if and => inner,
        FilterKind::Or(inner) if !and => inner,
        node => vec![spanned(node)],
    };
    parts.into_iter().flat_map(open).collect()
}

/// A word to search for: no keyword, and no sign alone.
fn word() -> impl Strategy<Value = FilterKind> {
    let keyword = |text: &str| {
        words::KEYWORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
            || text.eq_ignore_ascii_case("explain")
    };
    let text = prop_oneof![
        "[A-Za-z0-9_.:/@é-]{1,10}",
        select(vec!["timeout", "order", "group", "select", "limit", "sort", "-15m", "12345", "AS"])
            .prop_map(str::to_owned),
    ];
    let compared =
        |text: &str| text.split_once(':').is_some_and(|(field, _)| lexical::is_identifier_text(field));
    text.prop_filter("a word", move |text| {
        text.chars().any(char::is_alphanumeric) && !keyword(text) && !compared(text)
    })
    .prop_flat_map(|text| {
        any::<bool>().prop_map(move |prefix| FilterKind::Word { text: text.clone(), prefix })
    })
}

fn named(depth: u32) -> impl Strategy<Value = Named> {
    (expr(depth), option::of(name())).prop_map(|(expr, name)| Named { expr, name })
}

/// An aggregate.
pub(crate) fn aggregate() -> BoxedStrategy<Aggregate> {
    use AggregateFunction as F;
    let function = prop_oneof![
        select(vec![
            F::Count,
            F::Sum,
            F::Avg,
            F::Min,
            F::Max,
            F::Stddev,
            F::Median,
            F::Distinct,
            F::First,
            F::Last,
            F::ArgMax,
            F::ArgMin,
            F::Rate,
        ]),
        (1..=1000_i64).prop_map(|tenths| F::Percentile(Decimal::new(tenths, 1))),
    ];
    (function, vec(expr(1), 2), any::<bool>(), option::of(filter(1)), option::of(name()))
        .prop_map(|(function, mut arguments, bare, condition, name)| {
            arguments.truncate(match function {
                F::Count | F::Rate => usize::from(bare),
                F::ArgMax | F::ArgMin => 2,
                _ => 1,
            });
            Aggregate { function, arguments, condition, name }
        })
        .boxed()
}

/// A stage, with queries nested in it to a depth.
pub(crate) fn stage(depth: u32) -> BoxedStrategy<Stage> {
    let count = || (0..10_000_u64).prop_map(spanned);
    let columns = |least: usize| vec(named(1), least..4);
    let shift = select(vec![ShiftKind::Prev, ShiftKind::Next, ShiftKind::Delta]);
    let sort_key = (expr(1), any::<bool>()).prop_map(|(expr, descending)| SortKey { expr, descending });
    let shape = prop_oneof![
        filter(2).prop_map(Stage::Where),
        columns(1).prop_map(Stage::Fields),
        vec(name(), 1..4).prop_map(Stage::FieldsExcept),
        vec((name(), expr(2)), 1..4).prop_map(Stage::Extend),
        vec(sort_key, 1..4).prop_map(Stage::Sort),
        count().prop_map(Stage::Head),
        count().prop_map(Stage::Tail),
        columns(0).prop_map(Stage::Distinct),
        (count(), named(1), option::of(aggregate())).prop_map(|(count, key, by)| Stage::Top {
            count,
            key,
            by
        }),
        count().prop_map(|count| Stage::Sample(Sample::Rows(count))),
        (0..=10_000_i64).prop_map(|parts| Stage::Sample(Sample::Percent(spanned(Decimal::new(parts, 2))))),
        (shift, columns(1), vec(expr(1), 0..3)).prop_map(|(kind, items, by)| Stage::Shift {
            kind,
            items,
            by
        }),
        text().prop_map(|zone| Stage::Zone(spanned(zone))),
        Just(Stage::Gaps),
        any::<bool>().prop_map(|of_rows| Stage::Lifecycle { of_rows }),
    ];
    let zone = option::of(text().prop_map(spanned));
    let width =
        option::of(prop_oneof![duration(), "[1-9][0-9]{0,3}".prop_map(|text| literal::of_word(&text))]);
    let bin = (vec(expr(1), 1..4), option::of(name())).prop_map(|(arguments, name)| {
        let function = spanned("bin".to_owned());
        Stage::Bin { expr: spanned(ExprKind::Call { function, arguments }), name }
    });
    let bounds = prop_oneof![
        duration().prop_map(|span| (Some(span), None)),
        duration().prop_map(|pause| (None, Some(pause))),
        (duration(), duration()).prop_map(|(span, pause)| (Some(span), Some(pause))),
    ];
    let summary =
        prop_oneof![
            (vec(aggregate(), 1..4), columns(0)).prop_map(|(aggregates, by)| Stage::Stats { aggregates, by }),
            bin,
            (expr(1), width).prop_map(|(expr, width)| Stage::Histogram { expr, width }),
            (option::of(duration()), zone, option::of(named(1)))
                .prop_map(|(span, zone, by)| Stage::Timeline { span, zone, by }),
            (columns(1), bounds).prop_map(|(by, (max_span, max_pause))| Stage::Sessions {
                by,
                max_span,
                max_pause
            }),
        ];
    let other = prop_oneof![
        option::of((name(), option::of(name()))).prop_map(|names| match names {
            Some((from, to)) => Stage::Related { from: Some(from), to },
            None => Stage::Related { from: None, to: None },
        }),
        (duration(), duration(), option::of(filter(1)), option::of(name()))
            .prop_map(|(before, after, filter, by)| Stage::Context { before, after, filter, by }),
    ];
    if depth == 0 {
        return prop_oneof![3 => shape, 2 => summary, 1 => other].boxed();
    }
    let inner = pipeline(depth - 1);
    let inner = inner.prop_map(|query| Box::new(spanned(query))).boxed();
    let nested = prop_oneof![
        (inner.clone(), vec(name(), 1..3), option::of(duration()))
            .prop_map(|(query, by, within)| Stage::Asof { query, by, within }),
        (inner, vec((name(), name()), 1..3), any::<bool>())
            .prop_map(|(query, on, keep_unmatched)| Stage::Join { query, on, keep_unmatched }),
    ];
    prop_oneof![3 => shape, 2 => summary, 1 => other, 1 => nested].boxed()
}

/// The names of columns are made of any tree.
#[test]
fn every_tree_names_its_columns() {
    proptest!(|(expr in expr(3), aggregate in aggregate())| {
        prop_assert!(!names::of_expr(&expr).is_empty());
        prop_assert!(!names::of_aggregate(&aggregate).is_empty());
    });
}
