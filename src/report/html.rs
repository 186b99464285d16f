//! A replay as one page that needs nothing else: no network, no other file.

use serde::Serialize;
use serde_json::{Value, json};

use super::energy::EnergyReport;
use super::replay::ReplayReport;
use crate::draw::{Heading, Marks, Packed, Rows, base64};
use crate::error::{Error, ErrorKind, Result};
use crate::units::Micros;

/// Spikes that a page holds one by one: some 3 MB.
pub const ROOM: usize = 1_000_000;

const PAGE: &str = include_str!("page.html");

/// The page of a replay and of what it costs, whose raster has ticks of a length and so many
/// of them.
///
/// # Errors
/// None that a report can have.
pub fn page(
    report: &ReplayReport,
    energy: Option<&EnergyReport>,
    heading: &Heading,
    marks: &Marks,
    (tick, ticks): (Micros, u64),
) -> Result<String> {
    let spans = heading
        .spans
        .iter()
        .map(|span| json!({ "from": span.from, "to": span.to, "label": span.label }));
    let data = json!({
        "report": value(report)?,
        "energy": value(&energy)?,
        "subtitle": heading.subtitle,
        "tick_us": tick.0,
        "ticks": ticks,
        "spans": spans.collect::<Vec<_>>(),
        "bands": marks.packed().iter().map(band).collect::<Vec<_>>(),
    });
    // a name with `</script>` in it must not end the script
    let data = data.to_string().replace('<', "\\u003c");
    let title = heading.title.replace('&', "&amp;").replace('<', "&lt;");
    Ok(PAGE.replace("{{title}}", &title).replacen("{{data}}", &data, 1))
}

fn value(report: &impl Serialize) -> Result<Value> {
    serde_json::to_value(report)
        .map_err(|e| Error::new(ErrorKind::Unsupported, e.to_string(), "a report"))
}

fn band(packed: &Packed<'_>) -> Value {
    let mut marks = String::new();
    base64(&packed.bytes, &mut marks);
    let (polarity, is_answer, names) = match &packed.band.rows {
        Rows::Inputs { polarity } => (*polarity, false, None),
        Rows::Neurons => (false, false, None),
        Rows::Classes(names) => (false, true, names.as_ref()),
    };
    json!({
        "label": packed.band.label,
        "neurons": packed.band.shape.len(),
        "polarity": polarity,
        "is_answer": is_answer,
        "names": names,
        "cell": packed.cell,
        "entries": packed.entries,
        "marks": marks,
    })
}
