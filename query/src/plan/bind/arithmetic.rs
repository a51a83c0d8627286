//! What arithmetic gives and takes, as far as that is known before running.

use crate::error::{ErrorKind, QueryError};
use crate::plan::kinds::Kinds;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Span};
use crate::time::unit;

const ARITHMETIC: [Kinds; 5] = [Kinds::INT, Kinds::FLOAT, Kinds::DECIMAL, Kinds::TIME, Kinds::DURATION];

/// What arithmetic gives, over all kinds that its sides can be of; none if it takes none of them.
pub(super) fn result_kinds(op: BinaryOp, left: Kinds, right: Kinds) -> Kinds {
    let mut kinds = Kinds::NONE;
    for a in ARITHMETIC.into_iter().filter(|kind| left.meets(*kind)) {
        for b in ARITHMETIC.into_iter().filter(|kind| right.meets(*kind)) {
            kinds = kinds.or(result_kind(op, a, b));
        }
    }
    kinds
}

fn result_kind(op: BinaryOp, left: Kinds, right: Kinds) -> Kinds {
    use BinaryOp::{Add, Divide, Multiply, Remainder, Subtract};
    const TIME: Kinds = Kinds::TIME;
    const DURATION: Kinds = Kinds::DURATION;
    let numbers = (left.is_within(Kinds::NUMBER), right.is_within(Kinds::NUMBER));
    match op {
        _ if numbers == (true, true) && (left == Kinds::FLOAT || right == Kinds::FLOAT) => Kinds::FLOAT,
        Divide if numbers == (true, true) => Kinds::DECIMAL,
        _ if numbers == (true, true) && left == Kinds::INT && right == Kinds::INT => Kinds::EXACT,
        _ if numbers == (true, true) => Kinds::DECIMAL,
        Subtract if left == TIME && right == TIME => DURATION,
        Add | Subtract if left == TIME && right == DURATION => TIME,
        Add if left == DURATION && right == TIME => TIME,
        Add | Subtract | Remainder if left == DURATION && right == DURATION => DURATION,
        Divide if left == DURATION && right == DURATION => Kinds::DECIMAL,
        Multiply | Divide if left == DURATION && numbers.1 => DURATION,
        Multiply if numbers.0 && right == DURATION => DURATION,
        _ => Kinds::NONE,
    }
}

/// The error for kinds that an operation does not take: at the side that is wrong by itself, or at both.
pub(super) fn not_taken(op: BinaryOp, left: (&Expr, Kinds), right: (&Expr, Kinds), span: Span) -> QueryError {
    let taken = ARITHMETIC.into_iter().fold(Kinds::NONE, Kinds::or);
    let sign = op.sign();
    let error = match [left, right].into_iter().find(|(_, kinds)| !kinds.may_be(taken)) {
        Some((expr, kinds)) => {
            QueryError::new(ErrorKind::Type, format!("'{sign}' does not take {}", kinds.describe()))
                .with_place(expr.span, format!("this is {}", kinds.describe()))
        }
        None => {
            let (left, right) = (left.1.describe(), right.1.describe());
            QueryError::new(ErrorKind::Type, format!("'{sign}' does not take {left} and {right}"))
                .with_place(span, "these do not combine")
        }
    };
    for pair in [(left.0, right.0), (right.0, left.0)] {
        if let (ExprKind::Field(field), ExprKind::Literal(literal)) = (&pair.0.node, &pair.1.node)
            && unit::has_unit(&literal.kind)
            && let Some(number) = unit::number_in(&literal.kind, unit::of_field(field))
        {
            return error.with_hint(format!("in the unit of '{field}', write {number}"));
        }
    }
    let is_text = left.1.is_within(Kinds::WORDS) || right.1.is_within(Kinds::WORDS);
    match op {
        BinaryOp::Add if is_text => error.with_hint("to join text, write concat(a, b)"),
        _ if is_text => error.with_hint("to read a number from text, write to_number(x)"),
        _ => error,
    }
}
