//! The pool's public key.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::json;
use crate::system::{self, OPEN_AT_ONCE};

/// Returns the key in `text`, one line of `authorized_keys` without options, ready to be passed on.
///
/// A comment stays if it is plain ASCII, else it is left out: it means nothing to sshd.
///
/// # Errors
/// One sentence that says what is wrong.
pub(crate) fn check(text: &str) -> Result<String, String> {
    let line = text.trim();
    if line.contains(char::is_control) {
        return Err("a public key is one line, and this has a control character".to_owned());
    }
    if line.contains("PRIVATE KEY") {
        return Err("a public key was expected, and this is a private one".to_owned());
    }
    let mut words = line.splitn(3, ' ');
    let (kind, blob) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !is_of_kind(kind, blob) {
        return Err(
            "this is no OpenSSH public key: `ALGORITHM BASE64 COMMENT` was expected".to_owned()
        );
    }
    let comment = words.next().unwrap_or_default().trim();
    if comment.is_empty() || !comment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(format!("{kind} {blob}"));
    }
    Ok(format!("{kind} {blob} {comment}"))
}

/// Whether the key in `blob` says of itself that it is of this kind: it begins with its algorithm's
/// name, as a string (RFC 4253, 6.6).
pub(crate) fn is_of_kind(kind: &str, blob: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(blob) else {
        return false;
    };
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return false;
    };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    !kind.is_empty()
        && rest.len() > length
        && rest.starts_with(kind.as_bytes())
        && length == kind.len()
}

/// Returns the public key of the panel's pool: `.pub` beside the `private_key_file` of the panel's
/// `ansible.cfg`.
///
/// # Errors
/// One sentence that names the file and says what is wrong with it.
pub(crate) fn pool_key(ansible_cfg: &Path) -> Result<String, String> {
    pool_key_of(ansible_cfg, system::home_dir().as_deref())
}

fn pool_key_of(ansible_cfg: &Path, home: Option<&Path>) -> Result<String, String> {
    let settings = read(ansible_cfg)?;
    let named = private_key_file(&settings).ok_or_else(|| {
        format!("{} has no `private_key_file` in its section `[defaults]`", ansible_cfg.display())
    })?;
    let mut file = expand(named, ansible_cfg, home)?.into_os_string();
    file.push(".pub");
    let file = PathBuf::from(file);
    check(&read(&file)?).map_err(|problem| format!("{}: {problem}", file.display()))
}

fn read(path: &Path) -> Result<String, String> {
    let (bytes, _) = json::read_file(path, OPEN_AT_ONCE, json::LARGEST)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", path.display()))
}

/// Finds the setting as Ansible does: the last one counts; a comment begins a line, or follows
/// ` ;` (<https://docs.ansible.com/ansible/latest/reference_appendices/config.html>).
fn private_key_file(settings: &str) -> Option<&str> {
    let mut inside = false;
    let mut found = None;
    for line in settings.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            inside = section == "defaults";
        } else if inside
            && let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().eq_ignore_ascii_case("private_key_file")
        {
            let value = value.split(" ;").next().unwrap_or_default();
            let value = value.split("\t;").next().unwrap_or_default().trim();
            found = Some(value).filter(|value| !value.is_empty());
        }
    }
    found
}

/// A path from `ansible.cfg`: `~/` is the home, and a relative one begins where the file is.
fn expand(named: &str, ansible_cfg: &Path, home: Option<&Path>) -> Result<PathBuf, String> {
    let quoted = named.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let named = quoted.unwrap_or(named);
    if let Some(below) = named.strip_prefix("~/") {
        return home.map(|home| home.join(below)).ok_or_else(|| {
            format!("`private_key_file` is `{named}`, and this user has no home directory")
        });
    }
    if named.starts_with('~') || named.contains(['$', '{']) {
        return Err(format!(
            "`private_key_file` is `{named}`: of what Ansible expands only `~/` is known here, so \
             name the key in `public_key`"
        ));
    }
    Ok(ansible_cfg.parent().unwrap_or(Path::new("/")).join(named))
}

