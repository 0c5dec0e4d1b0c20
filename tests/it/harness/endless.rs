//! A remote whose answers never end.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// How long a slow one lets others wait for its next byte: never long enough to be taken for silence.
const PACE: Duration = Duration::from_millis(20);

/// What has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The headers, byte by byte.
    Head,
    /// The headers, as fast as they are taken.
    HeadFlood,
    /// The body, byte by byte.
    Body,
    /// The body, as fast as it is taken.
    Flood,
}

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Endless {
    address: SocketAddr,
    sent: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Endless {
    pub(crate) async fn start(part: Part) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, sent) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, part, sent.clone()));
        Self { address, sent, _serving: serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many bytes of the part without end were taken.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, part: Part, sent: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let sent = sent.clone();
        // Its end is that the other side has gone.
        connections.spawn(async move { answer(&stream, part, &sent).await.unwrap_or_default() });
    }
}

async fn answer(stream: &TcpStream, part: Part, sent: &AtomicUsize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    read_request(stream).await?;
    let begin: &[u8] = match part {
        Part::Head | Part::HeadFlood => b"HTTP/1.1 200 OK\r\nslow: ",
        Part::Body | Part::Flood => b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n",
    };
    write(stream, begin).await?;
    let mut pace = tokio::time::interval(PACE);
    loop {
        let more = match part {
            Part::HeadFlood | Part::Flood => &[b'x'; 16 * 1024][..],
            Part::Head | Part::Body => {
                pace.tick().await;
                b"x"
            }
        };
        write(stream, more).await?;
        sent.fetch_add(more.len(), Ordering::SeqCst);
    }
}

/// To the end of its headers; a body is left where it is.
async fn read_request(stream: &TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        stream.readable().await?;
        match stream.try_read_buf(&mut request) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
