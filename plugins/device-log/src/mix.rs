//! A choice of one of five severities, by weight.

/// The thresholds between five outcomes, on a scale of 2³².
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix([u64; 4]);

impl Mix {
    /// Weights of which at least one is above 0; all outcomes are the first where none is.
    pub fn new(weights: [u64; 5]) -> Mix {
        let total: u128 = weights.iter().map(|&w| u128::from(w)).sum();
        let mut below = 0u128;
        let mut thresholds = [1 << 32; 4];
        for (threshold, weight) in thresholds.iter_mut().zip(weights) {
            below += u128::from(weight);
            if let Some(share) = (below << 32).checked_div(total) {
                *threshold = share as u64;
            }
        }
        Mix(thresholds)
    }

    /// The outcome for 32 random bits: 0 to 4.
    #[inline(always)]
    pub fn pick(&self, random: u32) -> usize {
        let random = u64::from(random);
        let [a, b, c, d] = self.0;
        usize::from(random >= a)
            + usize::from(random >= b)
            + usize::from(random >= c)
            + usize::from(random >= d)
    }
}

#[cfg(test)]
mod tests {
    use super::Mix;

    #[test]
    fn outcomes_come_in_their_shares() {
        let mix = Mix::new([1, 0, 2, 1, 0]);
        let mut seen = [0u32; 5];
        for random in (0..1u64 << 32).step_by(1 << 20) {
            seen[mix.pick(random as u32)] += 1;
        }
        assert_eq!(seen, [1024, 0, 2048, 1024, 0]);
        assert_eq!(mix.pick(u32::MAX), 3);
        assert_eq!(Mix::new([0, 0, 0, 0, 7]).pick(0), 4);
    }
}
