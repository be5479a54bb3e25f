//! Takes URLs apart, as strictly as RFC 3986 writes them.

use std::net::Ipv6Addr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::expression::{percent_decoded, percent_encoded};
use crate::name;

/// A URL of `http` or `https`, in its parts.
pub(super) struct Address<'url> {
    scheme: &'url str,
    /// The user and the password.
    login: Option<&'url str>,
    /// The host and the port.
    place: &'url str,
    /// The path and the query.
    rest: &'url str,
}

/// Takes a URL apart.
///
/// # Errors
/// One sentence that repeats nothing of the URL: it may be a secret.
pub(super) fn parse(url: &str) -> Result<Address<'_>, String> {
    let problem = |problem: &str| Err(format!("url: {problem}"));
    let Some((scheme, behind)) = ["http://", "https://"].into_iter().find_map(|scheme| {
        url.split_at_checked(scheme.len()).filter(|(begin, _)| *begin == scheme)
    }) else {
        return problem("it does not begin with `http://` or `https://`");
    };
    if !behind.bytes().all(is_of_a_url) || !well_encoded(behind) {
        return problem("it has a character that must be percent-encoded");
    }
    if behind.contains('#') {
        return problem("it has a fragment (`#`), which is never sent");
    }
    let (authority, rest) = behind.split_at(behind.find(['/', '?']).unwrap_or(behind.len()));
    let (login, place) = match authority.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, authority),
    };
    if !is_place(place) {
        return problem("what follows `//` is not a host, and perhaps a port");
    }
    if login.is_some_and(|login| login.contains('@')) {
        return problem("an `@` of a user or a password is written `%40`");
    }
    Ok(Address { scheme, login, place, rest })
}

/// Whether RFC 3986 (appendix A) has the character in any place of a URL.
fn is_of_a_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Whether each `%` is followed by two hexadecimal digits.
fn well_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether a text is a host, and perhaps a port behind a colon.
fn is_place(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) if host.parse::<Ipv6Addr>().is_ok() => ("v6", port),
        Some(_) => return false,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = port.strip_prefix(':').or(if port.is_empty() { Some("80") } else { None });
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    name::is_host(host) && port.is_some_and(is_port)
}

impl Address<'_> {
    /// Returns the URL without its login.
    pub(super) fn without_login(&self) -> String {
        format!("{}{}{}", self.scheme, self.place, self.rest)
    }

    /// Returns the value of `Authorization` for the login (RFC 7617): what is percent-encoded in the
    /// URL is not in the header.
    pub(super) fn login(&self) -> Option<String> {
        let (user, password) = self.login?.split_once(':').unwrap_or((self.login?, ""));
        let login = [percent_decoded(user), percent_decoded(password)].join(&b':');
        Some(format!("Basic {}", STANDARD.encode(login)))
    }

    /// Returns whether there is a query, be it an empty one.
    pub(super) fn has_query(&self) -> bool {
        self.rest.contains('?')
    }

    /// Returns the names in the query, decoded, as often as they are there.
    pub(super) fn query_names(&self) -> Vec<String> {
        let query = self.rest.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            // As forms are decoded: https://url.spec.whatwg.org/#urlencoded-parsing
            let name = pair.split('=').next().unwrap_or_default().replace('+', " ");
            String::from_utf8_lossy(&percent_decoded(&name)).into_owned()
        });
        names.collect()
    }
}

/// Writes names and values as a form or a query.
pub(super) fn pairs<'pair>(pairs: impl IntoIterator<Item = (&'pair str, &'pair str)>) -> String {
    let encoded = pairs
        .into_iter()
        .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)));
    encoded.collect::<Vec<_>>().join("&")
}

