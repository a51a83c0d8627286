//! However many orders there are, the tracker remembers what it may, and tells what it lets go.

use super::*;

fn options(orders_max: usize, ended_max: usize) -> OrderTrackerOptions {
    OrderTrackerOptions { orders_max, ended_max }
}

#[test]
fn the_oldest_live_order_is_let_go_with_an_event() {
    let mut scene = Scene::with(options(2, 10));
    scene.create("A-1", 0);
    scene.create("A-2", 1);
    scene.reach("A-1", OrderStatus::Submitted, 2);
    scene.create("A-3", 3);
    scene.reach("A-1", OrderStatus::Cancelled, 4);
    let lines = scene.lines();
    assert!(lines[3].contains("3ms info order order_created"), "{}", lines[3]);
    assert!(
        lines[4].starts_with("3ms warn audit order_untracked message=order no longer followed"),
        "{}",
        lines[4]
    );
    assert!(
        lines[4].ends_with(
            "last_status=submitted orders_max=2 filled_quantity=0 age_ms=3.000 order_id=A-1 symbol=AAPL strategy=momentum side=BUY"
        ),
        "{}",
        lines[4]
    );
    assert!(lines[5].contains("unknown_order=true"), "{}", lines[5]);
    let left: Vec<_> = scene.orders.active().map(|order| order.order_id).collect();
    assert_eq!(left, ["A-2", "A-3"]);
    assert_eq!((scene.orders.statistics().untracked, scene.orders.statistics().active), (1, 2));
}

#[test]
fn the_longest_ended_order_is_forgotten_without_a_word() {
    for (ended_max, is_known) in [(0, [false; 3]), (2, [false, true, true]), (3, [true; 3])] {
        let mut scene = Scene::with(options(10, ended_max));
        for id in ["A-1", "A-2", "A-3"] {
            scene.create(id, 0);
            scene.reach(id, OrderStatus::Cancelled, 1);
        }
        let known = ["A-1", "A-2", "A-3"].map(|id| scene.orders.orders.find(id).is_some());
        assert_eq!(known, is_known);
        assert_eq!(scene.orders.statistics().untracked, 0);
        assert!(!scene.lines().iter().any(|line| line.contains("order_untracked")));
    }
}

#[test]
fn a_bound_of_nothing_still_follows_one() {
    let mut scene = Scene::with(options(0, 0));
    scene.create("A-1", 0);
    scene.create("A-2", 0);
    assert_eq!(scene.orders.active().map(|order| order.order_id).collect::<Vec<_>>(), ["A-2"]);
}

#[test]
fn ids_that_cannot_be_recorded_are_refused_as_anywhere() {
    let mut scene = Scene::new();
    let long = "x".repeat(257);
    let Scene { recorder, orders, .. } = &mut scene;
    let short = NewOrder::new("AAPL", Side::Buy, 1);
    let created = orders.created(recorder, &long, &short).emit();
    assert!(matches!(created, Emit::Refused(_)), "{created:?}");
    let symbol = NewOrder { symbol: &long, ..short };
    assert!(matches!(orders.created(recorder, "A-1", &symbol).emit(), Emit::Refused(_)));
    assert!(matches!(orders.submitted(recorder, &long).emit(), Emit::Refused(_)));
    // Refused for what the engine added: the order is followed, and its life tells what is missing.
    assert!(matches!(
        orders.created(recorder, "A-2", &short).field("ratio", f64::NAN).at(at(0)).emit(),
        Emit::Refused(_)
    ));
    orders.cancelled(recorder, "A-2", "").at(at(1)).emit();
    let lines = scene.lines();
    assert!(lines[1].contains("order_lifecycle final_status=cancelled total_events=2 "), "{}", lines[1]);
    assert!(lines[1].contains(" events_not_recorded=1 "), "{}", lines[1]);
    assert_eq!((lines.len(), scene.orders.statistics().not_recorded), (2, 4));
}

/// Orders come, end, are evicted and used again at random; the lists and the table agree with a plain model.
#[test]
fn the_store_agrees_with_a_model() {
    let mut scene = Scene::with(options(5, 3));
    scene.db.levels().apply("off").unwrap();
    let (mut active, mut ended): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut random = 1u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for step in 0..5_000 {
        let id = format!("A-{}", next(12));
        let Scene { recorder, orders, .. } = &mut scene;
        if next(2) == 0 {
            orders.created(recorder, &id, &NewOrder::new("AAPL", Side::Buy, 1)).at(at(step)).emit();
            if !active.contains(&id) {
                ended.retain(|known| *known != id);
                active.push(id);
                if active.len() > 5 {
                    active.remove(0);
                }
            }
        } else {
            orders.cancelled(recorder, &id, "").at(at(step)).emit();
            if let Some(place) = active.iter().position(|known| *known == id) {
                ended.push(active.remove(place));
                if ended.len() > 3 {
                    ended.remove(0);
                }
            }
        }
        let found: Vec<_> = orders.active().map(|order| order.order_id.to_owned()).collect();
        assert_eq!(found, active, "after step {step}");
        for number in 0..12 {
            let id = format!("A-{number}");
            let is_known = active.contains(&id) || ended.contains(&id);
            assert_eq!(orders.orders.find(&id).is_some(), is_known, "{id} after step {step}");
        }
        let statistics = orders.statistics();
        assert_eq!((statistics.active, statistics.ended), (active.len(), ended.len()));
    }
}
