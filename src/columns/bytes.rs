//! Bytes of a file of columns, read with care: whatever they say, reading them gives values or says that they are damaged.

/// The bytes are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// What was read, unless it is damaged.
pub(crate) type Read<T> = Result<T, Damaged>;

/// Length of a checksum in bytes: an accident is found, which is all that is wanted.
pub(super) const CHECKSUM: usize = 16;

/// The checksum of some bytes.
pub(super) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let hash = blake3::hash(bytes);
    *hash.as_bytes().first_chunk().expect("a hash is longer than a checksum")
}

/// Bytes with a place up to which they were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next bytes.
    pub(super) fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N).map(|bytes| bytes.try_into().expect("take gave exactly N bytes"))
    }

    pub(super) fn u8(&mut self) -> Read<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Read<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// A number of things that each take at least one of the bytes that are left.
    pub(super) fn count(&mut self) -> Read<usize> {
        let count = self.u32()? as usize;
        if count <= self.rest.len() { Ok(count) } else { Err(Damaged) }
    }

    /// Bytes behind their length.
    pub(super) fn sized(&mut self) -> Read<&'a [u8]> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    /// Fine if nothing is left.
    pub(super) fn end(self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Damaged) }
    }
}

/// Writes bytes behind their length.
pub(super) fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).expect("a part of a block is counted in 32 bits");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}
