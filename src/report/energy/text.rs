//! What `energy` says, for people: joules first, then what they are made of.

use std::fmt::Write;

use super::{EnergyReport, Head, Layer, Priced};
use crate::draw::words::{counted, grouped};
use crate::error::shown;
use crate::measure::energy::{Cost, Part, Source};
use crate::measure::{COUNTS, Certainty, Comparison, Count, Distribution, Energy, Work};
use crate::report::table::{columns, grouped_or_dash, headed};
use crate::units::{Bytes, Joules, Micros};

/// More classes than this are left to JSON.
const CLASSES: usize = 20;

/// The counts that have a column of their own, layer by layer.
const COLUMNS: [(Count, &str); 7] = [
    (Count::Spikes, "spikes"),
    (Count::StateUpdates, "updates"),
    (Count::SynapticOps, "synaptic ops"),
    (Count::DenseOps, "dense ops"),
    (Count::EffectiveAcs, "eff. ACs"),
    (Count::EffectiveMacs, "eff. MACs"),
    (Count::WeightReads, "weight reads"),
];

impl EnergyReport {
    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.head.lines(self.inferences, self.steps, &mut text);
        for caution in &self.cautions {
            let _ = writeln!(text, "caution  {}\n         {}", caution.text(), caution.advice());
        }
        self.notes.iter().for_each(|note| {
            let _ = writeln!(text, "note     {note}");
        });
        text.push('\n');
        text += &self.summary();
        for priced in &self.energy {
            text.push('\n');
            priced.lines(&mut text);
        }
        let _ = writeln!(text, "\ncounted in {}", counted(self.inferences, "sample"));
        text += &self.layers();
        self.counts(&mut text);
        text
    }

    /// A line a table: how joules are distributed over the samples.
    fn summary(&self) -> String {
        let head =
            ["joules a sample", "least", "25 %", "median", "75 %", "most", "mean", "low to high"];
        let row = |priced: &Priced| {
            let Distribution { mean, least, lower, median, upper, most } = priced.each;
            let numbers = [least, lower, median, upper, most, mean];
            let [low, high] = priced.bounds();
            let name = priced.all.table.name.clone();
            let numbers = numbers.map(|joules| Joules(joules).to_string());
            let bounds = if low.0 == high.0 { "–".into() } else { format!("{low} to {high}") };
            [name].into_iter().chain(numbers).chain([bounds]).collect()
        };
        headed(head, self.energy.iter().map(row), 1, "")
    }

    fn layers(&self) -> String {
        let head = ["layer", "kind"].into_iter().chain(COLUMNS.map(|(_, head)| head));
        let row = |layer: &Layer| {
            let numbers = COLUMNS.map(|(count, _)| cell(&layer.work, count));
            let names = [layer.name.clone(), layer.kind.to_owned()];
            names.into_iter().chain(numbers).collect()
        };
        headed(head, self.layers.iter().map(row), 2, "  ")
    }

    /// Every count of the whole network, and how it is counted.
    fn counts(&self, text: &mut String) {
        let rows = COUNTS.iter().filter_map(|kind| {
            let number = self.counts.get(kind.name)?.as_u64()?;
            Some(vec![kind.name.replace('_', " "), format!("{}: {}", grouped(number), kind.about)])
        });
        text.push('\n');
        *text += &columns(&rows.collect::<Vec<_>>(), 2, "  ");
        if let Some(sparsity) = self.activation_sparsity {
            let _ = writeln!(text, "  activation sparsity {:.2} %", 100.0 * sparsity);
        }
        let [near, far] =
            self.traffic.memories.iter().fold([0, 0], |[near, far], memory| {
                [near + memory.near_bytes, far + memory.far_bytes]
            });
        let _ = writeln!(
            text,
            "  {} moved to and from memories of up to {}, {} to and from larger ones, in words of {}",
            Bytes(near),
            Bytes(self.traffic.buffer_bytes),
            Bytes(far),
            counted(self.traffic.word_bytes, "byte")
        );
    }
}

fn cell(work: &Work, count: Count) -> String {
    grouped_or_dash(Some(work[count]).filter(|&number| number > 0))
}

impl Head {
    fn lines(&self, inferences: u64, steps: u64, text: &mut String) {
        let Head { data, cut, network, engine, convention, dt_us, slice, input, .. } = self;
        let samples = counted(inferences, "sample");
        let _ = writeln!(text, "data     {}, {cut}: {samples}, {input}", shown(data));
        let sha256 = &self.network_sha256[..12];
        let _ = writeln!(text, "network  {}, SHA-256 {sha256}…", shown(network));
        let time = match slice {
            Some(slice) => format!("{} of equal {slice}", counted(steps, "slice")),
            None => format!("{} of {}", counted(steps, "step"), Micros(*dt_us)),
        };
        let _ = writeln!(text, "engine   {engine}, convention {convention}, {time}");
    }
}

impl Priced {
    /// Mean joules a sample, by the low and by the high figures.
    fn bounds(&self) -> [Joules; 2] {
        let bar = self.bar();
        [Joules(bar.low), Joules(bar.high)]
    }

