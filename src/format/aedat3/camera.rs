//! The pixel array behind the name of an AEDAT 3.1 source.
//!
//! Source: cAER `input_common.c`, `parseSourceString`.

use crate::event::Sensor;

/// The chips, by the beginning of the name.
const CAMERAS: [(&str, u16, u16); 7] = [
    ("DVS128", 128, 128),
    ("DAVIS128", 128, 128),
    ("DAVIS208", 208, 192),
    ("DAVIS240", 240, 180),
    ("DAVIS346", 346, 260),
    ("DAVIS640", 640, 480),
    ("DAVISHet640", 320, 240),
];

/// The pixel array of a source such as `DVS128`, or of one that cAER wrote
/// again: `File,dvsSizeX=240,dvsSizeY=180,…`.
pub fn sensor(source: &str) -> Option<Sensor> {
    let size = |key| {
        let mut pairs = source.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key)?.1.parse().ok().filter(|&size| size > 0)
    };
    if let (Some(width), Some(height)) = (size("dvsSizeX"), size("dvsSizeY")) {
        return Some(Sensor { width, height });
    }
    let known = CAMERAS.iter().find(|(name, ..)| source.starts_with(name));
    known.map(|&(_, width, height)| Sensor { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_are_known_by_name_or_by_the_size_they_state() {
        let size = |source| sensor(source).map(|s| (s.width, s.height));
        assert_eq!(size("DAVIS240C"), Some((240, 180)));
        assert_eq!(size("DAVISHet640"), Some((320, 240)));
        assert_eq!(size("File,dvsSizeX=346,dvsSizeY=260,apsSizeX=346"), Some((346, 260)));
        assert_eq!(size("File,dvsSizeX=0,dvsSizeY=260"), None);
        assert_eq!(size("DYNAPSE"), None);
    }
}
