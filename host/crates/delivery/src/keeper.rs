//! The loop that keeps what is stored within bounds: open deliveries that are too many or wait for too long become dead
//! letters, and what is old is removed.
//!
//! Owns when that is looked for. What it does, the store does, a few milliseconds' work at a time, so that nobody waits for
//! it; in between it rests for as long as it worked. Nothing of it is remembered over a crash: the next look finds what is
//! left to do. Its own failures are answered as the worker's are, and nothing ends it but the order to.

use std::{collections::VecDeque, sync::Arc};

use slashbox_core::{DeadWhy, SubscriberId};
use slashbox_store::{Backlog, GiveUp, ReadError, Rule, Span, WriteError};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::{Clock, intake::Intake, outage::Outage, telemetry::DELIVERIES};

/// How long what is stored is kept, and how much may wait. A day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// The most deliveries of a subscriber that are open: 1 to 10,000,000. Beyond it the oldest become dead letters. The
    /// default of 1,000,000 is some 2 GB on the disk.
    pub backlog_max: u64,
    /// After how many days a delivery that is still open becomes a dead letter, from its acceptance or its last replay on: 1 to
    /// 365, by default 7.
    pub waiting_days: u32,
    /// The same for those of a subscriber that is absent, paused or disabled, from when it went, or from their own acceptance on
    /// if that is later: 1 to 365, by default 7.
    pub parked_days: u32,
    /// After how many days text, envelope and data of an event are removed, unless a delivery of it is open or a dead letter:
    /// 1 to 365, by default 7; no more than `log_days` take effect. Without them, nothing can be replayed.
    pub payload_days: u32,
    /// After how many days an event is removed with all that is known of it, unless a delivery of it is open; a dead letter
    /// counts from its death on. 1 to 3,650, by default 30.
    pub log_days: u32,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { backlog_max: 1_000_000, waiting_days: 7, parked_days: 7, payload_days: 7, log_days: 30 }
    }
}

impl Keeping {
    /// The first figure that is out of its range: its name, its value, and the most that it may be; the least is 1.
    pub fn out_of_range(&self) -> Option<(&'static str, u64, u64)> {
        let Self { backlog_max, waiting_days, parked_days, payload_days, log_days } = *self;
        let figures = [
            ("backlog_max", backlog_max, 10_000_000),
            ("waiting_days", waiting_days.into(), 365),
            ("parked_days", parked_days.into(), 365),
            ("payload_days", payload_days.into(), 365),
            ("log_days", log_days.into(), 3_650),
        ];
        figures.into_iter().find(|(_, value, max)| !(1..=*max).contains(value))
    }
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// How often it is looked whether there is something to do. A look is some reads by key for each subscriber; one with a full
/// backlog takes 20 ms of a reader's time.
const LOOK_EVERY_MS: u64 = 60 * 1_000;

/// How long after a start nothing ends or goes for its age: if nobody ran for days, what waited meanwhile is attempted first.
const START_MS: u64 = 60 * 60 * 1_000;

/// From how much on the wall's clock was set, and did not merely go wrong.
const STEP_MS: u64 = 60 * 60 * 1_000;

/// How far apart both clocks may be read.
const TOGETHER_MS: u64 = 1_000;

/// How often what was passed over is looked at again: what was open or dead may be neither any more.
const LAP_EVERY_MS: u64 = DAY_MS;

/// All that the loop works with.
pub(crate) struct Keeper {
    intake: Arc<Intake>,
    clock: Arc<dyn Clock>,
    keeping: Keeping,
    /// What the last look has found.
    steps: VecDeque<Step>,
    /// How far the log was gone through in this lap.
    passed: Passed,
    next_look_ms: u64,
    next_lap_ms: u64,
    /// The clocks at the last look.
    looked: Times,
    /// Until when, by the steady clock, nothing ends or goes for its age.
    patient_until_ms: u64,
    /// Until when others have the store for themselves.
    rest: Option<Instant>,
    outage: Outage,
}

/// Both clocks at a moment, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    wall: u64,
    steady: u64,
}

impl Times {
    /// Read together: whoever is stopped between the two would take that for a clock that was set.
    fn of(clock: &dyn Clock) -> Self {
        loop {
            let times = Self { steady: clock.steady_ms(), wall: clock.now_ms() };
            if clock.steady_ms().saturating_sub(times.steady) < TOGETHER_MS {
                return times;
            }
        }
    }

    /// By how much the wall's clock was set since an earlier moment.
    fn set_since(self, earlier: Self) -> u64 {
        let passed = self.steady.saturating_sub(earlier.steady);
        self.wall.abs_diff(earlier.wall.saturating_add(passed))
    }
}

/// Up to which event, …
#[derive(Debug, Default)]
struct Passed {
    /// … for what they carry, …
    payloads: u64,
    /// … and for the events themselves.
    events: u64,
}

