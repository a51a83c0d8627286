//! Stages that pick, compute, order and shift rows.

use blotter_engine::event::Field;
use rust_decimal::prelude::ToPrimitive;

use super::Pipeline;
use super::arithmetic::result_kinds;
use super::expression::{self, Bound};
use super::scope::{Column, Scope};
use crate::cells::Slot;
use crate::error::{ErrorKind, QueryError, Result};
use crate::plan::kinds::Kinds;
use crate::plan::scalar::Scalar;
use crate::plan::step::{SampleSize, Step};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Name, Named, Sample, ShiftKind, SortKey, Span};
use crate::syntax::names;
use crate::time::unit::Unit;

/// New columns, and what they are made of.
type Made = (Vec<Column>, Vec<(Slot, Scalar)>);

impl Pipeline<'_> {
    /// An expression as a column: under its own name or a default one that no other column of the stage has.
    pub(super) fn named(&self, named: &Named, before: &[Column]) -> Result<(Column, Scalar)> {
        let bound = self.expression(&named.expr)?;
        let is_taken = |name: &str| before.iter().any(|column| column.name == name);
        let name = match &named.name {
            Some(name) if is_taken(&name.node) => return Err(taken(name)),
            Some(name) => name.node.clone(),
            None => names::free(names::of_expr(&named.expr), is_taken),
        };
        let column = self.new_column(&name, &named.expr, &bound);
        Ok((column, bound.scalar))
    }

    /// A column that holds the value of an expression.
    fn new_column(&self, name: &str, expr: &Expr, bound: &Bound) -> Column {
        let slot = self.slot(name);
        let computed = Column::computed(name, slot, bound.kinds);
        let is_same = matches!(&expr.node, ExprKind::Field(field) if field == name);
        Column {
            is_recorded: is_same && self.scope.has_event_field(name),
            bin_ns: expression::bin_width(self, expr, bound),
            unit: computed.unit.or_else(|| self.unit(expr)),
            ..computed
        }
    }

    /// The unit of an expression that is a column.
    pub(super) fn unit(&self, expr: &Expr) -> Option<Unit> {
        match &expr.node {
            ExprKind::Field(name) => self.resolve(&Name::new(name.clone(), expr.span)).ok()?.unit,
            _ => None,
        }
    }

    pub(super) fn named_list(&self, list: &[Named]) -> Result<Made> {
        let (mut columns, mut scalars) = (Vec::new(), Vec::new());
        for named in list {
            let (column, scalar) = self.named(named, &columns)?;
            scalars.push((column.slot, scalar));
            columns.push(column);
        }
        Ok((columns, scalars))
    }

    pub(super) fn fields(&mut self, list: &[Named]) -> Result<()> {
        let (columns, scalars) = self.named_list(list)?;
        self.steps.push(Step::Fields(scalars));
        self.scope = Scope::listed(columns);
        Ok(())
    }

    pub(super) fn fields_except(&mut self, list: &[Name]) -> Result<()> {
        let mut slots = Vec::with_capacity(list.len());
        for name in list {
            slots.push(self.resolve(name)?.slot);
        }
        list.iter().for_each(|name| self.scope.remove(&name.node));
        self.steps.push(Step::FieldsExcept(slots));
        Ok(())
    }

    pub(super) fn extend(&mut self, list: &[(Name, Expr)]) -> Result<()> {
        let mut scalars = Vec::with_capacity(list.len());
        for (name, expr) in list {
            let bound = self.expression(expr)?;
            let column = self.new_column(&name.node, expr, &bound);
            scalars.push((column.slot, bound.scalar));
            self.scope.set(column);
        }
        self.steps.push(Step::Extend(scalars));
        Ok(())
    }

    pub(super) fn bin(&mut self, expr: &Expr, name: Option<&Name>) -> Result<()> {
        let bound = self.expression(expr)?;
        let name = name.map_or_else(|| names::of_expr(expr), |name| name.node.clone());
        let column = self.new_column(&name, expr, &bound);
        self.steps.push(Step::Extend(vec![(column.slot, bound.scalar)]));
        self.scope.set(column);
        Ok(())
    }

    pub(super) fn sort(&mut self, keys: &[SortKey], limit: Option<u64>) -> Result<()> {
        let keys: Result<Vec<(Scalar, bool)>> =
            keys.iter().map(|key| Ok((self.expression(&key.expr)?.scalar, key.descending))).collect();
        self.steps.push(Step::Sort { keys: keys?, limit });
        self.picture = super::Picture::Table;
        Ok(())
    }

    pub(super) fn distinct(&mut self, list: &[Named]) -> Result<()> {
        let (columns, scalars) = self.named_list(list)?;
        self.steps.push(Step::Distinct(scalars));
        if !columns.is_empty() {
            self.scope = Scope::listed(columns);
        }
        Ok(())
    }

    pub(super) fn sample(&mut self, sample: &Sample) {
        let size = match sample {
            Sample::Rows(count) => SampleSize::Rows(count.node),
            Sample::Percent(percent) => {
                let percent = percent.node.to_f64().expect("a share between 0 and 100 is a float");
                SampleSize::Share(percent / 100.0)
            }
        };
        self.steps.push(Step::Sample(size));
    }

    pub(super) fn shift(&mut self, kind: ShiftKind, list: &[Named], by: &[Expr], span: Span) -> Result<()> {
        let (mut columns, mut items): Made = (Vec::new(), Vec::new());
        for item in list {
            let bound = match kind {
                ShiftKind::Delta => self.operand(&item.expr)?,
                ShiftKind::Prev | ShiftKind::Next => self.expression(&item.expr)?,
            };
            let mut kinds = bound.kinds;
            if kind == ShiftKind::Delta {
                kinds = result_kinds(BinaryOp::Subtract, bound.kinds, bound.kinds);
                if kinds == Kinds::NONE && bound.kinds != Kinds::NONE {
                    let message = format!("'delta' does not take {}", bound.kinds.describe());
                    return Err(QueryError::new(ErrorKind::Type, message)
                        .with_place(item.expr.span, "a number, a time or a duration goes here"));
                }
            }
            let is_taken = |name: &str| columns.iter().any(|column: &Column| column.name == name);
            let name = match &item.name {
                Some(name) if is_taken(&name.node) => return Err(taken(name)),
                Some(name) => name.node.clone(),
                None => names::free(names::of_shifted(kind, item), is_taken),
            };
            let mut column = Column::computed(&name, self.slot(&name), kinds);
            column.unit = column.unit.or_else(|| self.unit(&item.expr));
            items.push((column.slot, bound.scalar));
            columns.push(column);
        }
        let by: Result<Vec<Scalar>> = by.iter().map(|key| Ok(self.expression(key)?.scalar)).collect();
        self.steps.push(Step::Shift { kind, items, by: by?, span });
        columns.into_iter().for_each(|column| self.scope.set(column));
        Ok(())
    }

    /// A reserved or well-known field that a stage needs though the query does not name it.
    pub(super) fn needed(&self, field: &str, stage: &str, span: Span) -> Result<Column> {
        self.resolve(&Name::new(field.to_owned(), span)).map_err(|_| {
            let message = format!("'{stage}' needs '{field}', which the rows do not have here");
            let hint = match Field::RESERVED.contains(&field) {
                true => format!("put '{stage}' before the stage that leaves '{field}' out"),
                false => format!("keep '{field}' in the rows, or name another field"),
            };
            QueryError::new(ErrorKind::UnknownName, message)
                .with_place(span, format!("'{field}' is not there"))
                .with_hint(hint)
        })
    }
}

/// The error for a name that another column of the stage has.
pub(super) fn taken(name: &Name) -> QueryError {
    QueryError::new(ErrorKind::UnknownName, format!("two columns are called '{}'", name.node))
        .with_place(name.span, "the second of that name")
        .with_hint("give one of them another name with `as`")
}
