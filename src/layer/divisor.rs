//! Division of addresses by a number that is known when a layer is bound.

/// A divisor, as the multiplication that replaces it.
///
/// ⌊n/d⌋ = ⌊(n + 1)·m / 2⁶⁴⌋ with m = ⌊(2⁶⁴ − 1)/d⌋, for all n and d of 32 bits (as in
/// Robison 2005, "N-bit unsigned division via N-bit multiply-add"): since m lies between
/// 2⁶⁴/d − 1 and 2⁶⁴/d, the product over 2⁶⁴ is below (n + 1)/d by (n + 1)/2⁶⁴ at most, and
/// that is no more than 1/d.
#[derive(Clone, Copy, Debug)]
pub struct Divisor {
    divisor: u32,
    /// m.
    reciprocal: u64,
}

impl Divisor {
    /// Of a positive number of 32 bits, as counts of addresses are.
    pub fn new(divisor: usize) -> Divisor {
        assert!(divisor > 0 && divisor <= u32::MAX as usize, "a divisor of {divisor}");
        Divisor { divisor: divisor as u32, reciprocal: u64::MAX / divisor as u64 }
    }

    /// The divisor.
    #[inline(always)]
    pub fn divisor(self) -> u32 {
        self.divisor
    }

    /// Quotient and remainder.
    #[inline(always)]
    pub fn of(self, n: u32) -> (u32, u32) {
        let product = u128::from(self.reciprocal) * (u128::from(n) + 1);
        let quotient = (product >> 64) as u32;
        (quotient, n - quotient * self.divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_divide() {
        for divisor in [1, 2, 3, 5, 7, 34, 65_535, 65_536, 65_537, u32::MAX - 1, u32::MAX] {
            for n in [0, 1, divisor - 1, divisor, divisor.saturating_add(1), u32::MAX - 1, u32::MAX]
            {
                assert_eq!(Divisor::new(divisor as usize).of(n), (n / divisor, n % divisor));
            }
        }
    }

    proptest! {
        #[test]
        fn it_divides(divisor in 1u32.., n: u32, small in 1u32..300) {
            prop_assert_eq!(Divisor::new(divisor as usize).of(n), (n / divisor, n % divisor));
            prop_assert_eq!(Divisor::new(small as usize).of(n), (n / small, n % small));
        }
    }
}
