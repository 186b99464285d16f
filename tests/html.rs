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
const rows = table => [...table.rows].map(r => [...r.cells].map(c => c.textContent));
document.body.innerHTML = "<pre></pre>";
document.querySelector("pre").textContent = JSON.stringify({ whole, zoomed, hover: hovered.textContent, layers: rows(layers), trials: trial_rows, energy: energy_rows, manifest: manifest_rows });
</script>"#;

/// The tables are read before the page is emptied.
const BEFORE: &str = r##"<script>
const hovered = $("hover"), trial_rows = [...document.querySelectorAll("#trials tr")].map(r => [...r.cells].map(c => c.textContent));
const energy_rows = [...document.querySelectorAll("#energy tr")].map(r => [...r.cells].map(c => c.textContent));
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
    let terms = &report["energy"][0]["terms"];
    assert_eq!(shown["energy"][1][1], grouped(&terms["synaptic_ops"]["count"]));
    assert_eq!(shown["energy"][1][2], terms["synaptic_ops"]["picojoules"].to_string());
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