/// Adds names and values to a URL's query, behind what is there.
pub(super) fn with_query(url: &str, query: &str) -> String {
    let between = match url.split_once('?') {
        None => "?",
        Some((_, known)) if known.is_empty() || known.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{url}{between}{query}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_url_of_a_receiver_is_refused_without_being_repeated() {
        for url in [
            "",
            "canary",
            "canary.example/x",
            "ftp://canary.example/",
            "HTTP://canary.example/",
            "file:///canary",
            "http://",
            "http:///canary",
            "https://?canary",
            "https://canary.example:0/",
            "https://canary.example:65536/",
            "https://canary.example:/",
            "https://canary.example:+1/",
            "https://canary.example:80:80/",
            "https://user@:80/canary",
            "https://a@canary@b.example/",
            "https://[::1/canary",
            "https://[canary]/",
            "https://[::1]canary/",
            "https://canary.example/#x",
            "https://canary.example/a b",
            "https://canary.example/a\r\nHost: b",
            "https://canary.example/\u{fc}",
            "https://can\u{e4}ry.example/canary",
            "https://canary.example/%zz",
            "https://canary.example/%2",
            "https://canary.example/<x>",
            "https://%63anary.example/",
            "https://canary.example\\@b/",
        ] {
            let why = parse(url).err().unwrap_or_else(|| panic!("{url} was taken"));
            assert!(why.starts_with("url: ") && !why.contains("canary"), "{why}");
        }
    }

    #[test]
    fn a_login_becomes_a_header_and_leaves_the_url() {
        let address = parse("https://al%40ice:p%3Aw%C3%A9@[2001:db8::1]:8443/a?b=c").unwrap();
        assert_eq!(address.without_login(), "https://[2001:db8::1]:8443/a?b=c");
        let wanted = format!("Basic {}", STANDARD.encode("al@ice:p:wé"));
        assert_eq!(address.login(), Some(wanted));
        let only_a_user = parse("http://alice@example.com").unwrap().login();
        assert_eq!(only_a_user, Some(format!("Basic {}", STANDARD.encode("alice:"))));
        let none = parse("http://127.0.0.1:8080/@x").unwrap();
        assert_eq!(
            (none.login(), none.without_login().as_str()),
            (None, "http://127.0.0.1:8080/@x")
        );
    }

    #[test]
    fn names_of_a_query_are_decoded() {
        let names = |url| parse(url).unwrap().query_names();
        assert_eq!(
            names("http://a/?x=1&%73erverId&a+b=%20&&x[]=2"),
            ["x", "serverId", "a b", "x[]"]
        );
        assert_eq!(names("http://a/"), [""; 0]);
        assert_eq!(names("http://a?x"), ["x"]);
    }

    #[test]
    fn a_query_is_added_behind_what_is_there() {
        for (url, wanted) in [
            ("http://a", "http://a?b=c%20d"),
            ("http://a/?", "http://a/?b=c%20d"),
            ("http://a/?x=1", "http://a/?x=1&b=c%20d"),
            ("http://a/?x=1&", "http://a/?x=1&b=c%20d"),
        ] {
            assert_eq!(with_query(url, &pairs([("b", "c d")])), wanted);
        }
    }

    proptest! {
        #[test]
        fn a_url_that_is_taken_is_put_together_as_it_was(
            url in "https?://([a-z:%0-9]{0,9}@)?([a-z0-9.-]{0,9}|\\[[0-9a-f:]{0,9}\\])(:[0-9]{0,6})?[/?a-z@%0-9#]{0,20}",
        ) {
            if let Ok(address) = parse(&url) {
                let login = address.login.map(|login| format!("{login}@")).unwrap_or_default();
                let Address { scheme, place, rest, .. } = &address;
                prop_assert_eq!(format!("{scheme}{login}{place}{rest}"), url.clone());
                let again = address.without_login();
                prop_assert!(parse(&again).is_ok_and(|again| again.login().is_none()));
            }
        }

        #[test]
        fn any_text_is_a_url_or_is_not(text in "\\PC*") {
            let _ = parse(&text);
            let _ = parse(&format!("http://{text}"));
        }
    }
}
