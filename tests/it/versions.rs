//! Plugins of earlier interfaces: what was built against a frozen one goes on working.

use crate::harness::{Server, Site};

#[tokio::test]
async fn a_plugin_of_the_first_interface_serves() {
    let site = Site::new(&["interface-0-1"]);
    let server = Server::start(&site).await;
    server.support.writes("hello").await;
    server.settled().await;
    server
        .check(&[
            ("/frozen fields", "/frozen Some(\"-1002146012345:5\") Some(\"123456\") support"),
            ("/frozen kv", "1 hello commands events last"),
            ("/frozen refuse", "! as it was told"),
            ("/frozen later", "! /frozen is temporarily unavailable (ref REF)"),
        ])
        .await;
    assert_eq!(server.listed("events?kind=plugin.interface-0-1.tried").await.len(), 1);
}
