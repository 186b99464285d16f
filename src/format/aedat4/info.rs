//! The streams of an AEDAT 4 file, out of the XML in its header.
//!
//! ```text
//! dv / node "outInfo" / node "<stream number>"
//!     attr "typeIdentifier"        EVTS, FRME, IMUS, TRIG, …
//!     node "info"
//!         attr "source"            the camera
//!         attr "sizeX", "sizeY"    its pixel array
//! ```
//!
//! Source: iniVation, AEDAT 4.0; files of dv 1.2 and dv-processing 2.0.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use crate::error::{Error, ErrorKind, Result};
use crate::event::Sensor;

/// What the header says of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Four letters for the type of its packets.
    pub kind: String,
    /// The camera's name.
    pub camera: Option<String>,
    /// The camera's pixel array.
    pub sensor: Option<Sensor>,
}

/// The streams by their numbers.
///
/// # Errors
/// Text that is no XML; most faults come with line and column.
pub fn streams(xml: &[u8]) -> Result<BTreeMap<i32, Stream>> {
    let refuse = |found: String| Error::new(ErrorKind::Corrupt, found, "XML").at("header");
    let xml = std::str::from_utf8(xml).map_err(|e| refuse(e.to_string()))?;
    let document = Document::parse(xml).map_err(|e| refuse(e.to_string()))?;
    let nodes = child(document.root_element(), "node", "name", "outInfo");
    let nodes = nodes.into_iter().flat_map(|info| info.children());
    Ok(nodes
        .filter_map(|node| Some((node.attribute("name")?.parse().ok()?, stream(node))))
        .collect())
}

fn stream(node: Node) -> Stream {
    let info = child(node, "node", "name", "info");
    let size = |key| info.and_then(|info| value(info, key)?.parse().ok()).filter(|&size| size > 0);
    let sensor = match (size("sizeX"), size("sizeY")) {
        (Some(width), Some(height)) => Some(Sensor { width, height }),
        _ => None,
    };
    let camera = info.and_then(|info| value(info, "source")).map(str::to_owned);
    Stream { kind: value(node, "typeIdentifier").unwrap_or("none").to_owned(), camera, sensor }
}

fn value<'a>(node: Node<'a, '_>, key: &str) -> Option<&'a str> {
    child(node, "attr", "key", key)?.text().map(str::trim)
}

fn child<'a, 'i>(node: Node<'a, 'i>, tag: &str, key: &str, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|node| node.has_tag_name(tag) && node.attribute(key) == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<dv version="2.0"><node name="outInfo" path="/outInfo/">
        <node name="0" path="/outInfo/0/">
            <attr key="typeIdentifier" type="string">EVTS</attr>
            <node name="info" path="/outInfo/0/info/">
                <attr key="sizeX" type="int">346</attr> <attr key="sizeY" type="int">260</attr>
                <attr key="source" type="string">DAVIS346_1</attr>
            </node>
        </node>
        <node name="7"><attr key="typeIdentifier" type="string">IMUS</attr></node>
        <node name="8"><node name="info"><attr key="sizeX">0</attr></node></node>
        <node name="else"/>
    </node></dv>"#;

    #[test]
    fn streams_have_numbers_types_cameras_and_sizes() {
        let streams = streams(XML.as_bytes()).unwrap();
        assert_eq!(streams.keys().copied().collect::<Vec<_>>(), [0, 7, 8]);
        let stream = |kind: &str, camera: Option<&str>, sensor| Stream {
            kind: kind.to_owned(),
            camera: camera.map(str::to_owned),
            sensor,
        };
        let sensor = Some(Sensor { width: 346, height: 260 });
        assert_eq!(streams[&0], stream("EVTS", Some("DAVIS346_1"), sensor));
        assert_eq!(streams[&7], stream("IMUS", None, None));
        assert_eq!(streams[&8], stream("none", None, None));
    }

    #[test]
    fn what_is_no_xml_is_refused_with_its_place() {
        let error = streams(b"<dv>\n<&node/></dv>").unwrap_err().to_string();
        assert!(error.starts_with("header: ") && error.contains("2:"), "{error}");
        assert!(streams(b"<dv \xff>").is_err());
        assert!(streams(b"<dv/>").unwrap().is_empty());
        assert!(streams("<a>".repeat(100_000).as_bytes()).is_err());
    }
}
