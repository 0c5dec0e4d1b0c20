//! A plugin that is replaced without a pause while it is called: whoever writes it, no call fails.

use std::{
    fs::{self, File},
    io::Write,
};

use serde_json::Value;

use crate::harness::{Bystander, Load, Server, Site, guest};

const V1: &str = "hello v1";
const V2: &str = "hello v2";

/// How often it is replaced.
const TIMES: u16 = 200;

/// A file of the first version that differs from every other in nothing that it does.
fn first_version(number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    let mut component = guest("greet-v1");
    // A custom section: its kind, its length, its name behind that one's length, and what is in it.
    component.extend([0, 6, 3, b'n', b't', b'h', high, low]);
    component
}

/// Halfway through each write and behind it, a command is answered: so it is some hundred replacements a second at most,
/// and each state is there for a while.
async fn replaced(write: impl AsyncFn(&Site, &Server, &[u8])) {
    let site = Site::new(&["greet=greet-v1", "mark"]);
    let server = Server::start(&site).await;
    let (greets, bystander) = (Load::start(&server.support, "/greet", 2), Bystander::start(&server.support));
    for number in 0..TIMES {
        write(&site, &server, &first_version(number)).await;
        assert_eq!(server.says("/greet").await, V1, "after {number}");
    }
    greets.next_phase();
    write(&site, &server, &guest("greet-v2")).await;
    // The last one written is the one that serves.
    server.until("/greet", V2).await;
    greets.next_phase();
    greets.answers().await;
    let answered = greets.end(&[vec![V1], vec![V1, V2], vec![V2]]).await;
    assert!(answered > usize::from(TIMES), "{answered} answers");
    bystander.end(&format!("{TIMES} replacements, beside {answered} calls")).await;
    let listed = server.admin("plugins/greet").await;
    assert_eq!((&listed["error"], &listed["serving"]["bytes"]), (&Value::Null, &guest("greet-v2").len().into()));
    server.stop().await;
}

#[tokio::test]
async fn in_place_and_by_halves() {
    replaced(async |site, server, component| {
        let mut file = File::create(site.path("plugins/greet.wasm")).unwrap();
        let (first, second) = component.split_at(component.len() / 2);
        file.write_all(first).unwrap();
        assert_ne!(server.says("/mark").await, "");
        file.write_all(second).unwrap();
    })
    .await;
}

#[tokio::test]
async fn by_a_rename() {
    replaced(async |site, server, component| {
        fs::write(site.path("next"), component).unwrap();
        assert_ne!(server.says("/mark").await, "");
        site.rename("next", "plugins/greet.wasm");
    })
    .await;
}
