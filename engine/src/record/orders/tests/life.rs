//! Orders that do what orders do.

use super::*;
use crate::event::Field;

#[test]
fn every_step_carries_who_it_is_and_what_the_life_tells() {
    let mut scene = Scene::new();
    let Scene { recorder, orders, .. } = &mut scene;
    let order = NewOrder::new("AAPL", Side::Sell, 100)
        .limit(dec!(150.25))
        .decision_price(dec!(150.00))
        .strategy("momentum")
        .correlation_id("m_7f")
        .parent("P-1");
    orders.created(recorder, "A-1", &order).at(at(1_000)).message("sell").emit();
    orders.submitted(recorder, "A-1").at(at(1_002)).emit();
    orders.acknowledged(recorder, "A-1", "X-1").at(at(1_010)).emit();
    orders.fill(recorder, "A-1", dec!(149.97), 60, dec!(0.21)).at(at(1_500)).emit();
    orders.fill(recorder, "A-1", dec!(150.12), 40, dec!(0.14)).at(at(2_750)).field("venue", "XNAS").emit();
    let who = "order_id=A-1 correlation_id=m_7f symbol=AAPL strategy=momentum side=SELL";
    scene.check(&[
        &format!("1000ms info order order_created status=created message=sell order_type=limit quantity=100 price=150.25 decision_price=150.00 parent_order_id=P-1 {who}"),
        &format!("1002ms info order order_submitted status=submitted latency_us=2000 {who}"),
        &format!("1010ms info order order_acknowledged status=acknowledged exchange_order_id=X-1 latency_us=10000 {who}"),
        // A sell at 149.97 against 150.00 is 2 bps worse, one at 150.12 8 bps better.
        &format!("1500ms info fill order_partially_filled status=partially_filled fill_price=149.97 fill_quantity=60 commission=0.21 filled_quantity=60 remaining_quantity=40 average_price=149.97 slippage_bps=2 {who}"),
        &format!("2750ms info fill order_filled status=filled fill_price=150.12 fill_quantity=40 commission=0.14 filled_quantity=100 remaining_quantity=0 average_price=150.03 venue=XNAS slippage_bps=-8 lifecycle_ms=1750.000 {who}"),
        &format!("2750ms info audit order_lifecycle final_status=filled total_events=5 duration_ms=1750.000 filled_quantity=100 commission=0.35 slippage_bps=-2 order_qty=100 average_price=150.03 fills=2 submit_latency_us=2000 ack_latency_us=10000 {who}"),
    ]);
    assert_eq!(scene.orders.statistics(), OrderTrackerStatistics { ended: 1, ..Default::default() });
}

#[test]
fn every_end_has_its_level_reason_and_life() {
    for (end, level, reason) in [
        (OrderStatus::Cancelled, "info", " reason=stale"),
        (OrderStatus::Rejected, "warn", " reason=price out of band"),
        (OrderStatus::Expired, "info", ""),
        (OrderStatus::Failed, "error", " reason=connection lost"),
    ] {
        let mut scene = Scene::new();
        scene.create("A-1", 10);
        scene.reach("A-1", end, 12);
        let (who, word) = ("order_id=A-1 symbol=AAPL strategy=momentum side=BUY", end.as_str());
        assert_eq!(
            scene.lines()[1..],
            [
                format!("12ms {level} order order_{word} status={word}{reason} lifecycle_ms=2.000 {who}"),
                format!(
                    "12ms info audit order_lifecycle final_status={word} total_events=2 duration_ms=2.000 filled_quantity=0 commission=0 order_qty=100 {who}"
                ),
            ]
        );
        assert_eq!(scene.orders.active().count(), 0);
    }
}

