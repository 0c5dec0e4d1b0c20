//! Commands whose sender names them, so that it can send one again of which it does not know what became: it gets the
//! first one's answer, and the command is not run again.
//!
//! Owns the answers that are kept for that. In memory alone: a command waits for its answer, so it is sent again within
//! seconds; after a restart, it runs again. Kept are answers that say what was done or that it is refused; whatever may go
//! better the next time runs again, under the id that it had, by which plugins' HTTP requests are known.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};
use slashbox_core::{Command, Outcome};
use slashbox_dialects::Refusal;
use tokio::sync::watch;

use crate::{Answer, CommandError, configured::Configured, host::Inner, pipeline};

/// How many commands are remembered, the newest: with replies of their greatest length, some 64 MiB.
const KEPT_MAX: usize = 4_096;

type Answered = Result<Answer, CommandError>;

/// The commands that have been named.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<[u8; 32], Named>,
    /// The oldest first.
    order: VecDeque<[u8; 32]>,
}

/// A command that has been named.
#[derive(Clone, Debug)]
struct Named {
    id: String,
    /// What it says: a name means one thing.
    content: [u8; 32],
    /// `None` as long as it runs.
    answered: watch::Receiver<Option<Answered>>,
}

/// What to do with a command.
enum Turn {
    Run(watch::Sender<Option<Answered>>, Box<Command>),
    Wait(watch::Receiver<Option<Answered>>),
}

impl Repeats {
    /// The answer to a command, or the one that it had. It runs to its end, and is remembered, if its sender hangs up.
    pub(crate) async fn answer(
        &self,
        inner: &Arc<Inner>,
        configured: &Arc<Configured>,
        command: Command,
        key: &str,
    ) -> Result<Answered, Refusal> {
        let origin = &command.origin;
        let key = digest([&origin.tenant, &origin.source, key]);
        let mut answered = match self.turn(key, command)? {
            Turn::Wait(answered) => answered,
            Turn::Run(sender, command) => {
                let answered = sender.subscribe();
                let (host, configured) = (inner.clone(), configured.clone());
                inner.tasks.spawn(async move {
                    sender.send_replace(Some(pipeline::answer(&host, &configured.remotes, *command).await));
                });
                answered
            }
        };
        let answered = answered.wait_for(Option::is_some).await.ok().and_then(|answered| answered.clone());
        answered.ok_or_else(|| Refusal::Unavailable("the host failed in this command, send it again".into()))
    }

    fn turn(&self, key: [u8; 32], mut command: Command) -> Result<Turn, Refusal> {
        let content = digest([command.name.as_str(), &command.args, &command.envelope, &command.data]);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = kept.by_key.get(&key) {
            if named.content != content {
                return Err(Refusal::Malformed("the idempotency key is another command's: expected a new one".into()));
            }
            if named.is_to_be_waited_for() {
                return Ok(Turn::Wait(named.answered.clone()));
            }
            command.id.clone_from(&named.id);
        }
        let (sender, answered) = watch::channel(None);
        kept.keep(key, Named { id: command.id.clone(), content, answered });
        Ok(Turn::Run(sender, Box::new(command)))
    }
}

impl Named {
    /// Whether it runs, or has an answer that stays.
    fn is_to_be_waited_for(&self) -> bool {
        match &*self.answered.borrow() {
            None => self.answered.has_changed().is_ok(), // Else the host failed in it.
            Some(Ok(answer)) => matches!(answer.outcome, Outcome::Replied(_) | Outcome::Refused(_)),
            Some(Err(_)) => false,
        }
    }
}

impl Kept {
    fn keep(&mut self, key: [u8; 32], named: Named) {
        if self.by_key.insert(key, named).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > KEPT_MAX {
            self.order.pop_front().map(|oldest| self.by_key.remove(&oldest));
        }
    }
}

/// Each part behind its length, so that no two lists of parts come to the same.
fn digest<const N: usize>(parts: [&str; N]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
