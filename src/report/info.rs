//! What a file is, as data and as text.

use std::fmt::Write;

use serde::Serialize;

use super::table::{grouped_or_dash, headed};
use crate::draw::words::{counted, grouped, mean};
use crate::error::shown;
use crate::event::{Batch, Sensor, Tally};
use crate::format::Header;
use crate::record::Array;
use crate::record::weights::Weights;
use crate::units::Micros;

/// A recording.
#[derive(Debug, Serialize)]
pub struct RecordingInfo {
    /// Where it was.
    pub path: String,
    /// `recording`.
    pub what: &'static str,
    /// Its format.
    pub format: &'static str,
    /// The camera that it names.
    pub camera: Option<String>,
    /// Width and height of the sensor, where the file or its format says.
    pub sensor: Option<[u16; 2]>,
    /// How it codes addresses, polarity and time.
    pub coding: &'static str,
    /// Events in it.
    pub events: u64,
    /// Time of the first one, on the recording's clock.
    pub first_us: Option<i64>,
    /// Time of the last one.
    pub last_us: Option<i64>,
    /// ON events.
    pub on: u64,
    /// OFF events.
    pub off: u64,
    /// Smallest and largest column.
    pub x: Option<[u16; 2]>,
    /// Smallest and largest row.
    pub y: Option<[u16; 2]>,
    /// Events that are older than one before them.
    pub backward: u64,
    /// What became of what was read.
    pub tally: Tally,
    /// What else the header says.
    pub remarks: Vec<String>,
    /// What ended it early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

impl RecordingInfo {
    /// What the header says; events are still to come.
    pub fn new(path: String, header: &Header) -> RecordingInfo {
        RecordingInfo {
            path,
            what: "recording",
            format: header.format,
            camera: header.camera.clone(),
            sensor: header.sensor.map(|Sensor { width, height }| [width, height]),
            coding: header.coding,
            events: 0,
            first_us: None,
            last_us: None,
            on: 0,
            off: 0,
            x: None,
            y: None,
            backward: 0,
            tally: Tally::default(),
            remarks: header.remarks.clone(),
            damage: None,
        }
    }

