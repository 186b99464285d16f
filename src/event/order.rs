//! Time order: wrapped clocks unrolled, disorder sorted, dropped or refused.

use std::str::FromStr;

use super::batch::Batch;
use super::tally::{Cause, Tally};
use crate::error::{Error, ErrorKind, Result};
use crate::signal::simd::{Kernel, dispatch};
use crate::units::Micros;

/// A step forward in time longer than this is taken for damage, not for a quiet
/// scene: even an unlit sensor sends noise more often.
pub const LONGEST_SILENCE: Micros = Micros(3_600_000_000);

/// What to do with an event that is older than one already seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderPolicy {
    /// Put it back in its place if it is late by at most `within`; drop it
    /// otherwise.
    Sort {
        /// The longest lateness that is repaired.
        within: Micros,
    },
    /// Drop it.
    Drop,
    /// Refuse the recording.
    Reject,
}

impl Default for OrderPolicy {
    fn default() -> OrderPolicy {
        OrderPolicy::Sort { within: Micros(10_000) }
    }
}

impl OrderPolicy {
    /// The name in reports and manifests; reads back through [`FromStr`].
    pub fn name(self) -> String {
        match self {
            OrderPolicy::Sort { within } => format!("sort:{}us", within.0),
            OrderPolicy::Drop => "drop".into(),
            OrderPolicy::Reject => "reject".into(),
        }
    }
}

impl FromStr for OrderPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<OrderPolicy> {
        match text.split_once(':') {
            None if text == "sort" => Ok(OrderPolicy::default()),
            None if text == "drop" => Ok(OrderPolicy::Drop),
            None if text == "reject" => Ok(OrderPolicy::Reject),
            Some(("sort", within)) => Ok(OrderPolicy::Sort { within: within.parse()? }),
            _ => Err(Error::new(
                ErrorKind::Usage,
                format!("order '{text}'"),
                "sort, sort:TIME, drop or reject",
            )),
        }
    }
}

/// The stage that hands on events in order of time.
#[derive(Debug)]
pub struct Order {
    policy: OrderPolicy,
    newest: Option<i64>,
    pending: Batch,
    tally: Tally,
}

impl Order {
    /// A stage that has seen nothing yet.
    pub fn new(policy: OrderPolicy) -> Order {
        Order { policy, newest: None, pending: Batch::default(), tally: Tally::default() }
    }

    /// The account so far; events held back count as kept.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Takes the events of `batch` and appends to `out` those whose place in
    /// time is certain.
    ///
    /// # Errors
    /// A backward step under [`OrderPolicy::Reject`], or a step forward of more
    /// than [`LONGEST_SILENCE`]. Events before it have been handed on.
    pub fn push(&mut self, batch: &mut Batch, out: &mut Batch) -> Result<()> {
        let checked = match self.runs_on(&batch.t) {
            true => Ok(()),
            false => self.admit(batch),
        };
        self.release(batch, out);
        checked
    }

    /// Appends the events held back to `out`.
    pub fn finish(&mut self, out: &mut Batch) {
        out.append(&mut self.pending);
    }

    /// Admits all of these times at once if no policy has anything to say to them.
    fn runs_on(&mut self, times: &[i64]) -> bool {
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return true };
        let newest = self.newest.unwrap_or(first);
        let no_leap = last.saturating_sub(newest) <= LONGEST_SILENCE.0;
        let runs_on = first >= newest && no_leap && ascends(times);
        if runs_on {
            self.newest = Some(last);
            self.tally.keep(times.len() as u64);
        }
        runs_on
    }

    /// Moves events from `batch` to `pending`, by the policy.
    fn admit(&mut self, batch: &mut Batch) -> Result<()> {
        let mut newest = match (self.newest, batch.t.first()) {
            (Some(newest), _) => newest,
            (None, Some(&first)) => first,
            (None, None) => return Ok(()),
        };
        let mut disorder = false;
        let mut trouble = None;
        let mut kept = 0;
        for i in 0..batch.len() {
            let t = batch.t[i];
            if t.saturating_sub(newest) > LONGEST_SILENCE.0 {
                trouble = Some(t);
                break;
            }
            if t < newest {
                let lateness = newest.saturating_sub(t);
                match self.policy {
                    OrderPolicy::Reject => {
                        trouble = Some(t);
                        break;
                    }
                    OrderPolicy::Sort { within } if lateness <= within.0 => {
                        self.tally.note(Cause::Reordered, 1);
                        disorder = true;
                    }
                    OrderPolicy::Sort { .. } | OrderPolicy::Drop => {
                        self.tally.drop(Cause::Late, 1);
                        continue;
                    }
                }
            }
            newest = newest.max(t);
            if kept < i {
                (batch.t[kept], batch.x[kept]) = (batch.t[i], batch.x[i]);
                (batch.y[kept], batch.on[kept]) = (batch.y[i], batch.on[i]);
            }
            kept += 1;
        }
        self.newest = Some(newest);
        batch.truncate(kept);
        self.pending.append(batch);
        self.tally.keep(kept as u64);
        if disorder {
            self.pending.sort_by_time();
        }
        match trouble {
            None => Ok(()),
            Some(t) => Err(self.refusal(newest, t)),
        }
    }

    /// Hands on what is certain of `pending` and, none of it younger, of `batch`; holds
    /// back the rest.
    fn release(&mut self, batch: &mut Batch, out: &mut Batch) {
        let newest = self.newest.unwrap_or(i64::MIN);
        let up_to = match self.policy {
            OrderPolicy::Sort { within } => newest.saturating_sub(within.0),
            OrderPolicy::Drop | OrderPolicy::Reject => i64::MAX,
        };
        let ready = |batch: &Batch| batch.t.partition_point(|&t| t <= up_to);
        let (held, new) = (ready(&self.pending), ready(batch));
        self.pending.move_front(held, out);
        out.extend(batch, 0..new);
        self.pending.extend(batch, new..batch.len());
        batch.clear();
    }

    fn refusal(&self, newest: i64, t: i64) -> Error {
        let expected = match t < newest {
            true => "times that never decrease (--order reject)".to_owned(),
            false => format!("at most {LONGEST_SILENCE} between two events"),
        };
        Error::new(ErrorKind::Corrupt, format!("time {t} µs after {newest} µs"), expected)
            .at(format!("event {}", self.tally.read))
    }
}

