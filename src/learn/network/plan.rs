//! Which layers go their way forth twice, so that a training step fits into a budget.

use std::ops::Range;

use crate::error::Result;
use crate::learn::layer::{Keep, Layer, Sweep};
use crate::learn::memory::{Footprint, Form};

/// One in so many bytes waits for the next tensor.
const WAITING: usize = 8;

/// What each layer of a network takes.
pub(super) struct Costs {
    keep: Keep,
    /// Layers that go together.
    groups: Vec<Range<usize>>,
    /// What goes into each layer, and what comes out of the last.
    forms: Vec<Form>,
    /// Where layers keep what their way back needs.
    kept: Vec<Footprint>,
    /// Where they keep nothing.
    passed: Vec<Footprint>,
}

impl Costs {
    /// Those of layers, and of their groups.
    pub fn of(
        (layers, groups): (&[Box<dyn Layer>], &[Range<usize>]),
        input: &Form,
        keep: Keep,
    ) -> Result<Costs> {
        let mut forms = vec![input.clone()];
        let (mut kept, mut passed) = (Vec::new(), Vec::new());
        for layer in layers {
            let input = forms.last().expect("the input");
            let shape = [&input.shape[..2], &layer.output(input.features())?].concat();
            let output = Form { shape, spikes: layer.sends_spikes(input.spikes) };
            kept.push(layer.footprint(input, &output, keep));
            passed.push(layer.footprint(input, &output, Keep::Nothing));
            forms.push(output);
        }
        for group in groups.iter().filter(|group| group.len() > 1) {
            let (layers, forms) = (&layers[group.clone()], &forms[group.start..=group.end]);
            let sweep = |alone: &mut [Footprint], keep: Keep| {
                let together = Sweep::footprint(layers, forms, alone, keep);
                alone.fill(Footprint::default());
                alone[0] = together;
            };
            sweep(&mut passed[group.clone()], Keep::Nothing);
            if keep != Keep::Means {
                sweep(&mut kept[group.clone()], keep);
            }
        }
        Ok(Costs { keep, groups: groups.to_vec(), forms, kept, passed })
    }

    pub fn layers(&self) -> Range<usize> {
        0..self.kept.len()
    }

    pub fn kept(&self) -> Vec<usize> {
        self.kept.iter().map(|layer| layer.kept).collect()
    }

    /// What layers that keep what they need take together.
    pub fn together(&self, layers: Range<usize>) -> Footprint {
        let mut all = Footprint::default();
        for layer in &self.kept[layers] {
            all.forth = all.forth.max(all.kept + layer.forth);
            all.kept += layer.kept;
            all.back = all.back.max(all.kept + layer.back);
        }
        all
    }

    /// What a segment keeps.
    fn start(&self, segment: &Range<usize>) -> usize {
        self.forms[segment.start].packed(Keep::Steps)
    }

    /// The most that a step takes with these segments, from the first layer on, slices
    /// that wait for tensors included.
    pub fn peak(&self, segments: &[Range<usize>]) -> usize {
        let (mut most, mut held) = (0, 0);
        for segment in segments {
            held += self.start(segment);
            let forth = self.passed[segment.clone()].iter().map(|layer| layer.forth);
            most = most.max(held + forth.max().unwrap_or(0));
        }
        let first = segments.last().map_or(0, |segment| segment.end);
        let rest = self.together(first..self.kept.len());
        most = most.max(held + rest.forth.max(rest.back));
        for segment in segments.iter().rev() {
            let gradient = self.forms[segment.end].gradient(self.keep);
            most = most.max(held + self.forms[segment.start].bytes() + gradient);
            held -= self.start(segment);
            let again = self.together(segment.clone());
            most = most.max(held + again.back.max(again.forth + gradient));
        }
        most + most / WAITING
    }

    /// The most that a rule takes that looks at one connection at a time, given which layers
    /// are some: the network's input; what the connection is sent, keeps of it, and the
    /// gradient with respect to that; what its neurons send, twice.
    pub fn local(&self, connections: impl Iterator<Item = bool>) -> usize {
        let passed = self.passed.iter().map(|layer| layer.forth);
        let of = |(ends, is_connection): (&[Form], bool)| match is_connection {
            true => 3 * ends[0].bytes() + 2 * ends[1].bytes(),
            false => 0,
        };
        let learned = self.forms.windows(2).zip(connections).map(of);
        let most = self.forms[0].bytes() + passed.chain(learned).max().unwrap_or(0);
        most + most / WAITING
    }

    /// The segments with the fewest layers that fit into a budget; where none fit, those
    /// that take least.
    pub fn choose(&self, budget: usize) -> Vec<Range<usize>> {
        let by_repeated = self.groups.iter().map(|group| self.least(group.start));
        let mut plans: Vec<_> = by_repeated.map(|plan| (self.peak(&plan), plan)).collect();
        let fits = plans.iter().position(|(peak, _)| *peak <= budget);
        let least = || (0..plans.len()).min_by_key(|&i| plans[i].0);
        match fits.or_else(least) {
            Some(i) => plans.swap_remove(i).1,
            None => Vec::new(),
        }
    }

    /// The first `end` layers in those segments that take least.
    fn least(&self, end: usize) -> Vec<Range<usize>> {
        let sums = (0..end).flat_map(|from| (from..end).map(move |to| from..to + 1));
        let sums = sums.map(|layers| self.kept[layers].iter().map(|layer| layer.kept).sum());
        let plans = sums.map(|most: usize| self.cut(end, most));
        plans.min_by_key(|plan| self.peak(plan)).unwrap_or_default()
    }

    /// The first `end` layers in segments that keep at most so much, if they have more
    /// than one group.
    fn cut(&self, end: usize, most: usize) -> Vec<Range<usize>> {
        let (mut segments, mut start, mut held) = (Vec::new(), 0, 0);
        for group in self.groups.iter().filter(|group| group.end <= end) {
            let kept: usize = self.kept[group.clone()].iter().map(|layer| layer.kept).sum();
            if held + kept > most && group.start > start {
                segments.push(start..group.start);
                (start, held) = (group.start, 0);
            }
            held += kept;
        }
        segments.push(start..end);
        segments
    }
}
