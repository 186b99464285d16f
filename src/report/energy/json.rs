//! Joules by a table, with everything that they can be worked out from, as JSON.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Priced;
use crate::measure::{Comparison, Energy};

impl Serialize for Priced {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        let Energy { table, terms, accesses } = &self.all;
        // of a sample; counts and joules of terms and accesses are those of all samples
        let all = |column| self.all.sum(column).0;
        let mean = |column| all(column) / self.inferences as f64;
        let terms = table.terms.iter().zip(terms).map(|(constant, term)| {
            let source = table.source(constant);
            json!({
                "name": constant.name, "about": constant.about, "count": term.count,
                "picojoules": constant.cost(),
                "low": term.low.0, "typical": term.typical.0, "high": term.high.0,
                "citation": source.citation, "certainty": source.certainty,
            })
        });
        let accesses = table.accesses.iter().zip(accesses).map(|(access, (term, parts))| {
            let parts = parts.iter().map(|part| {
                let source = table.source_of_access(part.size);
                json!({
                    "layer": self.names[part.unit], "count": part.count,
                    "memory_bytes": part.size.0, "picojoules": part.cost,
                    "citation": source.citation, "certainty": source.certainty,
                })
            });
            json!({
                "name": access.name, "about": access.about, "count": term.count,
                "low": term.low.0, "typical": term.typical.0, "high": term.high.0,
                "layers": parts.collect::<Vec<Value>>(),
            })
        });
        let classes = self.classes.iter().map(|(class, joules)| (class.clone(), json!(joules)));
        json!({
            "table": table.name,
            "unit": "J",
            "about": table.about,
            "citation": table.citation,
            "certainty": table.certainty,
            "process": table.process,
            "leaves_out": table.leaves_out,
            "samples": self.inferences,
            "low": mean(|t| t.low), "typical": mean(|t| t.typical), "high": mean(|t| t.high),
            "total": {
                "low": all(|t| t.low), "typical": all(|t| t.typical), "high": all(|t| t.high),
            },
            "each": self.each,
            "classes": classes.collect::<Map<String, Value>>(),
            "terms": terms.collect::<Vec<Value>>(),
            "accesses": accesses.collect::<Vec<Value>>(),
            "comparison": self.comparison.as_ref().map(|comparison| self.compared(comparison)),
        })
        .serialize(serializer)
    }
}

impl Priced {
    fn compared(&self, comparison: &Comparison) -> Value {
        let each = |joules: f64| joules / self.inferences as f64;
        let rivals = comparison.rivals.iter().map(|rival| {
            json!({
                "name": rival.name, "bits": rival.bits, "typical": each(rival.energy.0),
                "break_even_rate": rival.break_even,
            })
        });
        json!({
            "spike_rate": comparison.rate,
            "rivals": rivals.collect::<Vec<Value>>(),
            "first_layer_as_frames": each(comparison.as_frames.0),
        })
    }
}
