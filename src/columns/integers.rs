//! Integers in as few bits as their range, or the range of their steps, needs.
//!
//! ```text
//! form 1 | 0: one value for all   value 8
//!          1: above the least     width 1, least 8, (value - least) in `width` bits each
//!          2: steps               width 1, first 8, least step 8, (step - least step) in `width` bits each
//! ```
//!
//! Bits are packed from the lowest on, little-endian. Widths above 56 are written as 64, so that one unaligned read of eight bytes
//! always holds a whole number; seven bytes of zero follow for the last ones.

use super::bytes::{Damaged, Input, Read};

const CONSTANT: u8 = 0;
const ABOVE_LEAST: u8 = 1;
const STEPS: u8 = 2;

/// Bytes behind packed bits, so that eight can be read wherever a number begins.
const PADDING: usize = 7;

/// Appends integers.
pub(super) fn encode(items: &[i64], out: &mut Vec<u8>) {
    let least = items.iter().copied().min().unwrap_or(0);
    let greatest = items.iter().copied().max().unwrap_or(0);
    if least == greatest {
        out.push(CONSTANT);
        out.extend_from_slice(&least.to_le_bytes());
        return;
    }
    let steps = || items.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let least_step = steps().min().unwrap_or(0);
    let step_width = steps().map(|step| width_of(step.wrapping_sub(least_step) as u64)).max().unwrap_or(0);
    let width = width_of(greatest.wrapping_sub(least) as u64);
    if step_width < width {
        out.extend_from_slice(&[STEPS, step_width]);
        out.extend_from_slice(&items[0].to_le_bytes());
        out.extend_from_slice(&least_step.to_le_bytes());
        pack(steps().map(|step| step.wrapping_sub(least_step) as u64), step_width, out);
    } else {
        out.extend_from_slice(&[ABOVE_LEAST, width]);
        out.extend_from_slice(&least.to_le_bytes());
        pack(items.iter().map(|item| item.wrapping_sub(least) as u64), width, out);
    }
}

/// Reads `count` integers and appends them.
pub(super) fn decode(input: &mut Input<'_>, count: usize, out: &mut Vec<i64>) -> Read<()> {
    match input.u8()? {
        CONSTANT => {
            let value = input.i64()?;
            out.resize(out.len() + count, value);
        }
        ABOVE_LEAST => {
            let width = width(input)?;
            let least = input.i64()?;
            unpack(input, width, count, |n| out.push(least.wrapping_add(n as i64)))?;
        }
        STEPS => {
            let width = width(input)?;
            let (mut value, least) = (input.i64()?, input.i64()?);
            out.push(value);
            unpack(input, width, count.checked_sub(1).ok_or(Damaged)?, |n| {
                value = value.wrapping_add(least.wrapping_add(n as i64));
                out.push(value);
            })?;
        }
        _ => return Err(Damaged),
    }
    Ok(())
}

/// Reads those of `count` integers that stand at these places, which ascend, and appends them.
pub(super) fn decode_some(input: &mut Input<'_>, count: usize, places: &[u32], out: &mut Vec<i64>) -> Read<()> {
    match input.u8()? {
        CONSTANT => {
            let value = input.i64()?;
            out.resize(out.len() + places.len(), value);
        }
        ABOVE_LEAST => {
            let width = width(input)?;
            let least = input.i64()?;
            let packed = Packed::take(input, width, count)?;
            out.extend(places.iter().map(|place| least.wrapping_add(packed.get(*place as usize) as i64)));
        }
        STEPS => {
            let width = width(input)?;
            let (mut value, least) = (input.i64()?, input.i64()?);
            let packed = Packed::take(input, width, count.checked_sub(1).ok_or(Damaged)?)?;
            let mut next = 0;
            for place in places {
                for step in next..*place as usize {
                    value = value.wrapping_add(least.wrapping_add(packed.get(step) as i64));
                }
                next = *place as usize;
                out.push(value);
            }
        }
        _ => return Err(Damaged),
    }
    Ok(())
}

/// Passes over `count` integers.
pub(super) fn skip(input: &mut Input<'_>, count: usize) -> Read<()> {
    decode_some(input, count, &[], &mut Vec::new())
}

fn width(input: &mut Input<'_>) -> Read<u8> {
    match input.u8()? {
        width @ (0..=56 | 64) => Ok(width),
        _ => Err(Damaged),
    }
}

