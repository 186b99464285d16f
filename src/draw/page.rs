//! The page: heading, bands, time axis and key, one below the other.

use super::band::{self, SIDE, label};
use super::clock::Clock;
use super::margin::{GUTTER, gutter};
use super::raster::{Lane, Raster, Rows};
use super::scene::{Anchor, Item, Rect, Scene};
use super::shade::{GREY, INK, RULE};

/// Width of the picture.
pub const WIDTH: i32 = 1400;
/// White space left and right.
pub const MARGIN: i32 = 28;
/// White space above and below, beside what lines of text have of their own.
pub const EDGE: i32 = 22;

/// How to read the picture.
const KEY: &str = "Rows: neurons in the order of the network's file. \
                   Above each band its spikes over time, beside it its spikes per neuron. \
                   Each shade stands for twice as many spikes as the one before.";

/// Likewise, of events alone.
const EVENTS: &str = "Rows: pixels, line by line. Above the band its events over time, \
                      beside it its events per pixel. \
                      Each shade stands for twice as many events as the one before.";

/// What stands above the picture; an empty line takes no room.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    /// The title.
    pub title: String,
    /// Where it comes from: recording, network, convention, step, prediction.
    pub subtitle: String,
    /// Stretches of time that have a name, such as trials.
    pub spans: Vec<Span>,
}

/// A stretch of time with a name, from the beginning of one step to that of
/// another.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its first step.
    pub from: u64,
    /// The first step behind it.
    pub to: u64,
    /// Its name.
    pub label: String,
}

impl Raster {
    /// The picture of a run of `steps` steps, or up to the last spike if that came
    /// later.
    pub fn draw(&self, heading: &Heading, steps: u64) -> Scene {
        let mut scene = Scene { width: WIDTH, height: 0, items: Vec::new() };
        let left = MARGIN + self.lanes.iter().map(gutter).max().unwrap_or(GUTTER.0);
        let clock = self.clock(steps, left, WIDTH - MARGIN - SIDE - left);
        let top = head(&mut scene, heading);
        let mut y = spans(&mut scene, &heading.spans, &clock, top);
        for lane in &self.lanes {
            y = band::draw(&mut scene, lane, &clock, y, !heading.spans.is_empty());
        }
        scene.under(RULE, edges(&scene, &heading.spans, &clock));
        let is_input = |lane: &Lane| matches!(lane.band.rows, Rows::Inputs { .. });
        let key = if self.lanes.iter().all(is_input) { EVENTS } else { KEY };
        scene.height = axis(&mut scene, &clock, y, key) + EDGE;
        scene
    }
}

/// Draws what stands above the bands; gives the first free line.
pub fn head(scene: &mut Scene, heading: &Heading) -> i32 {
    scene.heading([&heading.title, &heading.subtitle], (MARGIN, EDGE)) + 8
}

/// Draws the names of stretches of time, each over a line as long as it lasts;
/// gives the first free line.
pub fn spans(scene: &mut Scene, spans: &[Span], clock: &Clock, y: i32) -> i32 {
    if spans.is_empty() {
        return y;
    }
    let (y, mut free) = (y + 10, clock.left);
    for span in spans {
        let (left, right) = (clock.x(span.from), clock.x(span.to));
        scene.fill(GREY, vec![Rect::new(left, y + 5, (right - left).max(1), 2)]);
        let x = left.max(free);
        let room = right - x;
        if room > 0 {
            scene.text(label(x, y, INK, Anchor::Start, span.label.clone()), room);
        }
        free = free.max(right + 4);
    }
    y + 20
}

/// Where stretches of time begin and end, as hairlines behind the marks.
fn edges(scene: &Scene, spans: &[Span], clock: &Clock) -> Vec<Rect> {
    let areas = scene.items.iter().filter_map(|item| match item {
        Item::Marks { area, .. } => Some(area),
        _ => None,
    });
    let hairlines = |area: &Rect| {
        let Rect { y, h, .. } = *area;
        let last = area.right() - 1;
        let edges = spans.iter().flat_map(|span| [clock.x(span.from), clock.x(span.to)]);
        edges.map(move |x| Rect::new(x.min(last), y, 1, h)).collect::<Vec<_>>()
    };
    areas.flat_map(hairlines).collect()
}

