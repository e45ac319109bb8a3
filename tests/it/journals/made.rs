//! A journal file created here, for features that the installed programs of systemd do not write: values compressed with
//! lz4 and xz, entries without some fields. `journalctl` reads it, which proves that it is valid.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::io::Write;

const HEADER: usize = 240;
const KEY: [u64; 2] = [0x0123_4567_89ab_cdef, 0x0f1e_2d3c_4b5a_6978];

/// Compression of values from 512 bytes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Xz = 1,
    Lz4 = 2,
    Zstd = 4,
}

impl Packing {
    /// Returns the incompatible flag of the header.
    const fn incompatible(self) -> u32 {
        match self {
            Self::Xz => 1,
            Self::Lz4 => 2,
            Self::Zstd => 8,
        }
    }

    fn pack(self, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Xz => {
                let check = liblzma::stream::Check::None;
                let stream = liblzma::stream::Stream::new_easy_encoder(6, check).unwrap();
                let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            // One run of literals is a block too (LZ4 block format).
            Self::Lz4 => {
                let mut packed = (plain.len() as u64).to_le_bytes().to_vec();
                packed.push(0xf0);
                let mut more = plain.len() - 15;
                while more >= 255 {
                    packed.push(255);
                    more -= 255;
                }
                packed.push(more as u8);
                packed.extend_from_slice(plain);
                packed
            }
            Self::Zstd => zstd::bulk::compress(plain, 3).unwrap(),
        }
    }
}

/// A journal that grows by entries.
pub(crate) struct Made {
    bytes: Vec<u8>,
    packing: Packing,
    data: BTreeMap<Vec<u8>, usize>,
    /// The entries of each value, and the values of each field, by their offsets.
    entries: BTreeMap<usize, Vec<u64>>,
    fields: BTreeMap<Vec<u8>, Vec<usize>>,
    all: Vec<u64>,
    objects: u64,
    tail: usize,
}

fn hash(bytes: &[u8]) -> u64 {
    #[expect(deprecated, reason = "SipHash-2-4 has this name only")]
    let mut hasher = std::hash::SipHasher::new_with_keys(KEY[0], KEY[1]);
    hasher.write(bytes);
    hasher.finish()
}

impl Made {
    pub(crate) fn new(packing: Packing) -> Self {
        let mut made = Self {
            bytes: vec![0; HEADER],
            packing,
            data: BTreeMap::new(),
            entries: BTreeMap::new(),
            fields: BTreeMap::new(),
            all: Vec::new(),
            objects: 0,
            tail: 0,
        };
        // The hash tables of values and fields, of one bucket each.
        made.object(4, 0, &[0; 16]);
        made.object(5, 0, &[0; 16]);
        made
    }

    fn object(&mut self, kind: u8, flags: u8, content: &[u8]) -> usize {
        let at = self.bytes.len();
        self.bytes.extend([kind, flags, 0, 0, 0, 0, 0, 0]);
        self.bytes.extend((16 + content.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.objects += 1;
        self.tail = at;
        at
    }

    fn put(&mut self, at: usize, number: u64) {
        self.bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }

    /// Returns the offset of a value, after writing it if it is new.
    fn value(&mut self, plain: &[u8]) -> usize {
        if let Some(at) = self.data.get(plain) {
            return *at;
        }
        let mut content = hash(plain).to_le_bytes().to_vec();
        content.extend([0; 40]);
        let is_packed = plain.len() >= 512;
        if is_packed {
            content.extend(self.packing.pack(plain));
        } else {
            content.extend_from_slice(plain);
        }
        let flags = if is_packed { self.packing as u8 } else { 0 };
        let at = self.object(1, flags, &content);
        self.data.insert(plain.to_vec(), at);
        let name = plain.split(|&b| b == b'=').next().unwrap().to_vec();
        self.fields.entry(name).or_default().push(at);
        at
    }

    /// Adds an entry; returns its offset.
    pub(crate) fn entry(&mut self, realtime: u64, fields: &[&[u8]]) -> usize {
        let values: Vec<usize> = fields.iter().map(|field| self.value(field)).collect();
        let mut content = (self.all.len() as u64 + 1).to_le_bytes().to_vec();
        content.extend(realtime.to_le_bytes());
        content.extend((realtime % 1_000_000_000_000).to_le_bytes());
        content.extend([7; 16]);
        let all = fields.iter().fold(0, |all, field| all ^ hash(field));
        content.extend(all.to_le_bytes());
        for (at, field) in values.iter().zip(fields) {
            content.extend((*at as u64).to_le_bytes());
            content.extend(hash(field).to_le_bytes());
        }
        let at = self.object(3, 0, &content);
        for value in values {
            self.entries.entry(value).or_default().push(at as u64);
        }
        self.all.push(at as u64);
        at
    }

    fn array(&mut self, entries: &[u64]) -> usize {
        let mut content = vec![0; 8];
        content.extend(entries.iter().flat_map(|entry| entry.to_le_bytes()));
        self.object(6, 0, &content)
    }

    /// Returns the bytes of the complete file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for (value, entries) in std::mem::take(&mut self.entries) {
            self.put(value + 40, entries[0]);
            if entries.len() > 1 {
                let array = self.array(&entries[1..]);
                self.put(value + 48, array as u64);
            }
            self.put(value + 56, entries.len() as u64);
        }
        let mut before = 0;
        for (name, values) in std::mem::take(&mut self.fields) {
            let mut content = hash(&name).to_le_bytes().to_vec();
            content.extend((before as u64).to_le_bytes());
            content.extend((values[0] as u64).to_le_bytes());
            content.extend_from_slice(&name);
            before = self.object(2, 0, &content);
            for pair in values.windows(2) {
                self.put(pair[0] + 32, pair[1] as u64);
            }
        }
        self.put(HEADER + 32 + 16, before as u64);
        self.put(HEADER + 32 + 24, before as u64);
        let all = std::mem::take(&mut self.all);
        let array = self.array(&all);
        let real = |made: &Self, entry: u64| {
            let at = entry as usize + 24;
            u64::from_le_bytes(made.bytes[at..at + 8].try_into().unwrap())
        };
        let (first, last) = (real(&self, all[0]), real(&self, all[all.len() - 1]));
        let length = self.bytes.len();
        self.bytes[..8].copy_from_slice(b"LPKSHHRH");
        let flags = 4 | self.packing.incompatible();
        self.bytes[12..16].copy_from_slice(&flags.to_le_bytes());
        // Not open, and no longer written to.
        self.bytes[16] = 2;
        self.put(24, KEY[0]);
        self.put(32, KEY[1]);
        self.bytes[40..88].fill(7);
        let numbers = [
            (88, HEADER),
            (96, length - HEADER),
            (104, HEADER + 16),
            (112, 16),
            (120, HEADER + 32 + 16),
            (128, 16),
            (136, self.tail),
            (144, self.objects as usize),
            (152, all.len()),
            (160, all.len()),
            (168, 1),
            (176, array),
            (184, first as usize),
            (192, last as usize),
            (200, last as usize % 1_000_000_000_000),
            (208, self.data.len()),
        ];
        for (at, number) in numbers {
            self.put(at, number as u64);
        }
        self.bytes
    }
}
