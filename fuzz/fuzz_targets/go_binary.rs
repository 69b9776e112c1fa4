//! A program of Go; and a table of functions, alone and to be searched for.
#![no_main]

mod support;

use plimsoll_formats::executable::{Executable, Format, Section, Segment, go_functions};
use plimsoll_formats::source::Source;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::extract("go", "usr/bin/x", bytes);
    let size = bytes.len() as u64;
    let section = Section { name: ".gopclntab".to_owned(), offset: 0, size };
    let segment = Segment { address: 0, offset: 0, size, is_data: false };
    let named = Executable { format: Format::Elf, sections: vec![section], segments: vec![] };
    let unnamed = Executable { format: Format::Pe, sections: vec![], segments: vec![segment] };
    for executable in [named, unnamed] {
        let read = go_functions::read(&mut Source::<std::io::Empty>::Memory(bytes), &executable);
        let names = read.expect("memory can be read").map_or(0, |functions| functions.names().map(<[u8]>::len).sum());
        assert!(names <= 1 << 27);
    }
});
