//! `[[notify]]` in `config.toml`: the places that notices go to (docs/notify.md).
//!
//! The hooks do not read this: whatever is wrong here keeps no push in or out.

use super::chat::Chat;
use super::command::Command;
use super::email::{Mail, Protection, TEMPLATES};
use super::secret::Secret;
use super::template::Template;
use super::{Channel, Form, Http};
use crate::domain::name::{EnvironmentName, RoleName, RuleName, SinkName};
use crate::domain::notify::{Event, Recipient, Route};
use crate::domain::time::Span;
use lettre::message::Mailbox;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// How often a place can be reminded.
const REMIND: RangeInclusive<Span> = Span::seconds(60)..=Span::days(30);
/// How long one delivery may take.
const TIMEOUTS: RangeInclusive<Span> = Span::seconds(1)..=Span::seconds(60);
/// How long it may take where nothing is said.
const TIMEOUT: Span = Span::seconds(20);

/// A place that notices go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Its name.
    pub name: SinkName,
    /// Which notices go there.
    pub route: Route,
    /// How often it is reminded of what is still open; `None`: never.
    pub remind: Option<Span>,
    pub(super) channel: Channel,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults {
    /// The file.
    pub path: PathBuf,
    /// The line of each `[[notify]]` that does not hold, from 1, and why.
    pub found: Vec<(usize, String)>,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> =
            self.found.iter().map(|(line, what)| format!("{}:{line}: {what}", self.path.display())).collect();
        f.write_str(&lines.join("; "))
    }
}

/// The part of the file that is read here.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    notify: Vec<Spanned<Written>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Slack,
    Teams,
    Mattermost,
    Webhook,
    Email,
    Command,
}

/// One `[[notify]]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    kind: Kind,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    rules: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    environments: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, Vec<String>>,
    remind: Option<String>,
    timeout: Option<String>,
    url: Option<String>,
    url_file: Option<PathBuf>,
    url_env: Option<String>,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    smtp: Option<String>,
    from: Option<String>,
    to: Option<Vec<String>>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    argv: Option<Vec<String>>,
    template: Option<PathBuf>,
    html_template: Option<PathBuf>,
}

/// Reads the places from the text of `config.toml`, which stands at `path`.
///
/// # Errors
/// [`Faults`]: what is not TOML or has other keys than these, first; else everything that is wrong with any of them.
pub fn read(path: PathBuf, text: &str) -> Result<Vec<Sink>, Faults> {
    let line = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    let document: Document = match toml::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            let at = line(error.span().map_or(0, |span| span.start));
            return Err(Faults { path, found: vec![(at, error.message().to_owned())] });
        }
    };
    let (mut sinks, mut found, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
    for written in document.notify {
        let at = line(written.span().start);
        let written = written.into_inner();
        if !names.insert(written.name.clone()) {
            found.push((at, format!("two places have the name `{}`", written.name.escape_debug())));
        }
        match sink(written) {
            Ok(sink) => sinks.push(sink),
            Err(what) => found.extend(what.into_iter().map(|what| (at, what))),
        }
    }
    if found.is_empty() { Ok(sinks) } else { Err(Faults { path, found }) }
}

/// Collects what is wrong while values are taken.
#[derive(Default)]
struct Check(Vec<String>);