#[test]
fn a_replaced_order_hands_over_what_remains() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    let Scene { recorder, orders, .. } = &mut scene;
    orders.fill(recorder, "A-1", dec!(150.25), 30, 0).at(at(1)).emit();
    orders
        .replaced(recorder, "A-1", "A-2", Replacement { price: Some(dec!(150.30)), quantity: None })
        .at(at(2))
        .emit();
    orders
        .replaced(recorder, "A-2", "A-3", Replacement { price: None, quantity: Some(dec!(50)) })
        .at(at(3))
        .emit();
    let who = |id: &str| format!("order_id={id} symbol=AAPL strategy=momentum side=BUY");
    assert_eq!(
        scene.lines()[2..],
        [
            format!(
                "2ms info order order_replaced status=replaced replaced_by=A-2 lifecycle_ms=2.000 {}",
                who("A-1")
            ),
            format!(
                "2ms info audit order_lifecycle final_status=replaced total_events=3 duration_ms=2.000 filled_quantity=30 commission=0 slippage_bps=0 order_qty=100 average_price=150.25 fills=1 {}",
                who("A-1")
            ),
            format!(
                "2ms info order order_created status=created quantity=70 price=150.30 replaces=A-1 {}",
                who("A-2")
            ),
            format!(
                "3ms info order order_replaced status=replaced replaced_by=A-3 lifecycle_ms=1.000 {}",
                who("A-2")
            ),
            format!(
                "3ms info audit order_lifecycle final_status=replaced total_events=2 duration_ms=1.000 filled_quantity=0 commission=0 order_qty=70 {}",
                who("A-2")
            ),
            format!(
                "3ms info order order_created status=created quantity=50 price=150.30 replaces=A-2 {}",
                who("A-3")
            ),
        ]
    );
    let left: Vec<_> = scene.orders.active().map(|order| (order.order_id, order.quantity)).collect();
    assert_eq!(left, [("A-3", Some(dec!(50)))]);
}

#[test]
fn new_terms_leave_the_status_and_decide_when_the_order_is_filled() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    let Scene { recorder, orders, .. } = &mut scene;
    orders.amended(recorder, "A-1", Some(dec!(80)), Some(dec!(150.00))).at(at(1)).emit();
    orders.cancel_requested(recorder, "A-1").at(at(2)).emit();
    orders.cancel_rejected(recorder, "A-1", "too late").at(at(3)).emit();
    orders.reduced(recorder, "A-1", 20).at(at(4)).emit();
    assert_eq!(orders.get("A-1").unwrap().status, OrderStatus::Created);
    // 60 are left, at a limit of 150.00: 1 bp better is 149.985.
    orders.fill(recorder, "A-1", dec!(149.985), 60, 0).at(at(5)).emit();
    let who = "order_id=A-1 symbol=AAPL strategy=momentum side=BUY";
    assert_eq!(
        scene.lines()[1..6],
        [
            format!(
                "1ms info order order_amended quantity=80 price=150.00 previous_quantity=100 previous_price=150.25 {who}"
            ),
            format!("2ms info order order_cancel_requested {who}"),
            format!("3ms warn order order_cancel_rejected reason=too late {who}"),
            format!("4ms info order order_reduced reduced_by=20 quantity=60 remaining_quantity=60 {who}"),
            format!(
                "5ms info fill order_filled status=filled fill_price=149.985 fill_quantity=60 commission=0 filled_quantity=60 remaining_quantity=0 average_price=149.985 slippage_bps=-1 lifecycle_ms=5.000 {who}"
            ),
        ]
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let mut scene = Scene::new();
    let Scene { recorder, orders, .. } = &mut scene;
    // No quantity: filled when the venue says so. A reference of zero: no slippage.
    let order =
        NewOrder { symbol: "AAPL", side: Some(Side::Buy), price: Some(dec!(0)), ..NewOrder::default() };
    orders.created(recorder, "A-1", &order).at(at(0)).emit();
    orders.fill(recorder, "A-1", 5, 1_000_000, 0).at(at(1)).emit();
    orders.filled(recorder, "A-1", 5, 1, 0).at(at(2)).emit();
    // No side, no reference, nothing.
    orders.created(recorder, "", &NewOrder::default()).at(at(3)).emit();
    orders.fill(recorder, "", 0, 0, 0).at(at(4)).emit();
    scene.check(&[
        "0ms info order order_created status=created price=0 order_id=A-1 symbol=AAPL side=BUY",
        "1ms info fill order_partially_filled status=partially_filled fill_price=5 fill_quantity=1000000 commission=0 filled_quantity=1000000 average_price=5 order_id=A-1 symbol=AAPL side=BUY",
        "2ms info fill order_filled status=filled fill_price=5 fill_quantity=1 commission=0 filled_quantity=1000001 average_price=5 lifecycle_ms=2.000 order_id=A-1 symbol=AAPL side=BUY",
        "2ms info audit order_lifecycle final_status=filled total_events=3 duration_ms=2.000 filled_quantity=1000001 commission=0 average_price=5 fills=2 order_id=A-1 symbol=AAPL side=BUY",
        "3ms info order order_created status=created order_id=",
        "4ms info fill order_partially_filled status=partially_filled fill_price=0 fill_quantity=0 commission=0 filled_quantity=0 order_id=",
    ]);
}

