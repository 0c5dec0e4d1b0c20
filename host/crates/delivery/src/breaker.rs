//! When an endpoint that fails is left alone, and when it is asked again whether it is back.
//!
//! Pure: times go in, what follows comes out. Invariant: while it is open nothing is attempted, and when it is half open one
//! attempt at a time, the probe.

use std::time::Duration;

use crate::millis;

/// Over how long failures are counted.
pub(crate) const WINDOW_MS: u64 = 5 * 60 * 1_000;

/// Into how many pieces that is cut: what is older than the window is forgotten piece by piece.
const PIECES: usize = 10;

const PIECE_MS: u64 = WINDOW_MS / PIECES as u64;

/// The fewest attempts that say anything about an endpoint.
pub(crate) const ATTEMPTS_MIN: u32 = 10;

/// How many of them, in percent, fail at an endpoint that is down rather than choosy.
pub(crate) const FAILED_PERCENT: u32 = 70;

/// How long it is left alone: at first, and at most after doubling.
pub(crate) const PAUSES: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(600));

/// What an attempt tells of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It answers.
    Alive,
    /// It does not, or not as it should.
    Failed {
        /// It says that it is gone for good.
        gone: bool,
    },
    /// Nothing: the fault is this host's.
    Nothing,
    /// Nothing, and this host cannot ask anybody now.
    Hindered,
}

/// What has become of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The endpoint is left alone for so long.
    Open(Duration),
    /// It is back.
    Closed {
        /// Whether it was away for long, a quarter of an hour and more, and not merely now and then.
        after_long: bool,
    },
}

/// What is known of an endpoint.
#[derive(Clone, Debug)]
pub(crate) enum Breaker {
    Closed(Window),
    Open { until_ms: u64, pause: Duration },
    HalfOpen { pause: Duration, probing: bool },
}

/// How attempts ended lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Of each piece of time its number, counted from the epoch, and how many arrived and failed in it.
    pieces: [(u64, u32, u32); PIECES],
}

impl Window {
    fn add(&mut self, failed: bool, now_ms: u64) {
        let piece = now_ms / PIECE_MS;
        let place = usize::try_from(piece % PIECES as u64).unwrap_or_default();
        let Some((of, alive, failures)) = self.pieces.get_mut(place) else { return };
        if *of != piece {
            (*of, *alive, *failures) = (piece, 0, 0);
        }
        *(if failed { failures } else { alive }) += 1;
    }

    fn is_down(&self, now_ms: u64) -> bool {
        let oldest = (now_ms / PIECE_MS).saturating_sub(PIECES as u64 - 1);
        let of_window = self.pieces.iter().filter(|(of, ..)| *of >= oldest);
        let (alive, failed) = of_window.fold((0_u32, 0_u32), |sum, (_, alive, failed)| (sum.0 + alive, sum.1 + failed));
        let all = alive + failed;
        all >= ATTEMPTS_MIN && u64::from(failed) * 100 >= u64::from(all) * u64::from(FAILED_PERCENT)
    }
}

impl Breaker {
    /// Nothing speaks against it.
    pub(crate) fn closed() -> Self {
        Self::Closed(Window::default())
    }

    /// It was down when it was seen last.
    pub(crate) fn half_open() -> Self {
        Self::HalfOpen { pause: PAUSES.0, probing: false }
    }

    /// How many attempts may begin.
    pub(crate) fn room(&self, now_ms: u64) -> u32 {
        match self {
            Self::Closed(_) => u32::MAX,
            // One that lies further ahead than any pause is long comes of a clock that was set back.
            Self::Open { until_ms, .. } => {
                u32::from(*until_ms <= now_ms || *until_ms > now_ms.saturating_add(millis(PAUSES.1)))
            }
            Self::HalfOpen { probing, .. } => u32::from(!probing),
        }
    }

    /// Until when it is left alone.
    pub(crate) fn until_ms(&self) -> Option<u64> {
        match self {
            Self::Open { until_ms, .. } => Some(*until_ms),
            Self::Closed(_) | Self::HalfOpen { .. } => None,
        }
    }

    /// An attempt begins; tells whether it is the probe.
    pub(crate) fn began(&mut self) -> bool {
        match *self {
            Self::Closed(_) => false,
            Self::Open { pause, .. } | Self::HalfOpen { pause, .. } => {
                *self = Self::HalfOpen { pause, probing: true };
                true
            }
        }
    }

