//! A tree as text that parses to the same tree. Quotes and backticks stand only where they are needed; conditions are
//! joined with a written `and`, stages start on the same line.
//!
//! What holds of every tree that was parsed is relied on: `And` and `Or` have two parts or more and none of their own
//! kind; bare words hold no quotes or spaces.

use std::fmt::{self, Display, Formatter};

use super::ast::*;
use super::lexical::{self, name_text, quoted_text};
use super::literal;
use super::names;
use super::words;

impl<T: Display> Display for Spanned<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(filter) = &self.filter {
            write!(f, "{filter}")?;
        }
        for (index, stage) in self.stages.iter().enumerate() {
            let space = if index > 0 || self.filter.is_some() { " " } else { "" };
            write!(f, "{space}| {stage}")?;
        }
        Ok(())
    }
}

impl Display for FilterKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            FilterKind::Or(parts) => separated(f, parts, " or "),
            FilterKind::And(parts) => {
                let in_and = |part| Within { part, parentheses: |kind| matches!(kind, FilterKind::Or(_)) };
                separated(f, parts.iter().map(in_and), " and ")
            }
            FilterKind::Not(inner) => {
                let parentheses = |kind: &FilterKind| matches!(kind, FilterKind::Or(_) | FilterKind::And(_));
                write!(f, "not {}", Within { part: inner, parentheses })
            }
            FilterKind::Compare { left, op, right } => write!(f, "{} {op} {}", Left(left), Right(right)),
            FilterKind::In { left, values, negated } => {
                write!(f, "{} {}in (", Left(left), if *negated { "not " } else { "" })?;
                separated(f, values.iter().map(Right), ", ")?;
                f.write_str(")")
            }
            FilterKind::Between { left, low, high } => {
                write!(f, "{} between {} and {}", Left(left), Right(low), Right(high))
            }
            FilterKind::Regex { left, pattern, negated } => {
                write!(f, "{} {} {}", Left(left), if *negated { "!~" } else { "~" }, Text(&pattern.node))
            }
            FilterKind::Like { left, pattern } => write!(f, "{} like {}", Left(left), Text(&pattern.node)),
            FilterKind::Contains { left, text } => write!(f, "{} contains {}", Left(left), Text(&text.node)),
            FilterKind::Exists(name) => write!(f, "exists {}", name_text(&name.node)),
            FilterKind::Missing(name) => write!(f, "missing {}", name_text(&name.node)),
            FilterKind::Word { text, prefix } => write!(f, "{text}{}", if *prefix { "*" } else { "" }),
            FilterKind::Phrase(text) => f.write_str(&quoted_text(text)),
            FilterKind::Last(duration) => write!(f, "last {duration}"),
            FilterKind::Since(term) => write!(f, "since {term}"),
            FilterKind::Until(term) => write!(f, "until {term}"),
            FilterKind::On(term) => write!(f, "on {term}"),
        }
    }
}

/// A part of a condition, in parentheses if it binds less than what is around it.
struct Within<'a> {
    part: &'a Filter,
    parentheses: fn(&FilterKind) -> bool,
}

impl Display for Within<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if (self.parentheses)(&self.part.node) { write!(f, "({})", self.part) } else { self.part.fmt(f) }
    }
}

/// What stands left of an operator.
struct Left<'a>(&'a Expr);

impl Display for Left<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0.node {
            ExprKind::Field(_) | ExprKind::Call { .. } | ExprKind::If { .. } => self.0.fmt(f),
            _ => write!(f, "{{{}}}", self.0),
        }
    }
}

/// What stands right of an operator.
struct Right<'a>(&'a Expr);

impl Display for Right<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0.node {
            ExprKind::Literal(Literal { kind: LiteralKind::Null, .. }) => f.write_str("{null}"),
            ExprKind::Literal(_) | ExprKind::Parameter(_) | ExprKind::Call { .. } | ExprKind::If { .. } => {
                self.0.fmt(f)
            }
            _ => write!(f, "{{{}}}", self.0),
        }
    }
}

/// A pattern or text.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bare = lexical::is_plain(self.0, "*?") && !is_joint(self.0);
        f.write_str(&if bare { self.0.to_owned() } else { quoted_text(self.0) })
    }
}

