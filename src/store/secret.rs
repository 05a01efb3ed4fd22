//! The key under which redacted secrets are hashed: 32 bytes in a file of their own beside the store, private like it.
//!
//! It lies outside the store, so that it is in no export and no copy of the store alone: who has only those cannot try passwords
//! against the marks. Losing it loses nothing but that marks from before and after compare as equal.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use annals_query::Uuid;

use super::wal::beside;
use super::{Access, Store};
use crate::redact::KEY_BYTES;

/// Ids that are drawn for a key: each brings 32 bits and more that nobody can guess.
const DRAWS: usize = 12;

impl Store {
    /// The key under which this store's redacted secrets are hashed, made when it is first asked for. Where it can neither be read nor
    /// kept (a folder without the right to write), it holds for this handle alone: secrets are redacted all the same.
    pub(crate) fn redaction_key(&self) -> [u8; KEY_BYTES] {
        *self.redaction_key.get_or_init(|| {
            let path = beside(&self.path, "-key");
            read(&path).or_else(|| (self.access() == Access::ReadWrite).then(|| make(&path)).flatten()).unwrap_or_else(draw)
        })
    }
}

/// What a file of the right size holds; a symbolic link is not followed.
fn read(path: &Path) -> Option<[u8; KEY_BYTES]> {
    let is_right = |metadata: &fs::Metadata| metadata.is_file() && metadata.len() == KEY_BYTES as u64;
    fs::symlink_metadata(path).ok().filter(is_right)?;
    let mut key = [0; KEY_BYTES];
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).ok()?;
    file.read_exact(&mut key).ok().map(|()| key)
}

/// Writes a new key under a name of its own, then gives it its place: whoever reads it sees all of it, and of two who make one, one
/// wins.
fn make(path: &Path) -> Option<[u8; KEY_BYTES]> {
    let draft = beside(path, &format!("-{}", Uuid::now_v7().simple()));
    let key = draw();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).ok()?;
    let written = file
        .set_permissions(fs::Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(&key))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    // The draft goes in any case; what stands in its place is what counts.
    let _ = fs::remove_file(&draft);
    match written {
        Ok(()) => Some(key),
        Err(_) => read(path),
    }
}

fn draw() -> [u8; KEY_BYTES] {
    let mut hasher = blake3::Hasher::new();
    for _ in 0..DRAWS {
        hasher.update(Uuid::now_v7().as_bytes());
    }
    *hasher.finalize().as_bytes()
}