    /// Adds the next events.
    pub fn add(&mut self, batch: &Batch) {
        for (t, x, y, on) in batch.iter() {
            self.events += 1;
            self.on += u64::from(on);
            self.off += u64::from(!on);
            self.backward += u64::from(self.last_us.is_some_and(|last| t < last));
            self.first_us = Some(self.first_us.map_or(t, |first| first.min(t)));
            self.last_us = Some(self.last_us.map_or(t, |last| last.max(t)));
            widen(&mut self.x, x);
            widen(&mut self.y, y);
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", shown(&self.path));
        let mut line =
            |name: &str, value: String| _ = writeln!(text, "  {name:10} {}", shown(&value));
        line("format", format!("{} ({})", self.format, self.coding));
        if let Some(camera) = &self.camera {
            line("camera", camera.clone());
        }
        let sensor = match (self.sensor, self.x, self.y) {
            (Some([width, height]), ..) => format!("{width}×{height}"),
            (None, Some([_, x]), Some([_, y])) => {
                format!("not stated; events reach {}×{}", u32::from(x) + 1, u32::from(y) + 1)
            }
            _ => "not stated".to_owned(),
        };
        line("sensor", sensor);
        line("events", grouped(self.events));
        if let (Some(first), Some(last)) = (self.first_us, self.last_us) {
            let length = Micros(last) - Micros(first);
            let seconds = length.seconds().0;
            let rate = if seconds > 0.0 { self.events as f64 / seconds } else { 0.0 };
            line("time", format!("{first} to {last} µs, {length}"));
            line("rate", format!("{} a second", mean(rate)));
            let share = 100.0 * self.on as f64 / self.events as f64;
            line(
                "polarity",
                format!("{} ON ({share:.1} %), {} OFF", grouped(self.on), grouped(self.off)),
            );
        }
        if let (Some([x0, x1]), Some([y0, y1])) = (self.x, self.y) {
            line("reach", format!("x {x0} to {x1}, y {y0} to {y1}"));
        }
        if self.backward > 0 {
            let steps = if self.backward == 1 { "steps" } else { "step" };
            let events = counted(self.backward, "event");
            line("order", format!("{events} {steps} back in time"));
        }
        for (cause, &n) in &self.tally.dropped {
            line("dropped", format!("{} {}", grouped(n), cause.phrase()));
        }
        for (cause, &n) in &self.tally.noted {
            line("noted", format!("{} {}", grouped(n), cause.phrase()));
        }
        for (what, &n) in &self.tally.skipped {
            line("skipped", format!("{} {what}", grouped(n)));
        }
        for remark in &self.remarks {
            line("remark", remark.clone());
        }
        text
    }
}

fn widen(range: &mut Option<[u16; 2]>, value: u16) {
    let [low, high] = range.unwrap_or([value; 2]);
    *range = Some([low.min(value), high.max(value)]);
}

/// A network.
#[derive(Debug, Serialize)]
pub struct NetworkInfo {
    /// Where it was.
    pub path: String,
    /// `network`.
    pub what: &'static str,
    /// Its format, of [`crate::network::file::FORMATS`].
    pub format: &'static str,
    /// Its nodes in the order of evaluation.
    pub nodes: Vec<NodeInfo>,
    /// Stored parameters in all.
    pub parameters: usize,
    /// Names of its classes.
    pub classes: Option<Vec<String>>,
    /// The rules that it was made for, where the file says so or its format does.
    pub convention: Option<String>,
    /// The step that it was made for, where the file says so.
    pub dt_us: Option<i64>,
    /// How many steps its samples had, where the file says so.
    pub steps: Option<String>,
    /// What the file left open or said oddly.
    pub notes: Vec<String>,
}

/// A state dict: weights without their network.
#[derive(Debug, Serialize)]
pub struct WeightsInfo {
    /// Where it was.
    pub path: String,
    /// `weights`.
    pub what: &'static str,
    /// `torch` or `npz`.
    pub format: &'static str,
    /// Its arrays, in the order of the file.
    pub arrays: Vec<ArrayInfo>,
    /// Numbers in all of them.
    pub numbers: usize,
}

/// One array of a state dict.
#[derive(Debug, Serialize)]
pub struct ArrayInfo {
    /// Its name, which a mapping calls by its key.
    pub name: String,
    /// Its axes.
    pub shape: Vec<usize>,
}

impl WeightsInfo {
    /// What was read.
    pub fn new(path: String, weights: &Weights) -> WeightsInfo {
        let array = |(name, array): &(String, Array)| ArrayInfo {
            name: name.clone(),
            shape: array.shape().into(),
        };
        WeightsInfo {
            path,
            what: "weights",
            format: weights.format,
            arrays: weights.arrays.iter().map(array).collect(),
            numbers: weights.arrays.iter().map(|(_, array)| array.len()).sum(),
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut text =
            format!("{}\n  format     {}, a state dict\n", shown(&self.path), self.format);
        let _ = writeln!(text, "  numbers    {}\n", grouped(self.numbers as u64));
        let row = |array: &ArrayInfo| {
            let shape: Vec<String> = array.shape.iter().map(usize::to_string).collect();
            vec![array.name.clone(), shape.join("×")]
        };
        text + &headed(["array", "shape"], self.arrays.iter().map(row), 2, "  ")
    }
}

/// One node of a network.
#[derive(Debug, Serialize)]
pub struct NodeInfo {
    /// Its name.
    pub name: String,
    /// Its NIR node.
    pub kind: &'static str,
    /// Shape of what it receives.
    pub input: Vec<usize>,
    /// Shape of what it sends.
    pub output: Vec<usize>,
    /// Stored parameters.
    pub parameters: usize,
    /// Synapses, of a connection with weights.
    pub synapses: Option<u64>,
    /// The nodes it hears.
    pub sources: Vec<String>,
}

impl NetworkInfo {
    /// The report for people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n  format     {}\n", shown(&self.path), self.format);
        let _ = writeln!(text, "  parameters {}", grouped(self.parameters as u64));
        if let Some(classes) = &self.classes {
            let _ = writeln!(text, "  classes    {}", classes.join(", "));
        }
        if let Some(convention) = &self.convention {
            let _ = writeln!(text, "  rules      {convention}");
        }
        if let Some(dt) = self.dt_us {
            let _ = writeln!(text, "  step       {}", Micros(dt));
        }
        if let Some(steps) = &self.steps {
            let steps = if steps == "1" { "1 step" } else { &format!("{steps} steps") };
            let _ = writeln!(text, "  samples    of {steps}: as many as eval and energy take");
        }
        for note in &self.notes {
            let _ = writeln!(text, "  note       {note}");
        }
        let head = ["node", "kind", "hears", "sends", "parameters", "synapses"];
        text.push('\n');
        text + &headed(head, self.nodes.iter().map(NodeInfo::row), 3, "  ")
    }
}

impl NodeInfo {
    fn row(&self) -> Vec<String> {
        let shape: Vec<String> = self.output.iter().map(usize::to_string).collect();
        vec![
            self.name.clone(),
            self.kind.to_owned(),
            self.sources.join(", "),
            shape.join("×"),
            grouped(self.parameters as u64),
            grouped_or_dash(self.synapses),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_be_as_far_apart_as_they_can_be_written() {
        let header = Header {
            format: "npy",
            camera: None,
            sensor: None,
            channels: None,
            coding: "columns",
            remarks: Vec::new(),
        };
        let mut info = RecordingInfo::new("far.npy".into(), &header);
        info.add(&[(i64::MIN, 0, 0, true), (i64::MAX, 0, 0, false)].into_iter().collect());
        let text = info.text();
        assert!(text.contains(&format!("µs, {}\n", Micros(i64::MAX))), "{text}");
    }
}
