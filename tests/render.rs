//! Films as their viewers get them: files of two formats, read by their crates' decoders.

mod program;

use std::fs::{self, File};
use std::io::Cursor;

use program::{data, done, folder, json, refused, synops, text};
use synops::draw::{Band, Cast, Film, Moving, Output, Pace, Rows};
use synops::engine::Observer;
use synops::signal::{Shape, Spikes};
use synops::units::Micros;

/// One frame: what is on the screen, and for how long in milliseconds.
struct Frame {
    pixels: Vec<[u8; 3]>,
    shown: u32,
}

/// A film as it is shown: width, height and frames.
struct Shown {
    width: usize,
    height: usize,
    frames: Vec<Frame>,
}

fn gif(bytes: &[u8]) -> Shown {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(Cursor::new(bytes)).unwrap();
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    let mut screen = vec![[0; 3]; width * height];
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        let (left, top) = (usize::from(frame.left), usize::from(frame.top));
        let part = frame.buffer.chunks(4).map(|p| [p[0], p[1], p[2]]).collect::<Vec<_>>();
        paste(&mut screen, width, (left, top, usize::from(frame.width)), &part);
        frames.push(Frame { pixels: screen.clone(), shown: u32::from(frame.delay) * 10 });
    }
    Shown { width, height, frames }
}

fn apng(bytes: &[u8]) -> Shown {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let control = *reader.info().animation_control().unwrap();
    assert_eq!(control.num_plays, 0);
    let mut screen = vec![[0; 3]; width * height];
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frames = (0..control.num_frames).map(|_| {
        reader.next_frame(&mut pixels).unwrap();
        let info = *reader.info().frame_control().unwrap();
        let (w, h) = (info.width as usize, info.height as usize);
        let part = pixels[..w * h * 3].chunks(3).map(|p| [p[0], p[1], p[2]]).collect::<Vec<_>>();
        paste(&mut screen, width, (info.x_offset as usize, info.y_offset as usize, w), &part);
        assert_eq!(info.delay_den, 1000);
        Frame { pixels: screen.clone(), shown: info.delay_num.into() }
    });
    let frames = frames.collect();
    assert!(reader.next_frame(&mut pixels).is_err(), "no frame is left");
    Shown { width, height, frames }
}

fn paste(screen: &mut [[u8; 3]], width: usize, (x, y, w): (usize, usize, usize), part: &[[u8; 3]]) {
    for (line, row) in part.chunks(w).enumerate() {
        screen[(y + line) * width + x..][..w].copy_from_slice(row);
    }
}

fn shown(bytes: &[u8], format: Moving) -> Shown {
    match format {
        Moving::Gif => gif(bytes),
        Moving::Png => apng(bytes),
    }
}

impl Shown {
    /// Where the input is: inside of its ruled border, whose top is the first long line of
    /// that colour.
    fn view(&self) -> (usize, usize) {
        let lines = self.frames[0].pixels.windows(100);
        let corner = lines.enumerate().find(|(_, line)| line.iter().all(|p| *p == [160; 3]));
        let (corner, _) = corner.unwrap();
        (corner % self.width + 1, corner / self.width + 1)
    }

    fn at(&self, frame: usize, x: usize, y: usize) -> [u8; 3] {
        self.frames[frame].pixels[y * self.width + x]
    }
}

fn band(unit: usize, axes: &[usize], rows: Rows) -> Band {
    Band { unit, label: format!("unit {unit}"), shape: Shape::new(axes).unwrap(), rows }
}

fn one(address: u32, count: u32) -> Spikes {
    Spikes { index: vec![address], value: vec![1.0], count: vec![count] }
}