/// Unrolls a clock that counts modulo `period`: of the times that a count can
/// mean, the one nearest to the newest so far. A step back by more than half a
/// period is an overflow; a step forward by more, an event from before the last
/// overflow.
#[derive(Clone, Debug)]
pub struct Unwrap {
    period: i64,
    /// Where the period of the newest time began.
    epoch: i64,
    /// The count of the newest time.
    last: i64,
}

impl Unwrap {
    /// A clock that overflows every `period` ticks, in its first period.
    pub fn new(period: i64) -> Unwrap {
        Unwrap { period, epoch: 0, last: 0 }
    }

    /// The unrolled time of `raw`, and whether the clock overflowed to it.
    #[inline]
    pub fn time(&mut self, raw: i64) -> (i64, bool) {
        let ahead = raw - self.last;
        if ahead.abs() <= self.period / 2 || (ahead > 0 && self.epoch == 0) {
            self.last = self.last.max(raw);
            return (self.epoch + raw, false);
        }
        if ahead > 0 {
            return (self.epoch - self.period + raw, false);
        }
        self.epoch += self.period;
        self.last = raw;
        (self.epoch + raw, true)
    }

    /// Unrolls many times at once if none of them is older than the one before it
    /// and the clock does not overflow among them; otherwise changes nothing. Says
    /// which.
    pub fn run(&mut self, raw: &mut [i64]) -> bool {
        let (Some(&first), Some(&last)) = (raw.first(), raw.last()) else { return true };
        let near = last.saturating_sub(self.last) <= self.period / 2 || self.epoch == 0;
        let runs_on = first >= self.last && near && ascends(raw);
        if runs_on {
            self.last = last;
            if self.epoch > 0 {
                raw.iter_mut().for_each(|t| *t += self.epoch);
            }
        }
        runs_on
    }
}

