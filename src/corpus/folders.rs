//! Data sets whose folders say what is in them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Corpus, Part, Sample, cifar10dvs, gesture, is_beside_recordings, user_of};
use crate::error::{Error, ErrorKind};
use crate::event::Window;

/// The recordings in folders below the root. Those in no such folder are defects, and
/// those whose names are no text: no class could be told from them.
pub fn samples(root: &Path, files: &[PathBuf]) -> Corpus {
    let recordings = files.iter().filter(|file| !is_beside_recordings(file));
    let (above, inside): (Vec<_>, _) = recordings.partition(|file| file.parent() == Some(root));
    let is_named =
        |file: &&PathBuf| file.strip_prefix(root).is_ok_and(|in_root| in_root.to_str().is_some());
    let (named, strange): (Vec<_>, Vec<_>) = inside.into_iter().partition(is_named);
    let mut corpus = of_folders(root, named);
    corpus.defects.extend(strange.into_iter().map(|file| {
        let expected = "folders and files with names that are";
        Error::new(ErrorKind::Corrupt, "a name that is no text in UTF-8", expected).in_file(file)
    }));
    corpus.defects.extend(above.into_iter().map(|file| {
        let expected = "it in a folder that names its class";
        Error::new(ErrorKind::Corrupt, "a file beside the folders of classes", expected)
            .in_file(file)
    }));
    corpus
}

fn of_folders(root: &Path, files: Vec<&PathBuf>) -> Corpus {
    let samples: Vec<(Cut, Sample)> =
        files.into_iter().filter_map(|file| sample(root, file)).collect();
    let all = |cut| !samples.is_empty() && samples.iter().all(|(its, _)| *its == cut);
    let known = [Cut::Tonic, Cut::SpikingJelly, Cut::Nmnist, Cut::Cifar10Dvs];
    let cut = known.into_iter().find(|&cut| all(cut)).unwrap_or(Cut::Other);
    let samples = samples.into_iter().map(|(_, sample)| sample);
    let gestures = |cut| {
        let named = |sample: Sample| {
            let number: usize = sample.class.parse().unwrap_or_default();
            Sample { class: gesture::CLASSES[number].into(), ..sample }
        };
        Corpus::of_gestures(cut, samples.clone().map(named).collect(), Vec::new())
    };
    match cut {
        Cut::Tonic => gestures("tonic"),
        Cut::SpikingJelly => gestures("spikingjelly"),
        Cut::Nmnist => Corpus::of("nmnist", samples.collect()),
        Cut::Cifar10Dvs => cifar10dvs::corpus(samples.collect()),
        Cut::Other => Corpus::of("folders", samples.collect()),
    }
}

/// What the place of a file says of who cut it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Tonic,
    SpikingJelly,
    Nmnist,
    Cifar10Dvs,
    Other,
}

fn sample(root: &Path, file: &Path) -> Option<(Cut, Sample)> {
    let inside = file.strip_prefix(root).ok()?;
    let names: Vec<&str> = inside.iter().filter_map(OsStr::to_str).collect();
    let (&name, above) = names.split_last()?;
    let &folder = above.last()?;
    let part = above.iter().rev().find_map(|folder| part_of(folder));
    let stem = file.file_stem()?.to_str()?;
    let is_gesture = |number: &str| number.parse().is_ok_and(|n: usize| n < gesture::CLASSES.len());
    let (cut, class, user) = match (user_of(folder), user_of(name)) {
        (Some(user), _) if is_gesture(stem) => (Cut::Tonic, stem, Some(user)),
        (_, Some(user)) if is_gesture(folder) => (Cut::SpikingJelly, folder, Some(user)),
        _ if is_digit(folder, name) => (Cut::Nmnist, folder, None),
        _ if cifar10dvs::number(file).is_some() => (Cut::Cifar10Dvs, folder, None),
        (_, user) => (Cut::Other, folder, user),
    };
    let (path, window) = (file.to_owned(), Window::ALL);
    Some((cut, Sample { path, window, class: class.into(), user, part }))
}

