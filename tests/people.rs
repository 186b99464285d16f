//! What people read: names, numbers and captions; and words that nothing is done with.

mod program;

use std::fs;

use program::{data, done, folder};

/// The bundled pair that is quickest to run.
fn pair() -> [String; 3] {
    [data("arm.aedat"), "--network".into(), data("arm.nir")]
}

fn with<'a>(verb: &'a str, pair: &'a [String; 3], words: &[&'a str]) -> Vec<&'a str> {
    [&[verb][..], &pair.each_ref().map(String::as_str), words].concat()
}

#[test]
fn pictures_of_trials_say_where_their_time_begins() {
    let pair = pair();
    let labels = data("arm_labels.csv");
    let labelled = ["--labels", &labels];
    let outputs = ["--raster", "r.svg", "--html", "p.html", "--by-step", "s.csv"];
    let said = done(&with("replay", &pair, &[&labelled[..], &outputs].concat()));
    assert!(said.contains("\nby step  s.csv: from_us since the first trial began\n"), "{said}");
    let caption = ", from the first trial on, at 200000 µs";
    for file in ["r.svg", "p.html"] {
        assert!(fs::read_to_string(folder().join(file)).unwrap().contains(caption), "{file}");
    }
    let said = done(&with("replay", &pair, &outputs));
    assert!(said.contains("\nby step  s.csv\n"), "{said}");
    assert!(!fs::read_to_string(folder().join("r.svg")).unwrap().contains("first trial"));
}
