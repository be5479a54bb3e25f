//! Several user-data in one: a MIME multi-part archive, as cloud-init reads it
//! (<https://docs.cloud-init.io/en/latest/explanation/format/mime.html>).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// What user-data may begin with, any case, as cloud-init's `INCLUSION_TYPES_MAP` has it
/// (`cloudinit/handlers/__init__.py`). `#upstart-job` is gone since upstart is.
const FIRST_LINES: [&str; 9] = [
    "#!",
    "#cloud-config",
    "#cloud-config-archive",
    "#cloud-config-jsonp",
    "#cloud-boothook",
    "#include",
    "#include-once",
    "#part-handler",
    "## template: jinja",
];

/// How many characters a line of base64 has (RFC 2045, 6.8).
const LINE: usize = 76;

/// One part, with its headers.
pub(super) struct Part(String);

impl Part {
    /// A text of a kind of its own, under a file name that cloud-init uses in its log.
    pub(super) fn of(kind: &str, name: &str, text: &str) -> Self {
        // Base64, so that no line of the text can be taken for the end of the part, and no
        // character gets lost whatever its encoding.
        let encoded = STANDARD.encode(text);
        let mut part = format!(
            "Content-Type: {kind}; charset=\"utf-8\"\nMIME-Version: 1.0\n\
             Content-Transfer-Encoding: base64\n\
             Content-Disposition: attachment; filename=\"{name}\"\n"
        );
        for line in encoded.as_bytes().chunks(LINE) {
            part.push('\n');
            part.extend(line.iter().copied().map(char::from));
        }
        Self(part)
    }

    /// The configuration's own user-data.
    ///
    /// As `text/plain`, of which cloud-init finds the kind from the first line as it does with
    /// user-data that is alone. A MIME message stays as it is: a part may have parts.
    pub(super) fn own(text: &str) -> Result<Self, String> {
        let beginning = text.trim_start().to_ascii_lowercase();
        if FIRST_LINES.iter().any(|known| beginning.starts_with(known)) {
            return Ok(Self::of("text/plain", "own", text));
        }
        if is_message(text) {
            return Ok(Self(text.to_owned()));
        }
        // What it begins with is not repeated: it may be a secret.
        Err(format!(
            "cloud-init would ignore this `user_data`: it must be a MIME message with \
             `MIME-Version`, or begin with one of `{}`",
            FIRST_LINES.join("`, `")
        ))
    }
}

/// Whether a text begins with the headers of a MIME message, which cloud-init wants to find in the
/// first 4096 bytes.
fn is_message(text: &str) -> bool {
    let mut lines = text.lines().take_while(|line| !line.is_empty()).peekable();
    let is_header = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
    };
    if !lines.peek().is_some_and(|first| is_header(first)) {
        return false;
    }
    let mut read = 0;
    lines.any(|line| {
        read += line.len() + 1;
        read <= 4096 && line.to_ascii_lowercase().starts_with("mime-version:")
    })
}

/// Puts parts into one message.
pub(super) fn join(first: &[Part], then: &[Part]) -> String {
    let parts: Vec<&str> = first.iter().chain(then).map(|part| part.0.as_str()).collect();
    let boundary = boundary(&parts);
    let mut message =
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n");
    for part in parts {
        message.extend(["\n--", &boundary, "\n", part]);
    }
    message.extend(["\n--", &boundary, "--\n"]);
    message
}

/// A boundary that occurs in none of the parts: made from them, so that the same order sends the
/// same bytes, and counted on for as long as one of them holds it.
fn boundary(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut boundary = String::from("webdir-");
    // 120 bits, as letters that a boundary may have (RFC 2046, 5.1.1).
    URL_SAFE_NO_PAD.encode_string(&hash.finalize()[..15], &mut boundary);
    while parts.iter().any(|part| part.contains(&boundary)) {
        boundary.push('x');
    }
    boundary
}
