//! The frame of a write-ahead log at which reading ends: whether it ended a commit, though it is damaged.
//!
//! A power loss leaves the last commit in any state, and with it heads of frames from before the log began anew, or garbage: these must
//! not pass for commits that were acknowledged. The checksum can be turned back: from the sums before and after a frame and its page follow
//! the eight bytes that stood before the page, if the page is right. If it is not, what follows is mostly nothing that a frame may say, and its
//! pages do not ascend, as those of one commit do.

use super::Sum;

/// The first bytes of a frame: its page, and how many pages the file has if the frame ends a commit, else 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) page: u32,
    pub(super) size: u32,
}

/// How many pages the file of the store may have after a commit.
pub(super) struct Sizes {
    pub(super) least: u32,
    pub(super) most: u64,
}

impl Sizes {
    /// True of what a frame may say; what chance says is a million times too large.
    fn suit(&self, head: Head) -> bool {
        let is_size = head.size == 0 || head.size >= self.least.max(head.page);
        head.page > 0 && is_size && u64::from(head.page.max(head.size)) <= self.most
    }
}

/// A frame whose checksum is not what its head and its page have.
pub(super) struct Broken<'b> {
    pub(super) head: Head,
    pub(super) page: &'b [u8],
    /// The sums before the frame, and after it as it says itself.
    pub(super) sums: (Sum, Sum),
    /// The page of the frame before, if that is of the same commit, and of the frame behind.
    pub(super) beside: (u32, u32),
    pub(super) read: fn([u8; 4]) -> u32,
}

impl Broken<'_> {
    /// True if it ended a commit, as far as can be known.
    pub(super) fn ends_commit(&self, sizes: &Sizes) -> bool {
        let proved = self.head_before_page();
        let ascends = self.beside.0 < proved.page && (proved.size > 0 || proved.page < self.beside.1);
        let is_proved = sizes.suit(proved) && ascends;
        match (sizes.suit(self.head), self.head.size > 0) {
            // Only a head that is shown to be of another frame is not believed.
            (true, true) => !(is_proved && proved.size == 0),
            (true, false) => is_proved && proved.size > 0 && proved.page == self.head.page,
            (false, _) => is_proved && proved.size > 0,
        }
    }

    /// What stood before the page by the sums before and after them.
    fn head_before_page(&self) -> Head {
        let (before, (mut first, mut second)) = self.sums;
        let (words, _) = self.page.as_chunks::<4>();
        for pair in words.chunks_exact(2).rev() {
            second = second.wrapping_sub((self.read)(pair[1])).wrapping_sub(first);
            first = first.wrapping_sub((self.read)(pair[0])).wrapping_sub(second);
        }
        let page = first.wrapping_sub(before.0).wrapping_sub(before.1);
        let size = second.wrapping_sub(before.1).wrapping_sub(first);
        Head { page: self.turned(page), size: self.turned(size) }
    }

    /// A number of a frame, which is big-endian, as the word that the sum adds, and back.
    fn turned(&self, number: u32) -> u32 {
        (self.read)(number.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    //! The promise: what a power loss leaves of the last commit, which nobody was told of, is no damage, whatever it looks like; a byte
    //! that changed in a commit before the last one is.

    use crate::store::wal::{FRAME_HEADER_BYTES, HEADER_BYTES, MAGIC, VERSION, Wal, beside, checksum};

    const PAGE_BYTES: usize = 512;
    const SALTS: [u8; 8] = *b"saltsalt";

    /// A log of commits, each given by its pages, over a file that has nine pages after every commit.
    fn log(commits: &[&[u32]]) -> Vec<u8> {
        let words = [MAGIC, VERSION, PAGE_BYTES as u32, 0].map(u32::to_be_bytes).concat();
        let mut bytes = [words, SALTS.to_vec()].concat();
        let mut sum = checksum((0, 0), &bytes, u32::from_le_bytes);
        bytes.extend([sum.0, sum.1].map(u32::to_be_bytes).concat());
        for pages in commits {
            for (at, page) in pages.iter().enumerate() {
                let size = if at + 1 == pages.len() { 9 } else { 0 };
                let head = [*page, size].map(u32::to_be_bytes).concat();
                let content: Vec<u8> = (0..PAGE_BYTES).map(|byte| (byte as u32 * 7 + page + bytes.len() as u32) as u8).collect();
                sum = checksum(checksum(sum, &head, u32::from_le_bytes), &content, u32::from_le_bytes);
                bytes.extend([head, SALTS.to_vec(), [sum.0, sum.1].map(u32::to_be_bytes).concat(), content].concat());
            }
        }
        bytes
    }

    /// Where a frame begins.
    fn frame(number: usize) -> usize {
        HEADER_BYTES as usize + number * (FRAME_HEADER_BYTES + PAGE_BYTES)
    }

    fn lost(log: &[u8]) -> usize {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        std::fs::write(&path, [0; 9 * PAGE_BYTES]).expect("a file");
        std::fs::write(beside(&path, "-wal"), log).expect("a file");
        Wal::read(&path).expect("it is read").expect("there is a log").lost_commits
    }

    #[test]
    fn what_a_power_loss_leaves_of_the_last_commit_is_no_damage() {
        let whole = log(&[&[1, 2], &[3, 4], &[1, 2, 3, 4, 5, 9]]);
        assert_eq!(lost(&whole), 0);
        let garbage = [0xF5, 0x01, 0x9C, 0xE7, 0x9E, 0x11, 0x40, 0xA5];
        // The head of a commit's last frame as it was before the log began anew.
        let stale = [0, 0, 0, 2, 0, 0, 0, 8];
        // Another one, by which this commit would have ended before.
        let grown = [0, 0, 0, 2, 0, 0, 0, 9];
        for torn in 4..9 {
            for head in [garbage, stale, grown, [0; 8]] {
                let mut bytes = whole.clone();
                bytes[frame(torn)..frame(torn) + 8].copy_from_slice(&head);
                assert_eq!(lost(&bytes), 0, "frame {torn}, {head:?}");
                // So that reading ends before it, at a page that is not there or a whole frame that is not.
                for other in 4..torn {
                    let mut bytes = bytes.clone();
                    bytes[frame(other) + 100..frame(other + 1)].fill(0);
                    assert_eq!(lost(&bytes), 0, "frames {other} and {torn}, {head:?}");
                    bytes[frame(other)..frame(other + 1)].fill(0);
                    assert_eq!(lost(&bytes), 0, "no frame {other}, and frame {torn}, {head:?}");
                }
            }
        }
    }

    #[test]
    fn a_changed_byte_before_the_last_commit_is_damage_wherever_it_is() {
        for commits in [&[&[1, 2][..], &[3, 4], &[5, 9]][..], &[&[1], &[2], &[3]], &[&[1, 2, 3], &[4], &[5, 6, 9]]] {
            let whole = log(commits);
            let last = commits.iter().map(|pages| pages.len()).sum::<usize>() - commits.last().map_or(0, |pages| pages.len());
            for at in HEADER_BYTES as usize..frame(last) {
                for change in [1, 0x40, 0xFF] {
                    let mut bytes = whole.clone();
                    bytes[at] ^= change;
                    assert!(lost(&bytes) > 0, "{commits:?}: byte {at}, changed by {change}");
                }
            }
        }
    }
}
