//! Reading: decoded, put in order, and accounted for.

use std::time::{Duration, Instant};

use super::Take;
use crate::event::{Batch, Order, OrderPolicy, Tally};
use crate::format::Recording;

/// The events of a recording, in order, until the end or until damage.
pub struct Reader {
    order: Order,
    batch: Batch,
    ordered: Batch,
    take: Take,
    ended: bool,
}

impl Reader {
    /// A reader that has read nothing.
    pub fn new(policy: OrderPolicy) -> Reader {
        Reader {
            order: Order::new(policy),
            batch: Batch::default(),
            ordered: Batch::default(),
            take: Take {
                events: 0,
                span: None,
                decoded: Tally::default(),
                ordered: Tally::default(),
                elapsed: Duration::ZERO,
                damage: None,
            },
            ended: false,
        }
    }

    /// The next events; none after the last, or after damage.
    pub fn next(&mut self, recording: &mut Recording) -> Option<&Batch> {
        if self.ended {
            return None;
        }
        let began = Instant::now();
        self.batch.clear();
        self.ordered.clear();
        let decoded = recording.decode(&mut self.batch);
        self.note_span();
        let pushed = self.order.push(&mut self.batch, &mut self.ordered);
        self.ended = pushed.is_err() || !matches!(decoded, Ok(true));
        let disorder = pushed.err().map(|e| e.in_file(recording.path()));
        self.take.damage = disorder.or(decoded.err());
        if self.ended {
            self.order.finish(&mut self.ordered);
        }
        self.take.elapsed += began.elapsed();
        Some(&self.ordered)
    }

    fn note_span(&mut self) {
        let times = &self.batch.t;
        if let (Some(low), Some(high)) = (times.iter().min(), times.iter().max()) {
            let (first, last) = self.take.span.unwrap_or((*low, *high));
            self.take.span = Some((first.min(*low), last.max(*high)));
        }
    }

    /// The account of what was read.
    pub fn finish(mut self, recording: &Recording) -> Take {
        self.take.decoded = recording.tally().clone();
        self.take.ordered = self.order.tally().clone();
        self.take.decoded.assert_conserved();
        self.take.ordered.assert_conserved();
        self.take.events = self.take.decoded.kept;
        self.take
    }
}