/// Whether a word would be taken for the end of what stands before it.
fn is_joint(word: &str) -> bool {
    ["and", "or", "not"].iter().any(|keyword| lexical::is_keyword(word, keyword))
}

/// The name of a zone.
struct Zone<'a>(&'a Spanned<String>);

impl Display for Zone<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let zone = &self.0.node;
        f.write_str(&if lexical::is_plain(zone, "") { zone.clone() } else { quoted_text(zone) })
    }
}

impl Display for TimeTerm {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let point = &self.point.node;
        let number = matches!(literal::of_word(point).kind, LiteralKind::Number(_));
        let keyword = words::KEYWORDS.iter().any(|keyword| lexical::is_keyword(point, keyword));
        let bare = lexical::is_plain(point, "") && !keyword && !number;
        f.write_str(&if bare { point.clone() } else { quoted_text(point) })?;
        match &self.zone {
            Some(zone) => write!(f, " tz {}", Zone(zone)),
            None => Ok(()),
        }
    }
}

impl Display for CompareOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CompareOp::Equal => "=",
            CompareOp::NotEqual => "!=",
            CompareOp::Less => "<",
            CompareOp::LessOrEqual => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterOrEqual => ">=",
        })
    }
}

impl Display for BinaryOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Remainder => "%",
        })
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.kind {
            LiteralKind::Quoted => f.write_str(&quoted_text(&self.text)),
            _ => f.write_str(&self.text),
        }
    }
}

impl Display for ExprKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            ExprKind::Literal(literal) => literal.fmt(f),
            ExprKind::Parameter(name) => write!(f, "${name}"),
            ExprKind::Field(name) => f.write_str(&name_text(name)),
            ExprKind::Negate(inner) => write!(f, "-{}", Operand { expr: inner, binds: TIGHTEST }),
            ExprKind::Binary { op, left, right } => {
                let binds = op_binds(*op);
                write!(
                    f,
                    "{} {op} {}",
                    Operand { expr: left, binds },
                    Operand { expr: right, binds: binds + 1 }
                )
            }
            ExprKind::Call { function, arguments } => {
                write!(f, "{}(", function.node)?;
                separated(f, arguments, ", ")?;
                f.write_str(")")
            }
            ExprKind::If { condition, then, otherwise } => write!(f, "if({condition}, {then}, {otherwise})"),
        }
    }
}

/// An operand, in parentheses if it binds less than what is around it.
struct Operand<'a> {
    expr: &'a Expr,
    binds: u8,
}

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if binds(&self.expr.node) < self.binds { write!(f, "({})", self.expr) } else { self.expr.fmt(f) }
    }
}

/// How tightly an expression holds together.
fn binds(expr: &ExprKind) -> u8 {
    match expr {
        ExprKind::Binary { op, .. } => op_binds(*op),
        _ => TIGHTEST,
    }
}

/// Of what is no operation between two.
const TIGHTEST: u8 = 3;

fn op_binds(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Add | BinaryOp::Subtract => 1,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 2,
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        alias(f, self.name.as_ref())
    }
}

