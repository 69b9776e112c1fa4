//! Files that say what an application is built of, and what registries answer, read and raised.
#![no_main]

use plimsoll_model::plan::Raise;
use plimsoll_patch::declared::{Kind, Registry, Texts, raise, read};

/// Gives everybody the same answer.
struct Answer(Vec<u8>);

impl Registry for Answer {
    fn get(&self, _address: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // One half is what the files have, the other what registries say.
    let text = String::from_utf8_lossy(bytes).into_owned();
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (file, answer) = text.split_at(middle);
    for kind in [Kind::Cargo, Kind::Go, Kind::Npm, Kind::Requirements] {
        let beside = kind.companions().iter().map(|name| ((*name).to_owned(), file.to_owned()));
        let mut texts: Texts = beside.chain([("f".to_owned(), file.to_owned())]).collect();
        let Ok(contents) = read(kind, "f", file) else { continue };
        for package in contents.packages.iter().take(20) {
            let wanted = Raise {
                ecosystem: kind.ecosystem(),
                name: package.name.clone(),
                from: package.version.clone(),
                to: "9.9.9".to_owned(),
            };
            let _ = raise(kind, "f", &wanted, &mut texts, &Answer(answer.as_bytes().to_vec()));
        }
    }
});
