//! What the environment of the process does, and what it does not: each in a process of its own, for an environment is
//! everybody's.

use std::process::Command;

#[cfg(target_os = "linux")]
use slashbox_egress::{Refusal, SendError};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::get;
use crate::server::{Server, head};

const URL: &str = "EGRESS_TEST_URL";

async fn answering() -> Server {
    Server::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    })
    .await
}

/// Runs a test again, in a process with this environment; there it finds the URL, and knows its part by that.
async fn again(test: &'static str, server: &Server, environment: Vec<(&'static str, String)>) {
    let url = server.url("/");
    let run = move || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).envs(environment).env(URL, url).output().unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    if let Ok(url) = std::env::var(URL) {
        assert_eq!(get(&url).await.unwrap().body, "ok");
        return;
    }
    let (server, proxy) = (answering().await, answering().await);
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let mut environment: Vec<_> = names.into_iter().map(|name| (name, proxy.url(""))).collect();
    environment.push(("NO_PROXY", String::new()));
    again("process::proxies_of_the_environment_are_not_asked", &server, environment).await;
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
}

// Elsewhere the certificates are the system's own, and no variable takes them away.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_certificates_https_is_refused_and_the_rest_works() {
    if let Ok(url) = std::env::var(URL) {
        let error = get(&url.replace("http://", "https://")).await.unwrap_err();
        assert!(matches!(error, SendError::Refused(Refusal::NoCertificates { .. })), "{error:?}");
        assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");
        assert_eq!(get(&url).await.unwrap().body, "ok");
        return;
    }
    let server = answering().await;
    let environment = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| (name, "/dev/null".to_owned())).into();
    again("process::without_certificates_https_is_refused_and_the_rest_works", &server, environment).await;
    assert_eq!(server.connections(), 1);
}
