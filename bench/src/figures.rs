//! Many rounds become one figure: the median, and the quartiles around it.

use serde::Serialize;

/// What a figure was in the middle half of the rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// Of one value a round.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| quantile(&sorted, share);
        Self { median: at(0.5), low: at(0.25), high: at(0.75) }
    }

    /// Of what one has each round in relation to another in the same turn: what disturbs both cancels out.
    pub(crate) fn of_pairs<T>(ours: &[T], theirs: &[T], relation: impl Fn(&T, &T) -> f64) -> Self {
        Self::of(ours.iter().zip(theirs).map(|(ours, theirs)| relation(ours, theirs)))
    }
}

/// Between the two values that are next to it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = last as f64 * share;
    let value = |index: f64| sorted.get(index as usize).copied().unwrap_or(f64::NAN);
    let (below, above) = (value(position.floor()), value(position.ceil()));
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_quartiles() {
        assert_eq!(Spread::of([5.0, 1.0, 3.0, 2.0, 4.0]), Spread { median: 3.0, low: 2.0, high: 4.0 });
        assert_eq!(Spread::of([2.0, 1.0]), Spread { median: 1.5, low: 1.25, high: 1.75 });
        assert!(Spread::of([]).median.is_nan());
    }

    #[test]
    fn a_disturbed_turn_does_not_count_for_much() {
        let ratio = Spread::of_pairs(&[10.0, 11.0, 100.0], &[5.0, 5.5, 50.0], |ours, theirs| ours / theirs);
        assert_eq!(ratio.median, 2.0);
    }
}
