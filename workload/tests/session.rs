//! A session is what it says: the same for a seed, in its mix, with lives that make sense.

use std::collections::HashMap;

use blotter_engine::event::record::Encoder;
use blotter_engine::event::{Category, Field, FieldRef, ValueRef};
use blotter_workload::{Detail, FieldSink, Session, SessionEvent, SessionOptions};

fn play(seed: u64, events: usize) -> Vec<SessionEvent> {
    Session::new(seed, SessionOptions::default()).take(events).collect()
}

#[test]
fn a_seed_gives_one_session_and_another_seed_another() {
    assert_eq!(play(1, 20_000), play(1, 20_000));
    assert_ne!(play(1, 1_000), play(2, 1_000));
}

#[test]
fn the_mix_is_that_of_a_real_day() {
    let events = play(3, 1_000_000);
    // Once the first orders have had the time to end.
    let steady = &events[200_000..];
    let mut counts: HashMap<Category, usize> = HashMap::new();
    for event in steady {
        *counts.entry(event.category).or_default() += 1;
    }
    for (category, percent) in [
        (Category::ORDER, 57.0),
        (Category::MARKET_DATA, 17.0),
        (Category::AUDIT, 12.0),
        (Category::SIGNAL, 8.0),
        (Category::FILL, 2.5),
        (Category::POSITION, 2.5),
        (Category::PERFORMANCE, 0.16),
        (Category::RISK, 0.06),
        (Category::SYSTEM, 0.03),
        (Category::ERROR, 0.01),
    ] {
        let found = counts[&category] as f64 * 100.0 / steady.len() as f64;
        assert!((found / percent - 1.0).abs() < 0.15, "{category}: {found:.3} %, expected {percent} %");
    }
}

#[test]
fn times_are_near_to_their_order() {
    let mut latest = 0;
    for event in play(4, 200_000) {
        assert!(event.ts.nanos() > latest - 50_000, "{event:?}");
        latest = latest.max(event.ts.nanos());
    }
}

#[test]
fn every_order_lives_one_life() {
    let mut lives: HashMap<String, Vec<SessionEvent>> = HashMap::new();
    for event in play(5, 300_000) {
        if !event.order_id.is_empty() {
            lives.entry(event.order_id.as_str().to_owned()).or_default().push(event);
        }
    }
    let mut ended = 0;
    for (order_id, life) in &lives {
        assert_eq!(life[0].event, "order_created", "{order_id}");
        assert!(life.iter().all(|event| event.correlation_id == life[0].correlation_id), "{order_id}");
        let Detail::Created { quantity, .. } = life[0].detail else { panic!("{order_id}") };
        let mut remaining = quantity;
        for event in life {
            match event.detail {
                Detail::Filled { quantity, .. } => remaining -= quantity,
                Detail::Reduced { quantity, .. } => remaining = quantity,
                _ => {}
            }
        }
        assert!(remaining >= 0, "{order_id}");
        let Some(last) = life.last().filter(|last| last.category == Category::AUDIT) else { continue };
        ended += 1;
        let Detail::Lifecycle { total_events, order_qty, .. } = last.detail else { panic!("{order_id}") };
        assert_eq!((total_events, order_qty), (life.len() as i64 - 1, quantity), "{order_id}");
        let was_filled = life.iter().any(|event| event.event == "order_filled");
        assert_eq!(was_filled, remaining == 0, "{order_id}");
    }
    assert!(ended > 20_000, "{ended} of {} orders ended", lives.len());
}

#[test]
fn lanes_share_no_order() {
    let ids = |lane| {
        Session::new(6, SessionOptions { lane: (lane, 2), ..SessionOptions::default() })
            .take(50_000)
            .filter(|event| event.event == "order_created")
            .map(|event| event.order_id.as_str().to_owned())
            .collect::<std::collections::HashSet<_>>()
    };
    assert!(ids(0).is_disjoint(&ids(1)));
}

#[test]
fn the_engine_takes_every_event() {
    struct Encode(Encoder);
    impl FieldSink for Encode {
        fn known(&mut self, field: Field, value: ValueRef<'_>) {
            self.0.known(field, value).expect("within the limits");
        }
        fn named(&mut self, name: &'static str, value: ValueRef<'_>) {
            assert!(matches!(FieldRef::new(name), FieldRef::Named(_)), "'{name}' is well-known");
            self.0.field(FieldRef::Named(name), value).expect("within the limits");
        }
    }
    let mut encode = Encode(Encoder::new());
    for event in play(7, 100_000) {
        encode.0.begin(event.category, event.level);
        event.fields(&mut encode);
        assert!(encode.0.finish(event.ts, 0).len() < 512);
        assert_eq!(
            event.to_fields().len(),
            event.to_fields().iter().map(|(key, _)| key).collect::<std::collections::HashSet<_>>().len()
        );
    }
}
