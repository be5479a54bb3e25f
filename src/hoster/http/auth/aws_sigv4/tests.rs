use std::time::Duration;

use super::*;

#[path = "vectors.rs"]
mod vectors;

const KEYS: Keys<'static> = Keys {
    access_key: "AKIDEXAMPLE",
    secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token: None,
    service: "service",
    region: "us-east-1",
};

const TIME: &str = "20150830T123600Z";

#[test]
fn the_vendors_vectors_hold() {
    for (name, method, path, query, headers, body, expected) in vectors::VECTORS {
        let method = if *method == "GET" { Method::Get } else { Method::Post };
        let always = [("Host", "example.amazonaws.com"), ("X-Amz-Date", TIME)];
        let headers: Vec<(String, String)> = headers
            .iter()
            .chain(&always)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let query = canonical_query(pairs(query).unwrap());
        let path = canonical_path(path);
        let (canonical, _) = canonical(method, &path, &query, &headers, body.as_bytes());
        assert_eq!(signature(&canonical, TIME, &KEYS), *expected, "{name}: {canonical}");
    }
}

fn request(method: Method, url: &str) -> Request {
    Request {
        method,
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        fresh: false,
        cut: None,
        timeout: Duration::ZERO,
    }
}

/// 2015-08-30T12:36:00Z.
fn now() -> Timestamp {
    "2015-08-30T12:36:00Z".parse().unwrap()
}

#[test]
fn a_request_bears_what_the_vendors_first_example_bears() {
    let mut get =
        request(Method::Get, "https://example.amazonaws.com/?Param2=value2&Param1=value1");
    let signature = sign(&mut get, &KEYS, now()).unwrap();
    assert_eq!(signature, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    assert_eq!(get.url, "https://example.amazonaws.com/?Param1=value1&Param2=value2");
    let header =
        |name: &str| get.headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(
        header("authorization"),
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        )
    );
    assert_eq!(
        (header("host"), header("x-amz-date")),
        ("example.amazonaws.com".into(), TIME.into())
    );
}

#[test]
fn a_query_is_sent_as_it_is_signed_whatever_is_in_it() {
    let cases = [
        ("b=2&a=1&a=0", "a=0&a=1&b=2"),
        ("a=x+y%20z", "a=x%20y%20z"),
        ("a=%7e%2a*!'()", "a=~%2A%2A%21%27%28%29"),
        (
            "Filter.1.Name=tag%3Aa/b&Filter.1.Value.1=%c3%a4",
            "Filter.1.Name=tag%3Aa%2Fb&Filter.1.Value.1=%C3%A4",
        ),
        ("a&b=&=c", "=c&a=&b="),
        ("a=1%262&A=2", "A=2&a=1%262"),
        ("", ""),
    ];
    for (given, sent) in cases {
        let mut get = request(Method::Get, &format!("http://h:1/?{given}"));
        sign(&mut get, &KEYS, now()).unwrap();
        let expected =
            if sent.is_empty() { "http://h:1/".into() } else { format!("http://h:1/?{sent}") };
        assert_eq!(get.url, expected, "{given}");
    }
    assert!(sign(&mut request(Method::Get, "http://h/?a=%ff"), &KEYS, now()).is_err());
}

#[test]
fn a_path_with_what_is_encoded_is_encoded_once_more_for_the_signature() {
    assert_eq!(canonical_path("/a%20b/c"), "/a%2520b/c");
    assert_eq!(canonical_path("/"), "/");
}

#[test]
fn a_token_is_sent_and_signed_and_the_type_of_a_form_is_too() {
    let mut post = request(Method::Post, "http://h/");
    post.headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
    post.headers.push(("accept".into(), "text/xml".into()));
    post.body = Some(b"Action=RunInstances".to_vec());
    let keys = Keys { session_token: Some("canary"), ..KEYS };
    sign(&mut post, &keys, now()).unwrap();
    let (_, authorization) = post.headers.last().unwrap();
    let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,";
    assert!(authorization.contains(signed), "{authorization}");
    assert!(post.headers.contains(&("x-amz-security-token".into(), "canary".into())));
}