/// Whether a recording and its folder are called as those of N-MNIST.
fn is_digit(folder: &str, name: &str) -> bool {
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number = name.strip_suffix(".bin");
    let is_number = number.is_some_and(|number| number.len() == 5 && are_digits(number));
    is_number && folder.len() == 1 && are_digits(folder)
}

fn part_of(folder: &str) -> Option<Part> {
    match &folder.to_lowercase()[..] {
        "train" | "ibmgesturetrain" => Some(Part::Train),
        "validation" | "valid" | "val" => Some(Part::Validation),
        "test" | "ibmgesturetest" => Some(Part::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(files: &[&str]) -> Corpus {
        let root = Path::new("/data");
        samples(root, &files.iter().map(|file| root.join(file)).collect::<Vec<_>>())
    }

    #[test]
    fn folders_name_class_and_part() {
        let digits = corpus(&["Test/10/1.bin", "Train/3/00001.bin", "Readme"]);
        assert_eq!((digits.cut, &digits.classes[..]), ("folders", &["3".into(), "10".into()][..]));
        let parts: Vec<_> = digits.samples.iter().map(|sample| sample.part).collect();
        assert_eq!(parts, [Some(Part::Test), Some(Part::Train)]);
        assert_eq!((digits.samples[1].part, &digits.samples[1].user), (Some(Part::Train), &None));
        let defects: Vec<_> = digits.defects.iter().map(ToString::to_string).collect();
        let beside = "/data/Readme: found a file beside the folders of classes; expected it in a \
                      folder that names its class";
        assert_eq!(defects, [beside]);
        let told = corpus(&["Train.zip", "3/1.bin", "3/notes.TXT", "readme.md"]);
        assert_eq!((told.samples.len(), told.defects.len()), (1, 0));
    }

    #[test]
    #[cfg(unix)]
    fn names_that_are_no_text_are_defects() {
        use std::os::unix::ffi::OsStrExt;
        let root = Path::new("/data");
        let names = [&b"Train/\xff/1.bin"[..], b"Train/3/\xff.bin", b"Train/3/1.bin"];
        let corpus = samples(root, &names.map(|name| root.join(OsStr::from_bytes(name))));
        assert_eq!((&corpus.classes[..], corpus.samples.len()), (&["3".into()][..], 1));
        assert_eq!(corpus.defects.len(), 2, "{:?}", corpus.defects);
        let defect = corpus.defects[0].to_string();
        assert!(defect.contains("found a name that is no text in UTF-8"), "{defect}");
    }

    #[test]
    fn nmnist_is_known_by_its_names() {
        let nmnist = corpus(&["Test/3/00001.bin", "Test/9/60000.bin", "Train/0/00002.bin"]);
        assert_eq!((nmnist.cut, nmnist.classes.len()), ("nmnist", 3));
        assert_eq!(nmnist.samples[2].part, Some(Part::Train));
        assert_eq!(corpus(&["3/00001.bin"]).samples[0].part, None);
        assert_eq!(corpus(&["3/00001.bin", "4/1.bin"]).cut, "folders");
        assert_eq!(corpus(&["12/00001.bin"]).cut, "folders");
    }

    #[test]
    fn gestures_that_others_cut_are_known_by_their_folders() {
        let tonic =
            corpus(&["ibmGestureTest/user24_led/10.npy", "ibmGestureTrain/user01_lab/0.npy"]);
        assert_eq!((tonic.cut, tonic.classes.len()), ("tonic", 11));
        let Sample { class, user, part, .. } = &tonic.samples[0];
        assert_eq!((&class[..], *part), ("other gestures", Some(Part::Test)));
        assert_eq!(user.as_deref(), Some("user24"));
        let sj = corpus(&["events_np/test/4/user29_natural_3.npz"]);
        assert_eq!((sj.cut, &sj.samples[0].class[..]), ("spikingjelly", gesture::CLASSES[4]));
        assert_eq!(sj.samples[0].user.as_deref(), Some("user29"));
        // one of another kind, and it is something else
        assert_eq!(corpus(&["a/user01_led/0.npy", "b/c.npy"]).cut, "folders");
    }
}
