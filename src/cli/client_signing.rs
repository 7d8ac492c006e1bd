//! What every command that signs has in common: it asks first, signs with the user's key, and sends what it signed.

use super::client::Client;
use super::client_key::OwnKey;
use super::{Context, Exit, Failure, Format, client_json, client_token, safe};
use crate::domain::approval::{SignedToken, Token};
use serde_json::json;
use std::path::PathBuf;

/// The options of a command that signs.
#[derive(Debug, clap::Args)]
pub struct SigningArgs {
    /// Why; some rules ask for it, everybody can read it
    #[arg(long, short = 'm', value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// The private key file [default: `jit.key` in git config or hgrc, or the one in ~/.ssh that the policy lists]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The server, by its name or URL [default: `jit.remote` in git config or hgrc, or where a push would go]
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Sign, and keep the token here until `jit sync --send` or the next token that is sent
    #[arg(long, conflicts_with = "print")]
    local: bool,
    /// Print the token and do nothing else with it
    #[arg(long)]
    print: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl SigningArgs {
    /// Opens the clone, if there is somebody to ask or nobody needs to be asked.
    ///
    /// # Errors
    /// A usage [`Failure`] without `--yes` where there is no terminal; else as [`Client::open`].
    pub fn open(&self, cx: &Context) -> Result<Client, Failure> {
        if !self.yes && !cx.terminal.can_ask() {
            return Err(Failure::usage("there is no terminal to ask on").hint("`--yes` signs without asking"));
        }
        Client::open(self.remote.as_deref(), cx)
    }

    /// Chooses the key, as [`OwnKey::choose`].
    ///
    /// # Errors
    /// [`Failure`] if there is none.
    pub fn own_key(&self, client: &Client) -> Result<OwnKey, Failure> {
        OwnKey::choose(client, self.key.as_deref())
    }

    /// Asks `question`, signs `tokens`, and prints, keeps or sends them. Returns `None` where printing was all that was asked for.
    ///
    /// # Errors
    /// [`Failure`] for a no, a token that breaks the format, a key that does not sign, a server that does not take them.
    pub fn sign(
        &self,
        question: &str,
        tokens: &[Token],
        own: &OwnKey,
        client: &mut Client,
        cx: &Context,
    ) -> Result<Option<Vec<SignedToken>>, Failure> {
        if !self.yes && !cx.terminal.confirm(question) {
            return Err(Failure::new(Exit::Denied, "nothing was signed"));
        }
        let signed = sign_all(tokens, own, cx)?;
        if self.print {
            match cx.format {
                Format::Text => {
                    cx.terminal.answer(&signed.iter().map(|one| format!("{}\n", one.text)).collect::<String>());
                }
                Format::Json => self.answer_json(&signed, own, cx),
            }
            return Ok(None);
        }
        client.keep(&signed)?;
        if !self.local {
            client.send_waiting()?;
        }
        Ok(Some(signed))
    }

    /// As [`Self::sign`], of one token, and says that `done` was done by it. JSON: `tokens` (the one), `sent`.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_alone(
        &self,
        question: &str,
        token: Token,
        done: &str,
        own: &OwnKey,
        client: &mut Client,
        cx: &Context,
    ) -> Result<Exit, Failure> {
        let Some(signed) = self.sign(question, &[token], own, client, cx)? else { return Ok(Exit::Done) };
        match cx.format {
            Format::Json => self.answer_json(&signed, own, cx),
            Format::Text => {
                let ids: String = signed.iter().map(|one| format!("{done}: token {}\n", one.id)).collect();
                cx.terminal.answer(&(ids + &self.whereabouts(client)));
            }
        }
        Ok(Exit::Done)
    }

    fn answer_json(&self, signed: &[SignedToken], own: &OwnKey, cx: &Context) {
        let tokens: Vec<_> = signed.iter().map(|one| client_json::token(one, Some(&own.who))).collect();
        cx.terminal.answer_json(&json!({ "tokens": tokens, "sent": self.sends() }));
    }

    /// Tells whether tokens are sent at once.
    pub fn sends(&self) -> bool {
        !self.local && !self.print
    }

    /// Says where the tokens are now.
    pub fn whereabouts(&self, client: &Client) -> String {
        if self.sends() {
            format!("sent to `{}`\n", safe(client.local.remote().as_bytes()))
        } else {
            "kept here, not sent: `jit sync --send` sends it\n".to_owned()
        }
    }
}

/// Signs `tokens` with the key `own`, which may ask for its passphrase. Whoever calls this has shown what they say, and been told yes.
///
/// # Errors
/// [`Failure`] for a token that breaks the format, or a key that does not sign.
pub fn sign_all(tokens: &[Token], own: &OwnKey, cx: &Context) -> Result<Vec<SignedToken>, Failure> {
    let signer = own.signer(cx)?;
    tokens.iter().map(|token| client_token::sign(token, &signer)).collect()
}