/// Draws a time axis on line `y`, and below it how to read the picture; gives the last line.
pub fn axis(scene: &mut Scene, clock: &Clock, y: i32, key: &str) -> i32 {
    let Clock { left, width, .. } = *clock;
    let ticks = clock.ticks();
    let mut lines = vec![Rect::new(left, y, width + 1, 1)];
    lines.extend(ticks.iter().map(|tick| Rect::new(tick.x, y, 1, 5)));
    scene.fill(RULE, lines);
    let (y, below) = (y + 18, y + 40);
    for tick in ticks {
        scene.text(label(tick.x, y, GREY, Anchor::Middle, tick.label), width);
    }
    scene.text(label(left - 14, y, GREY, Anchor::End, "time (s)"), left);
    scene.text(label(left, below, GREY, Anchor::Start, key), WIDTH - MARGIN - left);
    below
}

#[cfg(test)]
mod tests {
    use super::super::font;
    use super::super::scene::{Picture, Text};
    use super::super::{Band, Rows};
    use super::*;
    use crate::engine::Observer;
    use crate::signal::{Shape, Spikes};
    use crate::units::Micros;
    use proptest::prelude::*;

    fn band(label: &str, axes: &[usize], rows: Rows) -> Band {
        Band { unit: 0, label: label.into(), shape: Shape::new(axes).unwrap(), rows }
    }

    fn one(address: usize, count: u32) -> Spikes {
        Spikes { index: vec![address as u32], value: vec![1.0], count: vec![count] }
    }

    /// Area and marks of every band.
    fn marks(scene: &Scene) -> Vec<(Rect, Vec<Rect>)> {
        let bands = scene.items.iter().filter_map(|item| match item {
            Item::Marks { area, shades } => {
                Some((*area, shades.iter().flat_map(|fill| fill.rects.clone()).collect()))
            }
            _ => None,
        });
        bands.collect()
    }

    fn texts(scene: &Scene) -> Vec<&Text> {
        let texts = scene.items.iter().filter_map(|item| match item {
            Item::Text(text) => Some(text),
            _ => None,
        });
        texts.collect()
    }

    /// The box that a text fills: its width, and from ascenders to descenders.
    fn extent(text: &Text) -> Rect {
        let size = text.size as i32;
        let width = font::width(&text.text, text.size);
        Rect::new(text.left(), text.y - size * 3 / 4, width, size * 15 / 16)
    }

    fn overlap(a: Rect, b: Rect) -> bool {
        a.x < b.right() && b.x < a.right() && a.y < b.bottom() && b.y < a.bottom()
    }

