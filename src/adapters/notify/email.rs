//! Mail over SMTP: encrypted, one message for each recipient, all messages of a request in one thread.

use super::deadline::within;
use super::escape::Markup;
use super::secret::{Secret, Variables};
use super::template::Template;
use crate::domain::notify::{Event, Notice, Recipient, recipients, title};
use crate::domain::policy::Policy;
use crate::domain::text::{safe, shortened};
use crate::domain::time::Span;
use crate::ports::notifier::{DeliveryError, Notifier};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, Message, SmtpTransport, Transport as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The most characters of a subject.
const SUBJECT: usize = 200;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte.
    Tls,
    /// STARTTLS, without which nothing is sent.
    StartTls,
    /// Nothing; only to this machine itself.
    Local,
}

/// Where mail goes, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is talked to.
    pub protection: Protection,
    /// The name of an account there, and its password.
    pub account: Option<(String, Secret)>,
    /// The sender.
    pub from: Mailbox,
    /// Who gets it.
    pub to: Vec<Recipient>,
    /// The template of the text.
    pub text: Template,
    /// The template of the HTML.
    pub html: Template,
    /// How long each message may take.
    pub timeout: Duration,
}

/// The built-in templates, for text and HTML.
pub const TEMPLATES: [Template; 2] =
    [Template::BuiltIn(include_str!("templates/plain.jinja")), Template::BuiltIn(include_str!("templates/html.jinja"))];

/// Sends mail.
pub struct Mailer {
    /// Where to.
    pub mail: Mail,
    /// Names the people that roles stand for.
    pub policy: Option<Arc<Policy>>,
    /// Where the password may stand.
    pub variables: Variables,
}

impl Notifier for Mailer {
    /// Every recipient gets a message of their own: one address that does not exist keeps nobody else from it.
    fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let found = recipients(&self.mail.to, notice, self.policy.as_deref());
        if found.is_empty() {
            // All were taken out on purpose: the requester of what asks others.
            return if notice.event.asks() { Ok(()) } else { Err(DeliveryError::Nobody) };
        }
        let transport = self.transport()?;
        let (mut taken, mut failure) = (false, None);
        for address in found {
            match self.message(notice, &address).and_then(|message| self.send(&transport, message)) {
                Ok(()) => taken = true,
                Err(error @ (DeliveryError::Unreachable(_) | DeliveryError::TooLong(_))) => {
                    // Nor is it there for the next one.
                    failure = Some(error);
                    break;
                }
                Err(error) if failure.is_none() || is_passing(&error) => failure = Some(error),
                Err(_) => {}
            }
        }
        match failure {
            Some(error) if !taken || is_passing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    fn preview(&self, notice: &Notice) -> Result<String, DeliveryError> {
        let to = recipients(&self.mail.to, notice, self.policy.as_deref());
        let to = to.first().map_or("nobody@example.invalid", String::as_str);
        Ok(String::from_utf8_lossy(&self.message(notice, to)?.formatted()).into_owned())
    }
}

impl Mailer {
    fn transport(&self) -> Result<SmtpTransport, DeliveryError> {
        let Mail { host, port, protection, account, timeout, .. } = &self.mail;
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| DeliveryError::Mail(Box::new(error)));
        let tls = match protection {
            Protection::Tls => Tls::Wrapper(parameters()?),
            Protection::StartTls => Tls::Required(parameters()?),
            Protection::Local => Tls::None,
        };
        let mut builder = SmtpTransport::builder_dangerous(host).port(*port).tls(tls).timeout(Some(*timeout));
        if let Some((name, password)) = account {
            let password = password.read(self.variables)?;
            builder = builder.credentials(Credentials::new(name.clone(), password.to_string()));
        }
        Ok(builder.build())
    }

    /// Sends one message. The transport's own limit is for each answer, of which a server can make many.
    fn send(&self, transport: &SmtpTransport, message: Message) -> Result<(), DeliveryError> {
        let (transport, limit) = (transport.clone(), self.mail.timeout);
        let sent = within(limit, move || transport.send(&message).map(drop));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) if error.is_response() || error.is_permanent() || error.is_transient() => {
                Err(DeliveryError::Mail(Box::new(error)))
            }
            Some(Err(error)) => Err(DeliveryError::Unreachable(Box::new(error))),
            None => Err(DeliveryError::TooLong(Span::seconds(limit.as_secs()))),
        }
    }

    fn message(&self, notice: &Notice, to: &str) -> Result<Message, DeliveryError> {
        let Mail { from, text, html, .. } = &self.mail;
        let to: Address = to.parse().map_err(|_| DeliveryError::Address { address: safe(to.as_bytes()) })?;
        let (own, thread) = thread(notice, from.email.domain());
        let seconds = u64::try_from(notice.time.unix()).unwrap_or(0);
        let name = notice.repository.split('@').next().unwrap_or_default();
        let subject = shortened(&format!("[{name}] {}", title(notice)), SUBJECT);
        let header = |name: &'static str, value: String| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
        let mut message = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .subject(safe(subject.as_bytes()))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(own.clone()))
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
            .raw_header(header("X-Jit-Event", notice.event.to_string()));
        if let Some(thread) = thread.filter(|thread| *thread != own) {
            message = message.in_reply_to(thread.clone()).references(thread);
        }
        let parts =
            MultiPart::alternative_plain_html(text.render(notice, Markup::Plain)?, html.render(notice, Markup::Html)?);
        message.multipart(parts).map_err(|error| DeliveryError::Mail(Box::new(error)))
    }
}

/// Returns a message's id, and that of the first message of its request: the one about the opening.
fn thread(notice: &Notice, domain: &str) -> (String, Option<String>) {
    let thread = notice.request.as_ref().map(|request| {
        let repository = notice.repository.rsplit('@').next().unwrap_or_default();
        format!("<{request}.{repository}@{domain}>")
    });
    match &thread {
        Some(first) if notice.event == Event::Opened => (first.clone(), thread),
        _ => (format!("<{}@{domain}>", notice.id), thread),
    }
}

/// Tells whether it may work later: everything but the server's word that it never will, and an address that is none.
fn is_passing(error: &DeliveryError) -> bool {
    match error {
        DeliveryError::Mail(cause) => {
            let said = cause.downcast_ref::<lettre::transport::smtp::Error>();
            !said.is_some_and(lettre::transport::smtp::Error::is_permanent)
        }
        DeliveryError::Address { .. } => false,
        _ => true,
    }
}
