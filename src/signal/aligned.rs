//! Numbers that begin on a cache line, so that no load of a register crosses one.

use std::ops::{Deref, DerefMut};

/// Numbers in a cache line.
const LINE: usize = 64 / size_of::<f32>();

/// A list of numbers that begins on a cache line.
#[derive(Debug)]
pub struct Aligned {
    room: Vec<f32>,
    first: usize,
    len: usize,
}

impl Aligned {
    /// So many zeros.
    pub fn zeros(len: usize) -> Aligned {
        let room = vec![0.0; len + LINE];
        // a multiple of a number's size away, because that is how numbers are aligned
        let first = room.as_ptr().align_offset(64).min(LINE);
        Aligned { room, first, len }
    }
}

impl From<&[f32]> for Aligned {
    fn from(values: &[f32]) -> Aligned {
        let mut aligned = Aligned::zeros(values.len());
        aligned.copy_from_slice(values);
        aligned
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Aligned {
        Aligned::from(&self[..])
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline(always)]
    fn deref(&self) -> &[f32] {
        &self.room[self.first..self.first + self.len]
    }
}

impl DerefMut for Aligned {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.room[self.first..self.first + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_on_a_line_and_copies_do_too() {
        for len in [0, 1, 17, 1000] {
            let mut aligned = Aligned::zeros(len);
            aligned.iter_mut().enumerate().for_each(|(i, x)| *x = i as f32);
            let copy = aligned.clone();
            assert!(
                [&aligned, &copy].iter().all(|a| a.as_ptr().addr() % 64 == 0 && a.len() == len)
            );
            assert_eq!(aligned[..], copy[..]);
        }
    }
}
