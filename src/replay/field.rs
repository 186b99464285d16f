//! How the addresses of a sensor and the elements of a network's input meet.

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Field, Sensor};
use crate::signal::Shape;

/// Frames have as many channels as the input; only events can share one.
///
/// # Errors
/// Another number of them.
pub fn check_channels(field: Field, channels: Option<u16>) -> Result<Field> {
    match channels {
        Some(channels) if channels != field.channels => {
            let found = format!("{} channels for frames of {channels}", field.channels);
            Err(Error::new(ErrorKind::Shape, found, "as many"))
        }
        _ => Ok(field),
    }
}

/// Where the events of a sensor land in an input of this shape.
///
/// # Errors
/// An input that a sensor of this size does not fit.
pub fn field(input: &Shape, sensor: Option<Sensor>) -> Result<Field> {
    let misfit = |expected: &str| {
        let found = match sensor {
            Some(sensor) => format!("{input} for a sensor of {}×{}", sensor.width, sensor.height),
            None => format!("{input} for a sensor of unknown size"),
        };
        Error::new(ErrorKind::Shape, found, expected)
    };
    match (input.axes(), sensor) {
        (&[channels @ 1..=2, height, width], _) => {
            let (Ok(width), Ok(height)) = (u16::try_from(width), u16::try_from(height)) else {
                return Err(misfit("65535 columns and rows at most"));
            };
            if sensor.is_some_and(|sensor| sensor != Sensor { width, height }) {
                return Err(misfit("the sensor's own size (--sensor WxH overrides the file)"));
            }
            Ok(Field { width, height, channels: channels as u16, channels_first: false })
        }
        (&[channels @ 1..=2, len], Some(Sensor { width, height: 1 }))
            if len == usize::from(width) =>
        {
            Ok(Field { width, height: 1, channels: channels as u16, channels_first: false })
        }
        (&[_], None) => Err(misfit("--sensor WxH, to know the order of a flat input")),
        (&[len], Some(Sensor { width, height })) => {
            let pixels = usize::from(width) * usize::from(height);
            let channels = [1, 2].into_iter().find(|&channels| channels * pixels == len);
            let channels = channels.ok_or_else(|| misfit("one or two elements a pixel"))?;
            Ok(Field { width, height, channels: channels as u16, channels_first: true })
        }
        _ => {
            let expected = "one or two polarities × height × width, × width alone for sensors of \
                            one row, or a flat input";
            Err(misfit(expected))
        }
    }
}