impl Check {
    fn take<T, E: fmt::Display>(&mut self, key: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.0.push(format!("{key}: {error}"))).ok()
    }

    fn all<T: Ord, E: fmt::Display>(
        &mut self,
        key: &str,
        values: &[String],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> BTreeSet<T> {
        values.iter().filter_map(|value| self.take(key, read(value))).collect()
    }

    fn need<T>(&mut self, what: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.0.push(format!("{what} is missing"));
        }
        value
    }

    /// Takes a length of time within `range`.
    fn span(&mut self, key: &str, written: &str, range: RangeInclusive<Span>) -> Option<Span> {
        let span = self.take(key, Span::parse(written))?;
        if range.contains(&span) {
            return Some(span);
        }
        self.0.push(format!("{key}: from {} to {}", range.start(), range.end()));
        None
    }

    /// Of the keys of one secret one may be given.
    fn secret(
        &mut self,
        key: &str,
        plain: Option<String>,
        file: Option<PathBuf>,
        name: Option<String>,
    ) -> Option<Secret> {
        if let Some(file) = file.as_ref().filter(|file| !file.is_absolute()) {
            self.0.push(format!("{key}_file: {file:?} is not an absolute path"));
        }
        let given = [plain.map(Secret::Plain), file.map(Secret::File), name.map(Secret::Variable)];
        let mut given = given.into_iter().flatten();
        let first = given.next();
        if given.next().is_some() {
            self.0.push(format!("{key} is given twice"));
        }
        first
    }

    fn template(&mut self, key: &str, file: Option<PathBuf>, built_in: Template) -> Template {
        if let Some(file) = file.as_ref().filter(|file| !file.is_absolute()) {
            self.0.push(format!("{key}: {file:?} is not an absolute path"));
        }
        file.map_or(built_in, Template::File)
    }
}

fn sink(written: Written) -> Result<Sink, Vec<String>> {
    let mut check = Check::default();
    let name = check.take("name", SinkName::new(&written.name));
    let mut route = Route {
        events: check.all("events", &written.events, Event::parse),
        rules: check.all("rules", &written.rules, RuleName::new),
        roles: check.all("roles", &written.roles, RoleName::new),
        environments: check.all("environments", &written.environments, EnvironmentName::new),
        labels: written.labels.iter().map(|(key, values)| (key.to_ascii_lowercase(), values.clone())).collect(),
    };
    let remind = written.remind.as_ref().and_then(|remind| check.span("remind", remind, REMIND));
    if remind.is_some() && !route.events.is_empty() {
        route.events.insert(Event::Reminder);
    } else if written.remind.is_none() && route.events.contains(&Event::Reminder) {
        check.0.push("remind: how often is missing".to_owned());
    }
    let timeout = written.timeout.as_ref().map_or(Some(TIMEOUT), |timeout| check.span("timeout", timeout, TIMEOUTS));
    let timeout = Duration::from_secs(timeout.unwrap_or(TIMEOUT).as_seconds());
    let kind = written.kind;
    let strange: Vec<String> = foreign(&written).into_iter().map(|key| format!("{key} is not for this kind")).collect();
    check.0.extend(strange);
    let channel = match kind {
        Kind::Slack => chat(&mut check, Chat::Slack, written, timeout),
        Kind::Teams => chat(&mut check, Chat::Teams, written, timeout),
        Kind::Mattermost => chat(&mut check, Chat::Mattermost, written, timeout),
        Kind::Webhook => webhook(&mut check, written, timeout),
        Kind::Email => email(&mut check, written, timeout),
        Kind::Command => command(&mut check, written, timeout),
    };
    match (name, channel) {
        (Some(name), Some(channel)) if check.0.is_empty() => Ok(Sink { name, route, remind, channel }),
        _ => Err(check.0),
    }
}

/// Names the keys that are given and that a place of this kind does not have.
fn foreign(written: &Written) -> Vec<&'static str> {
    let (http, mail, command) = match written.kind {
        Kind::Slack | Kind::Teams | Kind::Mattermost | Kind::Webhook => (true, false, false),
        Kind::Email => (false, true, false),
        Kind::Command => (false, false, true),
    };
    let webhook = matches!(written.kind, Kind::Webhook);
    let keys = [
        ("url", written.url.is_some(), http),
        ("url_file", written.url_file.is_some(), http),
        ("url_env", written.url_env.is_some(), http),
        ("secret_file", written.secret_file.is_some(), webhook),
        ("secret_env", written.secret_env.is_some(), webhook),
        ("smtp", written.smtp.is_some(), mail),
        ("from", written.from.is_some(), mail),
        ("to", written.to.is_some(), mail),
        ("user", written.user.is_some(), mail),
        ("password_file", written.password_file.is_some(), mail),
        ("password_env", written.password_env.is_some(), mail),
        ("argv", written.argv.is_some(), command),
        ("template", written.template.is_some(), mail || (http && !webhook)),
        ("html_template", written.html_template.is_some(), mail),
    ];
    keys.into_iter().filter(|(_, given, fits)| *given && !fits).map(|(key, _, _)| key).collect()
}