    #[test]
    fn a_lone_spike_is_where_it_belongs() {
        let mut raster = Raster::new(vec![band("out", &[10], Rows::Neurons)], Micros(1_000));
        raster.sent(25, 0, &one(7, 1));
        let scene = raster.draw(&Heading::default(), 100);
        let (area, rects) = marks(&scene).swap_remove(0);
        let (row, step) = (area.h / 10, f64::from(area.w) / 100.0);
        let (left, right) = ((25.0 * step) as i32, (26.0 * step) as i32);
        let expected = Rect::new(area.x + left, area.y + 7 * row, right - left - 1, row - 1);
        assert_eq!(rects, [expected]);

        let png = scene.render(Picture::Png).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (scene.width(), scene.height()));
        let dark: Vec<(i32, i32)> = (area.y..area.bottom())
            .flat_map(|y| (area.x..area.right()).map(move |x| (x, y)))
            .filter(|(x, y)| pixels[(y * info.width as i32 + x) as usize * 3] < 128)
            .collect();
        let inside = |x: i32, y: i32| {
            (expected.x..expected.right()).contains(&x)
                && (expected.y..expected.bottom()).contains(&y)
        };
        assert_eq!(dark.len() as i32, expected.w * expected.h);
        assert!(dark.iter().all(|&(x, y)| inside(x, y)));
    }

    #[test]
    fn a_band_says_what_it_holds() {
        let bands = vec![
            band("in", &[2, 2, 2], Rows::Inputs { polarity: true }),
            band("out", &[3], Rows::Classes(Some(["a", "b", "c"].map(String::from).into()))),
        ];
        let mut raster = Raster::new(bands, Micros(500));
        // the engine's address 3 is pixel 1, ON
        raster.sent(0, 0, &Spikes { index: vec![2], value: vec![1.0], count: vec![1] });
        raster.sent(3, 0, &Spikes { index: vec![1], value: vec![3.0], count: vec![3] });
        let spans = vec![Span { from: 2, to: 6, label: "trial".into() }];
        let heading = Heading { title: "T".into(), subtitle: "S".into(), spans };
        let scene = raster.draw(&heading, 8);
        let texts: Vec<&str> = texts(&scene).into_iter().map(|text| text.text.as_str()).collect();
        for words in [
            "T",
            "S",
            "trial",
            "8 inputs · 4 events (1 OFF, 3 ON) · 6 silent",
            "1 to 3 events of an input in 500 µs",
            "3 neurons · 4 spikes · 1 silent",
            "peak 3 in 500 µs",
            "0.004",
        ] {
            assert!(texts.contains(&words), "'{words}' in {texts:?}");
        }
        let spikes: Vec<_> = texts.iter().filter(|text| ["0", "1", "3"].contains(text)).collect();
        assert_eq!(spikes, [&"0", &"0", &"3", &"1", &"0"].map(|text| text));
    }

    #[test]
    fn the_answer_of_a_run_stands_out_and_none_where_every_trial_has_its_own() {
        let bands = vec![band("out", &[3], Rows::Classes(None))];
        let mut raster = Raster::new(bands, Micros(500));
        raster.sent(0, 0, &one(1, 5));
        let dark = |spans: Vec<Span>| {
            let scene = raster.draw(&Heading { spans, ..Heading::default() }, 8);
            let dark = texts(&scene).into_iter().filter(|text| text.colour == INK && text.x > 0);
            dark.map(|text| text.text.clone()).filter(|text| text != "out").collect::<Vec<_>>()
        };
        assert_eq!(dark(Vec::new()), ["1", "5"]);
        assert_eq!(dark(vec![Span { from: 0, to: 8, label: String::new() }]), [""; 0]);
    }

    #[test]
    fn the_axis_is_the_whole_run_and_never_less_than_the_spikes() {
        let mut raster = Raster::new(vec![band("", &[1], Rows::Neurons)], Micros(1_000_000));
        raster.sent(9, 0, &one(0, 1));
        let end = |steps: u64| {
            let scene = raster.draw(&Heading::default(), steps);
            texts(&scene)
                .iter()
                .rev()
                .find(|text| text.anchor == Anchor::Middle)
                .unwrap()
                .text
                .clone()
        };
        assert_eq!([0, 9, 10, 1_000].map(end), ["10", "10", "10", "1000"]);
    }

    fn any_rows() -> impl Strategy<Value = Rows> {
        let names = prop::collection::vec("\\PC{0,60}", 0..40);
        prop_oneof![
            any::<bool>().prop_map(|polarity| Rows::Inputs { polarity }),
            Just(Rows::Neurons),
            prop::option::of(names).prop_map(Rows::Classes),
        ]
    }

    fn any_band() -> impl Strategy<Value = Band> {
        let sizes = prop_oneof![1..40usize, 1..5_000usize, Just(65_536)];
        (".{0,150}", sizes, any_rows()).prop_map(|(label, size, rows)| band(&label, &[size], rows))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_overlaps_or_is_cut_off(
            bands in prop::collection::vec(any_band(), 0..20),
            steps in prop_oneof![Just(0u64), Just(1), 1..2_000u64, Just(40_000)],
            dt in prop::sample::select(vec![1i64, 250, 1_000, 10_000, 3_333_333]),
            sent in prop::collection::vec((any::<prop::sample::Index>(), 0.0..1.0f64, 1..1_000u32), 0..60),
            title in ".{0,200}",
            spans in prop::collection::vec((0..2_500u64, 0..900u64, ".{0,40}"), 0..6),
        ) {
            let smallest = bands.iter().map(|band| band.shape.len()).min().unwrap_or(1);
            let mut raster = Raster::new(bands, Micros(dt));
            for (address, time, count) in sent.iter().filter(|_| steps > 0) {
                raster.sent((time * steps as f64) as u64, 0, &one(address.index(smallest), *count));
            }
            let spans = spans.into_iter().map(|(from, long, label)| Span { from, to: from + long, label });
            let mut spans: Vec<Span> = spans.collect();
            spans.sort_by_key(|span| span.from);
            let heading = Heading { subtitle: title.repeat(2), title, spans };
            let scene = raster.draw(&heading, steps);
            let page = Rect::new(0, 0, scene.width, scene.height);
            let within = |r: Rect| r.x >= 0 && r.y >= 0 && r.right() <= page.w && r.bottom() <= page.h;
            let boxes: Vec<(Rect, &Text)> = texts(&scene).into_iter().map(|t| (extent(t), t)).collect();
            for (i, (a, text)) in boxes.iter().enumerate() {
                prop_assert!(within(*a), "{text:?}");
                for (b, other) in &boxes[..i] {
                    prop_assert!(!overlap(*a, *b), "{text:?} {other:?}");
                }
            }
            for (area, rects) in marks(&scene) {
                prop_assert!(within(area));
                for r in rects {
                    prop_assert!(r.w > 0 && r.h > 0 && r.x >= area.x && r.right() <= area.right());
                    prop_assert!(r.y >= area.y && r.bottom() <= area.bottom());
                }
            }
        }
    }
}
