//! The signature: the guide's "typically" HMAC-SHA256 of the body, in `X-TG-Staff-Signature`.
//!
//! The guide does not say how the header spells it. Hex, of either case, is what such headers have.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{super::Posted, Receiver};

const HEADER: &str = "x-tg-staff-signature";

/// The signature is over the bytes as they came, before anything is read from them.
pub(super) fn verify(key: &str, posted: &Posted<'_>) -> Result<(), String> {
    let signature = posted.header(HEADER).ok_or_else(|| format!("{HEADER} is absent, expected a signature"))?;
    let wrong = || format!("{HEADER} is {signature:?}, expected the body's HMAC-SHA256 in hex");
    let bytes = bytes_of_hex(signature).ok_or_else(wrong)?;
    mac(key, posted.body)?.verify_slice(&bytes).map_err(|_| wrong())
}

fn mac(key: &str, body: &[u8]) -> Result<Hmac<Sha256>, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|error| format!("signing key: {error}"))?;
    mac.update(body);
    Ok(mac)
}

fn bytes_of_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| u8::try_from(high * 16 + low).ok()).collect()
}

/// RFC 4231's second case, as a body and its signature: they are of nobody's code here.
#[test]
fn a_signature_is_of_the_body() {
    let said = |name: &str, signature: &str| {
        let headers = [(name.to_owned(), signature.to_owned())];
        let receiver = Receiver { signing_key: Some("Jefe".to_owned()), ..Receiver::default() };
        receiver.receive(&Posted { headers: &headers, body: b"what do ya want for nothing?" }).unwrap_err()
    };
    let right = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    // What is signed right is no JSON, which is found out only then.
    assert!(said(HEADER, right).contains("expected application/json"));
    for wrong in
        ["", "5bdc", "5bd", "zz", &right.replace("5b", "5c"), &format!("{right}00"), &format!("sha256={right}")]
    {
        assert!(said(HEADER, wrong).contains("expected the body's HMAC-SHA256"), "{wrong}");
    }
    assert!(said("x-signature", right).contains("is absent"));
}
