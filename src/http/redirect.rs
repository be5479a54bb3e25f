//! Where a redirect leads: pure. Nobody here follows one; who does must know whether what it sends
//! was meant for where it leads.

use ureq::http::Uri;

/// How many bytes the name of a host may have (RFC 1035 section 2.3.4).
const LONGEST_HOST: usize = 255;

/// Where a redirect leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// The absolute URL. It holds who logs in at the same origin only.
    pub(crate) url: String,
    /// Whether scheme, host and port are those of where it came from (RFC 6454 section 5).
    pub(crate) same_origin: bool,
}

/// Says where a reply from `from` with such a `Location` leads.
///
/// # Errors
/// What is wrong with it, without a word of it: it may repeat a secret of the request.
pub(crate) fn redirect(from: &str, location: &str) -> Result<Redirect, &'static str> {
    // The fragment is for whoever shows a page.
    let reference = location.split('#').next().unwrap_or_default();
    if reference.is_empty() {
        return Err("its Location is empty");
    }
    if !reference.is_ascii() {
        return Err("its Location is no URL");
    }
    let base: Uri = from.parse().map_err(|_| "the URL is malformed")?;
    let text = resolve(&base, reference).ok_or("the URL is malformed")?;
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err("its Location is not one of `http` or `https`");
    }
    let target: Uri = text.parse().map_err(|_| "its Location is no URL")?;
    let (Some(_), Some(target_origin)) = (target.host(), origin(&target)) else {
        return Err("its Location is no URL");
    };
    let same_origin = origin(&base).is_some_and(|base| base == target_origin);
    let (here, there) = (base.authority(), target.authority());
    let authority = match (here, there) {
        (Some(here), _) if same_origin => here,
        // RFC 9110 section 4.2.4: it is there to deceive.
        (_, Some(there)) if there.as_str().contains('@') => {
            return Err("its Location names who logs in");
        }
        (_, Some(there)) => there,
        _ => return Err("its Location is no URL"),
    };
    let scheme = target_origin.0;
    let path = without_dots(target.path());
    let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Redirect { url: format!("{scheme}://{authority}{path}{query}"), same_origin })
}

/// Makes a reference absolute (RFC 3986 section 5.2.2), but for the dots in its path.
fn resolve(base: &Uri, reference: &str) -> Option<String> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    if has_scheme(reference) {
        return Some(reference.to_owned());
    }
    if reference.starts_with("//") {
        return Some(format!("{scheme}:{reference}"));
    }
    let path = base.path();
    let path = if reference.starts_with('/') {
        ""
    } else if reference.starts_with('?') {
        path
    } else {
        path.rfind('/').map_or("/", |end| &path[..=end])
    };
    Some(format!("{scheme}://{authority}{path}{reference}"))
}

/// RFC 3986 section 3.1.
fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// Takes `.` and `..` out of an absolute path (RFC 3986 section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Returns a URL's scheme, host in small letters and port; none where it has no such.
fn origin(url: &Uri) -> Option<(&str, String, u16)> {
    let (scheme, authority) = (url.scheme_str()?, url.authority()?);
    let host = authority.host();
    if host.is_empty() || host.len() > LONGEST_HOST {
        return None;
    }
    let port = match (authority.port_u16(), scheme) {
        (Some(port), _) => port,
        // A port that is no number would be taken for none.
        (None, _) if !authority.as_str().ends_with(host) => return None,
        (None, "https") => 443,
        (None, _) => 80,
    };
    Some((scheme, host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: &str = "http://name:word@host:81/a/b/c?q=1";

    fn leads(location: &str) -> (String, bool) {
        let redirect = redirect(HERE, location).unwrap();
        (redirect.url, redirect.same_origin)
    }

    #[test]
    fn a_relative_location_stays_at_the_same_origin_and_drops_the_query() {
        for (location, path) in [
            ("/x", "/x"),
            ("x", "/a/b/x"),
            ("?r=2", "/a/b/c?r=2"),
            ("../x?r=/../", "/a/x?r=/../"),
            ("./.", "/a/b/"),
            ("..", "/a/"),
            ("../../../../x/", "/x/"),
            ("x/./y/../z#part", "/a/b/x/z"),
            ("/x//y", "/x//y"),
            (";v=1", "/a/b/;v=1"),
            ("./x:y", "/a/b/x:y"),
        ] {
            let expected = format!("http://name:word@host:81{path}");
            assert_eq!(leads(location), (expected, true), "{location}");
        }
        let bare = redirect("https://h?q", "x").unwrap();
        assert_eq!(bare.url, "https://h/x");
    }

    #[test]
    fn scheme_host_and_port_make_the_origin() {
        for location in ["http://host:81/x", "HTTP://HOST:81/x", "//host:81/x", "//u@Host:81/x"] {
            assert_eq!(leads(location), ("http://name:word@host:81/x".to_owned(), true));
        }
        for location in [
            "https://host:81/x",
            "http://host/x",
            "http://host:80/x",
            "http://other:81/x",
            "http://host.:81/x",
            "//sub.host:81/x",
        ] {
            let (url, same_origin) = leads(location);
            assert!(!same_origin && !url.contains("word"), "{location}: {url}");
        }
        for (from, to, same) in [
            ("http://h/", "http://h:80/", true),
            ("https://h:443/", "https://h/", true),
            ("https://h/", "http://h/", false),
            ("https://h/", "http://h:443/", false),
            ("http://h/", "https://h/", false),
            ("http://[::1]/", "http://[::1]:80/", true),
            ("http://[::1]/", "http://[::2]/", false),
        ] {
            assert_eq!(redirect(from, to).unwrap().same_origin, same, "{from} {to}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused_without_repeating_it() {
        for location in [
            "",
            "#canary",
            "ftp://canary/",
            "mailto:canary",
            "javascript:canary",
            "http:canary",
            "http://",
            "http:///canary",
            "http://canary other/",
            "http://canary:99999/",
            "http://canary:x/",
            "http://canary@other/",
            "//canary:word@other/",
            "http://canar\u{fffd}y/",
            "http://a/, http://canary/",
            "/canary\r\nX: 1",
            &format!("http://{}/", "canary".repeat(50)),
        ] {
            let problem = redirect(HERE, location).unwrap_err();
            assert!(problem.starts_with("its Location "), "{location}: {problem}");
            assert!(!problem.contains("canary"), "{location}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn any_location_is_followed_or_refused_without_a_panic(
            text: String, near in "(https?:)?(//)?[a-z@:.0-9\\[\\]]{0,8}[/?.#]{0,4}[a-z/.?]{0,8}",
        ) {
            for location in [text, near] {
                if let Ok(Redirect { url, same_origin }) = redirect(HERE, &location) {
                    prop_assert!(url.parse::<Uri>().is_ok(), "{}", url);
                    prop_assert_eq!(url.starts_with("http://name:word@host:81/"), same_origin);
                    let place = url.split('/').nth(2).unwrap();
                    prop_assert!(same_origin || !place.contains('@'), "{}", url);
                }
            }
        }
    }
}