/// Bits that hold a number.
fn width_of(n: u64) -> u8 {
    let bits = (u64::BITS - n.leading_zeros()) as u8;
    if bits > 56 { 64 } else { bits }
}

fn pack(numbers: impl Iterator<Item = u64>, width: u8, out: &mut Vec<u8>) {
    if width == 64 {
        numbers.for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
        return;
    }
    if width == 0 {
        return;
    }
    let (mut held, mut bits) = (0_u64, 0);
    for n in numbers {
        // At most 7 bits are held here, and at most 56 come.
        held |= n << bits;
        bits += u32::from(width);
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(held as u8);
    }
    out.extend_from_slice(&[0; PADDING]);
}

#[inline]
fn unpack(input: &mut Input<'_>, width: u8, count: usize, take: impl FnMut(u64)) -> Read<()> {
    let packed = Packed::take(input, width, count)?;
    match packed.width {
        // A loop for each of the two kinds: it is what reading a block takes most time for.
        64 => packed
            .bytes
            .chunks_exact(8)
            .map(|chunk| u64::from_le_bytes(chunk.try_into().expect("chunks of eight bytes")))
            .for_each(take),
        _ => (0..count).map(|at| packed.get_narrow(at)).for_each(take),
    }
    Ok(())
}

/// Numbers of so many bits each.
struct Packed<'a> {
    bytes: &'a [u8],
    width: usize,
    mask: u64,
}

impl<'a> Packed<'a> {
    fn take(input: &mut Input<'a>, width: u8, count: usize) -> Read<Self> {
        let width = usize::from(width);
        let length = match width {
            0 => 0,
            64 => count.checked_mul(8).ok_or(Damaged)?,
            _ => count.checked_mul(width).ok_or(Damaged)?.div_ceil(8) + PADDING,
        };
        let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        Ok(Self { bytes: input.take(length)?, width, mask })
    }

    #[inline]
    fn get(&self, at: usize) -> u64 {
        if self.width == 64 { self.word(at * 8) } else { self.get_narrow(at) }
    }

    /// Of at most 56 bits, so that with the up to 7 before it a number lies within eight bytes.
    #[inline]
    fn get_narrow(&self, at: usize) -> u64 {
        if self.width == 0 {
            return 0;
        }
        let bit = at * self.width;
        self.word(bit >> 3) >> (bit & 7) & self.mask
    }

    #[inline]
    fn word(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("a range of eight bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(items: &[i64], most_bytes: usize) {
        let mut bytes = Vec::new();
        encode(items, &mut bytes);
        assert!(bytes.len() <= most_bytes, "{} bytes for {} integers", bytes.len(), items.len());
        let (mut input, mut read) = (Input::new(&bytes), Vec::new());
        decode(&mut input, items.len(), &mut read).expect("what was written is read");
        input.end().expect("nothing is left");
        assert_eq!(read, items);
        for step in 1..4 {
            let places: Vec<u32> = (0..items.len() as u32).skip(step / 2).step_by(step).collect();
            let (mut input, mut some) = (Input::new(&bytes), Vec::new());
            decode_some(&mut input, items.len(), &places, &mut some).expect("what was written is read");
            input.end().expect("nothing is left");
            assert_eq!(some, places.iter().map(|place| items[*place as usize]).collect::<Vec<_>>());
        }
        for length in 0..bytes.len() {
            assert!(decode(&mut Input::new(&bytes[..length]), items.len(), &mut Vec::new()).is_err(), "cut at {length}");
        }
    }

    #[test]
    fn integers_come_back_and_take_few_bytes() {
        check(&[7; 1000], 9);
        check(&(0..1000).collect::<Vec<_>>(), 18);
        check(&(0..1000).map(|n| n * n % 61).collect::<Vec<_>>(), 10 + 750 + 7);
        check(&[i64::MIN, i64::MAX, 0, -1, 1], 18 + 40);
        check(&[i64::MAX, i64::MIN], 18);
        check(&[1 << 55, 0, (1 << 56) - 1, 3], 10 + 4 * 7 + 7);
        check(&(0..77).map(|n| (n % 5) << 40 | n).collect::<Vec<_>>(), 10 + 77 * 6 + 7);
        check(&[5], 9);
        for width in 0..64 {
            check(&[0, (1_i64 << width).wrapping_sub(1), 1 << width, 0, 1 << width >> 1], 60);
        }
    }
}
