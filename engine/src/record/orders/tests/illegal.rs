//! Orders that do what no order should. Nothing is refused, everything is marked.

use super::*;

/// Steps that bring an order to a status by legal ways.
fn way_to(status: OrderStatus) -> Vec<OrderStatus> {
    use OrderStatus::*;
    match status {
        Created => vec![Created],
        Submitted => vec![Created, Submitted],
        Rejected => vec![Created, Submitted, Rejected],
        Acknowledged => vec![Created, Submitted, Acknowledged],
        other => vec![Created, Submitted, Acknowledged, other],
    }
}

#[test]
fn every_transition_is_recorded_and_marked_where_the_table_rules_it_out() {
    for from in OrderStatus::ALL.iter().copied() {
        for next in OrderStatus::ALL.iter().copied() {
            let mut scene = Scene::new();
            for (ms, status) in (0..).zip(way_to(from)) {
                scene.reach("A-1", status, ms);
            }
            assert_eq!(scene.orders.statistics().illegal_transitions, 0, "the way to {from:?} is legal");
            let before = scene.lines().len();
            assert!(scene.reach("A-1", next, 100).is_accepted());
            let line = &scene.lines()[before];
            let is_legal = from.can_become(next);
            let mark = format!(" illegal_transition={} -> {} ", from.as_str(), next.as_str());
            assert_eq!(line.contains(&mark), !is_legal, "{line}");
            assert!(line.contains(next.event_name()), "{line}");
            assert_eq!(scene.orders.statistics().illegal_transitions, u64::from(!is_legal));
            let is_loud = !is_legal || matches!(next, OrderStatus::Rejected);
            let level = if next == OrderStatus::Failed {
                " error "
            } else if is_loud {
                " warn "
            } else {
                " info "
            };
            assert!(line.contains(level), "{line}");
        }
    }
}

#[test]
fn only_the_venues_last_word_changes_what_an_order_is() {
    use OrderStatus::*;
    for (from, next, after) in [
        (Cancelled, Filled, Filled),
        (Cancelled, PartiallyFilled, Cancelled),
        (Filled, Cancelled, Filled),
        (Filled, Acknowledged, Filled),
        (Acknowledged, Rejected, Rejected),
        (Acknowledged, Submitted, Acknowledged),
        (PartiallyFilled, Acknowledged, PartiallyFilled),
        (Created, Cancelled, Cancelled),
    ] {
        let mut scene = Scene::new();
        for (ms, status) in (0..).zip(way_to(from)) {
            scene.reach("A-1", status, ms);
        }
        scene.reach("A-1", next, 100);
        let slot = scene.orders.orders.find("A-1").unwrap();
        assert_eq!(scene.orders.orders.get(slot).status, after, "{from:?} -> {next:?}");
        assert_eq!(scene.orders.active().count(), usize::from(!after.is_final()));
    }
}

#[test]
fn a_late_fill_is_counted_and_the_life_told_again() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    scene.reach("A-1", OrderStatus::Cancelled, 1);
    scene.reach("A-1", OrderStatus::PartiallyFilled, 2);
    scene.reach("A-1", OrderStatus::Cancelled, 3);
    let who = "order_id=A-1 symbol=AAPL strategy=momentum side=BUY";
    assert_eq!(
        scene.lines()[3..],
        [
            format!(
                "2ms warn fill order_partially_filled status=partially_filled illegal_transition=cancelled -> partially_filled fill_price=150.25 fill_quantity=10 commission=0.10 filled_quantity=10 remaining_quantity=90 average_price=150.25 slippage_bps=0 {who}"
            ),
            format!(
                "2ms info audit order_lifecycle final_status=cancelled total_events=3 duration_ms=2.000 filled_quantity=10 commission=0.10 slippage_bps=0 order_qty=100 average_price=150.25 fills=1 illegal_transitions=1 repeated=true {who}"
            ),
            // Nothing new about the life: only the step itself.
            format!(
                "3ms warn order order_cancelled status=cancelled illegal_transition=cancelled -> cancelled reason=stale lifecycle_ms=3.000 {who}"
            ),
        ]
    );
}

