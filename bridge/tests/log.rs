//! What is said through the `log` crate is recorded. The logger is called as the crate calls it, without installing it:
//! a process has one.
#![cfg(feature = "log")]
#![allow(clippy::unwrap_used)] // in a test a panic is the failure report

mod scene;

use log::{Level, Log, Record};
use scene::scene;

#[test]
fn records_and_their_key_values() {
    let scene = scene();
    let logger = scene.bridge.logger();
    let say = |level, target: &str, values: &dyn log::kv::Source, message: &str| {
        logger.log(
            &Record::builder()
                .level(level)
                .target(target)
                .file(Some("src/gateway.rs"))
                .line(Some(7))
                .key_values(&values)
                .args(format_args!("{message}"))
                .build(),
        );
    };
    say(Level::Trace, "oms", &None::<(&str, &str)>, "plain");
    let ids = [("order_id", "A-1"), ("category", "order"), ("event", "order_created"), ("price", "150.25")];
    say(Level::Info, "oms", &ids, "sent");
    use log::kv::Value;
    let values = [
        ("price", Value::from(150.25)),
        ("n", Value::from(-5)),
        ("big", Value::from(u64::MAX)),
        ("is", Value::from(true)),
        ("list", Value::from_debug(&[1, 2])),
        ("n", Value::from(6)),
        ("level", Value::from("high")),
    ];
    say(Level::Warn, "feed", &values, "typed");
    say(Level::Error, "gateway", &[("error", "connection refused")], "failed");
    scene.check(&[
        "trace system \"plain\" component=oms",
        "info order order_created\"sent\" order_id=A-1 price=150.25 component=oms",
        "warn system \"typed\" price=150.25 n=-5 big=18446744073709551615 is=true list=[1, 2] n.2=6 field.level=high component=feed",
        "error error \"failed\" error_message=connection refused component=gateway location=src/gateway.rs:7",
    ]);
    assert_eq!(scene.bridge.statistics().recorded, 4);
    let found = scene.db.snapshot().unwrap().lookup("A-1").next().unwrap();
    let price = found.get("price").unwrap().value_type();
    assert_eq!(price, blotter_engine::event::ValueType::Decimal);
}
