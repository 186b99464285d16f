//! Pooling over windows of two axes.
//!
//! ```text
//! y[c, i, j] = Σ x[c, i·s − p + k, j·s − p + l]      SumPool2d
//! y[c, i, j] = the same / (kernel height · width)    AvgPool2d, padding counted
//! y[c, i, j] = max x[c, i·s − p + k, j·s − p + l]    MaxPool2d, padding never chosen
//! ```
//!
//! Input `[C, H, W]`, output `[C, H', W']` with H' = ⌊(H + 2p − k)/s⌋ + 1. Each
//! spike goes on as a spike of the windows that hold it; a pool costs no
//! synaptic operation, and each of its spikes costs one per synapse downstream.
//!
//! Of a maximum one entry goes on, the largest, with the number of spikes behind
//! it: of binary spikes it is their OR, and however many there were, one costs
//! operations downstream. Whoever is silent counts as 0, so that of values that
//! are all negative the largest goes on only if nobody in the window is silent.
//! Compared is what is simultaneous: what falls into one step, or one quantum. From
//! event to event without a grid that is one microsecond, so that spikes which meet
//! in a step of the clocked engine mostly pass one by one there.
//!
//! **Source.** NIR 1.0.8, `ir/pooling.py`, which has no maximum; division by the
//! whole window as `torch.nn.AvgPool2d` does, padding of at most half a kernel as
//! `torch.nn.MaxPool2d` wants it.

use std::ops::Range;

use super::axis::Axis;
use super::divisor::Divisor;
use super::{Connection, Layer, Routed, misfit};
use crate::error::Result;
use crate::record::{Array, Record};
use crate::signal::{Merge, Shape, Spikes};

/// What becomes of the entries of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Sum,
    Mean,
    Largest,
}

/// Parameters of the pools.
#[derive(Debug)]
struct Pool {
    of: Of,
    kernel_size: Array,
    stride: Array,
    padding: Array,
}

/// Reads a `SumPool2d` node.
pub fn read_sum(record: &mut Record) -> Result<Box<dyn Layer>> {
    Pool::read(record, Of::Sum)
}

/// Reads an `AvgPool2d` node.
pub fn read_average(record: &mut Record) -> Result<Box<dyn Layer>> {
    Pool::read(record, Of::Mean)
}

/// Reads a `MaxPool2d`.
pub fn read_largest(record: &mut Record) -> Result<Box<dyn Layer>> {
    Pool::read(record, Of::Largest)
}

impl Pool {
    fn read(record: &mut Record, of: Of) -> Result<Box<dyn Layer>> {
        let kernel_size = record.take("kernel_size")?;
        let (stride, padding) = (record.take("stride")?, record.take("padding")?);
        Ok(Box::new(Pool { of, kernel_size, stride, padding }))
    }

    /// The two axes for an input of this shape.
    fn axes(&self, input: &Shape) -> Result<[Axis; 2]> {
        let &[_, height, width] = input.axes() else {
            return Err(misfit(input, "three axes, channel × height × width"));
        };
        let axis = |of: usize, input: usize| {
            Axis::pool(input, of, &self.kernel_size, &self.stride, &self.padding)
        };
        let axes = [axis(0, height)?, axis(1, width)?];
        if self.of == Of::Largest {
            axes.iter().try_for_each(Axis::refuse_empty_windows)?;
        }
        Ok(axes)
    }
}

impl Layer for Pool {
    fn nir(&self) -> &'static str {
        match self.of {
            Of::Sum => "SumPool2d",
            Of::Mean => "AvgPool2d",
            Of::Largest => "MaxPool2d",
        }
    }

    fn write(&self) -> Record {
        let mut record = Record::default();
        record.put("kernel_size", self.kernel_size.clone());
        record.put("stride", self.stride.clone());
        record.put("padding", self.padding.clone());
        record
    }

    fn parameters(&self) -> usize {
        0
    }

    fn is_linear(&self) -> bool {
        self.of != Of::Largest
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape> {
        let [rows, columns] = self.axes(input)?;
        Shape::new(&[input.channels(), rows.output, columns.output])
    }

    fn bind(&self, input: &Shape) -> Result<Connection> {
        let [rows, columns] = self.axes(input)?;
        let windows = Windows {
            channels: input.channels(),
            by_channel: Divisor::new(input.channels()),
            by_width: Divisor::new(columns.input),
            output: [rows.output, columns.output],
            rows: windows(&rows, columns.output * input.channels()),
            columns: windows(&columns, input.channels()),
        };
        let area = (rows.kernel * columns.kernel) as f32;
        Ok(Connection::Routed(match self.of {
            Of::Sum => Box::new(Sums { only: windows.only(), windows, divide_by: 1.0 }),
            Of::Mean => Box::new(Sums { only: windows.only(), windows, divide_by: area }),
            Of::Largest => Box::new(Largest { sizes: windows.sizes(), windows }),
        }))
    }
}

