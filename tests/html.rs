//! `replay --html`: the page in a browser, where there is a Chromium.

mod program;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use program::{data, done, folder, json, refused, text};
use serde_json::Value;

/// What the page shows after a hand on the mouse: a script is added that drags over a stretch
/// of the first band and rests on a place of the last one.
const HAND: &str = r#"<script>
const told = document.body.dataset, whole = told.seen;
const fire = (band, type, x, y) => {
  const box = bands[band].canvas.getBoundingClientRect();
  bands[band].canvas.dispatchEvent(new MouseEvent(type, { clientX: box.left + x, clientY: box.top + y, bubbles: true }));
};
const x_of = t => LEFT + t / end * bands[0].drawn.width;
fire(0, "mousedown", x_of(data.spans[1].from), HEAD + 9);
fire(0, "mouseup", x_of(data.spans[1].to), HEAD + 9);
const zoomed = told.seen, last = bands.length - 1;
fire(last, "mousemove", LEFT + bands[last].drawn.width / 2, HEAD + 16 * 6 + 8);
const said = $("hover").textContent, one = bands[last], of = first(one.t, 10), t = one.t[of];
look(t - 2.5, t + 7.25);
fire(last, "mousemove", x(t + .5, one.drawn.width), HEAD + 16 * one.e[of] + 8);
const step = [$("hover").textContent, `${seconds(t * data.tick_us)} to ${seconds((t + 1) * data.tick_us)}: ${one.c[of]}`];
const chosen = () => [...document.querySelectorAll(".table")].findIndex(t => getComputedStyle(t).display !== "none");
const before = chosen();
$("table").selectedIndex = 2;
$("table").dispatchEvent(new Event("change"));
const choices = [before, chosen()];
const rows = table => [...table.rows].map(r => [...r.cells].map(c => c.textContent));
document.body.innerHTML = "<pre></pre>";
document.querySelector("pre").textContent = JSON.stringify({ whole, zoomed, hover: said, step, layers: rows(layers), trials: trial_rows, choices, tables, tens, ticks, manifest: manifest_rows });
</script>"#;

/// The tables are read before the page is emptied.
const BEFORE: &str = r##"<script>
const trial_rows = [...document.querySelectorAll("#trials tr")].map(r => [...r.cells].map(c => c.textContent));
const bars_of = svg => [...svg.querySelectorAll("rect")].map(r => [+r.getAttribute("x"), +r.getAttribute("x") + +r.getAttribute("width")]);
const tables = [...document.querySelectorAll(".table")].map(t => ({
  rows: [...t.querySelectorAll("tr")].map(r => [...r.cells].map(c => c.firstChild ? c.firstChild.textContent : "")),
  says: t.textContent, bars: bars_of(t.querySelector("svg")),
}));
const by_tens = document.querySelector("#scale svg"), tens = bars_of(by_tens);
const ticks = [...by_tens.querySelectorAll("path[stroke='#e8e8e8']")].map(p => +p.getAttribute("d").match(/M([\d.]+)/)[1]);
const manifest_rows = [...document.querySelectorAll("#manifest dd")].map(d => d.textContent);
</script>"##;

fn browser() -> Option<&'static str> {
    let mut known = ["chromium", "chromium-browser", "google-chrome"].into_iter();
    known.find(|name| Command::new(name).arg("--version").output().is_ok())
}

fn shown(page: &str) -> Option<Value> {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium to open the page in");
        return None;
    };
    let path = folder().join("driven.html");
    fs::write(&path, page.replace("</body>", &format!("{BEFORE}{HAND}</body>"))).unwrap();
    let profile = folder().join("profile");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,900"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", &format!("file://{}", path.display())])
        .output()
        .unwrap();
    let dom = text(&output.stdout);
    let shown = dom.split("<pre>").nth(1).and_then(|rest| rest.split("</pre>").next());
    let shown = shown.unwrap_or_else(|| panic!("{dom}\n{}", text(&output.stderr)));
    Some(serde_json::from_str(&shown.replace("&lt;", "<").replace("&amp;", "&")).unwrap())
}

