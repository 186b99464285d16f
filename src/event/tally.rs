//! What became of every event, stage by stage: nothing is lost in silence.

use std::collections::BTreeMap;

use serde::Serialize;

/// Why an event was dropped, or what was odd about one that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The recorder marked it as invalid.
    Invalid,
    /// Its address says that it is no pixel event (a synchronisation pulse).
    Special,
    /// Its pixel lies outside the sensor or the network's input.
    Outside,
    /// It came so much later than its time that its place had gone by.
    Late,
    /// It lies before the asked window.
    BeforeWindow,
    /// It lies at or after the end of the asked window.
    AfterWindow,
    /// It lies in no trial.
    BetweenTrials,
    /// It was recorded after a younger one and put back in its place.
    Reordered,
    /// The recorder's clock overflowed here.
    ClockWrapped,
    /// It shares pixel, polarity and step with another and binary input keeps one.
    Merged,
}

impl Cause {
    /// What it says of `n` events, for people.
    pub fn phrase(self) -> &'static str {
        match self {
            Cause::Invalid => "marked invalid",
            Cause::Special => "not from a pixel",
            Cause::Outside => "outside the sensor",
            Cause::Late => "too late to be put in order",
            Cause::BeforeWindow => "before the window",
            Cause::AfterWindow => "after the window",
            Cause::BetweenTrials => "in no trial",
            Cause::Reordered => "put back in order",
            Cause::ClockWrapped => "at an overflow of the clock",
            Cause::Merged => "merged with another of their step",
        }
    }

    /// Whether the caller asked for it; such a drop is no loss.
    pub fn was_asked_for(self) -> bool {
        matches!(
            self,
            Cause::BeforeWindow | Cause::AfterWindow | Cause::BetweenTrials | Cause::Merged
        )
    }
}

/// The account of one stage: `read = kept + Σ dropped`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Events that came in.
    pub read: u64,
    /// Events that went on.
    pub kept: u64,
    /// Events that did not, by cause.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<Cause, u64>,
    /// Events that went on although something was odd, by oddity.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub noted: BTreeMap<Cause, u64>,
    /// Things in the file that are no pixel events, by their name there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts `n` events that were read and go on.
    #[inline]
    pub fn keep(&mut self, n: u64) {
        self.read += n;
        self.kept += n;
    }

    /// Counts `n` events that were read and go no further.
    pub fn drop(&mut self, cause: Cause, n: u64) {
        if n > 0 {
            self.read += n;
            *self.dropped.entry(cause).or_default() += n;
        }
    }

    /// Drops `n` events that had been counted as kept.
    pub fn retract(&mut self, cause: Cause, n: u64) {
        if n > 0 {
            self.kept -= n;
            *self.dropped.entry(cause).or_default() += n;
        }
    }

    /// Remarks on `n` events without changing what becomes of them.
    pub fn note(&mut self, cause: Cause, n: u64) {
        if n > 0 {
            *self.noted.entry(cause).or_default() += n;
        }
    }

    /// Counts `n` things that are no pixel events.
    pub fn skip(&mut self, what: &str, n: u64) {
        if n == 0 {
            return;
        }
        match self.skipped.get_mut(what) {
            Some(count) => *count += n,
            None => _ = self.skipped.insert(what.to_owned(), n),
        }
    }

    /// The account of two runs of a stage.
    pub fn plus(mut self, other: &Tally) -> Tally {
        self.read += other.read;
        self.kept += other.kept;
        for (cause, n) in &other.dropped {
            *self.dropped.entry(*cause).or_default() += n;
        }
        other.noted.iter().for_each(|(cause, &n)| self.note(*cause, n));
        other.skipped.iter().for_each(|(what, &n)| self.skip(what, n));
        self
    }

    /// Events that did not go on.
    pub fn total_dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Events that went on as one with another.
    pub fn merged(&self) -> u64 {
        self.dropped.get(&Cause::Merged).copied().unwrap_or(0)
    }

    /// Events that did not go on although nobody asked for that, by cause.
    pub fn losses(&self) -> impl Iterator<Item = (Cause, u64)> {
        let lost = self.dropped.iter().filter(|(cause, _)| !cause.was_asked_for());
        lost.map(|(&cause, &n)| (cause, n))
    }

    /// Their number.
    pub fn lost(&self) -> u64 {
        self.losses().map(|(_, n)| n).sum()
    }

    /// Panics unless every event that was read is accounted for.
    pub fn assert_conserved(&self) {
        assert_eq!(
            self.read,
            self.kept + self.total_dropped(),
            "a stage lost count of its events: {self:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_on_request_is_no_loss() {
        let mut tally = Tally::default();
        tally.keep(5);
        tally.drop(Cause::AfterWindow, 3);
        tally.drop(Cause::Outside, 2);
        tally.drop(Cause::Late, 0);
        tally.note(Cause::Reordered, 1);
        tally.assert_conserved();
        assert_eq!((tally.read, tally.lost(), tally.dropped.len()), (10, 2, 2));
    }

    #[test]
    #[should_panic(expected = "lost count")]
    fn an_event_that_vanishes_is_noticed() {
        Tally { read: 2, kept: 1, ..Tally::default() }.assert_conserved();
    }
}
