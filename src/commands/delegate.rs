//! `jit delegate`: lets somebody else stand in for you in a role.

use crate::cli::client::Client;
use crate::cli::client_signing::SigningArgs;
use crate::cli::{Context, Exit, Failure, Moment, client_token, safe};
use crate::domain::approval::{Kind, Token};
use crate::domain::name::{PrincipalId, RoleName};

/// Lets somebody else stand in for you in a role, for some time.
///
/// Their approvals, rejections and overrides then count in your place: it is one place, whoever of you signs, and whatever keeps yours from
/// counting keeps theirs. They cannot pass it on. `jit revoke` ends it early, `jit tokens` lists it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The role, which the policy must call delegable
    #[arg(value_name = "ROLE")]
    role: String,
    /// Who stands in
    #[arg(long, value_name = "NAME")]
    to: String,
    /// From when, as `2026-12-20T00:00:00Z` or in `2d` [default: now]
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    from: Option<Moment>,
    /// Until when, as `2027-01-04T00:00:00Z` or in `7d`
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Moment,
    #[command(flatten)]
    signing: SigningArgs,
}

/// Does what `args` say.
///
/// JSON: `tokens` (the delegation), `sent`.
///
/// # Errors
/// [`Failure`] for a delegation that would be good for nothing.
pub fn run(args: &Args, cx: &Context) -> Result<Exit, Failure> {
    let mut client = args.signing.open(cx)?;
    let own = args.signing.own_key(&client)?;
    let (role, to) = check(&client, &own.who, &args.role, &args.to)?;
    let from = args.from.map_or(client.now, |moment| moment.after(client.now));
    let until = args.until.after(client.now);
    if until <= from || until <= client.now {
        return Err(Failure::usage(format!("it would end at {until}, before it begins")));
    }
    let token = Token {
        kind: Kind::Delegate { role: role.clone(), to: to.clone() },
        not_before: from,
        not_after: Some(until),
        ..client_token::bare(&client, args.signing.reason.clone())?
    };
    let what = format!("{to} stands in for {} as `{role}`, from {from} until {until}", own.who);
    cx.terminal.say(&format!("{} delegates, with the key {}: {what}", own.who, own.key));
    args.signing.sign_alone("delegate this?", token, &what, &own, &mut client, cx)
}

/// Refuses what the server would keep and never count.
fn check(client: &Client, own: &PrincipalId, role: &str, to: &str) -> Result<(RoleName, PrincipalId), Failure> {
    let role = client_token::known_role(&client.policy, role)?;
    if !client.policy.roles.get(&role).is_some_and(|role| role.delegable) {
        return Err(Failure::new(Exit::Denied, format!("`{role}` cannot be delegated"))
            .hint("its policy would have to say `delegable = true`"));
    }
    if !client.policy.holds_role(own, &role) {
        let what = format!("{own} does not hold `{role}`; what somebody delegated to you cannot be passed on");
        return Err(Failure::new(Exit::Denied, what));
    }
    let known = PrincipalId::new(to).ok().filter(|who| client.policy.principals.contains_key(who));
    match known {
        None => Err(Failure::usage(format!("the policy does not know `{}`", safe(to.as_bytes())))),
        Some(to) if to == *own => Err(Failure::usage(format!("{own} cannot stand in for {own}"))),
        Some(to) => Ok((role, to)),
    }
}