#[cfg(test)]
mod tests {
    use std::fs::create_dir;
    use std::path::Path;

    use proptest::prelude::*;

    use super::{check, pool_key_of};

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhFvyuST9EVh7JbVeVYYQ/cpVXRl0bQwpOpGj8vP/w8";

    #[expect(clippy::disallowed_methods, reason = "a file of the test's own")]
    fn put(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_key_keeps_its_comment_where_it_is_plain() {
        assert_eq!(check(&format!("{KEY} root@panel\n")).unwrap(), format!("{KEY} root@panel"));
        assert_eq!(check(&format!("{KEY} root@сервер")).unwrap(), KEY);
        assert_eq!(check(KEY).unwrap(), KEY);
    }

    #[test]
    fn what_is_no_public_key_is_refused_and_not_repeated() {
        for text in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIKhFvyuST9EVh7JbVeVYYQ/cpVXRl0bQwpOpGj8vP/w8",
            "from=\"x\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhFvyuST9EVh7JbVeVYYQ/cpVXRl0bQwpOpGj8vP/w8",
            "-----BEGIN OPENSSH PRIVATE KEY----- canary",
        ] {
            let problem = check(text).unwrap_err();
            assert!(!problem.contains("AAAA") && !problem.contains("canary"), "{problem}");
        }
        assert!(check(&format!("{KEY} a\n{KEY} b")).unwrap_err().contains("one line"));
        assert!(check(&format!("{KEY} a\0b")).unwrap_err().contains("one line"));
    }

    #[test]
    fn the_pools_key_lies_beside_the_private_one_that_ansible_uses() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        create_dir(at("home")).unwrap();
        put(&at("home/pool.pub"), &format!("{KEY} pool\n"));
        put(&at("beside.pub"), &format!("{KEY} beside\n"));
        let absolute = at("beside").display().to_string();
        for (named, comment) in [
            ("~/pool", "pool"),
            ("~/pool ; the pool's", "pool"),
            ("\"~/pool\"", "pool"),
            ("beside", "beside"),
            (absolute.as_str(), "beside"),
        ] {
            let text = format!(
                "[ssh_connection]\nprivate_key_file = no\n[defaults]\n# private_key_file = no\n\
                 ;private_key_file=no\nPrivate_Key_File={named}\nforks = 5\n[x]\nprivate_key_file=no\n"
            );
            put(&at("ansible.cfg"), &text);
            let key = pool_key_of(&at("ansible.cfg"), Some(&at("home")));
            assert_eq!(key.unwrap(), format!("{KEY} {comment}"), "{named}");
        }
    }

    #[test]
    fn a_pool_without_a_key_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("ansible.cfg");
        let problem = || pool_key_of(&config, None).unwrap_err();
        assert!(problem().contains("ansible.cfg"), "{}", problem());
        put(&config, "[defaults]\nforks = 5\n");
        assert!(problem().contains("has no `private_key_file`"), "{}", problem());
        put(&config, "[defaults]\nprivate_key_file = key\n");
        assert!(problem().contains("key.pub"), "{}", problem());
        put(&config, "[defaults]\nprivate_key_file = ~/key\n");
        assert!(problem().contains("no home"), "{}", problem());
        put(&config, "[defaults]\nprivate_key_file = {{CWD}}/key\n");
        assert!(problem().contains("{{CWD}}/key"), "{}", problem());
    }

    proptest! {
        #[test]
        fn what_passes_is_one_line_of_plain_characters(comment in ".*") {
            if let Ok(key) = check(&format!("{KEY} {comment}")) {
                prop_assert!(key.starts_with(KEY));
                prop_assert!(key.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            }
        }

        #[test]
        fn no_settings_make_the_reader_fail(text in "[\\[\\]a-z_=:;#~ \n\t]{0,200}") {
            let _ = super::private_key_file(&text);
        }
    }
}
