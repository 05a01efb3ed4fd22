//! Passwords in addresses: `scheme://user:password@host`.

use super::random::is_random;
use super::scan::Secret;
use super::value::is_placeholder;

/// Bytes of an address that are looked through.
const LIMIT_ADDRESS_BYTES: usize = 2_048;

/// The password of the address whose `://` stands at `at`.
pub(super) fn password(text: &[u8], at: usize) -> Option<Secret> {
    let start = at + 3;
    let bound = text.len().min(start + LIMIT_ADDRESS_BYTES);
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\');
    let address = &text[start..bound];
    let address = &address[..address.iter().position(is_end).unwrap_or(address.len())];
    // Another address begins inside: the first one ends there.
    let address = &address[..memchr::memmem::find(address, b"://").unwrap_or(address.len())];
    let host = address.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(address.len());
    let at_sign = |part: &[u8]| part.iter().rposition(|byte| *byte == b'@');
    // A password with a slash in it is not encoded as it should be, and a password all the same.
    let user_end = at_sign(&address[..host]).or_else(|| {
        let colon = address[..host].iter().position(|byte| *byte == b':')?;
        let port = &address[colon + 1..host];
        let is_port = port.iter().all(u8::is_ascii_digit);
        if is_port { None } else { at_sign(address) }
    })?;
    let user = &address[..user_end];
    if memchr::memmem::find(user, b"[REDACTED:").is_some() {
        return None;
    }
    let colon = user.iter().position(|byte| *byte == b':');
    let (from, kind) = match colon {
        Some(colon) => (colon + 1, "password"),
        None if is_random(user, 20) => (0, "credential"),
        None => return None,
    };
    let secret = &user[from..];
    (!is_placeholder(secret)).then_some(Secret { start: start + from, end: start + user_end, kind, rank: 1 })
}
