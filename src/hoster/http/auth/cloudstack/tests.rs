use super::*;
use crate::http::Method;

use proptest::prelude::*;

/// The keys of the vendor's own example:
/// <https://docs.cloudstack.apache.org/en/latest/developersguide/dev.html>.
const KEYS: Keys<'static> = Keys {
    api_key: "plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg",
    secret_key: "VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ",
    expires: None,
};

/// The first is the vendor's own example. The others were made by Java's own `URLEncoder` and `Mac`,
/// called as the server calls them.
#[rustfmt::skip]
const SIGNED: &[(&[(&str, &str)], &str)] = &[
    (&[("command", "listUsers"), ("response", "json")], "TTpdDq/7j/J58XCRHomKoQXEQds="),
    (&[("command", "x"), ("name", "a b  c")], "cf+vVQRFcaUEnqlbrw2YCv7vF2I="),
    (&[("command", "x"), ("name", "a+b")], "3Sx7JHMUEBIZ9zvqk6akREcof7k="),
    (&[("command", "x"), ("name", "a*b")], "WkqQikQmR2xmmjR9GM5tDgv3nU0="),
    (&[("command", "x"), ("name", "a~b")], "aqP1c+rthGVKA1qeqxdzFgGBtzc="),
    (&[("command", "x"), ("name", "a&b=c?d#e/f")], "PXBbl7bt3rNihBzqfxGWoYccXpM="),
    (&[("command", "deployVirtualMachine"), ("displayName", "UPPER Case")], "u4f7RQPY7yPro1PPWvH8QwSsUCA="),
    (&[("command", "x"), ("name", "Grüße Привет 漢字 😀")], "3ARbicwbM09YgqLCZhyA89doxOE="),
    (&[("command", "x"), ("name", "")], "kYiUE7EU9DAE/TRMxqZwZfAqxis="),
    (&[("command", "x"), ("details[0].cpuNumber", "2"), ("details[0].Memory", "1024"), ("iptonetworklist[0].networkid", "n"), ("iptonetworklist[10].networkid", "m")], "Y+bhER2JLmlwogooUZATdgZUODU="),
    (&[("command", "x"), ("name", "-_.!'()%25")], "3X5yQSMe2jaNRYFxxLaDzoriGoQ="),
    (&[("command", "x"), ("Zone", "1"), ("apikez", "2"), ("Apix", "3")], "wsgItOwLyHVaC+aMCoraARQmN2w="),
    (&[("command", "x"), ("name", "a\r\n\tb")], "bGqaZV2H+Rrr4C9d6DCK1DGazm8="),
    (&[("command", "x"), ("userdata", "I2Nsb3VkLWNvbmZpZwo+/==")], "7YbXSxht2hsVWfyU5/VRJFowetg="),
];

fn request(query: &str) -> Request {
    Request {
        method: Method::Get,
        url: format!("https://cloud.example/client/api{query}"),
        headers: Vec::new(),
        body: None,
        fresh: false,
        cut: None,
        timeout: Duration::ZERO,
    }
}

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn owned(all: &[(&str, &str)]) -> Pairs {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Returns what a server reads of a request, the signature last.
fn seen(request: &Request) -> Pairs {
    let query = pairs(Parts::of(&request.url).query).unwrap();
    let form = request.body.as_deref().unwrap_or_default();
    query.into_iter().chain(pairs(std::str::from_utf8(form).unwrap()).unwrap()).collect()
}

#[test]
fn signatures_are_those_that_the_server_makes() {
    for (given, expected) in SIGNED {
        let mut get = request(&format!("?{}", written(&owned(given))));
        assert_eq!(sign(&mut get, &KEYS, now()).unwrap(), *expected, "{given:?}");
        let mut all = owned(given);
        all.extend(owned(&[("apiKey", KEYS.api_key), ("signature", expected)]));
        assert_eq!(seen(&get), all, "what is sent is what is signed");

        let mut post = request("");
        post.method = Method::Post;
        post.headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        post.body = Some(written(&owned(given)).into_bytes());
        assert_eq!(sign(&mut post, &KEYS, now()).unwrap(), *expected, "{given:?}");
        assert_eq!((seen(&post), post.url), (all, request("").url));
    }
}

#[test]
fn a_request_that_expires_says_when_as_every_version_reads_it() {
    let mut get = request("?command=listZones");
    sign(&mut get, &Keys { expires: Some(600), ..KEYS }, now()).unwrap();
    let all = seen(&get);
    assert!(all.contains(&("expires".into(), "2026-01-02T03:14:05Z+0000".into())), "{all:?}");
    assert!(all.contains(&("signatureVersion".into(), "3".into())), "{all:?}");
    assert_eq!(all.last().unwrap().0, "signature");
}

#[test]
fn what_the_server_would_read_otherwise_is_not_signed() {
    for query in ["?a=1&a=2", "?APIKEY=x", "?signature=x", "?SignatureVersion=3", "?expires=1"] {
        let why = sign(&mut request(query), &KEYS, now()).unwrap_err();
        let told = why.contains("must not stand there twice") || why.contains("is set by itself");
        assert!(told, "{query}: {why}");
    }
    let mut json = request("");
    json.body = Some(b"{}".to_vec());
    json.headers.push(("content-type".into(), "application/json".into()));
    assert!(sign(&mut json, &KEYS, now()).unwrap_err().contains("no other body"));
}

proptest! {
    #[test]
    fn whatever_is_asked_for_arrives_as_it_was_meant(
        all in prop::collection::btree_map("[a-z]{1,3}(\\[[0-9]\\])?", "\\PC{0,12}", 1..6)
    ) {
        let all: Pairs = all.into_iter().collect();
        let mut get = request(&format!("?{}", written(&all)));
        let signature = sign(&mut get, &KEYS, now()).unwrap();
        let mut expected = all;
        expected.extend(owned(&[("apiKey", KEYS.api_key), ("signature", &signature)]));
        prop_assert_eq!(seen(&get), expected);
    }

    #[test]
    fn no_query_and_no_form_is_too_strange(text in "\\PC{0,40}", form in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut post = request(&format!("?{text}"));
        post.headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        post.body = Some(form);
        let _ = sign(&mut post, &KEYS, now());
    }
}
