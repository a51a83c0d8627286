use super::*;
use crate::desk::recorded::recorded;

/// Asks of live and of sealed events; both must say the same.
#[track_caller]
fn asked(lines: &str, id: &str) -> Option<Lifecycle> {
    let ask = |is_sealed| {
        let recorded = recorded(lines, is_sealed);
        lifecycle(&recorded.db, id, &QueryOptions::default()).unwrap()
    };
    let (live, sealed) = (ask(false), ask(true));
    let shown = |found: &Option<Lifecycle>| {
        found.as_ref().map(|found| {
            let seqs: Vec<u64> = found.timeline.iter().map(|moment| moment.seq).collect();
            format!("{seqs:?} {:?} {:?} {:?}", found.orders, found.links, found.missing)
        })
    };
    assert_eq!(shown(&live), shown(&sealed));
    live
}

/// Asserts seqs of the timeline, orders, links, cycles and missing orders of an id, as
/// `0 1 2; A B; A>B part; A-B; C`.
#[track_caller]
fn check(lines: &str, id: &str, expected: &str) {
    let found = asked(lines, id).unwrap();
    let seqs: Vec<String> = found.timeline.iter().map(|moment| moment.seq.to_string()).collect();
    let orders: Vec<&str> = found.orders.iter().map(|order| order.order_id.as_str()).collect();
    let links: Vec<String> = found
        .links
        .iter()
        .map(|link| format!("{}>{} {}", link.from, link.to, link.relation.name()))
        .collect();
    let cycles: Vec<String> = found.cycles.iter().map(|cycle| cycle.join("-")).collect();
    let parts =
        [seqs.join(" "), orders.join(" "), links.join(", "), cycles.join(" "), found.missing.join(" ")];
    assert_eq!(parts.join("; "), expected, "{id}");
    assert_eq!((found.events_left_out, found.has_more_orders, found.unreadable.len()), (0, false, 0));
}

const ONE: &str = "
    @0 signal entry_signal correlation_id=c symbol=X
    @1 order order_created order_id=A correlation_id=c status=created side=BUY quantity=3 price=10 symbol=X
    @2 order order_submitted order_id=A correlation_id=c
    @2 order order_created order_id=B correlation_id=c status=created
    @2.5 error api_error correlation_id=c level=error error_message=timeout
    @4 fill order_filled order_id=A correlation_id=c fill_quantity=3 fill_price=11
    @5 order order_acknowledged order_id=A correlation_id=c
    @6 order order_created order_id=Z correlation_id=other
    @7 audit order_lifecycle order_id=A";

#[test]
fn an_order_comes_with_what_shares_its_correlation_id_and_is_of_no_other_order() {
    check(ONE, "A", "0 1 2 4 5 6 8; A; ; ; ");
    check(ONE, "c", "0 1 2 3 4 5 6 8; A B; ; ; ");
    check(ONE, "Z", "7; Z; ; ; ");
    assert!(asked(ONE, "nobody").is_none());
    let found = asked(ONE, "A").unwrap();
    assert_eq!(found.identity, Identity::Order);
    let times: Vec<(i64, i64)> = found
        .timeline
        .iter()
        .map(|moment| (moment.since_start_ns / 1000, moment.since_previous_ns / 1000))
        .collect();
    assert_eq!(
        times,
        [(0, 0), (1000, 1000), (2000, 1000), (2500, 500), (4000, 1500), (5000, 1000), (7000, 2000)]
    );
    let roles: Vec<&str> = found.timeline.iter().map(|moment| moment.role.name()).collect();
    assert_eq!(roles, ["related", "step", "step", "error", "step", "step", "related"]);
    assert_eq!(found.timeline[3].reason(), Some("timeout"));
    let illegal: Vec<u64> =
        found.timeline.iter().filter(|moment| moment.illegal.is_some()).map(|moment| moment.seq).collect();
    assert_eq!(illegal, [6]);
    let life = found.order("A").unwrap();
    assert_eq!((life.fills, life.illegal_transitions.len(), life.is_orphan), (1, 1, false));
    assert_eq!(life.slippage_bps, Some(blotter_engine::dec!(1000)));
}