/// What is to be done, in as many commits as it takes.
#[derive(Clone, Debug)]
enum Step {
    GiveUp { id: SubscriberId, which: GiveUp, count: u64 },
    RemovePayloads(Span),
    RemoveEvents { span: Span, dead_since_ms: u64 },
}

/// What can happen.
enum Turn {
    Told,
    TimeCame,
}

impl Keeper {
    pub(crate) fn new(intake: Arc<Intake>, clock: Arc<dyn Clock>, keeping: Keeping) -> Self {
        let now_ms = clock.now_ms();
        let looked = Times::of(&*clock);
        Self {
            intake,
            clock,
            keeping,
            steps: VecDeque::new(),
            passed: Passed::default(),
            next_look_ms: now_ms,
            next_lap_ms: now_ms.saturating_add(LAP_EVERY_MS),
            patient_until_ms: looked.steady.saturating_add(START_MS),
            looked,
            rest: None,
            outage: Outage::none("what is stored is kept within bounds"),
        }
    }

    /// Runs until it is told to stop.
    pub(crate) async fn run(mut self) {
        loop {
            let turn = self.turn().await;
            if self.intake.for_keeper.take().stop {
                return self.steps.iter().for_each(tell_given_up);
            }
            match turn {
                Turn::TimeCame => self.work().await,
                Turn::Told => {}
            }
        }
    }

    async fn turn(&self) -> Turn {
        let time_came = async {
            match (self.outage.until().or(self.rest), self.steps.is_empty()) {
                (Some(until), _) => tokio::time::sleep_until(until).await,
                (None, true) => self.clock.sleep_until(self.next_look_ms).await,
                (None, false) => {}
            }
        };
        tokio::select! {
            () = self.intake.for_keeper.woken() => Turn::Told,
            () = time_came => Turn::TimeCame,
        }
    }

    /// Also if the clock was set back meanwhile.
    fn is_time_to_look(&self) -> bool {
        let now_ms = self.clock.now_ms();
        now_ms >= self.next_look_ms || self.next_look_ms > now_ms.saturating_add(LOOK_EVERY_MS)
    }

    /// Does a part of what was found, or looks again.
    async fn work(&mut self) {
        self.rest = None;
        let began = Instant::now();
        let done = match self.steps.front().cloned() {
            Some(step) => self.step(step).await,
            None if self.is_time_to_look() => self.look().await,
            None => return,
        };
        match done {
            Ok(()) => {
                self.outage.is_over();
                self.rest = Some(Instant::now() + began.elapsed());
            }
            // It belongs to a host that ends: nothing is lost, and nobody has to mend it.
            Err(WriteError::Unavailable(fault)) if fault.is_closed() => self.outage.lasts(),
            Err(error) => self.outage.begins_or_lasts(&error),
        }
    }

    async fn step(&mut self, step: Step) -> Result<(), WriteError> {
        let left = match step {
            Step::GiveUp { id, which, count } => self.give_up(id, which, count).await?,
            Step::RemovePayloads(span) => {
                let removed = self.intake.store().remove_payloads(span).await?;
                debug!(target: DELIVERIES, events = removed.events, "removed what events carried");
                self.passed.payloads = removed.next.unwrap_or(span.last);
                removed.next.map(|after| Step::RemovePayloads(Span { after, ..span }))
            }
            Step::RemoveEvents { span, dead_since_ms } => {
                let removed = self.intake.store().remove_events(span, dead_since_ms).await?;
                debug!(target: DELIVERIES, events = removed.events, "removed events");
                self.passed.events = removed.next.unwrap_or(span.last);
                removed.next.map(|after| Step::RemoveEvents { span: Span { after, ..span }, dead_since_ms })
            }
        };
        self.steps.pop_front();
        if let Some(left) = left {
            self.steps.push_front(left);
        }
        Ok(())
    }

    /// Tells what is left of it.
    async fn give_up(&self, id: SubscriberId, which: GiveUp, before: u64) -> Result<Option<Step>, WriteError> {
        let given_up = self.intake.store().give_up(which, self.clock.now_ms()).await?;
        if given_up.promoted {
            self.intake.for_worker.tell(|told| {
                told.due.insert(which.subscriber);
            });
        }
        let (left, after) = (given_up.next.is_some(), given_up.next.unwrap_or(which.last));
        let step = Step::GiveUp { id, which: GiveUp { after, ..which }, count: before + given_up.count };
        if left {
            return Ok(Some(step));
        }
        tell_given_up(&step);
        Ok(None)
    }

    /// Finds what there is to do.
    async fn look(&mut self) -> Result<(), WriteError> {
        self.mind_the_clock();
        let now_ms = self.clock.now_ms();
        if now_ms >= self.next_lap_ms {
            self.passed = Passed::default();
            self.next_lap_ms = now_ms.saturating_add(LAP_EVERY_MS);
        }
        let steps = self.found(now_ms).await.map_err(|ReadError::Unavailable(fault)| WriteError::Unavailable(fault))?;
        self.steps.extend(steps);
        self.next_look_ms = now_ms.saturating_add(LOOK_EVERY_MS);
        Ok(())
    }

