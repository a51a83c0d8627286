//! Random queries and rows.

use super::*;

/// Names that random queries use for columns of kinds.
const COLUMNS: [&str; 8] = ["ts", "symbol", "price", "quantity", "latency_us", "status", "level", "message"];

fn recorded(name: &'static str) -> BoxedStrategy<Datum> {
    let field = prop_oneof![
        Just(Datum::Null),
        any::<bool>().prop_map(Datum::Bool),
        prop_oneof![any::<i64>(), -5i64..5].prop_map(Datum::Int),
        prop_oneof![any::<f64>(), -5.0f64..5.0].prop_map(Datum::from),
        (any::<i64>(), 0u32..=28).prop_map(|(digits, scale)| Datum::Decimal(Decimal::new(digits, scale))),
        "[a-zA-Z0-9 :.é-]{0,12}".prop_map(Datum::from),
    ];
    match name {
        "ts" => any::<i64>().prop_map(|ns| Datum::Time(Timestamp(ns))).boxed(),
        "level" => proptest::sample::select(&Level::ALL[..]).prop_map(Datum::Level).boxed(),
        _ => field.boxed(),
    }
}

fn recorded_row() -> impl Strategy<Value = Vec<Datum>> {
    COLUMNS.map(recorded).to_vec()
}

fn cells(names: &Names, row: Vec<Datum>) -> Cells {
    let mut cells = Cells::default();
    for (name, datum) in COLUMNS.into_iter().zip(row) {
        if !datum.is_null() {
            cells.push(names.slot(name), datum);
        }
    }
    cells
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever is written is bound or refused, and what is bound runs on any row or fails with an error.
    #[test]
    fn no_query_makes_the_binder_panic(query in arbitrary::query(1), row in recorded_row()) {
        let names = Arc::new(Names::default());
        let now = "2026-01-02T15:00:00Z".parse().unwrap();
        if let Ok(plan) = bind(&query, &names, &Fake, &lenient(), now) {
            prop_assert_eq!(plan.describe(&names).len(), plan.steps.len() + 1);
            let _ = plan.required_fields(&names);
            let row = cells(&names, row);
            let _ = plan.filter.holds(&row);
            for step in &plan.steps {
                if let Step::Extend(items) | Step::Fields(items) = step {
                    items.iter().for_each(|(_, scalar)| drop(scalar.evaluate(&row)));
                }
            }
        }
    }

    /// What an expression gives is of the kinds that it was said to give.
    #[test]
    fn expressions_give_what_was_foreseen(expr in arbitrary::expr(2), row in recorded_row()) {
        let names = Names::default();
        let options = lenient();
        let now = "2026-01-02T15:00:00Z".parse().unwrap();
        let context = Context { names: &names, schema: &Fake, options: &options, now, patterns: Cell::new(0) };
        let pipeline = Pipeline::new(&context, chrono_tz::America::New_York);
        if let Ok(bound) = pipeline.expression(&expr)
            && let Ok(datum) = bound.scalar.evaluate(&cells(&names, row))
            && !datum.is_null()
        {
            let kind = Kinds::of(datum.borrow());
            prop_assert!(bound.kinds.meets(kind), "{datum:?} of {:?}: {:?}", bound.kinds, bound.scalar);
        }
    }
}