fn chat(check: &mut Check, chat: Chat, written: Written, timeout: Duration) -> Option<Channel> {
    let url = url(check, written.url, written.url_file, written.url_env);
    let template = check.template("template", written.template, chat.template());
    Some(Channel::Http(Http { url: url?, form: Form::Chat(chat, template), timeout }))
}

fn webhook(check: &mut Check, written: Written, timeout: Duration) -> Option<Channel> {
    let url = url(check, written.url, written.url_file, written.url_env);
    let secret = check.secret("secret", None, written.secret_file, written.secret_env);
    Some(Channel::Http(Http { url: url?, form: Form::Notice(secret), timeout }))
}

fn url(check: &mut Check, plain: Option<String>, file: Option<PathBuf>, name: Option<String>) -> Option<Secret> {
    if let Some(url) = &plain
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        check.0.push("url: not an http or https address".to_owned());
    }
    let url = check.secret("url", plain, file, name);
    check.need("url, url_file or url_env", url)
}

fn email(check: &mut Check, written: Written, timeout: Duration) -> Option<Channel> {
    let server = check.need("smtp", written.smtp).and_then(|smtp| check.take("smtp", server(&smtp)));
    let from = check.need("from", written.from).and_then(|from| check.take("from", from.parse::<Mailbox>()));
    let to = check.need("to", written.to).unwrap_or_default();
    let to: Vec<Recipient> = to.iter().filter_map(|one| recipient(check, one)).collect();
    let password = check.secret("password", None, written.password_file, written.password_env);
    let account = match (written.user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => {
            check.0.push("user and password belong together".to_owned());
            None
        }
    };
    let [text, html] = TEMPLATES;
    let text = check.template("template", written.template, text);
    let html = check.template("html_template", written.html_template, html);
    let (host, port, protection) = server?;
    Some(Channel::Mail(Box::new(Mail { host, port, protection, account, from: from?, to, text, html, timeout })))
}

/// Why a text names no mail server.
#[derive(Debug, thiserror::Error)]
#[error("not smtps://HOST[:PORT] (TLS), smtp://HOST[:PORT] (STARTTLS) or smtp+local://localhost[:PORT] (neither)")]
struct NoServer;

fn server(written: &str) -> Result<(String, u16, Protection), NoServer> {
    let (scheme, rest) = written.split_once("://").ok_or(NoServer)?;
    // The address of a machine in six parts stands in brackets.
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => {
            (host, port.strip_prefix(':').map_or((port.is_empty()).then_some(None), |port| Some(Some(port))))
        }
        None => rest.split_once(':').map_or((rest, Some(None)), |(host, port)| (host, Some(Some(port)))),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return Err(NoServer);
    }
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "::1");
    let (protection, default) = match scheme {
        "smtps" => (Protection::Tls, 465),
        "smtp" => (Protection::StartTls, 587),
        "smtp+local" if is_local => (Protection::Local, 25),
        _ => return Err(NoServer),
    };
    let port = port.ok_or(NoServer)?.map_or(Ok(default), str::parse).map_err(|_| NoServer)?;
    Ok((host.to_owned(), port, protection))
}

fn recipient(check: &mut Check, written: &str) -> Option<Recipient> {
    if let Some(role) = written.strip_prefix("role:") {
        return check.take("to", RoleName::new(role)).map(Recipient::Role);
    }
    check.take("to", written.parse::<lettre::Address>()).map(|address| Recipient::Address(address.to_string()))
}

fn command(check: &mut Check, written: Written, timeout: Duration) -> Option<Channel> {
    let mut argv = check.need("argv", written.argv)?.into_iter();
    let program = check.need("argv: the program", argv.next().map(PathBuf::from))?;
    if !program.is_absolute() {
        check.0.push(format!("argv: {program:?} is not an absolute path"));
    }
    Some(Channel::Command(Command { program, arguments: argv.collect(), timeout }))
}
