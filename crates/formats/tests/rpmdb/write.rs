//! Writes small databases of the three forms, as simple as their formats allow.

pub(crate) const STRING: u32 = 6;
pub(crate) const STRINGS: u32 = 8;
pub(crate) const INT32: u32 = 4;

/// A header of tags: number, type, count, bytes.
pub(crate) fn header(tags: &[(u32, u32, u32, Vec<u8>)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, kind, count, bytes) in tags {
        while *kind == INT32 && data.len() % 4 != 0 {
            data.push(0);
        }
        for number in [*tag, *kind, u32::try_from(data.len()).unwrap(), *count] {
            index.extend(number.to_be_bytes());
        }
        data.extend(bytes);
    }
    let counts = [u32::try_from(tags.len()).unwrap(), u32::try_from(data.len()).unwrap()];
    [counts[0].to_be_bytes().to_vec(), counts[1].to_be_bytes().to_vec(), index, data].concat()
}

pub(crate) fn string(tag: u32, text: &str) -> (u32, u32, u32, Vec<u8>) {
    (tag, STRING, 1, strings(&[text]))
}

pub(crate) fn strings(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| text.bytes().chain([0])).collect()
}

pub(crate) fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A package that owns `files` files.
pub(crate) fn package(name: &str, files: u32) -> Vec<u8> {
    let names: Vec<String> = (0..files).map(|file| format!("file-{file}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let places: Vec<u32> = (0..files).map(|file| file % 2).collect();
    let mut tags = vec![
        string(1000, name),
        string(1001, "1.2"),
        string(1002, "3.el9"),
        (1003, INT32, 1, numbers(&[4])),
        string(1014, "MIT"),
        string(1022, "x86_64"),
        string(1044, "source-1.2-3.el9.src.rpm"),
    ];
    if files > 1 {
        tags.push((1116, INT32, files, numbers(&places)));
        tags.push((1117, STRINGS, files, strings(&names)));
        tags.push((1118, STRINGS, 2, strings(&["/usr/bin/", "/usr/lib/"])));
    }
    header(&tags)
}

/// Some packages, small ones and large ones.
pub(crate) fn packages() -> Vec<Vec<u8>> {
    (0..30_u32).map(|number| package(&format!("package-{number}"), number * number * 3)).collect()
}

pub(crate) fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let slot_pages = (blobs.len() + 3).div_ceil(256);
    let mut file = vec![0; slot_pages * 4096];
    let le = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    file[..4].copy_from_slice(b"RpmP");
    file[12..16].copy_from_slice(&le(slot_pages));
    for slot in 2..slot_pages * 256 {
        file[slot * 16..slot * 16 + 4].copy_from_slice(b"Slot");
    }
    for (index, blob) in blobs.iter().enumerate() {
        let blocks = (16 + blob.len() + 12).div_ceil(16);
        // The third slot is left free.
        let slot = (index + 3) * 16;
        file[slot + 4..slot + 8].copy_from_slice(&le(index + 1));
        let start = file.len();
        file[slot + 8..slot + 12].copy_from_slice(&le(start / 16));
        file[slot + 12..slot + 16].copy_from_slice(&le(blocks));
        file.extend([b"BlbS".as_slice(), &le(index + 1), &le(0), &le(blob.len()), blob].concat());
        file.resize(start + blocks * 16 - 12, 0);
        file.extend([le(0), le(blob.len()), *b"BlbE"].concat());
    }
    file
}

/// Every hash page holds one pair; values larger than a quarter of a page lie in overflow pages.
pub(crate) fn bdb(blobs: &[Vec<u8>], page_size: usize, big: bool) -> Vec<u8> {
    let u32 = |number: usize| {
        let number = u32::try_from(number).unwrap();
        if big { number.to_be_bytes() } else { number.to_le_bytes() }
    };
    let u16 = |number: usize| {
        let number = u16::try_from(number).unwrap();
        if big { number.to_be_bytes() } else { number.to_le_bytes() }
    };
    let mut pages = vec![vec![0; page_size]];
    let page = |next: usize, entries: usize, offset: usize, kind: u8, rest: &[u8]| {
        let mut page = vec![0; page_size];
        page[16..20].copy_from_slice(&u32(next));
        page[20..22].copy_from_slice(&u16(entries));
        page[22..24].copy_from_slice(&u16(offset));
        page[25] = kind;
        page[26..26 + rest.len()].copy_from_slice(rest);
        page
    };
    for (index, blob) in blobs.iter().enumerate() {
        let key = [vec![1], u32(index).to_vec()].concat();
        let value = if blob.len() > page_size / 4 {
            [vec![3, 0, 0, 0], u32(pages.len() + 1).to_vec(), u32(blob.len()).to_vec()].concat()
        } else {
            [vec![1], blob.clone()].concat()
        };
        let (first, second) = (page_size - key.len(), page_size - key.len() - value.len());
        let mut hash = page(0, 2, second, 13, &[u16(first), u16(second)].concat());
        hash[first..].copy_from_slice(&key);
        hash[second..first].copy_from_slice(&value);
        pages.push(hash);
        if value[0] == 3 {
            let parts: Vec<&[u8]> = blob.chunks(page_size - 26).collect();
            for (at, part) in parts.iter().enumerate() {
                let next = if at + 1 == parts.len() { 0 } else { pages.len() + 1 };
                pages.push(page(next, 1, part.len(), 7, part));
            }
        }
    }
    let last = pages.len() - 1;
    pages[0][12..16].copy_from_slice(&u32(0x0006_1561));
    pages[0][20..24].copy_from_slice(&u32(page_size));
    pages[0][25] = 8;
    pages[0][32..36].copy_from_slice(&u32(last));
    pages.concat()
}

/// A tree of three levels: a leaf a row, interior pages of eight leaves, the root. The root is page 2.
pub(crate) fn sqlite(blobs: &[Vec<u8>], page_size: usize) -> Vec<u8> {
    let mut pages = vec![vec![0; page_size]; 2];
    let sql = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)";
    let types = [6, 23, 29, 29, 1, u8::try_from(sql.len() * 2 + 13 - 128).unwrap()];
    let row = [&[7], &types[1..5], &[0x81, types[5]], b"tablePackagesPackages\x02", sql.as_bytes()].concat();
    leaf(&mut pages, 0, 1, &row, page_size);
    let mut leaves = Vec::new();
    for (index, blob) in blobs.iter().enumerate() {
        let serial = varint(blob.len() * 2 + 12);
        let row = [vec![u8::try_from(serial.len() + 2).unwrap(), 0], serial, blob.clone()].concat();
        pages.push(vec![0; page_size]);
        let page = pages.len() - 1;
        leaf(&mut pages, page, index + 1, &row, page_size);
        leaves.push(page + 1);
    }
    let mut middle = Vec::new();
    for leaves in leaves.chunks(8) {
        pages.push(interior(leaves, page_size));
        middle.push(pages.len());
    }
    pages[1] = interior(&middle, page_size);
    let mut file = pages.concat();
    file[..16].copy_from_slice(b"SQLite format 3\0");
    file[16..18].copy_from_slice(&u16::try_from(page_size % 65535).unwrap().to_be_bytes());
    file[56..60].copy_from_slice(&1_u32.to_be_bytes());
    file
}