fn grouped(number: &Value) -> String {
    let digits = number.as_u64().unwrap().to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|d| std::str::from_utf8(d).unwrap()).collect();
    groups.join(",")
}

/// The tables of a page that names none.
const KINDS: &str = "horowitz45,horowitz45-int8,lemaire45,spikformer,loihi,truenorth";

/// Joules as a person reads them: `2.034 µJ`.
fn joules(text: &Value) -> f64 {
    let (number, unit) = text.as_str().unwrap().split_once(' ').unwrap();
    let size = ["pJ", "nJ", "µJ", "mJ", "J"].iter().position(|name| *name == unit).unwrap();
    number.parse::<f64>().unwrap() * 1e-12 * 1e3f64.powi(size as i32)
}

fn number(text: &Value) -> f64 {
    text.as_str().unwrap().replace(',', "").parse().unwrap()
}

/// To the four digits that the page has.
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 6e-4 * expected.abs(), "{found}, expected {expected}");
}

/// Every product and sum of the page, worked out again from the digits on it, and against
/// what `energy` says of the same run; bars as long as the logarithms and the sums are.
fn check_energy(shown: &Value, report: &Value) {
    let energies = report["energy"].as_array().unwrap();
    let inferences = report["inferences"].as_f64().unwrap();
    assert_eq!(shown["tables"].as_array().unwrap().len(), energies.len());
    for (table, energy) in shown["tables"].as_array().unwrap().iter().zip(energies) {
        let rows = table["rows"].as_array().unwrap();
        let [_, products @ .., sum, each] = &rows[..] else { panic!("{rows:?}") };
        for (end, key) in ["low", "typical", "high"].into_iter().enumerate() {
            let product = |row: &Value| number(&row[2]) * number(&row[3 + end]) * 1e-12;
            products.iter().for_each(|row| close(joules(&row[6 + end]), product(row)));
            close(joules(&sum[6 + end]), products.iter().map(product).sum());
            close(joules(&each[6 + end]), energy[key].as_f64().unwrap());
            close(joules(&sum[6 + end]), energy[key].as_f64().unwrap() * inferences);
        }
        let terms = energy["terms"].as_array().unwrap().iter().filter(|t| t["count"] != 0);
        let accesses = energy["accesses"].as_array().unwrap().iter();
        let parts = accesses.flat_map(|access| access["layers"].as_array().unwrap());
        let says = table["says"].as_str().unwrap();
        let figures: Vec<&Value> = terms.chain(parts).collect();
        assert_eq!(figures.len(), products.len());
        for (row, figure) in products.iter().zip(figures) {
            assert_eq!(row[9], figure["certainty"]);
            assert!(says.contains(figure["citation"].as_str().unwrap()), "{says}");
        }
        let left_out = energy["leaves_out"].as_array().unwrap();
        for words in left_out.iter().chain([&energy["citation"], &energy["certainty"]]) {
            assert!(says.contains(words.as_str().unwrap()), "{words} in {says}");
        }
        // one bar begins where the other ends, and the last is all of them
        let bars: Vec<[f64; 2]> = serde_json::from_value(table["bars"].clone()).unwrap();
        let (all, steps) = bars.split_last().unwrap();
        steps.windows(2).for_each(|pair| assert!((pair[0][1] - pair[1][0]).abs() < 1.01));
        assert!(
            (steps[0][0] - all[0]).abs() < 0.01 && (steps.last().unwrap()[1] - all[1]).abs() < 1.01
        );
    }
    let floats = |value: &Value| serde_json::from_value::<Vec<f64>>(value.clone()).unwrap();
    let ticks = floats(&shown["ticks"]);
    let mut typical: Vec<f64> = energies.iter().map(|e| e["typical"].as_f64().unwrap()).collect();
    typical.sort_by(f64::total_cmp);
    let ends: Vec<f64> =
        shown["tens"].as_array().unwrap().iter().map(|bar| floats(bar)[1]).collect();
    for (ends, typical) in ends.windows(2).zip(typical.windows(2)) {
        let tens = (typical[1] / typical[0]).log10();
        assert!((ends[1] - ends[0] - tens * (ticks[1] - ticks[0])).abs() < 0.01, "{ends:?}");
    }
}

