//! Every spike of a run, for who wants to look closer than a picture can show. Where there
//! are too many, the bands with the most of them keep what falls into each cell instead.

use std::mem;

use super::raster::{Band, Lane};
use crate::engine::Observer;
use crate::signal::Spikes;

/// Columns of cells at most: about as many as a screen has pixels for.
const COLUMNS: u64 = 1024;
/// Height of the cells of a band in pixels, as [`super::fold::Fold`] takes it.
const HEIGHT: usize = 150;

/// An observer that keeps spikes, up to a number.
#[derive(Clone, Debug)]
pub struct Marks {
    logs: Vec<Log>,
    /// Spikes that are kept one by one, at the most, and that are.
    room: usize,
    kept: usize,
    /// The last step with a spike.
    last: u64,
}

#[derive(Clone, Debug)]
struct Log {
    lane: Lane,
    /// Step, address and number of each; none once they are counted by cells.
    each: Option<Vec<(u64, u32, u32)>>,
}

/// The spikes of a band.
#[derive(Clone, Debug)]
pub struct Packed<'m> {
    /// Whose.
    pub band: &'m Band,
    /// Steps of a cell, and rows of them; of spikes one by one, 1 and the elements.
    pub cell: (u64, usize),
    /// Entries in `bytes`.
    pub entries: u64,
    /// For each, ascending, numbers in LEB128: twice the places since the one before, where
    /// the place is `step / cell.0 · elements + element` in the order of files; if there is
    /// more than one spike, one more than that, and their number.
    pub bytes: Vec<u8>,
}

impl Marks {
    /// Of these bands up to so many one by one, together.
    pub fn new(bands: Vec<Band>, room: usize) -> Marks {
        let log = |band| Log { lane: Lane::new(band, HEIGHT), each: Some(Vec::new()) };
        Marks { logs: bands.into_iter().map(log).collect(), room, kept: 0, last: 0 }
    }

    /// What was kept, by band.
    pub fn packed(&self) -> Vec<Packed<'_>> {
        self.logs.iter().map(|log| log.packed(self.last)).collect()
    }

    /// Counts the band with the most spikes by cells.
    fn make_room(&mut self) {
        let largest = self.logs.iter_mut().max_by_key(|log| log.each.as_ref().map_or(0, Vec::len));
        self.kept -= largest.map_or(0, Log::fold);
    }
}

impl Observer for Marks {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        for log in self.logs.iter_mut().filter(|log| log.lane.band.unit == unit) {
            self.kept += log.keep(step, sent);
        }
        self.last = self.last.max(step);
        while self.kept > self.room {
            self.make_room();
        }
    }
}

impl Log {
    /// Gives how many more are kept one by one.
    fn keep(&mut self, step: u64, sent: &Spikes) -> usize {
        match &mut self.each {
            Some(each) => {
                each.extend(sent.iter().map(|(address, _, count)| (step, address, count)));
                sent.index.len()
            }
            None => {
                self.lane.observe(step, sent);
                0
            }
        }
    }

    /// Counts by cells from now on; gives how many were kept one by one.
    fn fold(&mut self) -> usize {
        let each = self.each.take().unwrap_or_default();
        let mut one = Spikes::default();
        for &(step, address, count) in &each {
            one.clear();
            one.push(address, count as f32, count);
            self.lane.observe(step, &one);
        }
        each.len()
    }

    fn packed(&self, last: u64) -> Packed<'_> {
        let Lane { band, fold, grid, .. } = &self.lane;
        let elements = band.shape.len() as u64;
        let (cell, mut entries) = match &self.each {
            Some(each) => {
                let place = |step: u64, address: u32| {
                    step * elements + band.shape.element(address as usize) as u64
                };
                let places =
                    each.iter().map(|&(step, address, count)| (place(step, address), count));
                ((1, elements as usize), places.collect::<Vec<_>>())
            }
            None => {
                let mut steps = 1 << grid.shift();
                while last / steps >= COLUMNS {
                    steps *= 2;
                }
                let counts = grid.resample(steps, (last / steps) as usize + 1);
                let place = |cell: usize| {
                    let (column, row) = (cell / fold.rows(), cell % fold.rows());
                    column as u64 * elements + fold.neurons(row).start as u64
                };
                let filled = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                let places = filled.map(|(cell, &count)| (place(cell), count));
                ((steps, fold.rows()), places.collect())
            }
        };
        // trials that overlap go back in time, and files count in another order
        entries.sort_unstable();
        let (mut bytes, mut before) = (Vec::new(), 0);
        for &(place, count) in &entries {
            let since = place - mem::replace(&mut before, place);
            leb128(2 * since + u64::from(count > 1), &mut bytes);
            if count > 1 {
                leb128(count.into(), &mut bytes);
            }
        }
        Packed { band, cell, entries: entries.len() as u64, bytes }
    }
}

fn leb128(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Rows;
    use crate::signal::Shape;

    fn band(unit: usize, neurons: usize) -> Band {
        let shape = Shape::new(&[neurons]).unwrap();
        Band { unit, label: "a".into(), shape, rows: Rows::Neurons }
    }

    fn send(marks: &mut Marks, step: u64, unit: usize, address: u32, count: u32) {
        let mut spikes = Spikes::default();
        spikes.push(address, 1.0, count);
        marks.sent(step, unit, &spikes);
    }

    /// By hand, of 400 neurons: 149·400 + 5 = 59,605; 300 − 6 + 400 = 694 places on, 1,388 =
    /// 0b1010_1101100; the third is one place after the first.
    #[test]
    fn spikes_are_kept_as_places_since_the_one_before() {
        let mut marks = Marks::new(vec![band(2, 400)], 3);
        send(&mut marks, 150, 2, 300, 1);
        send(&mut marks, 149, 2, 5, 2);
        send(&mut marks, 149, 2, 6, 1);
        send(&mut marks, 149, 1, 6, 1);
        let Packed { bytes, entries, cell, .. } = &marks.packed()[0];
        // 2·59,605 + 1 = 119,211 = 0b111_0100011_0101011
        assert_eq!(bytes[..], [0xab, 0xa3, 0x07, 2, 2, 0xec, 0x0a]);
        assert_eq!((*entries, *cell), (3, (1, 400)));
    }

    /// By hand: 300 neurons in 75 rows of 4; in 2,048 steps a cell has 2. What the smaller
    /// band has stays as it is.
    #[test]
    fn the_band_with_the_most_spikes_is_counted_by_cells() {
        let mut marks = Marks::new(vec![band(0, 300), band(1, 10)], 3);
        send(&mut marks, 0, 1, 9, 1);
        for (step, address, count) in [(0, 7, 1), (1, 4, 2), (1, 299, 1), (2047, 0, 5)] {
            send(&mut marks, step, 0, address, count);
        }
        let [cells, each] = &marks.packed()[..] else { panic!() };
        assert_eq!((cells.cell, cells.entries), ((2, 75), 3));
        // at 4 three; 292 on, at 296, one; 1,023 columns later, at 306,900, five
        assert_eq!(cells.bytes, [9, 3, 0xc8, 0x04, 0xd9, 0xb6, 0x25, 5]);
        assert_eq!((each.cell, each.bytes.as_slice()), ((1, 10), &[18][..]));
    }
}
