//! From names to addresses.
//!
//! Owns how a name is asked for, and how many at once. Never decides about an address: [`crate::guard`] checks each one.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Lookups at once. The system's resolver blocks a thread, for longer than any limit here if its server does not answer;
/// the pool of such threads is also everybody else's (512), so that names get no more than a share of it.
const LOOKUPS_MAX: usize = 128;

/// What resolves a name, blocking: a function, so that tests may give other answers than the system's. The port is 0, in
/// place of which reqwest puts the URL's.
pub(crate) type Resolver = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Resolves names.
#[derive(Clone)]
pub(crate) struct Lookup {
    resolver: Arc<Resolver>,
    places: Arc<Semaphore>,
}

impl Lookup {
    /// The system's resolver, with its hosts file, search domains and caches.
    pub(crate) fn system() -> Self {
        Self::new(Arc::new(|host: &str| Ok((host, 0).to_socket_addrs()?.collect())))
    }

    pub(crate) fn new(resolver: Arc<Resolver>) -> Self {
        Self { resolver, places: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }

    /// All addresses of a name; at least one.
    pub(crate) async fn addresses(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        let (resolver, name) = (Arc::clone(&self.resolver), host.to_owned());
        let found = tokio::task::spawn_blocking(move || {
            // Kept by the thread, not by who waits: whoever gives up leaves the thread as busy as before.
            let _place = place;
            resolver(&name)
        });
        match found.await.map_err(io::Error::other)?? {
            none if none.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, "no address")),
            addresses => Ok(addresses),
        }
    }
}
