//! One POST over HTTP: no redirections, bounded time, bounded answers.

use crate::domain::text::safe;
use crate::domain::time::Span;
use crate::ports::notifier::{DeliveryError, SecretError};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderMap, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How much of an answer is looked at, in bytes.
const MOST_ANSWER: u64 = 4096;
/// How much of it is told, in characters.
const TOLD: usize = 200;

/// What is sent.
pub struct Post<'a> {
    /// Where; may be a secret.
    pub url: &'a str,
    /// Beside the content's type.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: &'a str,
    /// How long the whole exchange may take, from the look-up of the name to the last byte of the answer.
    pub timeout: Duration,
}

/// Sends it. The system's certificates are trusted, and `SSL_CERT_FILE` and `SSL_CERT_DIR` in their place; `HTTPS_PROXY`, `HTTP_PROXY`,
/// `ALL_PROXY` and `NO_PROXY` hold.
///
/// # Errors
/// [`DeliveryError::Unreachable`], [`DeliveryError::TooLong`], [`DeliveryError::Redirected`], [`DeliveryError::Refused`] for everything but a status of 200 to 299,
/// [`SecretError::Url`].
pub fn post(post: &Post<'_>) -> Result<(), DeliveryError> {
    let uri: Uri = post.url.parse().map_err(|_| SecretError::Url)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(SecretError::Url.into());
    }
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(post.timeout))
        .timeout_connect(Some(CONNECT_LIMIT))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(64 * 1024)
        .max_idle_connections(0)
        .user_agent(concat!("jit/", env!("CARGO_PKG_VERSION")))
        .proxy(ureq::Proxy::try_from_env())
        .tls_config(tls())
        .build()
        .new_agent();
    let mut request = agent.post(uri).content_type("application/json");
    for (name, value) in &post.headers {
        request = request.header(*name, value);
    }
    let mut response = request.send(post.body).map_err(|error| failed(error, post.timeout))?;
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    if (300..400).contains(&status) {
        return Err(DeliveryError::Redirected { status });
    }
    let retry_after = retry_after(response.headers());
    let mut said = Vec::new();
    // What cannot be read of a refusal does not matter: it is a refusal.
    let _rest = response.body_mut().as_reader().take(MOST_ANSWER).read_to_end(&mut said);
    Err(DeliveryError::Refused { status, said: told(&said, post.url), retry_after })
}

/// The beginning of an answer. Pages of errors like to repeat the address, whose path is the secret of many webhooks.
fn told(said: &[u8], url: &str) -> String {
    let text = String::from_utf8_lossy(said);
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let parts = path.split(['/', '?', '&', '=']).filter(|part| part.len() >= 6);
    let text = parts.fold(text.into_owned(), |text, part| text.replace(part, "…"));
    safe(text.trim().chars().take(TOLD).collect::<String>().as_bytes())
}

/// Says what went wrong without the address, which may be a secret.
fn failed(error: ureq::Error, timeout: Duration) -> DeliveryError {
    match error {
        ureq::Error::BadUri(_) => SecretError::Url.into(),
        ureq::Error::Timeout(ureq::Timeout::Global) => DeliveryError::TooLong(Span::seconds(timeout.as_secs())),
        other => DeliveryError::Unreachable(Box::new(other)),
    }
}

fn tls() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs().certs;
    let certificates = found.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(certificates)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

/// Reads how many seconds to wait. The other form of the header, a date, is read as nothing: whose clock is right is not known.
fn retry_after(headers: &HeaderMap) -> Option<Span> {
    let seconds = headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Span::seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_without_the_secret_of_the_address() {
        let url = "https://hooks.example.com/services/T00000/B00000/XXXXsecretXXXX?token=abcdefgh";
        let page = b"<p>/services/T00000/B00000/XXXXsecretXXXX?token=abcdefgh\x1b[2J was not found</p>";
        assert_eq!(told(page, url), "<p>/…/…/…/…?token=…\\u{1b}[2J was not found</p>");
        assert_eq!(told(&[b'x'; 5000], "http://example.com"), "x".repeat(TOLD));
    }
}