/// A film of 5 frames of 10 steps of a millisecond: an ON event at (3, 2) in step 0, an OFF
/// event at (7, 5) in step 25, a spike of each population in step 41.
fn film(format: Moving) -> Vec<u8> {
    let names = ["left".to_owned(), "right".to_owned()];
    let cast = Cast {
        title: "title".into(),
        subtitle: "subtitle".into(),
        input: band(0, &[2, 6, 8], Rows::Inputs { polarity: true }),
        pixels: (8, 6),
        layers: vec![band(1, &[4, 3, 3], Rows::Neurons), band(2, &[100], Rows::Neurons)],
        output: Some(Output {
            band: band(3, &[2], Rows::Classes(Some(names.into()))),
            spikes: true,
        }),
        trials: Vec::new(),
    };
    let (tick, length) = (Micros(1_000), Micros(47_000));
    let pace = Pace { tick, ticks: 10, shown: Micros(40_000), length };
    let path = folder().join(format!("{format:?}"));
    let mut film = Film::new(cast, pace, File::create(&path).unwrap(), format).unwrap();
    // addresses have the polarity last
    film.sent(0, 0, &one((2 * 8 + 3) * 2 + 1, 1));
    film.sent(25, 0, &one((5 * 8 + 7) * 2, 1));
    for (unit, address) in [(1, 7), (2, 99), (3, 1)] {
        film.sent(41, unit, &one(address, 1));
    }
    assert_eq!(film.finish(47).unwrap(), 5);
    fs::read(path).unwrap()
}

/// The lightest of four shades: two fifths of the way from a ramp's light end to its middle.
const ON: [u8; 3] = [94, 157, 207];
const OFF: [u8; 3] = [233, 146, 67];
const SPIKE: [u8; 3] = [130, 144, 160];

#[test]
fn events_are_where_and_when_they_happened() {
    for format in [Moving::Gif, Moving::Png] {
        let film = shown(&film(format), format);
        assert_eq!(film.frames.len(), 5);
        assert!(film.frames.iter().all(|frame| frame.shown == 40), "{format:?}");
        let (left, top) = film.view();
        // 8 columns on 384 pixels
        let side = 48;
        for frame in 0..5 {
            for (x, y) in (0..6).flat_map(|y| (0..8).map(move |x| (x, y))) {
                let expected = match (frame, x, y) {
                    (0, 3, 2) => ON,
                    (2, 7, 5) => OFF,
                    _ => [255; 3],
                };
                for (dx, dy) in [(0, 0), (47, 0), (0, 47), (47, 47)] {
                    let found = film.at(frame, left + x * side + dx, top + y * side + dy);
                    assert_eq!(found, expected, "{format:?} frame {frame} at {x}, {y}");
                }
            }
        }
        let dark = |frame: usize| {
            let pixels = film.frames[frame].pixels.iter();
            pixels.filter(|pixel| **pixel == SPIKE).count()
        };
        // one spike of each of two layers, in cells of 12 and 20 pixels, of which all but
        // one are drawn
        assert_eq!([0, 1, 2, 3, 4].map(dark), [0, 0, 0, 0, 11 * 11 + 19 * 19], "{format:?}");
    }
}

#[test]
fn the_same_run_gives_the_same_bytes_and_both_formats_the_same_pictures() {
    let (small, large) = (film(Moving::Png), film(Moving::Gif));
    assert!(small == film(Moving::Png) && large == film(Moving::Gif));
    let (small, large) = (apng(&small), gif(&large));
    assert_eq!((small.width, small.height), (large.width, large.height));
    for (a, b) in small.frames.iter().zip(&large.frames) {
        assert!(a.pixels == b.pixels);
    }
}

#[test]
fn a_run_becomes_a_film_of_its_length() {
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    let pair = [&recording[..], "--network", &network];
    let run = json(&[&["replay", "--from", "1s", "--to", "2s"], &pair[..]].concat());
    assert_eq!(run["engine"]["steps"], 20 * 50);
    for (name, format) in [("film.gif", Moving::Gif), ("film.png", Moving::Png)] {
        let out = folder().join(name);
        let out = out.to_str().unwrap();
        let words = ["render", "--from", "1s", "--to", "2s", "--speed", "0.5", "--frame", "50ms"];
        let said = done(&[&words[..], &pair, &["--out", out]].concat());
        assert_eq!(said, format!("{out}: 20 frames\n"));
        let bytes = fs::read(out).unwrap();
        assert!(bytes.len() < 1_000_000, "{} bytes", bytes.len());
        let film = shown(&bytes, format);
        assert_eq!(film.frames.iter().map(|frame| frame.shown).sum::<u32>(), 2_000);
        let (left, top) = film.view();
        // every event of a frame, and nothing else, is coloured
        let lit = |frame: usize| {
            let pixels = (0..128).flat_map(|y| (0..128).map(move |x| (x, y)));
            pixels.filter(|&(x, y)| film.at(frame, left + 3 * x, top + 3 * y) != [255; 3]).count()
        };
        assert_eq!([0, 7, 19].map(lit), [0, 7, 19].map(pixels_with_events));
    }
}

