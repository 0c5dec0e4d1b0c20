//! The crash harness: the real binary under load, killed again and again, at random and where it hurts most, and restarted
//! on what it left. What its senders were told and what its receivers got must agree in the end.
//!
//! `cargo xtask crash --kills 100` runs the long form; without it, a short one is a test as every other.

mod plan;
mod proof;
mod receiver;
mod senders;

use std::{env, sync::Arc, time::Instant};

use crate::harness::{Disk, Server, Site};

use plan::{Death, Plan};
use proof::Figures;
use receiver::Receiver;
use senders::Senders;

/// How many kills the short form has: each way to die, some twice.
const KILLS: u64 = 8;

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}: expected a number")))
}

#[tokio::test]
async fn what_was_acknowledged_survives_every_death() {
    let kills = setting("SLASHBOX_CRASH_KILLS").unwrap_or(KILLS);
    let seed = setting("SLASHBOX_CRASH_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("crash: {kills} kills, seed {seed}");
    let receiver = Receiver::start().await;
    let mut site = Site::new(&["recorder"]);
    site.add_webhook("crm", &receiver.url(), &["message.*"], "");
    site.allow_receivers();
    let Some(disk) = Disk::of(&mut site, "crash::what_was_acknowledged_survives_every_death") else { return };
    let mut run = Run { began: Instant::now(), site, disk, receiver, senders: Senders::new(), plan: Plan::of(seed) };
    for kill in 1..=kills {
        run.die(kill, kills).await;
    }
    let figures = run.prove().await;
    println!("crash: {figures}");
}

/// All that goes on from one host to the next.
struct Run {
    began: Instant,
    site: Site,
    disk: Disk,
    receiver: Arc<Receiver>,
    senders: Senders,
    plan: Plan,
}

impl Run {
    /// One host's life, to its sudden end.
    #[expect(clippy::print_stdout, reason = "for whoever runs it with --nocapture")]
    async fn die(&mut self, kill: u64, kills: u64) {
        let death = self.plan.next();
        if let Death::At(place, count) = death {
            self.disk.kill_at(place, count);
        }
        let ended = match Server::try_start(&self.site).await {
            Err(ended) => ended, // It died before it served.
            Ok(server) => {
                if let Death::AfterAnswer(count) = death {
                    self.receiver.kills(server.id(), count);
                }
                self.senders.begin(&server.support);
                if let Death::AfterAccepted(count) = death {
                    self.senders.accepted(count).await;
                    server.signal("KILL");
                }
                let ended = server.ended().await;
                self.senders.end(&mut self.plan).await;
                ended
            }
        };
        assert_eq!(ended.code, None, "{death:?}: it was not killed: {ended:#?}");
        self.receiver.spares();
        self.disk.spare();
        let torn = if self.plan.loses_power() { self.disk.lose_power(|| self.plan.byte()) } else { 0 };
        let (seconds, accepted) = (self.began.elapsed().as_secs(), self.senders.accepted_so_far());
        println!("crash: {kill}/{kills} {death:?}, {torn} bytes torn, {accepted} accepted, {seconds} s");
    }

    /// Lets the last host deliver all that is left, and compares.
    async fn prove(self) -> Figures {
        let server = Server::start(&self.site).await;
        server.settled().await;
        let figures = proof::prove(&server, &self.senders.sent(), &self.receiver.all()).await;
        server.stop().await;
        figures
    }
}