/// Whether no time is older than the one before it.
fn ascends(times: &[i64]) -> bool {
    struct Ascends<'a>(&'a [i64]);

    impl Kernel for Ascends<'_> {
        type Output = bool;

        #[inline(always)]
        fn run(self) -> bool {
            // every pair is looked at: an early way out would keep them single
            let pairs = self.0.iter().zip(self.0.iter().skip(1));
            pairs.fold(true, |ascends, (t, next)| ascends & (t <= next))
        }
    }

    dispatch(Ascends(times))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch(times: &[i64]) -> Batch {
        times.iter().enumerate().map(|(i, &t)| (t, i as u16, 0, true)).collect()
    }

    fn run(policy: OrderPolicy, pieces: &[&[i64]]) -> (Vec<i64>, Tally, Option<String>) {
        let (mut order, mut out) = (Order::new(policy), Batch::default());
        let mut error = None;
        for piece in pieces {
            if let Err(e) = order.push(&mut batch(piece), &mut out) {
                error = Some(e.to_string());
                break;
            }
        }
        order.finish(&mut out);
        order.tally().assert_conserved();
        (out.t, order.tally().clone(), error)
    }

    #[test]
    fn sorts_small_lateness_and_drops_the_rest() {
        let policy = OrderPolicy::Sort { within: Micros(10) };
        let (times, tally, _) = run(policy, &[&[0, 20, 15, 21], &[5, 40, 33], &[100]]);
        assert_eq!(times, [0, 15, 20, 21, 33, 40, 100]);
        assert_eq!(tally.noted[&Cause::Reordered], 2);
        assert_eq!(tally.dropped[&Cause::Late], 1);
    }

    #[test]
    fn drops_or_refuses_when_told_to() {
        let (times, tally, _) = run(OrderPolicy::Drop, &[&[3, 1, 4, 2, 4]]);
        assert_eq!(times, [3, 4, 4]);
        assert_eq!(tally.dropped[&Cause::Late], 2);
        let (times, _, error) = run(OrderPolicy::Reject, &[&[3, 4, 2, 9]]);
        assert_eq!(times, [3, 4]);
        assert!(error.unwrap().starts_with("event 2: found time 2 µs after 4 µs"));
    }

    #[test]
    fn a_leap_of_hours_is_damage() {
        let leap = LONGEST_SILENCE.0 + 2;
        let (times, _, error) = run(OrderPolicy::default(), &[&[1, 2, 2 + leap, 3]]);
        assert_eq!(times, [1, 2]);
        assert!(error.unwrap().contains("event 2"));
    }

    #[test]
    fn policies_read_back_what_they_print() {
        for policy in [OrderPolicy::default(), OrderPolicy::Drop, OrderPolicy::Reject] {
            assert_eq!(policy.name().parse::<OrderPolicy>().unwrap(), policy);
        }
        assert!("keep".parse::<OrderPolicy>().is_err());
    }

    #[test]
    fn a_clock_of_8_bits_is_unrolled() {
        let mut clock = Unwrap::new(256);
        let times: Vec<_> = [250, 255, 3, 254, 2, 120, 200, 10].map(|raw| clock.time(raw)).into();
        let expected = [
            (250, false),
            (255, false),
            (259, true),
            (254, false),
            (258, false),
            (376, false),
            (456, false),
            (522, true),
        ];
        assert_eq!(times, expected);
        // nothing is older than the first period
        assert_eq!(Unwrap::new(256).time(200), (200, false));
    }

    fn policies() -> impl Strategy<Value = OrderPolicy> {
        let sort = (0..60_i64).prop_map(|within| OrderPolicy::Sort { within: Micros(within) });
        prop_oneof![2 => sort, 1 => Just(OrderPolicy::Drop), 1 => Just(OrderPolicy::Reject)]
    }

    /// Mostly ascending, with steps back and leaps among them.
    fn times() -> impl Strategy<Value = Vec<i64>> {
        let step = prop_oneof![60 => 0..9_i64, 3 => -40..0_i64, 1 => Just(LONGEST_SILENCE.0 + 1)];
        prop::collection::vec(step, 0..300).prop_map(|steps| {
            let ahead = |t: &mut i64, step| {
                *t += step;
                Some(*t)
            };
            steps.into_iter().scan(0, ahead).collect()
        })
    }

    proptest! {
        #[test]
        fn at_once_or_with_care_is_the_same(
            policy in policies(),
            times in times(),
            cut in 1..100_usize,
        ) {
            let (mut order, mut careful) = (Order::new(policy), Order::new(policy));
            let (mut out, mut expected) = (Batch::default(), Batch::default());
            for piece in times.chunks(cut) {
                let found = order.push(&mut batch(piece), &mut out);
                let mut with_care = batch(piece);
                let due = careful.admit(&mut with_care);
                careful.release(&mut with_care, &mut expected);
                prop_assert_eq!(&out, &expected);
                prop_assert_eq!(order.tally(), careful.tally());
                let text = |checked: Result<()>| checked.err().map(|e| e.to_string());
                let (found, due) = (text(found), text(due));
                prop_assert_eq!(&found, &due);
                if found.is_some() {
                    break;
                }
            }
        }

        #[test]
        fn a_clock_unrolls_many_times_as_it_does_one(
            steps in prop::collection::vec(prop_oneof![20 => 0..40_i64, 1 => 0..256_i64], 0..60),
            cut in 1..20_usize,
        ) {
            let ahead = |t: &mut i64, step| {
                *t += step;
                Some(*t % 256)
            };
            let raw: Vec<i64> = steps.into_iter().scan(0, ahead).collect();
            let (mut clock, mut careful) = (Unwrap::new(256), Unwrap::new(256));
            for piece in raw.chunks(cut) {
                let with_care: Vec<_> = piece.iter().map(|&raw| careful.time(raw)).collect();
                let mut times = piece.to_vec();
                if clock.run(&mut times) {
                    let expected: Vec<_> = times.iter().map(|&t| (t, false)).collect();
                    prop_assert_eq!(with_care, expected);
                } else {
                    prop_assert_eq!(&times, piece);
                    piece.iter().for_each(|&raw| _ = clock.time(raw));
                }
            }
        }

        #[test]
        fn what_comes_out_is_sorted_and_complete(
            times in prop::collection::vec(0i64..1000, 0..200),
            cuts in prop::collection::vec(1usize..40, 1..20),
        ) {
            let mut pieces = Vec::new();
            let mut rest = &times[..];
            for cut in cuts {
                let (piece, tail) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            pieces.push(rest);
            let (out, tally, _) = run(OrderPolicy::Sort { within: Micros(1000) }, &pieces);
            let mut sorted = times.clone();
            sorted.sort();
            prop_assert_eq!(&out, &sorted);
            let (out, tally_small, _) = run(OrderPolicy::Sort { within: Micros(30) }, &pieces);
            prop_assert!(out.is_sorted());
            prop_assert_eq!(tally.read, times.len() as u64);
            prop_assert_eq!(tally_small.kept, out.len() as u64);
        }
    }
}
