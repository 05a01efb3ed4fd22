//! Keys and tokens that are known by how they begin.

use super::random::{is_dense, is_random};
use super::scan::Secret;

/// Which characters follow a beginning.
#[derive(Clone, Copy, Debug)]
enum Body {
    /// Letters and digits.
    Alnum,
    /// Capital letters and digits.
    Upper,
    /// Hexadecimal digits.
    Hex,
    /// Letters, digits, `_` and `-`.
    Word,
    /// The same and dots.
    Dotted,
    /// Letters, digits, `+`, `/`, `=`, `_` and `-`.
    Base64,
    /// The same, dots and `%`: the last part of an address.
    Path,
}

impl Body {
    fn has(self, byte: u8) -> bool {
        let is_word = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        match self {
            Self::Alnum => byte.is_ascii_alphanumeric(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Word => is_word,
            Self::Dotted => is_word || byte == b'.',
            Self::Base64 => is_word || matches!(byte, b'+' | b'/' | b'='),
            Self::Path => is_word || matches!(byte, b'+' | b'/' | b'=' | b'.' | b'%' | b'$'),
        }
    }
}

/// What must be true of the characters beside their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Nothing: the beginning is unmistakable.
    Any,
    /// Letters and digits mixed.
    Random,
    /// Upper case, lower case and digits mixed.
    Dense,
}

/// A beginning, and at least how many characters follow it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) prefix: &'static str,
    kind: &'static str,
    body: Body,
    least: usize,
    look: Look,
    /// The beginning says where the secret belongs and is kept.
    keeps_prefix: bool,
}

const fn shape(prefix: &'static str, kind: &'static str, body: Body, least: usize) -> Shape {
    Shape { prefix, kind, body, least, look: Look::Any, keeps_prefix: false }
}

const fn looking(look: Look, shape: Shape) -> Shape {
    Shape { look, ..shape }
}

const fn behind(shape: Shape) -> Shape {
    Shape { keeps_prefix: true, ..shape }
}

use Body::{Alnum, Base64, Dotted, Hex, Path, Upper, Word};