    /// A clock that was set makes everything older or younger than it is: then nothing ends or goes for its age until that
    /// can be told by the new time.
    fn mind_the_clock(&mut self) {
        let now = Times::of(&*self.clock);
        let set_by_ms = now.set_since(self.looked);
        if set_by_ms > STEP_MS {
            let days = self.keeping.waiting_days.max(self.keeping.parked_days);
            self.patient_until_ms = now.steady.saturating_add(u64::from(days) * DAY_MS);
            let set_by_h = set_by_ms / 3_600_000;
            warn!(target: DELIVERIES, set_by_h, days, "the clock was set: for so long nothing ends or is removed for its age");
        }
        self.looked = now;
    }

    async fn found(&self, now_ms: u64) -> Result<Vec<Step>, ReadError> {
        let reader = self.intake.store().reader();
        let Some(last_event) = reader.last_event().await? else { return Ok(Vec::new()) };
        let Keeping { waiting_days, parked_days, payload_days, log_days, .. } = self.keeping;
        let (waited_ms, parked_ms) = (before(now_ms, waiting_days), before(now_ms, parked_days));
        let (last_waited, last_parked) =
            (reader.last_accepted_by(waited_ms).await?, reader.last_accepted_by(parked_ms).await?);
        let bounds = Bounds { last_event, waited_ms, last_waited, parked_ms, last_parked };
        let mut steps = Vec::new();
        let is_patient = self.clock.steady_ms() < self.patient_until_ms;
        for backlog in reader.backlogs().await? {
            let all = self.beyond(&backlog, &bounds).await?;
            let all = all.into_iter().filter(|which| !is_patient || which.rule == Rule::Backlog);
            steps.extend(all.map(|which| Step::GiveUp { id: backlog.id.clone(), which, count: 0 }));
        }
        if is_patient {
            return Ok(steps);
        }
        let span =
            Span { after: self.passed.payloads, last: reader.last_accepted_by(before(now_ms, payload_days)).await? };
        steps.extend((span.after < span.last).then_some(Step::RemovePayloads(span)));
        let dead_since_ms = before(now_ms, log_days);
        let span = Span { after: self.passed.events, last: reader.last_accepted_by(dead_since_ms).await? };
        steps.extend((span.after < span.last).then_some(Step::RemoveEvents { span, dead_since_ms }));
        Ok(steps)
    }

    /// Which of a subscriber's deliveries are to become dead letters. Those of one that is absent have a time of their own.
    async fn beyond(&self, backlog: &Backlog, bounds: &Bounds) -> Result<Vec<GiveUp>, ReadError> {
        let give_up = |rule, last| GiveUp { subscriber: backlog.subscriber, rule, after: 0, last };
        let mut all = Vec::new();
        match backlog.held_since_ms {
            // What came later than that has its time yet, and may be very much: it is not gone through again and again.
            Some(held_since_ms) if held_since_ms <= bounds.parked_ms && backlog.oldest <= bounds.last_parked => {
                all.push(give_up(Rule::Parked { since_ms: bounds.parked_ms }, bounds.last_parked));
            }
            // Whoever has come back gets the time for what waited meanwhile.
            None if backlog.oldest <= bounds.last_waited
                && backlog.served_since_ms.is_none_or(|since_ms| since_ms <= bounds.waited_ms) =>
            {
                all.push(give_up(Rule::Waited { since_ms: bounds.waited_ms }, bounds.last_waited));
            }
            _ => {}
        }
        // An event has one delivery to it at most, so most backlogs need not be counted.
        if bounds.last_event.saturating_sub(backlog.oldest) >= self.keeping.backlog_max {
            let last = self.intake.store().reader().beyond(backlog.subscriber, self.keeping.backlog_max).await?;
            all.extend(last.map(|last| give_up(Rule::Backlog, last)));
        }
        Ok(all)
    }
}

/// What is the same for every subscriber at a look.
struct Bounds {
    last_event: u64,
    /// What is open since then has waited for too long.
    waited_ms: u64,
    /// The last event that was accepted by then.
    last_waited: u64,
    /// The same of what is parked.
    parked_ms: u64,
    last_parked: u64,
}

fn before(now_ms: u64, days: u32) -> u64 {
    now_ms.saturating_sub(u64::from(days) * DAY_MS)
}

/// Nothing is dropped in silence.
fn tell_given_up(step: &Step) {
    let Step::GiveUp { id, which, count: count @ 1.. } = step else { return };
    let why = match which.rule.why() {
        DeadWhy::Backlog => "more than the backlog holds: its oldest deliveries are dead letters now",
        DeadWhy::Waited => "its deliveries have waited for too long: they are dead letters now",
        DeadWhy::Parked => {
            "it was absent, paused or disabled for too long: what it should have got are dead letters now"
        }
    };
    error!(target: DELIVERIES, subscriber = %id, count, "{why}");
}
