//! A remote that takes everything, and can end the host right after it has answered: before that can be recorded.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// One request that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) id: String,
    pub(super) body: String,
}

/// Serves until it is dropped.
#[derive(Debug)]
pub(super) struct Receiver {
    address: SocketAddr,
    got: Mutex<Vec<Got>>,
    /// Whom to kill, and after how many answers.
    victim: Mutex<Option<(Pid, u32)>>,
    serving: Mutex<JoinSet<()>>,
}

impl Receiver {
    pub(super) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (got, victim, serving) = Default::default();
        let receiver = Arc::new(Self { address, got, victim, serving });
        receiver.serving.lock().unwrap().spawn(serve(listener, Arc::downgrade(&receiver)));
        receiver
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// All so far, in the order in which they were answered.
    pub(super) fn all(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Ends this process after so many answers.
    pub(super) fn kills(&self, process: u32, answers: u32) {
        let process = Pid::from_raw(process.try_into().unwrap()).unwrap();
        *self.victim.lock().unwrap() = Some((process, answers));
    }

    /// Ends nobody.
    pub(super) fn spares(&self) {
        *self.victim.lock().unwrap() = None;
    }

    fn answered(&self) {
        let mut victim = self.victim.lock().unwrap();
        if let Some((process, left)) = victim.as_mut() {
            *left -= 1;
            if *left == 0 {
                // It was not waited for yet, so its id is nobody else's.
                kill_process(*process, Signal::KILL).unwrap();
                *victim = None;
            }
        }
    }
}

async fn serve(listener: TcpListener, receiver: std::sync::Weak<Receiver>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let Some(receiver) = receiver.upgrade() else { return };
        connections.spawn(async move { answer(stream, &receiver).await.unwrap_or_default() });
    }
}

/// One request after the other, until the other side has gone.
async fn answer(stream: TcpStream, receiver: &Receiver) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut id, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            match line.trim_end().split_once(": ") {
                Some(("webhook-id", value)) => id = value.into(),
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None if line == "\r\n" => break,
                None => {} // The request's first line.
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let body = String::from_utf8(body).unwrap();
        receiver.got.lock().unwrap().push(Got { id, body });
        stream.get_mut().write_all(ANSWER).await?;
        receiver.answered();
    }
}
