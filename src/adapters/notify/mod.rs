//! The places that notices go to: webhooks, chat programs, mail, commands.

mod chat;
mod command;
mod deadline;
mod email;
mod escape;
mod http;
mod secret;
mod settings;
mod template;
mod webhook;

pub use secret::Variables;
pub use settings::{Faults, Sink, read};

use crate::domain::notify::Notice;
use crate::domain::policy::Policy;
use crate::ports::clock::Clock;
use crate::ports::notifier::{DeliveryError, Notifier};
use chat::Chat;
use email::{Mail, Mailer};
use secret::Secret;
use std::sync::Arc;
use std::time::Duration;
use template::Template;

/// How a place is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Channel {
    /// A POST.
    Http(Http),
    /// Mail.
    Mail(Box<Mail>),
    /// A program on this machine.
    Command(command::Command),
}

/// A place that takes POSTs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Http {
    url: Secret,
    form: Form,
    timeout: Duration,
}

/// What is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// The notice as it is, signed with this secret.
    Notice(Option<Secret>),
    /// What a chat program takes.
    Chat(Chat, Template),
}

impl Sink {
    /// Returns what delivers there. Secrets are read from files and `variables` with each delivery.
    pub fn notifier(
        &self,
        policy: Option<Arc<Policy>>,
        variables: Variables,
        clock: Arc<dyn Clock + Send + Sync>,
    ) -> Box<dyn Notifier> {
        match &self.channel {
            Channel::Http(http) => Box::new(Poster { http: http.clone(), variables, clock }),
            Channel::Mail(mail) => Box::new(Mailer { mail: (**mail).clone(), policy, variables }),
            Channel::Command(command) => Box::new(command.clone()),
        }
    }
}

/// Delivers by HTTP.
struct Poster {
    http: Http,
    variables: Variables,
    clock: Arc<dyn Clock + Send + Sync>,
}

impl Notifier for Poster {
    fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let body = self.preview(notice)?;
        let headers = match &self.http.form {
            Form::Notice(secret) => {
                let secret = secret.as_ref().map(|secret| secret.read(self.variables)).transpose()?;
                let secret = secret.as_ref().map(|secret| secret.as_str());
                webhook::headers(notice, self.clock.now().unix(), &body, secret)
            }
            Form::Chat(..) => Vec::new(),
        };
        let url = self.http.url.read(self.variables)?;
        http::post(&http::Post { url: &url, headers, body: &body, timeout: self.http.timeout })
    }

    fn preview(&self, notice: &Notice) -> Result<String, DeliveryError> {
        match &self.http.form {
            Form::Notice(_) => Ok(notice.json()),
            Form::Chat(chat, template) => chat.body(notice, template),
        }
    }
}
