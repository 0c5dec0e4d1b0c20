//! Signatures of requests, as [Standard Webhooks](https://www.standardwebhooks.com) has them: whoever has the key can tell
//! that a request came from slashbox, and is the one that it sent.
//!
//! Pure: the time is given. Both sides are here, so that what a receiver checks is what the sender writes.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// How old a request may be, and how far ahead of the receiver's clock, in seconds: what is older may be a repetition by
/// somebody who has recorded it.
pub const TOLERANCE_S: u64 = 5 * 60;

/// What a written key begins with.
const KEY_PREFIX: &str = "whsec_";

/// How many bytes a key has. Source: the specification, "Signature scheme".
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What a signature of this scheme begins with. Those of others stand beside it, and are not looked at.
const VERSION: &str = "v1,";

/// A key that sender and receiver share: `whsec_` and its bytes in base64.
#[derive(Clone)]
pub struct SigningKey(SecretSlice<u8>);

/// A text that is no key. It is not repeated: it may be one but for a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `whsec_` and the base64 of 24 to 64 random bytes")]
pub struct SigningKeyError;

/// The headers of a request by which it can be told who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'r> {
    /// `webhook-id`.
    pub id: &'r str,
    /// `webhook-timestamp`: when it was sent, in seconds since the Unix epoch.
    pub timestamp: &'r str,
    /// `webhook-signature`: one or more, with a blank between two.
    pub signature: &'r str,
}

/// Why a request is not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The time is none.
    #[error("webhook-timestamp: expected seconds since the Unix epoch")]
    Timestamp,
    /// It was sent too long ago: it may be a repetition.
    #[error("webhook-timestamp: {by_s} s ago, expected at most {TOLERANCE_S}")]
    TooOld {
        /// How long ago, in seconds.
        by_s: u64,
    },
    /// It was sent in the future, by the receiver's clock.
    #[error("webhook-timestamp: {by_s} s ahead, expected at most {TOLERANCE_S}")]
    TooNew {
        /// How far ahead, in seconds.
        by_s: u64,
    },
    /// None of its signatures is made with any of the keys.
    #[error("webhook-signature: none of them is right")]
    Signature,
}

/// What `webhook-signature` is for a request: a signature by each key, in their order, so that a receiver may know the one
/// before or the one after.
pub fn sign(keys: &[SigningKey], id: &str, timestamp_s: u64, body: &[u8]) -> String {
    let timestamp = timestamp_s.to_string();
    let mut header = String::new();
    for key in keys {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str(VERSION);
        STANDARD.encode_string(key.mac(id, &timestamp, body), &mut header);
    }
    header
}

/// Whether a request was sent by somebody who has one of the keys, not long ago. `now_s` is the receiver's time, in seconds
/// since the Unix epoch; `body` are the bytes as they came. How long it takes tells nothing of the keys.
///
/// # Errors
/// If it was not, or that cannot be told.
pub fn verify(keys: &[SigningKey], signed: Signed<'_>, body: &[u8], now_s: u64) -> Result<(), VerifyError> {
    let at_s =
        if signed.timestamp.bytes().all(|byte| byte.is_ascii_digit()) { signed.timestamp.parse().ok() } else { None };
    let at_s: u64 = at_s.ok_or(VerifyError::Timestamp)?;
    let (old_s, new_s) = (now_s.saturating_sub(at_s), at_s.saturating_sub(now_s));
    if old_s > TOLERANCE_S {
        return Err(VerifyError::TooOld { by_s: old_s });
    }
    if new_s > TOLERANCE_S {
        return Err(VerifyError::TooNew { by_s: new_s });
    }
    let signatures = signed.signature.split(' ').filter_map(|signature| signature.strip_prefix(VERSION));
    let signatures: Vec<Vec<u8>> = signatures.filter_map(|signature| STANDARD.decode(signature).ok()).collect();
    let mut right = Choice::from(0);
    for key in keys {
        let mac = key.mac(signed.id, signed.timestamp, body);
        // What is shorter or longer is never equal.
        right = signatures.iter().fold(right, |right, signature| right | mac.as_slice().ct_eq(signature));
    }
    if right.into() { Ok(()) } else { Err(VerifyError::Signature) }
}

