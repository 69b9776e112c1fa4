//! Sections one after another, the tables among them column by column, each number as its difference to the one above:
//! what is added in one row then moves no other.

use super::super::bytes::Cursor;
use super::super::layout::{Corrupt, SECTIONS, Section};

/// How many numbers a row of a section has, if it is a table.
const fn columns(section: Section) -> Option<usize> {
    match section {
        Section::StringBlocks | Section::AdvisoryOffsets => Some(1),
        Section::CveKeys | Section::Products => Some(2),
        Section::Packages => Some(3),
        Section::Meta
        | Section::Strings
        | Section::Affected
        | Section::Advisories
        | Section::Cves
        | Section::Cvss
        | Section::Cycles => None,
    }
}

/// The lengths of the sections, then the sections.
pub(super) fn together(sections: &[Vec<u8>; SECTIONS]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for section in sections {
        bytes.extend_from_slice(&super::wide(section.len()).to_le_bytes());
    }
    for (section, content) in Section::ALL.into_iter().zip(sections) {
        match columns(section) {
            Some(columns) => bytes.extend_from_slice(&differences(content, columns)),
            None => bytes.extend_from_slice(content),
        }
    }
    bytes
}

/// The sections that [`together`] joined.
pub(super) fn apart(bytes: &[u8]) -> Result<[Vec<u8>; SECTIONS], Corrupt> {
    let mut cursor = Cursor::new(bytes);
    let mut lengths = [0_usize; SECTIONS];
    for length in &mut lengths {
        let bytes = cursor.take(8)?.first_chunk().ok_or(Corrupt)?;
        *length = usize::try_from(u64::from_le_bytes(*bytes)).map_err(|_| Corrupt)?;
    }
    let mut sections: [Vec<u8>; SECTIONS] = Default::default();
    for ((section, length), content) in Section::ALL.into_iter().zip(lengths).zip(&mut sections) {
        let told = cursor.take(length)?;
        *content = columns(section).map_or_else(|| told.to_vec(), |columns| sums(told, columns));
    }
    if cursor.rest().is_empty() { Ok(sections) } else { Err(Corrupt) }
}

fn numbers(bytes: &[u8]) -> (Vec<u32>, &[u8]) {
    let (numbers, rest) = bytes.as_chunks();
    (numbers.iter().map(|number| u32::from_le_bytes(*number)).collect(), rest)
}

/// What is no whole row stays at the end as it is.
fn differences(table: &[u8], columns: usize) -> Vec<u8> {
    let whole = table.len() / (4 * columns) * (4 * columns);
    let (rows, rest) = table.split_at_checked(whole).unwrap_or((table, &[]));
    let (numbers, _) = numbers(rows);
    let mut bytes = Vec::with_capacity(table.len());
    for column in 0..columns {
        let mut above = 0_u32;
        for number in numbers.iter().skip(column).step_by(columns) {
            bytes.extend_from_slice(&number.wrapping_sub(above).to_le_bytes());
            above = *number;
        }
    }
    bytes.extend_from_slice(rest);
    bytes
}

fn sums(told: &[u8], columns: usize) -> Vec<u8> {
    let rows = told.len() / (4 * columns);
    let (told, rest) = told.split_at_checked(rows * 4 * columns).unwrap_or((told, &[]));
    let (mut numbers, _) = numbers(told);
    for column in numbers.chunks_mut(rows.max(1)) {
        let mut above = 0_u32;
        for number in column {
            above = above.wrapping_add(*number);
            *number = above;
        }
    }
    let mut bytes = Vec::with_capacity(told.len() + rest.len());
    for row in 0..rows {
        for number in numbers.iter().skip(row).step_by(rows.max(1)) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    bytes.extend_from_slice(rest);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_back_from_their_differences() {
        for length in [0, 3, 4, 11, 12, 25, 120, 121] {
            let table: Vec<u8> = (0..length).map(|n: u32| n.wrapping_mul(77).to_le_bytes()[0]).collect();
            for columns in 1..=3 {
                assert_eq!(sums(&differences(&table, columns), columns), table, "{length} {columns}");
            }
        }
    }

    #[test]
    fn sections_come_back() {
        let sections: [Vec<u8>; SECTIONS] = std::array::from_fn(|n| vec![7; n * 5]);
        let bytes = together(&sections);
        assert_eq!(apart(&bytes), Ok(sections));
        assert_eq!(apart(&bytes[..bytes.len() - 1]), Err(Corrupt));
        assert_eq!(apart(&[bytes.as_slice(), &[0]].concat()), Err(Corrupt));
    }
}