/// Every shape. Where one begins like another, the longer stands first.
pub(super) const SHAPES: &[Shape] = &[
    shape("AKIA", "aws-key-id", Upper, 16),
    shape("ASIA", "aws-key-id", Upper, 16),
    shape("ABIA", "aws-key-id", Upper, 16),
    shape("ACCA", "aws-key-id", Upper, 16),
    shape("ABSKQmVkcm9ja0FQSUtleS", "aws-bedrock-key", Base64, 20),
    shape("github_pat_", "github-token", Word, 22),
    shape("ghp_", "github-token", Alnum, 30),
    shape("gho_", "github-token", Alnum, 30),
    shape("ghu_", "github-token", Alnum, 30),
    shape("ghs_", "github-token", Dotted, 30),
    shape("ghr_", "github-token", Alnum, 30),
    shape("glpat-", "gitlab-token", Dotted, 18),
    shape("gldt-", "gitlab-token", Word, 18),
    shape("glrt-", "gitlab-token", Dotted, 18),
    shape("glptt-", "gitlab-token", Word, 18),
    shape("glcbt-", "gitlab-token", Dotted, 18),
    shape("glsoat-", "gitlab-token", Word, 18),
    shape("glft-", "gitlab-token", Word, 18),
    shape("glimt-", "gitlab-token", Word, 18),
    shape("glagent-", "gitlab-token", Word, 18),
    shape("gloas-", "gitlab-token", Word, 18),
    shape("npm_", "npm-token", Alnum, 30),
    shape("pypi-AgE", "pypi-token", Word, 30),
    shape("pypi-", "pypi-token", Word, 50),
    shape("rubygems_", "rubygems-token", Hex, 40),
    shape("xoxe.xox", "slack-token", Dotted, 16),
    shape("xoxb-", "slack-token", Word, 16),
    shape("xoxp-", "slack-token", Word, 16),
    shape("xoxa-", "slack-token", Word, 16),
    shape("xoxr-", "slack-token", Word, 16),
    shape("xoxs-", "slack-token", Word, 16),
    shape("xoxe-", "slack-token", Word, 16),
    shape("xoxc-", "slack-token", Word, 16),
    shape("xoxd-", "slack-token", Path, 16),
    shape("xapp-", "slack-token", Word, 16),
    behind(shape("hooks.slack.com/services/", "slack-webhook", Path, 20)),
    behind(shape("hooks.slack.com/workflows/", "slack-webhook", Path, 20)),
    behind(shape("discord.com/api/webhooks/", "discord-webhook", Path, 30)),
    behind(shape("discordapp.com/api/webhooks/", "discord-webhook", Path, 30)),
    behind(shape("webhook.office.com/webhookb2/", "teams-webhook", Path, 30)),
    shape("sk_live_", "stripe-key", Alnum, 16),
    shape("sk_test_", "stripe-key", Alnum, 16),
    shape("rk_live_", "stripe-key", Alnum, 16),
    shape("rk_test_", "stripe-key", Alnum, 16),
    shape("whsec_", "webhook-secret", Base64, 24),
    shape("sk-ant-", "anthropic-key", Word, 20),
    shape("sk-proj-", "openai-key", Word, 20),
    shape("sk-svcacct-", "openai-key", Word, 20),
    shape("sk-admin-", "openai-key", Word, 20),
    shape("sk-or-v1-", "openrouter-key", Word, 30),
    shape("sk-lf-", "langfuse-key", Word, 30),
    looking(Look::Dense, shape("sk-", "openai-key", Word, 20)),
    looking(Look::Random, shape("sk_", "api-key", Alnum, 32)),
    shape("gsk_", "groq-key", Alnum, 40),
    shape("xai-", "xai-key", Alnum, 60),
    shape("pplx-", "perplexity-key", Alnum, 32),
    looking(Look::Dense, shape("hf_", "huggingface-token", Alnum, 30)),
    looking(Look::Dense, shape("api_org_", "huggingface-token", Alnum, 30)),
    looking(Look::Dense, shape("r8_", "replicate-token", Alnum, 32)),
    shape("lsv2_", "langsmith-key", Word, 30),
    shape("pcsk_", "pinecone-key", Word, 40),
    shape("AIza", "google-key", Word, 35),
    shape("GOCSPX-", "google-client-secret", Word, 20),
    shape("ya29.", "google-token", Dotted, 20),
    looking(Look::Dense, shape("1//0", "google-refresh-token", Word, 30)),
    looking(Look::Dense, shape("SG.", "sendgrid-key", Dotted, 50)),
    looking(Look::Random, shape("SK", "twilio-key", Hex, 32)),
    looking(Look::Random, shape("key-", "mailgun-key", Hex, 32)),
    shape("xkeysib-", "brevo-key", Word, 60),
    shape("dckr_pat_", "docker-token", Word, 20),
    shape("dckr_oat_", "docker-token", Word, 20),
    shape("dop_v1_", "digitalocean-token", Hex, 60),
    shape("doo_v1_", "digitalocean-token", Hex, 60),
    shape("dor_v1_", "digitalocean-token", Hex, 60),
    shape("shpat_", "shopify-token", Hex, 30),
    shape("shpca_", "shopify-token", Hex, 30),
    shape("shppa_", "shopify-token", Hex, 30),
    shape("shpss_", "shopify-token", Hex, 30),
    shape("sq0atp-", "square-token", Word, 20),
    shape("sq0csp-", "square-token", Word, 40),
    shape("lin_api_", "linear-key", Alnum, 30),
    looking(Look::Dense, shape("ntn_", "notion-token", Alnum, 40)),
    looking(Look::Dense, shape("secret_", "notion-token", Alnum, 40)),
    shape("figd_", "figma-token", Word, 36),
    shape("PMAK-", "postman-key", Word, 50),
    shape("ATATT3", "atlassian-token", Base64, 60),
    shape("ATCTT3", "atlassian-token", Base64, 60),
    shape("ATBB", "bitbucket-token", Alnum, 30),
    looking(Look::Random, shape("dapi", "databricks-token", Hex, 32)),
    shape("hvs.", "vault-token", Word, 24),
    shape("hvb.", "vault-token", Word, 24),
    shape("hvr.", "vault-token", Word, 24),
    shape("dp.pt.", "doppler-token", Alnum, 40),
    shape("dp.st.", "doppler-token", Dotted, 40),
    shape("glsa_", "grafana-token", Word, 32),
    looking(Look::Dense, shape("glc_", "grafana-token", Base64, 32)),
    shape("NRAK-", "newrelic-key", Upper, 27),
    shape("NRII-", "newrelic-key", Word, 32),
    shape("sntrys_", "sentry-token", Base64, 40),
    shape("sntryu_", "sentry-token", Hex, 40),
    shape("pscale_tkn_", "planetscale-token", Dotted, 32),
    shape("pscale_pw_", "planetscale-password", Dotted, 32),
    shape("sbp_", "supabase-token", Hex, 40),
    shape("HRKU-", "heroku-key", Word, 36),
    shape("FlyV1 fm", "fly-token", Base64, 40),
    looking(Look::Dense, shape("fo1_", "fly-token", Word, 40)),
    shape("nfp_", "netlify-token", Alnum, 36),
    shape("pul-", "pulumi-token", Hex, 40),
    shape("CLOJARS_", "clojars-token", Hex, 60),
    shape("AKCp", "artifactory-key", Alnum, 69),
    shape("CFPAT-", "contentful-token", Word, 40),
    shape("dt0c01.", "dynatrace-token", Dotted, 80),
    shape("EZAK", "easypost-key", Alnum, 54),
    shape("FLWSECK", "flutterwave-key", Word, 20),
    shape("tskey-", "tailscale-key", Word, 20),
    shape("ops_eyJ", "1password-token", Base64, 60),
    shape("CCIPAT_", "circleci-token", Word, 40),
    shape("bkua_", "buildkite-token", Hex, 40),
    shape("LTAI", "alibaba-key-id", Alnum, 16),
    shape("AKID", "tencent-key-id", Alnum, 32),
    shape("AGE-SECRET-KEY-1", "age-key", Upper, 50),
    shape("pat-na1-", "hubspot-token", Word, 32),
    shape("pat-eu1-", "hubspot-token", Word, 32),
    shape("rdme_", "readme-key", Alnum, 60),
    shape("cio", "crates-io-token", Alnum, 32),
    looking(Look::Dense, shape("GR1348941", "gitlab-token", Word, 20)),
    looking(Look::Dense, shape("$2a$", "password-hash", Path, 50)),
    looking(Look::Dense, shape("$2b$", "password-hash", Path, 50)),
    looking(Look::Dense, shape("$2y$", "password-hash", Path, 50)),
];

