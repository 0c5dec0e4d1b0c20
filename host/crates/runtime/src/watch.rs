//! Keeps the set of plugins current: wakes a pass when the folder changes.
//!
//! The system's notice is only a hint, as are the looks at intervals: what counts is what a pass finds. Nothing that
//! happens here ends the loop but its owner.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use slashbox_core::Fallbacks;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, interval_at},
};
use tracing::{debug, warn};

use crate::{
    reload::{Pace, Reloader},
    telemetry::PLUGINS,
};

/// How long after a notice the folder is looked at, and how long a file must look the same to count as written: an
/// editor's steps are milliseconds apart.
const SETTLE: Duration = Duration::from_millis(50);

/// How often the folder is looked at without a notice: some file systems give none, and a queue of notices can overflow.
const RESCAN: Duration = Duration::from_secs(2);

/// How often what nobody uses any more is removed: it may stay for a week.
const PRUNE: Duration = Duration::from_secs(60 * 60);

/// What the loop may be asked for.
#[derive(Debug)]
pub(crate) enum Request {
    /// A pass. It is answered when one that began after it is over.
    Pass(oneshot::Sender<()>),
    /// To decide who owns which command, now that remotes answer these. It is answered with whether that serves.
    Fallbacks(Fallbacks, oneshot::Sender<bool>),
}

/// What can happen.
enum Event {
    Changed,
    Rescan,
    Loaded,
    Asked(Request),
    Prune,
    Stopped,
}

/// Runs until the sender of `asked` is gone.
pub(crate) async fn watch(mut reloader: Reloader, mut asked: mpsc::Receiver<Request>) {
    let changed = Arc::new(Notify::new());
    let mut watching = Watching::begin(reloader.plugins_dir(), &changed);
    let mut unsettled = false;
    let mut prune = interval_at(Instant::now() + PRUNE, PRUNE);
    loop {
        let pause = if unsettled { SETTLE } else { RESCAN };
        let event = tokio::select! {
            asked = asked.recv() => asked.map_or(Event::Stopped, Event::Asked),
            () = changed.notified(), if !unsettled => Event::Changed,
            () = reloader.loaded() => Event::Loaded,
            _ = prune.tick() => Event::Prune,
            () = tokio::time::sleep(pause) => Event::Rescan,
        };
        match event {
            Event::Changed => {
                tokio::time::sleep(SETTLE).await;
                unsettled = reloader.pass(Pace::Settled).await;
            }
            Event::Rescan => {
                if !watching.holds(reloader.plugins_dir()) {
                    watching = Watching::begin(reloader.plugins_dir(), &changed);
                }
                unsettled = reloader.pass(Pace::Settled).await;
            }
            // The file may have changed while it was loaded.
            Event::Loaded => unsettled = reloader.pass(Pace::Settled).await,
            Event::Asked(Request::Pass(answer)) => {
                unsettled = reloader.pass(Pace::Now).await;
                let _ = answer.send(()); // Whoever asked may be gone.
            }
            Event::Asked(Request::Fallbacks(fallbacks, answer)) => {
                let _ = answer.send(reloader.set_fallbacks(fallbacks).await);
            }
            Event::Prune => reloader.prune().await,
            Event::Stopped => return,
        }
    }
}

/// The system's watch on one folder; a folder that was replaced needs a new one.
struct Watching {
    watcher: Option<RecommendedWatcher>,
    folder: Option<Identity>,
}

/// Which folder it is, and when it was made: one that is made anew often gets the number of the one that went.
type Identity = (u64, Option<SystemTime>);

impl Watching {
    fn begin(dir: &Path, changed: &Arc<Notify>) -> Self {
        let folder = identity(dir);
        let notice = {
            let changed = changed.clone();
            move |event: notify::Result<notify::Event>| match event {
                Ok(event) if event.kind.is_access() => {} // Our own reading.
                Ok(_) => changed.notify_one(),
                Err(error) => {
                    debug!(target: PLUGINS, %error, "the plugins folder's notices");
                    changed.notify_one();
                }
            }
        };
        let watcher = notify::recommended_watcher(notice).and_then(|mut watcher| {
            watcher.watch(dir, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        if let Err(error) = &watcher
            && folder.is_some()
        {
            let seconds = RESCAN.as_secs();
            warn!(target: PLUGINS, %error, "no notices of changes, the plugins folder is looked at every {seconds} s");
        }
        Self { watcher: watcher.ok(), folder }
    }

    /// Whether this watch still is on the folder that has the path now. One that the system refused is not tried again.
    fn holds(&self, dir: &Path) -> bool {
        let now = identity(dir);
        now.is_none() || now == self.folder || (self.watcher.is_none() && self.folder.is_some())
    }
}

fn identity(dir: &Path) -> Option<Identity> {
    let metadata = fs::metadata(dir).ok()?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let number = 0;
    Some((number, metadata.created().ok()))
}
