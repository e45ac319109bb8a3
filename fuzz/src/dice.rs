//! Numbers that only look like chance: what a target varies besides its bytes comes of those bytes, so that an input alone
//! repeats a run.

/// xorshift64*.
pub struct Dice(u64);

impl Dice {
    /// The dice of these bytes (FNV-1a).
    pub fn of(bytes: &[u8]) -> Self {
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(hash | 1)
    }

    /// A number below `below`, which is more than 0.
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }

    /// `bytes` in blocks of up to `most` bytes.
    pub fn cuts<'a>(&mut self, bytes: &'a [u8], most: usize) -> Vec<&'a [u8]> {
        let mut rest = bytes;
        let mut out = Vec::new();
        while !rest.is_empty() {
            let (block, after) = rest.split_at((1 + self.roll(most)).min(rest.len()));
            out.push(block);
            rest = after;
        }
        out
    }
}