#[test]
fn more_than_was_ordered_is_marked() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    let Scene { recorder, orders, .. } = &mut scene;
    orders.fill(recorder, "A-1", dec!(150.25), 130, 1).at(at(1)).emit();
    orders.fill(recorder, "A-1", dec!(150.25), 1, 1).at(at(2)).emit();
    let lines = scene.lines();
    let over = |line: &str| line.split(' ').find(|word| word.starts_with("overfilled")).map(str::to_owned);
    assert!(
        lines[1].starts_with("1ms warn fill order_filled ") && lines[1].contains(" remaining_quantity=0 ")
    );
    assert_eq!(over(&lines[1]).as_deref(), Some("overfilled_quantity=30"));
    assert!(lines[3].contains("illegal_transition=filled -> filled"), "{}", lines[3]);
    assert_eq!(over(&lines[3]).as_deref(), Some("overfilled_quantity=31"));
}

#[test]
fn an_order_nobody_created_is_marked() {
    let mut scene = Scene::new();
    scene.reach("A-1", OrderStatus::Submitted, 0);
    let Scene { recorder, orders, .. } = &mut scene;
    orders.fill(recorder, "A-1", 10, 1, 0).at(at(1)).emit();
    orders.amended(recorder, "A-1", Some(dec!(5)), None).at(at(2)).emit();
    orders.cancel_requested(recorder, "A-1").at(at(3)).emit();
    orders
        .replaced(recorder, "A-1", "A-2", Replacement { quantity: Some(dec!(5)), price: None })
        .at(at(4))
        .emit();
    scene.check(&[
        "0ms warn order order_submitted status=submitted unknown_order=true order_id=A-1",
        "1ms warn fill order_partially_filled status=partially_filled unknown_order=true fill_price=10 fill_quantity=1 commission=0 order_id=A-1",
        "2ms warn order order_amended unknown_order=true quantity=5 order_id=A-1",
        "3ms warn order order_cancel_requested unknown_order=true order_id=A-1",
        "4ms warn order order_replaced status=replaced unknown_order=true replaced_by=A-2 order_id=A-1",
        "4ms info order order_created status=created quantity=5 replaces=A-1 order_id=A-2",
    ]);
    assert_eq!(scene.orders.statistics().unknown_orders, 5);
    assert_eq!(scene.orders.get("A-2").unwrap().quantity, Some(dec!(5)));
}

#[test]
fn an_id_used_again_begins_anew_only_after_the_end() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    let Scene { recorder, orders, .. } = &mut scene;
    orders.fill(recorder, "A-1", dec!(150.25), 30, 0).at(at(1)).emit();
    scene.create("A-1", 2);
    assert_eq!(scene.orders.get("A-1").unwrap().filled_quantity, dec!(30));
    scene.reach("A-1", OrderStatus::Cancelled, 3);
    scene.create("A-1", 4);
    assert_eq!(scene.orders.get("A-1").unwrap().filled_quantity, dec!(0));
    assert_eq!(scene.orders.get("A-1").unwrap().created, at(4));
    let marks: Vec<_> = scene.lines().iter().filter(|line| line.contains("-> created")).cloned().collect();
    assert!(marks[0].contains("partially_filled -> created") && marks[1].contains("cancelled -> created"));
    assert_eq!(marks.len(), 2);
}

#[test]
fn new_terms_after_the_end_are_marked_but_a_late_answer_to_a_cancel_is_not() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    scene.reach("A-1", OrderStatus::Filled, 1);
    let Scene { recorder, orders, .. } = &mut scene;
    orders.amended(recorder, "A-1", None, Some(dec!(1))).at(at(2)).emit();
    orders.cancel_rejected(recorder, "A-1", "too late").at(at(3)).emit();
    let lines = scene.lines();
    assert!(
        lines[3].contains("2ms warn order order_amended illegal_transition=filled -> amended"),
        "{}",
        lines[3]
    );
    assert!(lines[4].starts_with("3ms warn order order_cancel_rejected reason=too late"), "{}", lines[4]);
    assert_eq!(lines.len(), 5);
}