impl SigningKey {
    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else { return [0; 32] }; // Of any length.
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl FromStr for SigningKey {
    type Err = SigningKeyError;

    fn from_str(text: &str) -> Result<Self, SigningKeyError> {
        let bytes = text.strip_prefix(KEY_PREFIX).and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| KEY_BYTES.contains(&bytes.len())).ok_or(SigningKeyError)?;
        Ok(Self(bytes.into()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The specification's own example, by which its libraries are tested.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT_S: u64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn key(text: &str) -> SigningKey {
        text.parse().unwrap()
    }

    fn check(signature: &str, now_s: u64) -> Result<(), VerifyError> {
        verify(&[key(KEY)], Signed { id: ID, timestamp: &AT_S.to_string(), signature }, BODY, now_s)
    }

    #[test]
    fn the_specifications_own_vector() {
        assert_eq!(sign(&[key(KEY)], ID, AT_S, BODY), SIGNATURE);
        assert_eq!(check(SIGNATURE, AT_S), Ok(()));
    }

    #[test]
    fn one_right_signature_among_several_is_enough() {
        let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
        assert_eq!(check(&format!("{other} v2,anything {SIGNATURE} {other}"), AT_S), Ok(()));
        assert_eq!(check(&format!("{other} {other}"), AT_S), Err(VerifyError::Signature));
    }

    #[test]
    fn both_keys_sign_and_either_is_enough() {
        let new = key(&format!("whsec_{}", STANDARD.encode([7; 32])));
        let both = sign(&[new.clone(), key(KEY)], ID, AT_S, BODY);
        assert!(both.ends_with(&format!(" {SIGNATURE}")), "{both}");
        let timestamp = AT_S.to_string();
        let signed = Signed { id: ID, timestamp: &timestamp, signature: &both };
        for keys in [vec![new.clone()], vec![key(KEY)], vec![key(KEY), new]] {
            assert_eq!(verify(&keys, signed, BODY, AT_S), Ok(()));
        }
        assert_eq!(verify(&[], signed, BODY, AT_S), Err(VerifyError::Signature));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let bare = SIGNATURE.strip_prefix("v1,").unwrap();
        let other_version = format!("v2,{bare}");
        let (cut, longer) = (SIGNATURE.get(..SIGNATURE.len() - 5).unwrap(), format!("{SIGNATURE}AAAA"));
        let half = format!("v1,{}", STANDARD.encode(STANDARD.decode(bare).unwrap().get(..16).unwrap()));
        for signature in ["", " ", "v1,", "v1,=", "v1", ",", bare, &other_version, cut, &longer, &half, "v1a,AAAA"] {
            assert_eq!(check(signature, AT_S), Err(VerifyError::Signature), "{signature:?}");
        }
    }

    #[test]
    fn a_request_is_trusted_for_a_while_on_both_sides() {
        assert_eq!(check(SIGNATURE, AT_S + TOLERANCE_S), Ok(()));
        assert_eq!(check(SIGNATURE, AT_S - TOLERANCE_S), Ok(()));
        assert_eq!(check(SIGNATURE, AT_S + 301), Err(VerifyError::TooOld { by_s: 301 }));
        assert_eq!(check(SIGNATURE, AT_S - 301), Err(VerifyError::TooNew { by_s: 301 }));
        for timestamp in ["", "x", "-1", "+1614265330", " 1614265330", "1e9", "99999999999999999999999"] {
            let signed = Signed { id: ID, timestamp, signature: SIGNATURE };
            assert_eq!(verify(&[key(KEY)], signed, BODY, AT_S), Err(VerifyError::Timestamp), "{timestamp:?}");
        }
    }

    #[test]
    fn keys() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes])).parse::<SigningKey>();
        assert!(of(24).is_ok() && of(64).is_ok());
        assert!(of(23).is_err() && of(65).is_err());
        for wrong in
            ["", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            assert!(wrong.parse::<SigningKey>().is_err(), "{wrong}");
        }
        assert_eq!(format!("{:?}", key(KEY)), "SigningKey([redacted])");
    }

    proptest! {
        #[test]
        fn what_was_changed_on_its_way_is_not_trusted(
            body in prop::collection::vec(any::<u8>(), 1..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let timestamp = AT_S.to_string();
            let signature = sign(&[key(KEY)], ID, AT_S, &body);
            let signed = Signed { id: ID, timestamp: &timestamp, signature: &signature };
            prop_assert_eq!(verify(&[key(KEY)], signed, &body, AT_S), Ok(()));
            let mut changed = body.clone();
            changed[at.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(verify(&[key(KEY)], signed, &changed, AT_S), Err(VerifyError::Signature));
            let other = Signed { id: "another", ..signed };
            prop_assert_eq!(verify(&[key(KEY)], other, &body, AT_S), Err(VerifyError::Signature));
        }
    }
}
