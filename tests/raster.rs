//! Rasters as their readers get them: files of two formats.

use std::io::Cursor;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use roxmltree::Document;
use synops::draw::{Band, Heading, Picture, Raster, Rows, Scene};
use synops::engine::Observer;
use synops::signal::{Shape, Spikes};
use synops::units::Micros;

fn band(unit: usize, label: &str, axes: &[usize], rows: Rows) -> Band {
    Band { unit, label: label.into(), shape: Shape::new(axes).unwrap(), rows }
}

/// A raster of these bands in which each unit sends to about `rate` addresses a
/// step.
fn noise(bands: Vec<Band>, steps: u64, rate: usize) -> (Raster, u64) {
    let lengths: Vec<usize> = bands.iter().map(|band| band.shape.len()).collect();
    let mut raster = Raster::new(bands, Micros(1_000));
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let mut spikes = Spikes::default();
    let mut total = 0;
    for step in 0..steps {
        for (unit, &len) in lengths.iter().enumerate() {
            spikes.clear();
            let stride = (len / rate).max(1) as u32;
            let mut address = random.random_range(0..stride);
            while (address as usize) < len {
                spikes.push(address, 1.0, 1);
                address += random.random_range(1..2 * stride + 1);
            }
            total += spikes.total();
            raster.sent(step, unit, &spikes);
        }
    }
    (raster, total)
}

fn small() -> Scene {
    let names = ["<one>", "two & three", "\"four\""].map(String::from);
    let bands = vec![
        band(0, "input <2×4×4> & more", &[2, 4, 4], Rows::Inputs { polarity: true }),
        band(1, "hidden", &[40], Rows::Neurons),
        band(2, "out", &[3], Rows::Classes(Some(names.into()))),
    ];
    let heading = Heading {
        title: "a < b && c > \"d\"".into(),
        subtitle: "]]> <!--".into(),
        ..Heading::default()
    };
    noise(bands, 50, 4).0.draw(&heading, 60)
}

fn decode(png: Vec<u8>) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

#[test]
fn a_png_decodes_to_the_size_of_the_scene_on_white() {
    let scene = small();
    let (width, height, pixels) = decode(scene.render(Picture::Png).unwrap());
    assert_eq!((width, height), (scene.width(), scene.height()));
    assert_eq!(pixels.len(), (width * height * 3) as usize);
    let white = pixels.chunks(3).filter(|pixel| *pixel == [255; 3]).count();
    assert!(white > pixels.len() / 3 / 2, "{white} of {}", pixels.len() / 3);
    assert_eq!(
        (pixels[..3].to_vec(), pixels[pixels.len() - 3..].to_vec()),
        (vec![255; 3], vec![255; 3])
    );
}

#[test]
fn an_svg_is_xml_and_its_texts_are_what_was_said() {
    let svg = String::from_utf8(small().render(Picture::Svg).unwrap()).unwrap();
    let document = Document::parse(&svg).unwrap();
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text())
        .collect();
    for said in ["input <2×4×4> & more", "a < b && c > \"d\"", "]]> <!--", "<one>", "\"four\""] {
        assert!(texts.contains(&said), "'{said}' in {texts:?}");
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    for picture in [Picture::Png, Picture::Svg] {
        assert!(small().render(picture).unwrap() == small().render(picture).unwrap());
    }
}

#[test]
fn an_empty_run_and_an_empty_network_draw() {
    let bands = vec![band(0, "nothing", &[1], Rows::Neurons)];
    for (bands, steps) in [(bands.clone(), 0), (bands, 1), (Vec::new(), 0), (Vec::new(), 5)] {
        let scene = Raster::new(bands, Micros(1_000)).draw(&Heading::default(), steps);
        decode(scene.render(Picture::Png).unwrap());
        let svg = String::from_utf8(scene.render(Picture::Svg).unwrap()).unwrap();
        Document::parse(&svg).unwrap();
    }
}

/// The first image in an SVG: its corner, its width, and its pixels with alpha.
fn embedded(svg: &str) -> (usize, usize, usize, Vec<u8>) {
    let document = Document::parse(svg).unwrap();
    let image = document.descendants().find(|node| node.has_tag_name("image")).unwrap();
    let place = |name| image.attribute(name).unwrap().parse::<usize>().unwrap();
    let href = image.attribute(("http://www.w3.org/1999/xlink", "href")).unwrap();
    let bytes = base64(href.strip_prefix("data:image/png;base64,").unwrap());
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels.len(), place("width") * place("height") * 4);
    (place("x"), place("y"), place("width"), pixels)
}

#[test]
fn both_formats_show_the_same_marks_where_marks_are_an_image() {
    let crowd = |unit| band(unit, "crowd", &[2, 32, 64], Rows::Inputs { polarity: unit == 0 });
    let scene = noise((0..4).map(crowd).collect(), 1_000, 150).0.draw(&Heading::default(), 1_000);
    let svg = String::from_utf8(scene.render(Picture::Svg).unwrap()).unwrap();
    let (x, y, width, marks) = embedded(&svg);
    let (page_width, _, page) = decode(scene.render(Picture::Png).unwrap());
    let mut opaque = 0;
    for (i, mark) in marks.chunks(4).enumerate().filter(|(_, mark)| mark[3] > 0) {
        let at = ((y + i / width) * page_width as usize + x + i % width) * 3;
        assert_eq!(page[at..at + 3], mark[..3], "pixel {i}");
        opaque += 1;
    }
    assert!(opaque > 100_000, "{opaque}");
}

/// A decoder that shares nothing with the encoder under test.
fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits = text
        .trim_end_matches('=')
        .bytes()
        .flat_map(|c| (0..6).rev().map(move |bit| digit(c) >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}

#[test]
fn an_svg_of_five_million_spikes_stays_small() {
    let few = vec![
        band(0, "input", &[2, 128, 128], Rows::Inputs { polarity: true }),
        band(1, "hidden", &[65_536], Rows::Neurons),
        band(2, "out", &[11], Rows::Classes(None)),
    ];
    let many = (0..20).map(|unit| band(unit, "one of twenty", &[4_096], Rows::Neurons)).collect();
    for (bands, steps, rate) in [(few, 4_000, 700), (many, 2_000, 130)] {
        let (raster, total) = noise(bands, steps, rate);
        assert!(total > 4_900_000, "{total}");
        let scene = raster.draw(&Heading::default(), steps);
        let svg = scene.render(Picture::Svg).unwrap();
        assert!(svg.len() < 2_500_000, "{} bytes", svg.len());
        Document::parse(std::str::from_utf8(&svg).unwrap()).unwrap();
    }
}
