//! Kernels compiled once for each width of register that the processor may have.
//!
//! A [`Kernel`] is plain code; [`dispatch`] runs the copy of it that the compiler
//! made for the widest registers at hand. No copy may do more than the others: Rust
//! neither fuses multiplications with additions nor reorders sums, so all give the
//! same bits.
//!
//! The only room with `unsafe` in it.
#![allow(unsafe_code)]

use std::sync::OnceLock;

use super::{BLOCK, Matrix};

/// Code that gains from wide registers.
pub trait Kernel {
    /// What it gives.
    type Output;

    /// Runs it. Implementations are `#[inline(always)]`, or nothing is gained.
    fn run(self) -> Self::Output;
}

/// How wide registers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As wide as on every processor of the kind.
    Baseline,
    /// AVX2, with instructions that count and find bits.
    Bits256,
    /// AVX-512, with the same.
    Bits512,
}

impl Width {
    /// The widest first; only those that this processor has may run anything.
    pub const ALL: [Width; 3] = [Width::Bits512, Width::Bits256, Width::Baseline];

    /// Whether this processor has such registers.
    #[inline]
    pub fn is_here(self) -> bool {
        match self {
            Width::Baseline => true,
            #[cfg(target_arch = "x86_64")]
            Width::Bits256 => is_x86_feature_detected!("avx2") && counts_bits(),
            #[cfg(target_arch = "x86_64")]
            Width::Bits512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && counts_bits()
            }
            #[cfg(not(target_arch = "x86_64"))]
            Width::Bits256 | Width::Bits512 => false,
        }
    }

    /// Runs a kernel in registers of this width, or in those of every processor if
    /// there are none.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.is_here() {
            // SAFETY: the processor has such registers
            true => unsafe { self.run_unchecked(kernel) },
            false => kernel.run(),
        }
    }

    /// Runs a kernel in registers of this width.
    ///
    /// # Safety
    /// [`Width::is_here`] must hold.
    #[inline(always)]
    unsafe fn run_unchecked<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            // SAFETY: the caller has found that the processor has the features
            #[cfg(target_arch = "x86_64")]
            Width::Bits512 => unsafe { in_512_bits(kernel) },
            // SAFETY: as above
            #[cfg(target_arch = "x86_64")]
            Width::Bits256 => unsafe { in_256_bits(kernel) },
            _ => kernel.run(),
        }
    }
}

/// Whether this processor counts and finds bits by single instructions, as all have done
/// that have wide registers.
#[cfg(target_arch = "x86_64")]
fn counts_bits() -> bool {
    is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

/// What [`dispatch`] uses; found when it is first called.
static WIDEST: OnceLock<Width> = OnceLock::new();

/// Runs a kernel in the widest registers that there are.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    let find = || Width::ALL.into_iter().find(|width| width.is_here());
    let widest = WIDEST.get_or_init(|| find().unwrap_or(Width::Baseline));
    // SAFETY: only a width that is here was kept
    unsafe { widest.run_unchecked(kernel) }
}

/// Lets [`dispatch`] use this width, to compare with others. Says whether it does:
/// not where there are no such registers, and not once a kernel has run.
pub fn settle_on(width: Width) -> bool {
    width.is_here() && WIDEST.set(width).is_ok()
}

/// A bit for each lane of which `is` holds.
#[inline(always)]
pub fn bits(is: impl Fn(usize) -> bool) -> u64 {
    let mut bytes = [0u8; BLOCK];
    for (lane, byte) in bytes.iter_mut().enumerate() {
        *byte = if is(lane) { u8::MAX } else { 0 };
    }
    highest_bits(&bytes)
}

/// Whether `is` holds for every lane. All are looked at: an early way out would keep them
/// single.
#[inline(always)]
pub fn every(is: impl Fn(usize) -> bool) -> bool {
    let mut all = true;
    for lane in 0..BLOCK {
        all &= is(lane);
    }
    all
}

/// The highest bit of each byte.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn highest_bits(bytes: &[u8; BLOCK]) -> u64 {
    use std::arch::x86_64::{_mm_loadu_si128, _mm_movemask_epi8};

    let sixteen = |i: usize| {
        // SAFETY: every processor of the kind has SSE2, and the sixteen lie in the array
        let bits = unsafe { _mm_movemask_epi8(_mm_loadu_si128(bytes[16 * i..].as_ptr().cast())) };
        u64::from(bits as u32) << (16 * i)
    };
    sixteen(0) | sixteen(1) | sixteen(2) | sixteen(3)
}

/// The highest bit of each byte.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn highest_bits(bytes: &[u8; BLOCK]) -> u64 {
    let mut bits = 0;
    for (i, eight) in bytes.as_chunks().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight) >> 7 & 0x0101_0101_0101_0101;
        // gathers the lowest bit of each byte in the highest byte
        bits |= (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    bits
}

/// Which lanes are not zero, a bit each.
pub fn non_zero(values: &[f32; BLOCK]) -> u64 {
    dispatch(NonZero(values))
}

struct NonZero<'a>(&'a [f32; BLOCK]);

impl Kernel for NonZero<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        bits(|lane| self.0[lane] != 0.0)
    }
}

/// Writes the product of two matrices to `out`, row by row, or adds it to what is there.
///
/// # Panics
/// Sizes that do not fit.
pub fn multiply(out: &mut [f32], add: bool, a: Matrix<'_>, b: Matrix<'_>) {
    let (rows, columns, inner) = (a.rows(), b.columns(), a.columns());
    assert_eq!(inner, b.rows(), "inner sizes of a product");
    assert_eq!(rows.checked_mul(columns), Some(out.len()), "size of a product");
    let ((a_row, a_column), (b_row, b_column)) = (a.strides(), b.strides());
    let (left, right) = (a.values().as_ptr(), b.values().as_ptr());
    // SAFETY: a matrix's elements lie in its slice by construction, those of the
    // product in `out` by the assertion; a mutable slice overlaps with no other
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            columns as isize,
            add,
            left,
            a_column,
            a_row,
            right,
            b_column,
            b_row,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt,bmi1,bmi2")]
fn in_512_bits<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
fn in_256_bits<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_its_bit() {
        for pattern in [0, 1, u64::MAX, 0x8000_0000_0000_0001, 0xdead_beef_0123_4567] {
            let pattern: u64 = pattern;
            assert_eq!(bits(|lane| pattern >> lane & 1 == 1), pattern);
        }
    }
}
