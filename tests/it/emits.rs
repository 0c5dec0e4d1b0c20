//! Events that plugins emit: as durable as any other, for plugins and remotes, and only if the call succeeds.

use serde_json::json;

use crate::harness::{Receiver, Server, Site};

#[tokio::test]
async fn what_a_plugin_emits_reaches_plugins_and_remotes() {
    let receiver = Receiver::start();
    let site = Site::new(&["probe", "recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["plugin.probe.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    server.check(&[("/emit order.paid {\"sum\":12345678901234567890}", "ok")]).await;
    server.until("/seen", "1").await;
    let event: serde_json::Value = serde_json::from_str(&server.support.says("/event 1").await).unwrap();
    for (field, expected) in [
        ("kind", json!("plugin.probe.order.paid")),
        ("native_kind", json!("plugin.probe.order.paid")),
        ("sender", json!("system")),
    ] {
        assert_eq!(event[field], expected, "{field}");
    }
    let listed = server.listed("events?kind=plugin.probe.order.paid").await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["source"], &listed[0]["dialect"]), (&json!("support"), &json!("native")));
    let received = receiver.first().await;
    assert_eq!(received.id(), listed[0]["id"]);
    let data = received.json()["data"].to_string();
    assert!(data.contains("12345678901234567890"), "{data}");
}
