//! Names that survive an unquoted shell word and a file name.
//!
//! The panel starts us through a shell as one string and uses a task's id as a file name.

/// The rule that [`is_safe`] checks, in words.
pub(crate) const RULE: &str =
    "1 to 64 of the characters A-Z a-z 0-9 . _ -, not beginning with - or .";

/// Returns whether `text` can be handed out as an id.
pub(crate) fn is_safe(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with(['-', '.'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Returns whether `text` can be the address of a server: a host name or an IP address.
pub(crate) fn is_host(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == ':')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_that_a_shell_or_a_file_system_would_change_are_not_safe() {
        for text in ["", ".", "..", "-x", ".x", "a b", "a/b", "a;b", "$a", "a\n", "ä", "*"] {
            assert!(!is_safe(text), "{text:?}");
        }
        assert!(!is_safe(&"a".repeat(65)));
        for text in ["1", "A.b_c-9", "_", &"a".repeat(64)] {
            assert!(is_safe(text), "{text:?}");
        }
    }

    #[test]
    fn a_host_cannot_climb_out_of_a_directory() {
        for text in ["", ".", "..", "../x", "a/b", "-a", "a b", "a\0"] {
            assert!(!is_host(text), "{text:?}");
        }
        for text in ["192.0.2.1", "node-1.example", "2001:db8::1", "::1"] {
            assert!(is_host(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_safe_name_is_one_plain_path_component(text in ".{0,80}") {
            if is_safe(&text) || is_host(&text) {
                let path = std::path::Path::new(&text);
                prop_assert_eq!(path.components().count(), 1);
                prop_assert_eq!(path.file_name().unwrap().to_str(), Some(text.as_str()));
            }
        }
    }
}
