use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256};
use ring::signature::{RsaParameters, RsaPublicKeyComponents};
use serde_json::json;

use super::*;

/// The key of RFC 7515, appendix A.2, in both of the forms that PEM has for it.
const PKCS1: &str = include_str!("../../../../../tests/samples/keys/rfc7515-pkcs1.pem");
const PKCS8: &str = include_str!("../../../../../tests/samples/keys/rfc7515-pkcs8.pem");

/// Its modulus, as that appendix has it. The exponent is 65537.
const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ\
    PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX\
    ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aG\
    hyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

/// What that appendix signs, and its signature.
const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF\
    tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF\
    5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS\
    jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2\
    w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn the_example_of_rfc_7515_has_its_signature_by_either_form_of_its_key() {
    for pem in [PKCS1, PKCS8] {
        let key = SigningKey::read(pem).unwrap();
        let signature = key.sign(JwtAlgorithm::Rs256, SIGNED.as_bytes()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(signature), SIGNATURE);
    }
}

#[test]
fn a_statement_has_header_claims_times_and_a_signature_that_holds() {
    let cases: [(_, _, &RsaParameters); 2] = [
        (JwtAlgorithm::Ps256, "PS256", &RSA_PSS_2048_8192_SHA256),
        (JwtAlgorithm::Rs256, "RS256", &RSA_PKCS1_2048_8192_SHA256),
    ];
    for (algorithm, name, padding) in cases {
        let object = |value: Value| value.as_object().unwrap().clone();
        let statement = Statement {
            algorithm,
            header: object(json!({ "kid": "k-1" })),
            claims: object(json!({ "iss": "account", "aud": ["a", "ä"] })),
            lifetime: 3600,
        };
        let key = SigningKey::read(PKCS8).unwrap();
        let now = "2026-01-02T03:04:05.9Z".parse().unwrap();
        let text = assertion(statement, &key, now).unwrap();
        let (signed, signature) = text.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let read = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
        assert_eq!(read(header), json!({ "alg": name, "typ": "JWT", "kid": "k-1" }));
        let (start, end) = (1_767_323_045, 1_767_326_645);
        let claimed = json!({ "iss": "account", "aud": ["a", "ä"], "iat": start, "exp": end });
        assert_eq!(read(claims), claimed);
        let modulus = decoded(&MODULUS.replace(' ', ""));
        let public = RsaPublicKeyComponents { n: &modulus, e: &vec![1, 0, 1] };
        public.verify(padding, signed.as_bytes(), &decoded(signature)).unwrap();
    }
}

#[test]
fn what_stands_around_a_key_is_skipped_and_what_is_none_is_refused_without_repeating_it() {
    // Keys of Yandex Cloud begin with such a line.
    let noted = format!("PLEASE DO NOT REMOVE THIS LINE! Key ID <canary>\n{PKCS8}");
    assert!(SigningKey::read(&noted).is_ok());
    let body = PKCS8.lines().nth(1).unwrap();
    let broken = PKCS8.replacen(body, &body.replace('A', "B"), 1);
    let cut = PKCS8.replace("-----END", "----END");
    let public = include_str!("../../../../../tests/samples/keys/rfc7515-public.pem");
    for pem in ["", "canary", &broken, &cut, public] {
        let why = SigningKey::read(pem).err().unwrap();
        assert!(!why.contains("canary") && !why.contains(&body[..20]), "{why}");
    }
}
