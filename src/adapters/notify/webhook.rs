//! Any webhook: the notice as JSON, signed (docs/spec/notify-webhook.md).

use crate::domain::notify::Notice;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Returns the headers of a delivery at the moment `at`, in seconds since 1970.
///
/// With a secret that is the hex of HMAC-SHA256 over the moment, a full stop and the body.
pub fn headers(notice: &Notice, at: i64, body: &str, secret: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Idempotency-Key", notice.id.to_string()),
        ("X-Jit-Event", notice.event.to_string()),
        ("X-Jit-Time", at.to_string()),
    ];
    headers.extend(secret.map(|secret| ("X-Jit-Signature", format!("sha256={}", signature(secret, at, body)))));
    headers
}

fn signature(secret: &str, at: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{at}.{body}").as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_another_program() {
        // printf '1795291200.{"a":1}' | openssl dgst -sha256 -hmac s3cret
        let expected = "738ef19268ad4abb920a0919b39877cea2a0bbc72bce47efc2a7399b89e32f00";
        assert_eq!(signature("s3cret", 1_795_291_200, "{\"a\":1}"), expected);
    }
}