    /// An attempt has ended. Those that began before it opened tell nothing new.
    pub(crate) fn ended(&mut self, is_probe: bool, sign: Sign, now_ms: u64) -> Option<Turned> {
        match (&mut *self, sign) {
            (_, Sign::Nothing | Sign::Hindered) => {
                if let (Self::HalfOpen { probing, .. }, true) = (self, is_probe) {
                    *probing = false;
                }
                None
            }
            (Self::Closed(window), sign) => {
                window.add(sign != Sign::Alive, now_ms);
                let down = window.is_down(now_ms);
                down.then(|| self.open(PAUSES.0, now_ms))
            }
            (Self::HalfOpen { pause, .. }, Sign::Alive) if is_probe => {
                let after_long = *pause == PAUSES.1;
                *self = Self::closed();
                Some(Turned::Closed { after_long })
            }
            (Self::HalfOpen { pause, .. }, Sign::Failed { .. }) if is_probe => {
                let pause = (*pause * 2).min(PAUSES.1);
                Some(self.open(pause, now_ms))
            }
            (Self::Open { .. } | Self::HalfOpen { .. }, _) => None,
        }
    }

    fn open(&mut self, pause: Duration, now_ms: u64) -> Turned {
        *self = Self::Open { until_ms: now_ms.saturating_add(millis(pause)), pause };
        Turned::Open(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Breaker {
        fn is_closed(&self) -> bool {
            matches!(self, Self::Closed(_))
        }
    }

    const FAILED: Sign = Sign::Failed { gone: false };

    /// What the breaker says to attempts that end so, a second apart.
    fn turned(breaker: &mut Breaker, signs: &[Sign]) -> Option<Turned> {
        signs
            .iter()
            .zip(0..)
            .fold(None, |turned, (sign, second)| turned.or(breaker.ended(false, *sign, second * 1_000)))
    }

    #[test]
    fn seven_of_ten_open_it() {
        let check = |alive: usize, failed: usize, expected: Option<Turned>| {
            let mut breaker = Breaker::closed();
            let signs = [vec![Sign::Alive; alive], vec![FAILED; failed]].concat();
            assert_eq!(turned(&mut breaker, &signs), expected, "{alive} {failed}");
            assert_eq!(breaker.is_closed(), expected.is_none());
        };
        let open = Some(Turned::Open(PAUSES.0));
        check(0, 9, None);
        check(0, 10, open);
        check(3, 7, open);
        check(4, 6, None);
        check(31, 69, None);
        check(30, 70, open);
    }

    #[test]
    fn faults_of_ours_tell_nothing() {
        let mut breaker = Breaker::closed();
        assert_eq!(turned(&mut breaker, &[Sign::Nothing; 100]), None);
        assert!(breaker.is_closed());
    }

    #[test]
    fn what_is_older_than_five_minutes_is_forgotten() {
        let mut breaker = Breaker::closed();
        for _ in 0..9 {
            assert_eq!(breaker.ended(false, FAILED, 0), None);
        }
        assert_eq!(breaker.clone().ended(false, FAILED, WINDOW_MS - 1), Some(Turned::Open(PAUSES.0)));
        assert_eq!(breaker.ended(false, FAILED, WINDOW_MS), None);
    }

    #[test]
    fn its_pause_doubles_up_to_ten_minutes_and_a_probe_closes_it() {
        let mut breaker = Breaker::closed();
        turned(&mut breaker, &[FAILED; 10]);
        let mut now_ms = 9_000;
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            let until_ms = now_ms + seconds * 1_000;
            assert_eq!((breaker.until_ms(), breaker.room(until_ms - 1)), (Some(until_ms), 0));
            assert_eq!(breaker.room(until_ms), 1);
            assert!(breaker.began(), "the probe");
            assert_eq!(breaker.room(until_ms), 0);
            assert_eq!(breaker.ended(false, Sign::Alive, until_ms), None, "an attempt from before");
            now_ms = until_ms;
            assert!(matches!(breaker.ended(true, FAILED, now_ms), Some(Turned::Open(_))));
        }
        assert!(breaker.began());
        assert_eq!(breaker.ended(true, Sign::Nothing, now_ms), None);
        assert_eq!(breaker.room(now_ms), 1, "another probe, since that one told nothing");
        assert!(breaker.began());
        assert_eq!(breaker.ended(true, Sign::Alive, now_ms), Some(Turned::Closed { after_long: true }));
        assert_eq!((breaker.room(now_ms), breaker.until_ms()), (u32::MAX, None));
        assert!(!breaker.began());
    }

    #[test]
    fn a_restart_leaves_it_half_open() {
        let mut breaker = Breaker::half_open();
        assert_eq!(breaker.room(0), 1);
        assert!(breaker.began());
        assert_eq!(breaker.room(0), 0);
    }
}