/// Fills page `page` with one row, its overflow behind all pages.
fn leaf(pages: &mut Vec<Vec<u8>>, page: usize, row: usize, payload: &[u8], page_size: usize) {
    let (most, least) = (page_size - 35, (page_size - 12) * 32 / 255 - 23);
    let rest = least + payload.len().saturating_sub(least) % (page_size - 4);
    let local = match payload.len() {
        length if length <= most => length,
        _ if rest <= most => rest,
        _ => least,
    };
    let start = if page == 0 { 100 } else { 0 };
    let mut cell = [varint(payload.len()), varint(row), payload[..local].to_vec()].concat();
    if local < payload.len() {
        cell.extend(u32::try_from(pages.len() + 1).unwrap().to_be_bytes());
    }
    let at = page_size - cell.len();
    pages[page][start] = 13;
    pages[page][start + 4] = 1;
    pages[page][start + 8..start + 10].copy_from_slice(&u16::try_from(at).unwrap().to_be_bytes());
    pages[page][at..].copy_from_slice(&cell);
    let parts: Vec<&[u8]> = payload[local..].chunks(page_size - 4).collect();
    for (index, part) in parts.iter().enumerate() {
        let next = if index + 1 == parts.len() { 0 } else { pages.len() + 2 };
        let mut overflow = u32::try_from(next).unwrap().to_be_bytes().to_vec();
        overflow.extend(*part);
        overflow.resize(page_size, 0);
        pages.push(overflow);
    }
}

fn interior(children: &[usize], page_size: usize) -> Vec<u8> {
    let mut page = vec![0; page_size];
    let (last, rest) = children.split_last().unwrap();
    page[0] = 5;
    page[4] = u8::try_from(rest.len()).unwrap();
    page[8..12].copy_from_slice(&u32::try_from(*last).unwrap().to_be_bytes());
    for (index, child) in rest.iter().enumerate() {
        let at = page_size - (index + 1) * 5;
        page[12 + index * 2..14 + index * 2].copy_from_slice(&u16::try_from(at).unwrap().to_be_bytes());
        page[at..at + 4].copy_from_slice(&u32::try_from(*child).unwrap().to_be_bytes());
    }
    page
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(number & 0x7f).unwrap()];
    while number > 0x7f {
        number >>= 7;
        bytes.insert(0, u8::try_from(number & 0x7f).unwrap() | 0x80);
    }
    bytes
}