/// From where the first trial begins to where the last one ends, and nothing between them.
#[test]
fn a_film_of_trials_has_the_events_of_trials() {
    let labels = folder().join("two.csv");
    fs::write(&labels, "class,startTime_usec,endTime_usec\n4,1500000,1700000\n5,2000000,2200000\n")
        .unwrap();
    let (recording, network, labels) =
        (data("arm.aedat"), data("arm.nir"), labels.display().to_string());
    let run = [&recording[..], "--network", &network, "--labels", &labels];
    let replay = json(&[&["replay"], &run[..]].concat());
    let out = folder().join("trials.png");
    let words = ["render", "--frame", "50ms", "--out", out.to_str().unwrap()];
    let said = done(&[&words[..], &run].concat());
    assert!(said.ends_with(": 14 frames\n"), "{said}");
    let film = apng(&fs::read(out).unwrap());
    let (left, top) = film.view();
    let lit = |frame: usize| {
        let pixels = (0..128).flat_map(|y| (0..128).map(move |x| (x, y)));
        pixels.filter(|&(x, y)| film.at(frame, left + 3 * x, top + 3 * y) != [255; 3]).count()
    };
    let lit: Vec<usize> = (0..14).map(lit).collect();
    let events = |trial: usize| replay["trials"]["list"][trial]["events"].as_u64().unwrap();
    assert!(events(0) > 0 && events(1) > 0);
    assert!(lit[..4].iter().all(|&n| n > 0) && lit[10..].iter().all(|&n| n > 0), "{lit:?}");
    assert_eq!(lit[4..10], [0; 6]);
}

/// Pixels with events in 50 ms from a second and so many frames after the first event.
fn pixels_with_events(frame: usize) -> usize {
    use synops::event::Batch;
    use synops::format::Recording;
    let mut recording = Recording::open(data("arm.aedat").as_ref(), None).unwrap();
    let mut events = Batch::default();
    while recording.decode(&mut events).unwrap() {}
    let from = events.t[0] + 1_000_000 + frame as i64 * 50_000;
    let inside = events.iter().filter(|(t, ..)| (from..from + 50_000).contains(t));
    inside.map(|(_, x, y, _)| (x, y)).collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn what_cannot_be_filmed_is_refused_and_no_file_is_left() {
    let out = folder().join("refused.gif");
    let out = out.to_str().unwrap();
    assert!(
        refused(&["render", "--out", "film.mp4"], 2)
            .contains("expected a name that ends in .gif or .png")
    );
    let (recording, network) = (data("arm.aedat"), data("arm.nir"));
    let pair = [&recording[..], "--network", &network];
    let short = refused(&[&["render", "--frame", "1ms", "--out", out], &pair[..]].concat(), 2);
    assert!(
        short.contains("frames that are shown for 1.00 ms; expected 20.0 ms to 60.0 s"),
        "{short}"
    );
    assert!(
        refused(&["render", "--speed", "0", "--out", out], 2)
            .contains("a factor from 0.001 to 1000")
    );
    let other = refused(&["render", &data("arm.nir"), "--out", out], 2);
    assert!(other.contains("arm.nir"), "{other}");
    let twice = synops(&["render", &data("arm.aedat"), &data("arm.aedat"), "--out", out]);
    assert!(text(&twice.stderr).contains("one recording"), "{}", text(&twice.stderr));
    assert!(!fs::exists(out).unwrap());
}
