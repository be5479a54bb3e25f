//! Making root passwords.

use crate::secret::Secret;

/// How many characters a password has: 24 of 62 are 142 bits.
const LENGTH: usize = 24;

/// What it is made of: it passes through a shell and `expect`, so letters and digits only.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Returns a new password of 24 letters and digits, each as likely as any other.
///
/// # Errors
/// One sentence, where the kernel gives no random bytes.
pub(crate) fn generate() -> Result<Secret, String> {
    let mut password = String::with_capacity(LENGTH);
    let mut bytes = [0; 2 * LENGTH];
    while password.len() < LENGTH {
        getrandom::fill(&mut bytes).map_err(|error| format!("no random bytes: {error}"))?;
        password
            .extend(bytes.iter().filter_map(|byte| letter(*byte)).take(LENGTH - password.len()));
    }
    Ok(Secret::from(password))
}

/// The letter for a random byte; none for those that would make the first letters likelier.
fn letter(byte: u8) -> Option<char> {
    let fair = 256 - 256 % ALPHABET.len();
    let byte = usize::from(byte);
    (byte < fair).then(|| char::from(ALPHABET[byte % ALPHABET.len()]))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{generate, letter};

    #[test]
    fn every_letter_and_digit_is_as_likely_as_any_other() {
        let mut counts = BTreeMap::new();
        for letter in (0..=255).filter_map(letter) {
            *counts.entry(letter).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 62);
        assert!(counts.keys().all(char::is_ascii_alphanumeric));
        assert!(counts.values().all(|count| *count == 4));
    }

    #[test]
    fn passwords_have_24_letters_and_digits_and_differ() {
        let passwords: BTreeSet<String> =
            (0..200).map(|_| generate().unwrap().expose().to_owned()).collect();
        assert_eq!(passwords.len(), 200);
        for password in &passwords {
            assert_eq!(password.len(), 24);
            assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }
}
