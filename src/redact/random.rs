//! What looks as if it had been drawn by chance.

/// Bits a character of the text has, by how often each occurs.
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let all = text.len() as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / all).map(|share| -share * share.log2()).sum()
}

/// True for letters and digits mixed so that no word, number, version or place is likely.
pub(super) fn is_random(text: &[u8], least: usize) -> bool {
    if text.len() < least {
        return false;
    }
    let has = |kind: fn(&u8) -> bool| text.iter().any(kind);
    let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if letters < 2 || !has(u8::is_ascii_digit) {
        return false;
    }
    entropy(text) >= if text.len() >= 16 { 3.0 } else { 2.5 }
}

/// True for hexadecimal digits alone, as sums and ids have, with or without dashes.
pub(super) fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

/// True for upper case, lower case and digits together, none of them seldom.
pub(super) fn is_dense(text: &[u8]) -> bool {
    let count = |kind: fn(&u8) -> bool| text.iter().filter(|byte| kind(byte)).count();
    let (upper, lower, digits) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase), count(u8::is_ascii_digit));
    upper >= 2 && lower >= 2 && digits >= 1 && entropy(text) >= 3.2
}