impl Display for SortKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.expr, if self.descending { " desc" } else { "" })
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", names::of_function(self.function))?;
        separated(f, &self.arguments, ", ")?;
        if let Some(condition) = &self.condition {
            let space = if self.arguments.is_empty() { "" } else { " " };
            write!(f, "{space}where {condition}")?;
        }
        f.write_str(")")?;
        alias(f, self.name.as_ref())
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Where(filter) => write!(f, "where {filter}"),
            Stage::Fields(columns) => list(f, "fields ", columns),
            Stage::FieldsExcept(names) => list(f, "fields except ", names.iter().map(Column)),
            Stage::Extend(columns) => list(f, "extend ", columns.iter().map(Assignment)),
            Stage::Sort(keys) => list(f, "sort ", keys),
            Stage::Head(count) => write!(f, "head {count}"),
            Stage::Tail(count) => write!(f, "tail {count}"),
            Stage::Distinct(columns) if columns.is_empty() => f.write_str("distinct"),
            Stage::Distinct(columns) => list(f, "distinct ", columns),
            Stage::Top { count, key, by } => {
                write!(f, "top {count} {key}")?;
                option(f, " by ", by.as_ref())
            }
            Stage::Sample(Sample::Rows(count)) => write!(f, "sample {count}"),
            Stage::Sample(Sample::Percent(percent)) => write!(f, "sample {percent}%"),
            Stage::Stats { aggregates, by } => {
                list(f, "stats ", aggregates)?;
                keys(f, by)
            }
            Stage::Bin { expr, name } => {
                expr.fmt(f)?;
                alias(f, name.as_ref())
            }
            Stage::Histogram { expr, width } => {
                write!(f, "histogram({expr}")?;
                option(f, ", ", width.as_ref())?;
                f.write_str(")")
            }
            Stage::Timeline { span, zone, by } => {
                f.write_str("timeline")?;
                option(f, " ", span.as_ref())?;
                option(f, " tz ", zone.as_ref().map(Zone))?;
                option(f, " by ", by.as_ref())
            }
            Stage::Shift { kind, items, by } => {
                write!(f, "{} ", names::of_shift(*kind))?;
                separated(f, items, ", ")?;
                keys(f, by)
            }
            Stage::Sessions { by, max_span, max_pause } => {
                list(f, "sessions by ", by)?;
                option(f, " maxspan ", max_span.as_ref())?;
                option(f, " maxpause ", max_pause.as_ref())
            }
            Stage::Related { from, to } => {
                f.write_str("related")?;
                option(f, " ", from.as_ref().map(Column))?;
                option(f, " -> ", to.as_ref().map(Column))
            }
            Stage::Context { before, after, filter, by } => {
                write!(f, "context {before} {after}")?;
                option(f, " where ", filter.as_ref())?;
                option(f, " by ", by.as_ref().map(Column))
            }
            Stage::Asof { query, by, within } => {
                write!(f, "asof ({query}) by ")?;
                separated(f, by.iter().map(Column), ", ")?;
                option(f, " within ", within.as_ref())
            }
            Stage::Join { query, on, keep_unmatched } => {
                write!(f, "join {}({query}) on ", if *keep_unmatched { "left " } else { "" })?;
                separated(f, on.iter().map(Pair), ", ")
            }
            Stage::Lifecycle { of_rows } => {
                f.write_str(if *of_rows { "lifecycle of rows" } else { "lifecycle" })
            }
            Stage::Gaps => f.write_str("gaps"),
            Stage::Zone(zone) => write!(f, "tz {}", Zone(zone)),
            Stage::Explain => f.write_str("explain"),
        }
    }
}

/// The name of a column.
struct Column<'a>(&'a Name);

impl Display for Column<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&name_text(&self.0.node))
    }
}

/// `x = expr`
struct Assignment<'a>(&'a (Name, Expr));

impl Display for Assignment<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", Column(&self.0.0), self.0.1)
    }
}

/// `a = b`, or `a` for the same name on both sides.
struct Pair<'a>(&'a (Name, Name));

impl Display for Pair<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (left, right) = self.0;
        Column(left).fmt(f)?;
        if left == right { Ok(()) } else { write!(f, " = {}", Column(right)) }
    }
}

fn separated<T: Display>(
    f: &mut Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    separator: &str,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        write!(f, "{}{item}", if index > 0 { separator } else { "" })?;
    }
    Ok(())
}

fn list<T: Display>(f: &mut Formatter<'_>, before: &str, items: impl IntoIterator<Item = T>) -> fmt::Result {
    f.write_str(before)?;
    separated(f, items, ", ")
}

fn keys<T: Display>(f: &mut Formatter<'_>, keys: &[T]) -> fmt::Result {
    if keys.is_empty() { Ok(()) } else { list(f, " by ", keys) }
}

fn option<T: Display>(f: &mut Formatter<'_>, before: &str, item: Option<T>) -> fmt::Result {
    match item {
        Some(item) => write!(f, "{before}{item}"),
        None => Ok(()),
    }
}

fn alias(f: &mut Formatter<'_>, name: Option<&Name>) -> fmt::Result {
    option(f, " as ", name.map(Column))
}