#[test]
fn the_page_says_what_the_json_says_and_its_spikes_can_be_zoomed_into() {
    let path: PathBuf = folder().join("page.html");
    let screen = done(&["replay", "--html", path.to_str().unwrap()]);
    assert!(screen.ends_with(&format!("page     {}\n", path.display())));
    let page = fs::read_to_string(&path).unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "it needs no network");
    let report = json(&["replay"]);
    let Some(shown) = shown(&page) else { return };
    let trials = report["trials"]["list"].as_array().unwrap();
    // all events and the spikes of all populations; zoomed to a trial, those of the trial
    let sum = |seen: &Value| -> Vec<u64> {
        seen.as_str().unwrap().split(',').map(|n| n.parse().unwrap()).collect()
    };
    let (whole, zoomed) = (sum(&shown["whole"]), sum(&shown["zoomed"]));
    let populations =
        report["layers"].as_array().unwrap().iter().filter_map(|l| l["spikes"].as_u64());
    assert_eq!(whole[1..], populations.collect::<Vec<_>>());
    assert_eq!(whole[0], report["input"]["tally"]["bin"]["kept"]);
    assert_eq!(zoomed[0], trials[1]["events"], "a drag over the second trial");
    assert_eq!(zoomed[1..].iter().sum::<u64>(), trials[1]["spikes"]);
    let hover = shown["hover"].as_str().unwrap();
    assert!(hover.contains("left arm counter clockwise") && hover.ends_with(": 1"), "{hover}");
    // of a step under the pointer its own time, where the view does not begin with a step
    let [step, expected] = [0, 1].map(|i| shown["step"][i].as_str().unwrap());
    assert!(step.ends_with(expected), "{step}; expected {expected}");
    for (row, layer) in
        shown["layers"].as_array().unwrap()[1..].iter().zip(report["layers"].as_array().unwrap())
    {
        for (column, key) in [(2, "neurons"), (3, "spikes"), (4, "synaptic_ops"), (6, "dense_ops")]
        {
            let expected = if layer[key].is_null() { "–".into() } else { grouped(&layer[key]) };
            assert_eq!(row[column], expected, "{key} of {}", layer["name"]);
        }
    }
    for (row, trial) in shown["trials"].as_array().unwrap()[1..].iter().zip(trials) {
        assert_eq!(row[1], trial["label_name"]);
        assert_eq!(
            (&row[4], &row[8]),
            (&grouped(&trial["events"]).into(), &grouped(&trial["synaptic_ops"]).into())
        );
    }
    assert_eq!(shown["choices"], serde_json::json!([0, 2]), "one table at a time");
    check_energy(&shown, &json(&["energy", "--table", KINDS]));
    let digest = &report["manifest"]["network_sha256"];
    assert!(shown["manifest"].as_array().unwrap().contains(digest));
}

/// A name must not end the script that it is in.
#[test]
fn names_from_files_stay_names() {
    let path = folder().join("names.html");
    let classes = ["</script><i>a</i>", "b"].join(",");
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    let words = ["replay", &recording, "-n", &network, "--classes", &classes, "--to", "1s"];
    done(&[&words[..], &["--html", path.to_str().unwrap()]].concat());
    let page = fs::read_to_string(&path).unwrap();
    let several = ["replay", &data("agreement"), "-n", &network, "--html", "a.html"];
    assert!(refused(&several, 2).contains("one recording, for --html"));
    assert!(page.contains(r"\u003c/script>\u003ci>a\u003c/i>") && !page.contains("<i>a"));
}
