//! Every spike of a run, for who wants to look closer than a picture can show.

use super::raster::Band;
use crate::engine::Observer;
use crate::signal::Spikes;

/// An observer that keeps spikes, up to a number.
#[derive(Clone, Debug)]
pub struct Marks {
    logs: Vec<Log>,
    /// How many more are kept.
    room: usize,
}

/// The spikes of a band.
#[derive(Clone, Debug)]
pub struct Log {
    /// Whose.
    pub band: Band,
    /// For each of them three numbers in LEB128: steps since the one before, zigzag; the
    /// element, in the order of files; how many there were at once.
    pub bytes: Vec<u8>,
    /// Entries in that.
    pub entries: u64,
    /// Spikes that came when there was no more room.
    pub left_out: u64,
    before: u64,
}

impl Marks {
    /// Of these bands up to so many entries together.
    pub fn new(bands: Vec<Band>, room: usize) -> Marks {
        let log = |band| Log { band, bytes: Vec::new(), entries: 0, left_out: 0, before: 0 };
        Marks { logs: bands.into_iter().map(log).collect(), room }
    }

    /// What was kept, by band.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }
}

impl Observer for Marks {
    fn sent(&mut self, step: u64, unit: usize, sent: &Spikes) {
        for log in self.logs.iter_mut().filter(|log| log.band.unit == unit) {
            for (address, _, count) in sent.iter() {
                match self.room.checked_sub(1) {
                    Some(room) => {
                        self.room = room;
                        log.keep(step, log.band.shape.element(address as usize), count);
                    }
                    None => log.left_out += u64::from(count),
                }
            }
        }
    }
}

impl Log {
    fn keep(&mut self, step: u64, element: usize, count: u32) {
        let since = step.wrapping_sub(self.before) as i64;
        self.before = step;
        self.entries += 1;
        leb128((since << 1 ^ since >> 63) as u64, &mut self.bytes);
        leb128(element as u64, &mut self.bytes);
        leb128(count.into(), &mut self.bytes);
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

    /// By hand: 300 = 0b10_0101100; a step back of 1 is 1 in zigzag.
    #[test]
    fn spikes_are_kept_in_three_numbers_until_there_is_no_room() {
        let shape = Shape::new(&[400]).unwrap();
        let band = Band { unit: 2, label: "a".into(), shape, rows: Rows::Neurons };
        let mut marks = Marks::new(vec![band], 3);
        let mut send = |step, address, count| {
            let mut spikes = Spikes::default();
            spikes.push(address, 1.0, count);
            marks.sent(step, 2, &spikes);
            marks.sent(step, 1, &spikes);
        };
        send(150, 300, 1);
        send(149, 5, 2);
        send(149, 6, 1);
        send(151, 6, 4);
        let Log { bytes, entries, left_out, .. } = &marks.logs()[0];
        assert_eq!(bytes[..], [0xac, 0x02, 0xac, 0x02, 1, 1, 5, 2, 0, 6, 1]);
        assert_eq!((*entries, *left_out), (3, 4));
    }
}
