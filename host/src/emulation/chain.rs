//! The hash of a stream: what makes two runs comparable without their records.
//!
//! `H(0)` is 16 zero bytes; `H(k) = xxh3_128(H(k-1) ‖ block k)`, where a block is 65,536 records,
//! each as its length (u32, little endian) and its bytes. The last block may be short; a record
//! that is empty counts, with length 0. Digests are in canonical (big-endian) form. Blocks make
//! the hash resumable: 16 bytes go into a checkpoint and the chain goes on from there.
//! XXH3: <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>. The implementation is the one
//! that chooses its instructions at run time, since the program runs on any x86-64.

use twox_hash::XxHash3_128 as Hasher;

/// Records in a block.
pub const BLOCK: u64 = 65_536;

/// Version of this function in the manifest: another one gives other hashes.
pub const VERSION: u32 = 1;

/// Digest of a chain.
pub type Digest = [u8; 16];

/// Bytes gathered before they are hashed: large enough for the wide loop of XXH3, small enough for
/// the first-level cache.
const GATHER: usize = 16 * 1024;

/// A hash that records are added to, in index order.
pub struct Chain {
    block: Hasher,
    records: u64,
    last: Digest,
    gathered: Vec<u8>,
}

impl Chain {
    /// Before the first record.
    pub fn new() -> Chain {
        Chain::resume(0, [0; 16])
    }

    /// After `records` records, a multiple of [`BLOCK`], whose digest is `digest`.
    pub fn resume(records: u64, digest: Digest) -> Chain {
        let mut block = Hasher::new();
        block.write(&digest);
        Chain {
            block,
            records,
            last: digest,
            gathered: Vec::with_capacity(GATHER + 1024),
        }
    }

    /// How many records were added.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many more fit into the block that is open.
    pub fn room(&self) -> u64 {
        BLOCK - self.records % BLOCK
    }

    /// The digest at the newest block boundary, where `records` is a multiple of [`BLOCK`].
    pub fn boundary(&self) -> Option<Digest> {
        self.records.is_multiple_of(BLOCK).then_some(self.last)
    }

    /// Adds records side by side: `ends` says where each ends in `payload`. They may span blocks.
    pub fn update(&mut self, payload: &[u8], ends: &[u32]) {
        let mut start = 0usize;
        let mut ends = ends;
        while !ends.is_empty() {
            let room = usize::try_from(self.room()).unwrap_or(usize::MAX);
            let (now, later) = ends.split_at(room.min(ends.len()));
            start = self.gather(payload, start, now);
            self.records += now.len() as u64;
            if self.records.is_multiple_of(BLOCK) {
                self.last = self.block.finish_128().to_be_bytes();
                self.block = Hasher::new();
                self.block.write(&self.last);
            }
            ends = later;
        }
    }

    /// The digest over all records so far.
    pub fn digest(&self) -> Digest {
        if self.records.is_multiple_of(BLOCK) {
            self.last
        } else {
            self.block.finish_128().to_be_bytes()
        }
    }

    // Small updates of the streaming hash cost more than a copy: lengths and bytes are laid side by
    // side first.
    fn gather(&mut self, payload: &[u8], mut start: usize, ends: &[u32]) -> usize {
        for &end in ends {
            let record = &payload[start..end as usize];
            let length = end - start as u32;
            self.gathered.extend_from_slice(&length.to_le_bytes());
            self.gathered.extend_from_slice(record);
            if self.gathered.len() >= GATHER {
                self.block.write(&self.gathered);
                self.gathered.clear();
            }
            start = end as usize;
        }
        self.block.write(&self.gathered);
        self.gathered.clear();
        start
    }
}

impl Default for Chain {
    fn default() -> Chain {
        Chain::new()
    }
}

/// A digest as it stands in a manifest: 32 hex digits.
pub fn text(digest: &Digest) -> String {
    hex::encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_128;

    fn reference(records: &[Vec<u8>]) -> Digest {
        let mut last = [0u8; 16];
        for block in records.chunks(BLOCK as usize) {
            let mut bytes = last.to_vec();
            for record in block {
                bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
                bytes.extend_from_slice(record);
            }
            last = xxh3_128(&bytes).to_be_bytes();
        }
        last
    }

    fn records(n: usize) -> Vec<Vec<u8>> {
        (0..n).map(|i| vec![i as u8; i * 7 % 90]).collect()
    }

    fn packed(records: &[Vec<u8>]) -> (Vec<u8>, Vec<u32>) {
        let mut payload = Vec::new();
        let mut ends = Vec::new();
        for record in records {
            payload.extend_from_slice(record);
            ends.push(payload.len() as u32);
        }
        (payload, ends)
    }

    #[test]
    fn agrees_with_the_definition_however_batches_are_cut() {
        let all = records(BLOCK as usize * 2 + 1_234);
        let want = reference(&all);
        for size in [777, 1_000, 65_536, 200_000] {
            let mut chain = Chain::new();
            for batch in all.chunks(size) {
                let (payload, ends) = packed(batch);
                chain.update(&payload, &ends);
            }
            assert_eq!(text(&chain.digest()), text(&want), "batches of {size}");
        }
    }

    #[test]
    fn goes_on_from_a_block_boundary() {
        let all = records(BLOCK as usize + 500);
        let (head, tail) = all.split_at(BLOCK as usize);
        let mut chain = Chain::new();
        let (payload, ends) = packed(head);
        chain.update(&payload, &ends);
        let digest = chain.boundary().expect("a whole block was added");
        let mut resumed = Chain::resume(BLOCK, digest);
        let (payload, ends) = packed(tail);
        resumed.update(&payload, &ends);
        assert_eq!(resumed.digest(), reference(&all));
    }

    #[test]
    fn lengths_count() {
        let (a, b) = (
            vec![b"ab".to_vec(), b"c".to_vec()],
            vec![b"a".to_vec(), b"bc".to_vec()],
        );
        let hash = |records: &[Vec<u8>]| {
            let (payload, ends) = packed(records);
            let mut chain = Chain::new();
            chain.update(&payload, &ends);
            chain.digest()
        };
        assert_ne!(hash(&a), hash(&b));
        assert_eq!(hash(&a), reference(&a));
    }

    #[test]
    fn nothing_hashes_to_zero() {
        assert_eq!(Chain::new().digest(), [0; 16]);
    }
}