#[test]
fn chains_are_followed_in_both_directions_and_slices_up_and_down() {
    let chain = "
        @0 order order_created order_id=A
        @1 order order_created order_id=B replaces=A
        @2 order order_replaced order_id=A replaced_by=B
        @3 order order_created order_id=C replaces=B
        @4 order order_cancelled order_id=C
        @5 order order_created order_id=D";
    for id in ["A", "B", "C"] {
        check(chain, id, "0 1 2 3 4; A B C; A>B replacement, B>C replacement; ; ");
    }
    check(chain, "D", "5; D; ; ; ");
    let tree = "
        @0 order order_created order_id=P
        @1 order order_created order_id=S1 parent_order_id=P
        @2 order order_created order_id=S2 parent_order_id=P
        @3 order order_created order_id=S3 parent_order_id=S2
        @4 fill order_filled order_id=S4 parent_order_id=lost fill_quantity=1";
    check(tree, "P", "0 1 2 3; P S1 S2 S3; P>S1 part, P>S2 part, S2>S3 part; ; ");
    // The other slices of the parent are not what was asked for.
    check(tree, "S1", "0 1; P S1; P>S1 part; ; ");
    check(tree, "S2", "0 2 3; P S2 S3; P>S2 part, S2>S3 part; ; ");
    check(tree, "S4", "4; S4; lost>S4 part; ; lost");
    // One that only others name.
    check(tree, "lost", "4; S4; lost>S4 part; ; lost");
}

#[test]
fn cycles_are_told_and_not_followed_for_ever() {
    let cycle = "
        @0 order order_created order_id=B replaces=C
        @1 order order_created order_id=A replaces=B
        @2 order order_created order_id=C replaces=A
        @3 order order_created order_id=S parent_order_id=S";
    check(cycle, "A", "0 1 2; B A C; A>C replacement, B>A replacement, C>B replacement; A-C-B; ");
    check(cycle, "S", "3; S; S>S part; S; ");
}

#[test]
fn ids_are_texts_whatever_they_hold() {
    let lines = "
        @0 order order_created order_id=12 parent_order_id=7
        @1 order order_created order_id=a\"b\\c$x
        @2 order order_created order_id=7";
    check(lines, "12", "0 2; 12 7; 7>12 part; ; ");
    check(lines, "a\"b\\c$x", "1; a\"b\\c$x; ; ; ");
}

#[test]
fn what_is_beyond_the_bounds_is_counted() {
    // Each order of the chain is a step further.
    let chain: String = (0..300)
        .map(|at| format!("@{at} order order_created order_id=R{} replaces=R{at}\n", at + 1))
        .collect();
    let recorded_chain = recorded(&chain, true);
    let found = lifecycle(&recorded_chain.db, "R300", &QueryOptions::default()).unwrap().unwrap();
    assert!(found.has_more_orders);
    assert!((250..300).contains(&found.orders.len()), "{}", found.orders.len());
    let found = lifecycle(&recorded_chain.db, "R150", &QueryOptions::default()).unwrap().unwrap();
    assert_eq!(
        (found.has_more_orders, found.orders.len(), found.missing),
        (false, 300, vec!["R0".to_owned()])
    );
    let mut many = String::from("@0 order order_created order_id=A correlation_id=c\n");
    for at in 0..TIMELINE_EVENTS_MAX + 4 {
        many.push_str(&format!("@{at} signal entry_signal correlation_id=c\n"));
    }
    many.push_str("@999999 order order_cancelled order_id=A correlation_id=c\n");
    for id in ["A", "c"] {
        let recorded = recorded(&many, true);
        let found = lifecycle(&recorded.db, id, &QueryOptions::default()).unwrap().unwrap();
        assert_eq!((found.timeline.len(), found.events_left_out), (TIMELINE_EVENTS_MAX, 6), "{id}");
        // The life is whole all the same.
        assert_eq!(found.order("A").unwrap().status.unwrap().as_str(), "cancelled", "{id}");
    }
}

#[test]
fn limits_of_the_options_are_kept() {
    let recorded = recorded(ONE, false);
    let options = QueryOptions::default();
    options.cancel.cancel();
    let error = lifecycle(&recorded.db, "A", &options).unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Cancelled);
}
