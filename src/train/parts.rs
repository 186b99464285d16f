//! What each sample is for: as the data set says, else users or shares are held out.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::config::{DataSpec, Held};
use crate::corpus::{Corpus, Part, Sample};
use crate::error::{Error, ErrorKind, Result};

/// The seed of the parts: they are the same for all seeds of a network.
const PARTS_SEED: u64 = 0x5059_4e4f;

/// What each sample is for, as the data set says. Where it has nothing to report on or to
/// choose by, that is taken from what is to be trained on; a list with parts is taken at its
/// word.
///
/// # Errors
/// Samples without a part among others that have one, users that are unknown, or are held
/// out of data that come split.
pub fn parts(corpus: &Corpus, spec: &DataSpec) -> Result<Vec<Part>> {
    let samples = &corpus.samples;
    let known = samples.iter().any(|sample| sample.part.is_some());
    if known && let Some(sample) = samples.iter().find(|sample| sample.part.is_none()) {
        let found = format!("no part for '{}'", sample.path.display());
        return Err(Error::new(ErrorKind::Usage, found, "a part for every sample, or for none"));
    }
    let mut parts: Vec<Part> = samples.iter().map(|s| s.part.unwrap_or(Part::Train)).collect();
    let mut free: BTreeSet<usize> =
        (0..samples.len()).filter(|&i| parts[i] == Part::Train).collect();
    let complete = known && corpus.cut == "list";
    for (part, held) in [(Part::Test, &spec.test), (Part::Validation, &spec.validation)] {
        if complete || parts.contains(&part) {
            if matches!(held, Held::Users(_)) {
                let found = format!("users for the part {}", part.name());
                return Err(Error::new(ErrorKind::Usage, found, "none: the data come split"));
            }
            continue;
        }
        let drawn = match held {
            Held::Users(users) => of_users(samples, users)?,
            Held::Share(share) => drawn(samples, &free, *share),
        };
        for i in drawn {
            if free.remove(&i) {
                parts[i] = part;
            }
        }
    }
    Ok(parts)
}

/// Samples that share events of a recording and are for different parts: what is reported on
/// them was learned by heart.
pub fn shared(samples: &[Sample], parts: &[Part]) -> Vec<Error> {
    let mut all: Vec<(&Sample, Part)> = samples.iter().zip(parts.iter().copied()).collect();
    all.sort_by_key(|(sample, _)| (&sample.path, sample.window.from));
    let mut shared = Vec::new();
    for (i, (one, part)) in all.iter().enumerate() {
        let is_within =
            |other: &Sample| other.path == one.path && other.window.from < one.window.to;
        let others = all[i + 1..].iter().take_while(|(other, _)| is_within(other));
        for (_, of) in others.filter(|(_, of)| of != part) {
            let found = format!("the same events for {} and {}", part.name(), of.name());
            let error = Error::new(ErrorKind::Corrupt, found, "each for one part");
            shared.push(error.in_file(&one.path));
        }
    }
    shared
}

fn of_users(samples: &[Sample], users: &[String]) -> Result<Vec<usize>> {
    let known: BTreeSet<&String> = samples.iter().filter_map(|e| e.user.as_ref()).collect();
    if let Some(stranger) = users.iter().find(|user| !known.contains(user)) {
        let expected = match known.is_empty() {
            true => "a share, for the data names no users".into(),
            false => known.into_iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        return Err(Error::new(ErrorKind::Usage, format!("user '{stranger}'"), expected));
    }
    let theirs = |i: &usize| samples[*i].user.as_ref().is_some_and(|user| users.contains(user));
    Ok((0..samples.len()).filter(theirs).collect())
}

/// A share of those that are free: whole users where all are known, else of each class.
fn drawn(samples: &[Sample], free: &BTreeSet<usize>, share: f64) -> Vec<usize> {
    let by_user = free.iter().all(|&i| samples[i].user.is_some());
    let mut random = Pcg64::seed_from_u64(PARTS_SEED);
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &i in free {
        let user = samples[i].user.as_deref().filter(|_| by_user);
        groups.entry(user.unwrap_or(&samples[i].class)).or_default().push(i);
    }
    let all = samples.len() as f64 * share;
    if by_user {
        let mut users: Vec<Vec<usize>> = groups.into_values().collect();
        users.shuffle(&mut random);
        let mut drawn = Vec::new();
        for user in users {
            // the user with whom it comes nearest to the share is the last
            if (drawn.len() + user.len()) as f64 - all > all - drawn.len() as f64 {
                break;
            }
            drawn.extend(user);
        }
        return drawn;
    }
    let sizes: BTreeMap<&str, usize> = samples.iter().fold(BTreeMap::new(), |mut sizes, e| {
        *sizes.entry(&e.class[..]).or_default() += 1;
        sizes
    });
    let of_class = |(class, mut members): (&str, Vec<usize>)| {
        members.shuffle(&mut random);
        members.truncate((sizes[class] as f64 * share).round() as usize);
        members
    };
    groups.into_iter().flat_map(of_class).collect()
}
