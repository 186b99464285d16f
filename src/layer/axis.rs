//! One spatial axis of a convolution or a pool: which inputs each output reads.
//!
//! ```text
//! output i reads input i·stride − before + tap·dilation for each tap of the kernel
//! outputs = ⌊(input + before + behind − dilation·(kernel − 1) − 1)/stride⌋ + 1
//! ```
//!
//! All of it counts pixels. **Source.** `torch.nn.Conv2d`, the shape of its output.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::record::Array;
use crate::signal::gcd;

/// One spatial axis of a convolution or pool.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Length of the input.
    pub input: usize,
    /// Length of the output.
    pub output: usize,
    /// Length of the kernel.
    pub kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
}

impl Axis {
    /// An axis of `input` pixels with this padding before and behind.
    ///
    /// # Errors
    /// A kernel that does not fit, and zeros where there must be none.
    pub fn new(
        input: usize,
        [kernel, stride, dilation]: [usize; 3],
        (before, behind): (usize, usize),
    ) -> Result<Axis> {
        let refuse =
            |found: String, expected: &str| Err(Error::new(ErrorKind::Shape, found, expected));
        if kernel == 0 || stride == 0 || dilation == 0 {
            return refuse(
                format!("kernel {kernel}, stride {stride}, dilation {dilation}"),
                "positive numbers",
            );
        }
        let padded = input.saturating_add(before).saturating_add(behind);
        let reach = (kernel - 1).saturating_mul(dilation).saturating_add(1);
        if padded < reach || padded > 1 << 30 {
            return refuse(
                format!("{input} elements, padded to {padded}"),
                &format!("room for a kernel that spans {reach}"),
            );
        }
        let output = (padded - reach) / stride + 1;
        // beyond that there is one output, however long the stride
        let stride = stride.min(padded);
        Ok(Axis { input, output, kernel, stride, dilation, before })
    }

    /// Axis number `of` of a pool.
    ///
    /// # Errors
    /// A window that does not fit.
    pub fn pool(
        input: usize,
        of: usize,
        kernel: &Array,
        stride: &Array,
        padding: &Array,
    ) -> Result<Axis> {
        let kernel = size("kernel_size", kernel, of)?;
        let padding = size("padding", padding, of)?;
        Axis::new(input, [kernel, size("stride", stride, of)?, 1], (padding, padding))
    }

    /// Refuses padding so wide that a window could lie in it altogether.
    ///
    /// # Errors
    /// More than half a kernel.
    pub fn refuse_empty_windows(&self) -> Result<()> {
        match self.before * 2 <= self.kernel {
            true => Ok(()),
            false => {
                let found = format!("padding {} for a kernel of {}", self.before, self.kernel);
                Err(Error::new(ErrorKind::Shape, found, "half the kernel at most"))
            }
        }
    }

    /// Pixels from one output's window to the next one's.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Pixels from one tap to the next.
    pub fn dilation(&self) -> usize {
        self.dilation
    }

    /// Padding before the first pixel.
    pub fn before(&self) -> usize {
        self.before
    }

    /// How far the taps by which an input feeds neighbouring outputs lie apart.
    pub fn taps_apart(&self) -> usize {
        self.stride / gcd(self.stride, self.dilation)
    }

    /// The taps of an output that lie over a pixel, each with its pixel.
    #[inline(always)]
    pub fn taps_of(self, output: usize) -> impl Iterator<Item = (usize, usize)> {
        let pixel =
            move |tap: usize| (output * self.stride + tap * self.dilation).checked_sub(self.before);
        (0..self.kernel).filter_map(move |tap| Some((tap, pixel(tap).filter(|&i| i < self.input)?)))
    }

    /// The pixels under the window of an output, without dilation, and the tap over
    /// the first of them.
    #[inline(always)]
    pub fn window(self, output: usize) -> (usize, Range<usize>) {
        let start = output * self.stride;
        let tap = self.before.saturating_sub(start);
        let end = (start + self.kernel).saturating_sub(self.before).min(self.input);
        let first = (start + tap - self.before).min(end);
        (tap, first..end)
    }

    /// The pixels from the first to the last that a range of outputs reads.
    pub fn under(&self, outputs: Range<usize>) -> Range<usize> {
        let reach = (self.kernel - 1) * self.dilation + 1;
        let end = match outputs.is_empty() {
            true => 0,
            false => (outputs.end - 1) * self.stride + reach,
        };
        let end = end.saturating_sub(self.before).min(self.input);
        (outputs.start * self.stride).saturating_sub(self.before).min(end)..end
    }

    /// For each input position, the kernel taps that read it and the outputs
    /// that they feed, as `(tap, output)`, outputs ascending.
    pub fn taps(&self) -> Vec<Vec<(u32, u32)>> {
        let mut taps = vec![Vec::new(); self.input];
        for output in 0..self.output {
            for tap in 0..self.kernel {
                let padded = output * self.stride + tap * self.dilation;
                if let Some(at) = padded.checked_sub(self.before).and_then(|i| taps.get_mut(i)) {
                    at.push((tap as u32, output as u32));
                }
            }
        }
        taps
    }
}

/// Number `of` of a list of one or two sizes; a single one holds for both axes.
///
/// # Errors
/// Any other number of sizes, by the name of the field.
pub fn size(name: &str, sizes: &Array, of: usize) -> Result<usize> {
    let sizes = sizes.sizes().map_err(|e| e.at(format!("'{name}'")))?;
    match sizes[..] {
        [both] => Ok(both),
        [first, second] => Ok([first, second][of]),
        _ => Err(Error::new(ErrorKind::Corrupt, format!("'{name}' = {sizes:?}"), "1 or 2 sizes")),
    }
}
