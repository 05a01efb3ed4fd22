//! Secrets inside base64: a long run that is text once it is read, with a secret in that text.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::scan::{self, Secret};

/// Characters of a run that is read: what is shorter holds no secret of a known shape.
const LEAST_RUN: usize = 24;

/// Characters of a run that are read at the most.
const LIMIT_RUN: usize = 64 << 10;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Adds the runs that hold secrets.
pub(super) fn secrets(text: &[u8], found: &mut Vec<Secret>) {
    let mut at = 0;
    // A run has every byte of it in the alphabet, so most of the text is passed over in long steps.
    while let Some(byte) = text.get(at + LEAST_RUN - 1) {
        if !is_base64(*byte) {
            at += LEAST_RUN;
            continue;
        }
        let back = text[at..at + LEAST_RUN].iter().rev().take_while(|byte| is_base64(**byte)).count();
        let start = at + LEAST_RUN - back;
        let length = text[start..].iter().take_while(|byte| is_base64(**byte)).count();
        if length >= LEAST_RUN
            && let Some(kind) = kind_inside(&text[start..start + length.min(LIMIT_RUN)])
        {
            let padding = text[start + length..].iter().take_while(|byte| **byte == b'=').count();
            found.push(Secret { start, end: start + length + padding, kind, rank: 1 });
        }
        at = start + length + 1;
    }
}

fn kind_inside(run: &[u8]) -> Option<&'static str> {
    let is_text = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    let decode = |run: &[u8]| STANDARD.decode(run).or_else(|_| URL_SAFE.decode(run)).ok();
    // Sums and keys are no text from their first bytes on.
    if !is_text(&decode(&run[..12])?) {
        return None;
    }
    let text = decode(&run[..run.len() - usize::from(run.len() % 4 == 1)])?;
    if !is_text(&text) {
        return None;
    }
    scan::find_plain(&text).first().map(|secret| secret.kind)
}