#[test]
fn the_trace_it_is_created_in_stays_with_the_order() {
    let mut scene = Scene::new();
    let Scene { recorder, orders, .. } = &mut scene;
    let order = NewOrder::new("AAPL", Side::Buy, 1);
    let mut decision = recorder.trace("decision_1");
    orders.created(&mut decision, "A-1", &order).at(at(0)).emit();
    drop(decision);
    let mut other = recorder.trace("heartbeat");
    orders.submitted(&mut other, "A-1").at(at(1)).emit();
    drop(other);
    for line in scene.lines() {
        assert!(line.contains(" correlation_id=decision_1 "), "{line}");
    }
}

#[test]
fn what_the_engine_gives_itself_is_kept() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    let Scene { recorder, orders, .. } = &mut scene;
    orders
        .submitted(recorder, "A-1")
        .known(Field::LATENCY_US, 7)
        .known(Field::STRATEGY, "other")
        .at(at(9))
        .emit();
    assert_eq!(
        scene.lines()[1],
        "9ms info order order_submitted status=submitted latency_us=7 strategy=other order_id=A-1 symbol=AAPL side=BUY"
    );
}

#[test]
fn active_orders_have_age_and_status_and_nothing_changes_before_an_emit() {
    let mut scene = Scene::new();
    scene.create("A-1", 0);
    scene.create("A-2", 5);
    scene.reach("A-1", OrderStatus::Submitted, 6);
    let Scene { recorder, orders, .. } = &mut scene;
    drop(orders.cancelled(recorder, "A-2", "never emitted"));
    let active: Vec<_> =
        scene.orders.active().map(|order| (order.order_id, order.status, order.age(at(7)))).collect();
    let ms = std::time::Duration::from_millis;
    assert_eq!(active, [("A-1", OrderStatus::Submitted, ms(7)), ("A-2", OrderStatus::Created, ms(2))]);
    assert_eq!(scene.orders.get("A-2").unwrap().age(at(0)), ms(0));
    assert_eq!(scene.lines().len(), 3);
}

#[test]
fn times_are_taken_where_none_are_given() {
    let mut scene = Scene::new();
    let Scene { recorder, orders, db, .. } = &mut scene;
    let before = recorder.now();
    orders.created(recorder, "A-1", &NewOrder::new("AAPL", Side::Buy, 1)).emit();
    std::thread::sleep(std::time::Duration::from_millis(3));
    orders.submitted(recorder, "A-1").emit();
    let after = recorder.now();
    db.flush().unwrap();
    let events: Vec<_> = db.snapshot().unwrap().lookup("A-1").collect();
    let between_us = (events[1].ts.nanos() - events[0].ts.nanos()) / 1_000;
    assert!(before <= events[0].ts && events[1].ts <= after && between_us >= 3_000);
    assert_eq!(events[1].get("latency_us").unwrap().to_string(), between_us.to_string());
}

#[test]
fn an_order_is_followed_whether_or_not_its_steps_are_recorded() {
    let mut scene = Scene::new();
    scene.db.levels().apply("order=off").unwrap();
    let Scene { recorder, orders, .. } = &mut scene;
    let order = NewOrder::new("AAPL", Side::Buy, 10).limit(10);
    assert_eq!(orders.created(recorder, "A-1", &order).at(at(0)).emit(), Emit::Disabled);
    assert_eq!(orders.submitted(recorder, "A-1").at(at(1)).emit(), Emit::Disabled);
    orders.fill(recorder, "A-1", 10, 10, 0).at(at(2)).emit();
    scene.check(&[
        "2ms info fill order_filled status=filled fill_price=10 fill_quantity=10 commission=0 filled_quantity=10 remaining_quantity=0 average_price=10 slippage_bps=0 lifecycle_ms=2.000 order_id=A-1 symbol=AAPL side=BUY",
        "2ms info audit order_lifecycle final_status=filled total_events=3 duration_ms=2.000 filled_quantity=10 commission=0 slippage_bps=0 order_qty=10 average_price=10 fills=1 submit_latency_us=1000 order_id=A-1 symbol=AAPL side=BUY",
    ]);
}