    fn lines(&self, text: &mut String) {
        let Energy { table, .. } = &self.all;
        let _ = writeln!(text, "{}: {} ({})", table.name, table.about, table.process);
        *text += &self.working();
        if self.classes.len() > 1 && self.classes.len() <= CLASSES {
            let medians =
                self.classes.iter().map(|(class, d)| format!("{class} {}", Joules(d.median)));
            let _ =
                writeln!(text, "  by class, medians: {}", medians.collect::<Vec<_>>().join(", "));
        }
        if let Some(comparison) = &self.comparison {
            self.beside(comparison, text);
        }
        let _ = writeln!(text, "  without {}", table.leaves_out.join(", "));
        let _ = writeln!(text, "  source: {}; {}", table.citation, table.certainty);
        for (names, Source { citation, certainty }) in self.other_sources() {
            let _ = writeln!(text, "  source of {}: {citation}; {certainty}", names.join(", "));
        }
    }

    /// Sources of figures that are not the table's, each with the counts that it prices.
    fn other_sources(&self) -> Vec<(Vec<String>, Source<'_>)> {
        let Energy { table, terms, accesses } = &self.all;
        let terms = table.terms.iter().zip(terms).filter(|(_, term)| term.count > 0);
        let terms = terms.map(|(constant, _)| (&constant.name, table.source(constant)));
        let accesses = table.accesses.iter().zip(accesses).flat_map(|(access, (_, parts))| {
            parts.iter().map(|part| (&access.name, table.source_of_access(part.size)))
        });
        let own = Source { citation: &table.citation, certainty: table.certainty };
        let mut others: Vec<(Vec<String>, Source<'_>)> = Vec::new();
        for (name, source) in terms.chain(accesses).filter(|(_, source)| *source != own) {
            let name = name.replace('_', " ");
            match others.iter_mut().find(|(_, other)| *other == source) {
                Some((names, _)) if names.contains(&name) => (),
                Some((names, _)) => names.push(name),
                None => others.push((vec![name], source)),
            }
        }
        others
    }

    /// count × constant = joules, for all samples.
    fn working(&self) -> String {
        let Energy { table, terms, accesses } = &self.all;
        let mut rows = Vec::new();
        for (constant, term) in table.terms.iter().zip(terms).filter(|(_, term)| term.count > 0) {
            let product = (term.count, constant.cost(), term.typical);
            rows.push(line(&constant.name, "", product, table.source(constant).certainty));
        }
        for (access, (_, parts)) in table.accesses.iter().zip(accesses) {
            for Part { unit, count, size, cost } in parts {
                let typical = Joules::of(*count, cost.typical);
                let place = format!("of '{}', {}", self.names[*unit], counted(size.0, "byte"));
                let (product, source) = ((*count, *cost, typical), table.source_of_access(*size));
                rows.push(line(&access.name, &place, product, source.certainty));
            }
        }
        let total = self.all.sum(|term| term.typical);
        let sum = format!("= {total}, a sample {}", Joules(total.0 / self.inferences as f64));
        columns(&rows, 2, "  ") + &format!("  {sum}\n")
    }

    fn beside(&self, comparison: &Comparison, text: &mut String) {
        let each = |joules: Joules| Joules(joules.0 / self.inferences as f64);
        for rival in &comparison.rivals {
            let bits =
                rival.bits.map_or(String::new(), |bits| format!(" to {bits}-bit activations"));
            let rate = |rate: f64| format!("{:.4} %", 100.0 * rate);
            let even = match (comparison.rate, rival.break_even) {
                (Some(_), Some(0.0)) => ", less than this one without a spike".into(),
                (Some(own), Some(even)) => format!(
                    ", what this one costs at {} spikes a neuron and step; it has {}",
                    rate(even),
                    rate(own)
                ),
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                "  {}{bits}, this shape in one pass: {} a sample{even}",
                rival.name,
                each(rival.energy)
            );
        }
        let own = self.all.sum(|term| term.typical);
        let _ = writeln!(
            text,
            "  first layer by events, as above: {}; as frames, every value of every step multiplied: {}",
            each(own),
            each(comparison.as_frames)
        );
    }
}

/// count × constant = joules, and how sure the constant is.
fn line(
    name: &str,
    place: &str,
    (count, cost, typical): (u64, Cost, Joules),
    certainty: Certainty,
) -> Vec<String> {
    let constant = format!("× {} pJ", significant(cost.typical));
    let (name, makes) = (name.replace('_', " "), format!("= {typical}"));
    vec![name, place.into(), grouped(count), constant, makes, certainty.name().into()]
}

/// Five digits, enough to work out the three of a product.
fn significant(number: f64) -> String {
    let before = if number > 0.0 { number.log10().floor() as i32 + 1 } else { 1 };
    let text = format!("{number:.*}", (5 - before).clamp(0, 20) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_five_digits() {
        let numbers = [0.9, 0.03, 27.822_580_645, 0.009_765_625, 1300.0, 123_456.0, 0.0];
        let text = numbers.map(significant);
        assert_eq!(text, ["0.9", "0.03", "27.823", "0.0097656", "1300", "123456", "0"]);
    }
}