/// The secret of this shape whose beginning stands at `at`.
///
/// One that reaches the end of the line before it is long enough was cut there: with four characters it is taken for one.
pub(super) fn secret(shape: &Shape, text: &[u8], at: usize) -> Option<Secret> {
    let body = at + shape.prefix.len();
    if &text[at..body] != shape.prefix.as_bytes() || !(shape.keeps_prefix || begins_here(text, at)) {
        return None;
    }
    let length = text[body..].iter().take_while(|byte| shape.body.has(**byte)).count();
    let mut end = body + length;
    while end > body && matches!(text[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let is_cut = length < shape.least && length >= 4 && reaches_end(text, body + length) && shape.prefix.len() >= 4;
    if length < shape.least && !(is_cut && shape.look == Look::Any && is_unmistakable(shape)) {
        return None;
    }
    let looks_right = match shape.look {
        Look::Any => true,
        Look::Random => is_random(&text[body..end], 16),
        Look::Dense => is_dense(&text[body..end]),
    };
    let start = if shape.keeps_prefix { body } else { at };
    looks_right.then_some(Secret { start, end, kind: shape.kind, rank: 2 })
}

/// True for a word that begins as one of the shapes does, or is the beginning of one.
pub(super) fn begins_like_one(word: &[u8]) -> bool {
    let least = word.len() >= 3;
    least && SHAPES.iter().any(|shape| word.starts_with(shape.prefix.as_bytes()) || shape.prefix.as_bytes().starts_with(word))
}

/// True for beginnings that are no part of any word.
fn is_unmistakable(shape: &Shape) -> bool {
    !shape.keeps_prefix && (shape.prefix.ends_with(['_', '-']) || shape.kind == "aws-key-id")
}

/// True if nothing but a backslash, quotes or blanks follow.
pub(super) fn reaches_end(text: &[u8], at: usize) -> bool {
    text[at..].iter().all(|byte| matches!(byte, b'\\' | b'\r' | b' ' | b'"' | b'\''))
}

/// True if no word goes on here: the character before is no letter or digit, or belongs to an escape such as `\n` or `%3D`.
pub(super) fn begins_here(text: &[u8], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|before| text.get(before)) else { return true };
    if !before.is_ascii_alphanumeric() && before != b'_' {
        return true;
    }
    let is_escape = at >= 2 && text[at - 2] == b'\\' && matches!(before, b'n' | b't' | b'r');
    let is_encoded = at >= 3 && text[at - 3] == b'%' && text[at - 2].is_ascii_hexdigit() && before.is_ascii_hexdigit();
    let is_unicode = at >= 6 && text[at - 6] == b'\\' && text[at - 5] == b'u';
    is_escape || is_encoded || is_unicode
}

/// `header.payload.signature`, each in base64.
pub(super) fn json_web_token(text: &[u8], at: usize) -> Option<Secret> {
    if !text[at..].starts_with(b"eyJ") || !begins_here(text, at) {
        return None;
    }
    let length = text[at..].iter().take_while(|byte| Body::Dotted.has(**byte)).count();
    let token = &text[at..at + length];
    let mut parts = token.split(|byte| *byte == b'.');
    let header = parts.next().map_or(0, <[u8]>::len);
    let is_whole = header >= 12 && parts.next().is_some_and(|part| part.len() >= 8) && parts.next().is_some();
    let is_cut = header >= 16 && token.contains(&b'.') && reaches_end(text, at + length);
    let is_begun = token.starts_with(b"eyJhbGci") && reaches_end(text, at + length);
    (is_whole || is_cut || is_begun).then_some(Secret { start: at, end: at + length, kind: "jwt", rank: 2 })
}

/// `123456789:AA..`, a bot of Telegram: the word that is found stands behind its number.
pub(super) fn telegram(text: &[u8], at: usize) -> Option<Secret> {
    let digits = text[..at].iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let length = text[at + 1..].iter().take_while(|byte| Body::Word.has(**byte)).count();
    let is_one = (8..=10).contains(&digits) && (33..=40).contains(&length);
    is_one.then_some(Secret { start: at - digits, end: at + 1 + length, kind: "telegram-token", rank: 2 })
}

/// `abc8Q~..`: a client secret of Azure has three characters before what is found.
pub(super) fn azure(text: &[u8], at: usize) -> Option<Secret> {
    let start = at.checked_sub(3)?;
    let length = text[at + 3..].iter().take_while(|byte| Body::Dotted.has(**byte) || **byte == b'~').count();
    let is_one = text[start..at].iter().all(|byte| Body::Dotted.has(*byte) || *byte == b'~') && length >= 30;
    is_one.then_some(Secret { start, end: at + 3 + length, kind: "azure-client-secret", rank: 2 })
}

/// `0123..-us12`, a key of Mailchimp: 32 hexadecimal digits, then the place.
pub(super) fn mailchimp(text: &[u8], at: usize) -> Option<Secret> {
    let digits = text[..at].iter().rev().take(33).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let place = text[at + 3..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_one = digits == 32 && (1..=2).contains(&place) && begins_here(text, at - 32);
    is_one.then_some(Secret { start: at.saturating_sub(digits), end: at + 3 + place, kind: "mailchimp-key", rank: 2 })
}

/// The secret half of a key of AWS that stands in the same line as its id: 40 characters of base64.
pub(super) fn aws_secrets(text: &[u8], found: &mut Vec<Secret>) {
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).count();
        if length == 40 && is_dense(&text[at..at + 40]) {
            found.push(Secret { start: at, end: at + 40, kind: "aws-secret-key", rank: 1 });
        }
        at += length + 1;
    }
}
