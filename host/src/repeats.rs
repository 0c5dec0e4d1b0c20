//! Commands whose sender names them, so that it can send one again of which it does not know what became: it gets the
//! first one's answer, and the command is not run again.
//!
//! Owns the answers that are kept for that. In memory alone: a command waits for its answer, so it is sent again within
//! seconds; after a restart, it runs again. Kept are answers that say what was done or that it is refused; whatever may go
//! better the next time runs again, under the id that it had, by which plugins' HTTP requests are known.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use slashbox_core::{Command, Outcome};
use slashbox_dialects::Refusal;
use tokio::sync::watch;

use crate::{Answer, CommandError, configured::Configured, host::Inner, pipeline};

/// How many commands of a source are remembered, the newest: with answers of their greatest length, some 64 MiB.
const KEPT_MAX: usize = 4_096;

/// For how long one is remembered: as long as an event by its id.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

type Answered = Result<Answer, CommandError>;

/// The commands that have been named, by the digest of their tenant and source: no source drives out another's.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    sources: Mutex<HashMap<[u8; 32], Kept>>,
}

/// Those of a source.
#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<[u8; 32], Named>,
    /// Each once; the one that was run longest ago first.
    order: VecDeque<[u8; 32]>,
}

/// A command that has been named.
#[derive(Clone, Debug)]
struct Named {
    id: String,
    /// What it says: a name means one thing.
    content: [u8; 32],
    began: Instant,
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
        let mut answered = match self.turn(digest([key]), command)? {
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
        let (content, now) = (content(&command), Instant::now());
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = sources.entry(digest([&command.origin.tenant, &command.origin.source])).or_default();
        kept.forget(now);
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
        kept.keep(key, Named { id: command.id.clone(), content, began: now, answered });
        Ok(Turn::Run(sender, Box::new(command)))
    }
}

impl Named {
    fn runs(&self) -> bool {
        self.answered.borrow().is_none() && self.answered.has_changed().is_ok() // Else the host failed in it.
    }

    /// Whether it runs, or has an answer that stays.
    fn is_to_be_waited_for(&self) -> bool {
        let stays = |answered: &Answered| match answered {
            Ok(answer) => matches!(answer.outcome, Outcome::Replied(_) | Outcome::Refused(_)),
            Err(_) => false,
        };
        self.runs() || self.answered.borrow().as_ref().is_some_and(stays)
    }
}

impl Kept {
    fn keep(&mut self, key: [u8; 32], named: Named) {
        if self.by_key.insert(key, named).is_some() {
            self.order.retain(|own| *own != key);
        }
        self.order.push_back(key);
    }

    /// Makes room for one more, and drops what has had its time. What runs stays: another of its name must wait for it.
    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.order.front() {
            let named = self.by_key.get(oldest);
            let is_old = named.is_none_or(|named| now.duration_since(named.began) > KEPT_FOR);
            if (!is_old && self.order.len() < KEPT_MAX) || named.is_some_and(Named::runs) {
                return;
            }
            self.order.pop_front().map(|oldest| self.by_key.remove(&oldest));
        }
    }
}

/// What a command says, but for when it was typed: a sender that does not know that may write the time of each try.
fn content(command: &Command) -> [u8; 32] {
    let Command { name, args, conversation, operator, contact, message, origin, data, .. } = command;
    let [conversation, operator, contact, message, instance] =
        [conversation, operator, contact, message, &origin.instance].map(|field| field.as_deref().unwrap_or_default());
    digest([name.as_str(), args, conversation, operator, contact, message, instance, data])
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

#[cfg(test)]
mod tests {
    use slashbox_core::Origin;
    use slashbox_dialects::Dialect;

    use super::*;

    fn command(source: &str, args: &str) -> Command {
        let (tenant, dialect) = ("default".into(), Dialect::NATIVE.name().into());
        Command {
            id: "01J".into(),
            name: "/a".parse().unwrap(),
            args: args.into(),
            conversation: None,
            operator: None,
            contact: None,
            message: None,
            occurred_at_ms: 0,
            origin: Origin { tenant, source: source.into(), dialect, instance: None },
            data: "null".into(),
            envelope: String::new(),
        }
    }

    fn runs(repeats: &Repeats, source: &str, key: usize) -> Option<watch::Sender<Option<Answered>>> {
        match repeats.turn(digest([&key.to_string()]), command(source, "x")).unwrap() {
            Turn::Run(sender, _) => Some(sender),
            Turn::Wait(_) => None,
        }
    }

    fn replied() -> Option<Answered> {
        let by = crate::Answered::ByPlugin("a".into());
        Some(Ok(Answer { id: "01J".into(), command: "/a".into(), by, outcome: Outcome::Replied(None) }))
    }

    #[test]
    fn the_oldest_are_forgotten_but_what_runs() {
        let repeats = Repeats::default();
        let running = runs(&repeats, "a", 0).unwrap();
        for key in 1..=KEPT_MAX {
            runs(&repeats, "a", key).unwrap().send_replace(replied());
        }
        assert!(runs(&repeats, "a", 0).is_none(), "it runs");
        running.send_replace(replied());
        runs(&repeats, "a", KEPT_MAX + 1).unwrap().send_replace(replied());
        assert!(runs(&repeats, "a", 0).is_some(), "it is forgotten, and runs again");
        assert!(runs(&repeats, "a", KEPT_MAX).is_none(), "the newest are known");
        assert!(runs(&repeats, "b", KEPT_MAX).is_some(), "of another source");
    }

    #[test]
    fn what_runs_again_is_the_newest() {
        let repeats = Repeats::default();
        let failed = Some(Err(CommandError::ShuttingDown));
        for _ in 0..3 {
            runs(&repeats, "a", 0).unwrap().send_replace(failed.clone());
        }
        let sources = repeats.sources.lock().unwrap();
        assert!(sources.values().all(|kept| (kept.order.len(), kept.by_key.len()) == (1, 1)));
    }
}
