//! Every kind of message, and what is wrong with some.

use super::*;
use crate::import::intake::Collected;

/// A message with its length and checksum, separated by `|`.
fn message(body: &str) -> String {
    let text = format!("8=FIX.4.2|9={}|{body}", body.len());
    let sum = text.bytes().fold(0u8, |sum, byte| sum.wrapping_add(if byte == b'|' { 1 } else { byte }));
    format!("{text}10={sum:03}|")
}

const HEAD: &str = "34=1|49=US|52=20180223-19:16:24.424|56=THEM|";

fn read(lines: &[String]) -> Collected {
    Collected::read(&mut Fix::new(Tz::UTC), &lines.join("\n"))
}

/// Checks what messages, each given from after its type on, become: category, level and what the step says.
#[track_caller]
fn check(messages: &[(&str, &str)], expected: &[&str]) {
    let lines: Vec<String> =
        messages.iter().map(|(kind, rest)| message(&format!("35={kind}|{HEAD}{rest}"))).collect();
    let read = read(&lines);
    assert_eq!((&read.refused, &read.doubts), (&Vec::new(), &Vec::new()));
    assert!(read.taken.iter().all(|taken| *taken == Taken::Record));
    let found: Vec<String> = read
        .events
        .iter()
        .map(|event| {
            let (_, rest) = event.split_once("Z ").unwrap();
            let (step, _) = rest.split_once(" fix_version=").unwrap();
            let (_, sentence) = rest.rsplit_once(" message=").unwrap();
            format!("{step} | {sentence}")
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_order_with_all_its_fields() {
    let line = format!(
        "2018/02/23 19:16:24.428523 {}",
        message(&format!(
            "35=D|{HEAD}1=ACC|11=A1|38=10|40=2|44=3.81E-8|54=5|55=DEMO|59=1|60=20180223-19:16:24.423|167=FUT|200=201804|\
             453=2|448=P1|452=1|448=P2|452=3|9001=own|"
        ))
    );
    let read = read(std::slice::from_ref(&line));
    let raw = &line["2018/02/23 19:16:24.428523 ".len()..];
    assert_eq!(
        read.events,
        [format!(
            "1: 2018-02-23T19:16:24.428523000Z order info event=order_created order_id=A1 status=created \
             fix_version=FIX.4.2 message_type=D message_seq_num=1 sender=US sending_time=2018-02-23T19:16:24.424000000Z \
             target=THEM account=ACC quantity=10 order_type=limit price=0.0000000381 side=SELL side_detail=sell_short \
             symbol=DEMO time_in_force=gtc transaction_time=2018-02-23T19:16:24.423000000Z security_type=FUT \
             maturity=201804 parties_count=2 party_id=P1 party_role=1 party_id.2=P2 party_role.2=3 fix.9001=own raw={raw} \
             message=order created: SELL 10 DEMO @ 0.0000000381"
        )]
    );
}

#[test]
fn an_order_is_followed_to_its_end() {
    check(
        &[
            ("D", "11=A1|38=10|40=2|44=99.0|54=1|55=X|"),
            ("8", "11=A1|37=E1|17=1|150=A|39=A|54=1|55=X|38=10|"),
            ("8", "11=A1|41=A1|37=E1|17=2|150=0|39=0|54=1|55=X|38=10|"),
            ("8", "11=A1|37=E1|17=3|150=1|39=1|54=1|55=X|32=4|31=99|14=4|151=6|6=99|"),
            ("8", "11=A1|37=E1|17=4|150=F|39=1|54=1|55=X|32=1|31=99|14=5|151=5|6=99|"),
            ("8", "11=A1|37=E1|17=5|150=F|39=2|54=1|55=X|32=5|31=98|14=10|151=0|6=98.5|"),
        ],
        &[
            "order info event=order_created order_id=A1 status=created | order created: BUY 10 X @ 99.0",
            "order info event=order_submitted order_id=A1 status=submitted | order submitted: BUY 10 X",
            "order info event=order_acknowledged order_id=A1 status=acknowledged | order acknowledged: BUY 10 X",
            "fill info event=order_partially_filled order_id=A1 status=partially_filled | order partially filled: BUY 4 X @ 99",
            "fill info event=order_partially_filled order_id=A1 status=partially_filled | order partially filled: BUY 1 X @ 99",
            "fill info event=order_filled order_id=A1 status=filled | order filled: BUY 5 X @ 98",
        ],
    );
}

#[test]
fn cancels_and_replacements_are_paired_with_the_order_they_end() {
    check(
        &[
            ("F", "11=C1|41=A1|54=1|55=X|"),
            ("8", "11=C1|41=A1|37=E1|17=1|150=6|39=6|"),
            ("8", "11=C1|41=A1|37=E1|17=2|150=4|39=4|58=as asked|"),
            ("F", "11=C2|41=A2|54=1|55=X|"),
            // It does not name the order, the request did.
            ("8", "11=C2|37=E2|17=3|150=4|39=4|"),
            ("8", "11=A3|37=E3|17=4|150=4|39=4|"),
            ("G", "11=B4|41=A4|54=1|55=X|38=5|44=1|"),
            ("8", "11=B4|41=A4|37=E4|17=5|150=5|39=5|"),
            ("8", "11=A9|37=E9|17=6|150=5|39=0|"),
            ("F", "11=C5|41=A5|54=1|55=X|"),
            ("9", "11=C5|41=A5|37=E5|39=2|434=1|102=0|"),
            ("G", "11=B6|41=A6|54=1|55=X|38=5|44=1|"),
            ("9", "11=B6|41=A6|37=E6|39=0|434=2|58=not now|"),
        ],
        &[
            "order info event=order_cancel_requested order_id=A1 cancel_request_id=C1 | order cancel requested: BUY X",
            "order info event=order_cancel_pending order_id=A1 | order cancel pending",
            "order info event=order_cancelled order_id=A1 status=cancelled reason=as asked cancel_request_id=C1 | order cancelled: as asked",
            "order info event=order_cancel_requested order_id=A2 cancel_request_id=C2 | order cancel requested: BUY X",
            "order info event=order_cancelled order_id=A2 status=cancelled cancel_request_id=C2 | order cancelled",
            "order info event=order_cancelled order_id=A3 status=cancelled | order cancelled",
            "order info event=order_created order_id=B4 status=created replaces=A4 | order created: BUY 5 X @ 1",
            "order info event=order_replaced order_id=A4 status=replaced replaced_by=B4 | order replaced",
            "order info event=order_acknowledged order_id=B4 status=acknowledged replaces=A4 | order acknowledged",
            "order info event=order_amended order_id=A9 | order amended",
            "order info event=order_cancel_requested order_id=A5 cancel_request_id=C5 | order cancel requested: BUY X",
            "order warn event=order_cancel_rejected order_id=A5 cancel_request_id=C5 reason=too late to cancel | order cancel rejected: too late to cancel",
            "order info event=order_created order_id=B6 status=created replaces=A6 | order created: BUY 5 X @ 1",
            "order warn event=order_cancel_rejected order_id=A6 cancel_request_id=B6 reason=not now | order cancel rejected: not now",
            "order warn event=order_rejected order_id=B6 status=rejected reason=not now | order rejected: not now",
        ],
    );
}

#[test]
fn other_reports_are_no_steps() {
    check(
        &[
            ("8", "11=A1|17=1|150=8|39=8|103=3|"),
            ("8", "11=A1|17=2|150=C|39=C|"),
            ("8", "11=A1|17=3|150=3|39=3|"),
            ("8", "11=A1|17=4|150=H|39=1|32=5|31=1|"),
            ("8", "11=A1|17=5|20=1|150=1|39=1|32=5|31=1|"),
            ("8", "11=A1|17=6|20=3|150=0|39=0|"),
            ("8", "11=A1|17=7|150=Z|39=0|"),
            // FIX 4.0 has no ExecType.
            ("8", "11=A1|17=8|39=2|32=5|31=1|54=2|"),
            ("8", "37=E1|17=9|150=0|39=0|"),
            ("8", "17=10|150=0|39=0|"),
            // Sent again, and known; sent again, and not.
            ("8", "43=Y|11=A1|17=8|39=2|32=5|31=1|54=2|"),
            ("8", "43=Y|11=A2|17=11|39=2|32=5|31=1|54=2|"),
        ],
        &[
            "order warn event=order_rejected order_id=A1 status=rejected reason=order exceeds limit | order rejected: order exceeds limit",
            "order info event=order_expired order_id=A1 status=expired | order expired",
            "order info event=order_done_for_day order_id=A1 | order done for day",
            "order info event=trade_busted order_id=A1 | trade busted",
            "order info event=trade_busted order_id=A1 | trade busted",
            "order info event=order_status_report order_id=A1 | order status report",
            "order info event=execution_report order_id=A1 | execution report",
            "fill info event=order_filled order_id=A1 status=filled | order filled: SELL 5 @ 1",
            "order info event=order_acknowledged order_id=E1 status=acknowledged | order acknowledged",
            "order warn event=execution_report | execution report",
            "audit info event=fix_duplicate order_id=A1 | fix duplicate: SELL",
            "fill info event=order_filled order_id=A2 status=filled | order filled: SELL 5 @ 1",
        ],
    );
}

#[test]
fn messages_without_an_order() {
    check(
        &[
            ("A", "98=0|108=30|"),
            ("0", ""),
            ("2", "7=1|16=0|"),
            ("5", ""),
            ("3", "45=3|371=38|58=Required tag missing|"),
            ("j", "45=3|372=D|379=A1|380=3|58=Unsupported|"),
            ("S", "55=X|132=1.5|133=1.6|"),
            ("W", "55=X|268=1|269=0|270=1.5|271=10|"),
            ("zz", "58=x|"),
        ],
        &[
            "system info event=fix_logon | fix logon",
            "system debug event=fix_heartbeat | fix heartbeat",
            "system warn event=fix_resend_request | fix resend request",
            "system info event=fix_logout | fix logout",
            "error error event=fix_reject error_message=Required tag missing | fix reject: Required tag missing",
            "error error event=fix_business_reject error_message=Unsupported order_id=A1 | fix business reject: Unsupported",
            "market_data debug event=quote | quote",
            "market_data info event=fix_market_data_snapshot | fix market data snapshot",
            "system info event=fix_message | fix message",
        ],
    );
}

#[test]
fn what_is_wrong_is_told_and_marked() {
    let good = message(&format!("35=0|{HEAD}"));
    let lines = [
        good.replace("34=1", "34=2"),
        good.replace("49=US|", "49=USA|"),
        good[..40].to_owned(),
        "no message".to_owned(),
        String::new(),
        "8=FIX.4.2|9=5|garbage|10=000|".to_owned(),
        message("34=1|52=20180223-19:16:24.424|"),
        message("35=0|34=1|52=soon|"),
        message(&format!("35=0|{HEAD}108=x|43=maybe|")),
    ];
    let read = read(&lines);
    let bad: Vec<Option<&str>> = read
        .taken
        .iter()
        .map(|taken| match taken {
            Taken::Bad(reason) => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(read.taken[4], Taken::Blank);
    assert_eq!(bad.iter().filter(|bad| bad.is_some()).count(), 5, "{bad:?}");
    assert!(bad[2].unwrap().contains("no time"));
    assert!(bad[3].unwrap().contains("8=FIX"));
    assert!(
        bad[5].unwrap().contains("column 15 of the message: expected TAG=VALUE, found \"garbage"),
        "{bad:?}"
    );
    assert!(bad[6].unwrap().contains("no type (35)"));
    assert!(bad[7].unwrap().contains("neither 52 nor 60"));
    assert_eq!(read.doubts.len(), 2, "{:?}", read.doubts);
    assert!(read.doubts[0].starts_with("1: its checksum (10) is"), "{}", read.doubts[0]);
    assert!(read.doubts[1].starts_with("2: its length (9) is"), "{}", read.doubts[1]);
    assert!(read.events[0].contains(" checksum_valid=false") && !read.events[0].contains("length_valid"));
    assert!(read.events[1].contains(" length_valid=false checksum_valid=false"));
    // What is not of its type is kept as it is.
    assert!(read.events[2].contains(" fix.108=x fix.43=maybe "), "{}", read.events[2]);
}

#[test]
fn a_line_may_hold_several_messages_and_more() {
    let logon = message(&format!("35=A|{HEAD}"));
    let heartbeat = message(&format!("35=0|{HEAD}"));
    let lines = [format!("engine 7 {logon}{heartbeat} done"), format!("{logon}8=FIX.4.2|9=x|oops|")];
    let read = read(&lines);
    assert_eq!(read.taken, [Taken::Record, Taken::Record]);
    assert_eq!(read.events.len(), 3);
    assert!(read.events[0].contains("log_prefix=engine 7") && !read.events[0].contains("log_suffix"));
    assert!(
        read.events[1].contains("event=fix_heartbeat")
            && read.events[1].ends_with("log_prefix=engine 7 log_suffix=done")
    );
    assert_eq!(read.refused.len(), 1);
    assert!(read.refused[0].starts_with("2: "), "{}", read.refused[0]);
}

#[test]
fn commissions_and_averages() {
    let fill = |rest: &str| message(&format!("35=8|{HEAD}11=A1|17=1|150=2|39=2|{rest}"));
    let read = read(&[fill("12=1.5|13=3|14=0|6=0|"), fill("12=0.1|13=2|14=5|6=9.5|"), fill("12=0.2|")]);
    assert!(read.events[0].contains(" commission=1.5 ") && !read.events[0].contains("average_price"));
    assert!(
        read.events[1].contains(" commission_rate=0.1 ") && read.events[1].contains(" average_price=9.5 ")
    );
    assert!(read.events[2].contains(" commission=0.2 "));
}

/// Whatever is cut or changed, every line is something, and nothing panics.
#[test]
fn every_line_of_a_damaged_log_is_accounted_for() {
    let line = format!(
        "2018/02/23 19:14:25.174 {}",
        message(&format!("35=8|{HEAD}95=3|96=a|b|11=Ä1|17=1|150=2|39=2|31=1|32=2|"))
    );
    let mut random = blotter_workload::Prng::new(3);
    for _ in 0..20_000 {
        let mut text: Vec<char> = line.chars().collect();
        for _ in 0..random.below(6) {
            let at = random.below(text.len() as u64) as usize;
            match random.below(3) {
                0 if text.len() > 1 => drop(text.remove(at)),
                0 | 1 => text.insert(at, "|=8FIX9.\u{1}^A0".chars().nth(random.below(12) as usize).unwrap()),
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        let read = read(std::slice::from_ref(&text));
        assert_eq!(read.taken.len(), 1);
        if read.taken[0] == Taken::Record {
            assert!(read.events.len() + read.refused.len() >= 1, "{text}");
        }
    }
}