/// For each position on an axis the windows that hold it, each as what it adds to the
/// address: its number times the addresses from one to the next.
fn windows(axis: &Axis, apart: usize) -> Vec<Vec<u32>> {
    let windows = |taps: Vec<(u32, u32)>| taps.iter().map(|&(_, i)| i * apart as u32).collect();
    axis.taps().into_iter().map(windows).collect()
}

/// The windows that hold each row and each column.
struct Windows {
    channels: usize,
    by_channel: Divisor,
    by_width: Divisor,
    output: [usize; 2],
    rows: Vec<Vec<u32>>,
    columns: Vec<Vec<u32>>,
}

impl Windows {
    /// Calls `each` with the address of every window that holds `address`.
    #[inline]
    fn of(&self, address: u32, mut each: impl FnMut(u32)) {
        let (pixel, channel) = self.by_channel.of(address);
        let (row, column) = self.by_width.of(pixel);
        for &i in &self.rows[row as usize] {
            self.columns[column as usize].iter().for_each(|&j| each(i + j + channel));
        }
    }

    /// The same for all spikes of a pixel together, of which a maximum mostly hears many.
    /// Calls `each` for every pixel with spikes and every window that holds it: with these
    /// spikes, and with what is to be added to their addresses, modulo 2³², to get those
    /// of the window.
    #[inline]
    fn each(&self, spikes: &Spikes, mut each: impl FnMut(Range<usize>, u32)) {
        let mut next = 0;
        while let Some(&address) = spikes.index.get(next) {
            let (pixel, channel) = self.by_channel.of(address);
            let first = address - channel;
            let is_here = |&&index: &&u32| index - first < self.by_channel.divisor();
            let end = next + spikes.index[next..].iter().take_while(is_here).count();
            let (row, column) = self.by_width.of(pixel);
            for &i in &self.rows[row as usize] {
                let columns = self.columns[column as usize].iter();
                columns.for_each(|&j| each(next..end, (i + j).wrapping_sub(first)));
            }
            next = end;
        }
    }

    /// Where every pixel lies in one window: for each what is to be added to its addresses,
    /// modulo 2³², to get those of the window.
    fn only(&self) -> Option<Vec<u32>> {
        let only = |windows: &Vec<u32>| match windows[..] {
            [only] => Some(only),
            _ => None,
        };
        let axis = |axis: &[Vec<u32>]| axis.iter().map(only).collect::<Option<Vec<u32>>>();
        let (rows, columns) = (axis(&self.rows)?, axis(&self.columns)?);
        let windows = rows.iter().flat_map(|i| columns.iter().map(move |j| i + j));
        let firsts = (0..).step_by(self.channels);
        Some(windows.zip(firsts).map(|(window, first)| window.wrapping_sub(first)).collect())
    }

    /// Pixels in each window, padding aside.
    fn sizes(&self) -> Vec<u32> {
        let [height, width] = self.output;
        let rows = lengths(&self.rows, width * self.channels, height);
        let columns = lengths(&self.columns, self.channels, width);
        rows.iter().flat_map(|rows| columns.iter().map(move |columns| rows * columns)).collect()
    }
}

/// How many positions of the input each window of an axis holds.
fn lengths(axis: &[Vec<u32>], apart: usize, windows: usize) -> Vec<u32> {
    let mut lengths = vec![0; windows];
    axis.iter().flatten().for_each(|&window| lengths[window as usize / apart] += 1);
    lengths
}

struct Sums {
    windows: Windows,
    /// [`Windows::only`], as mostly windows neither overlap nor leave anything out.
    only: Option<Vec<u32>>,
    divide_by: f32,
}

impl Routed for Sums {
    fn route(&self, spikes: &Spikes, out: &mut Merge) {
        if let Some(only) = &self.only {
            let pixel = |address| self.windows.by_channel.of(address).0 as usize;
            return out.add_all(spikes, |address| address.wrapping_add(only[pixel(address)]));
        }
        for (address, value, count) in spikes.iter() {
            self.windows.of(address, |window| out.add(window, value, count));
        }
    }

    fn finish(&self, values: &mut [f32]) {
        if self.divide_by != 1.0 {
            values.iter_mut().for_each(|value| *value /= self.divide_by);
        }
    }
}

struct Largest {
    windows: Windows,
    /// Pixels in each window.
    sizes: Vec<u32>,
}

impl Largest {
    /// How many entries each window holds; only negative ones make anybody ask.
    fn heard(&self, spikes: &Spikes) -> Vec<u32> {
        let mut heard = vec![0; self.sizes.len() * self.windows.channels];
        for &address in &spikes.index {
            self.windows.of(address, |window| heard[window as usize] += 1);
        }
        heard
    }
}

impl Routed for Largest {
    fn route(&self, spikes: &Spikes, out: &mut Merge) {
        let negative = spikes.value.iter().any(|&value| value < 0.0);
        let heard = if negative { self.heard(spikes) } else { Vec::new() };
        let is_full = |window: usize| heard[window] == self.sizes[window / self.windows.channels];
        self.windows.each(spikes, |here, shift| {
            out.keep_largest(spikes, here, shift, |window, value| {
                value > 0.0 || value < 0.0 && is_full(window as usize)
            });
        });
    }
}
