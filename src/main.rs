//! The `jit` program: its command line.

use clap::{CommandFactory as _, Parser, Subcommand};
use jit::cli::{Context, Exit, Failure, Format, Terminal, Written};
use jit::commands;
use std::path::Path;
use std::process::ExitCode;

/// Decides whether a push may land: TOML policies, signed approvals, and a log that anyone can verify.
#[derive(Debug, Parser)]
#[command(name = "jit", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// How answers are written
    #[arg(long, global = true, value_parser = Written::usual(), default_value = "text", value_name = "FORMAT")]
    format: Written,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the main job on a throwaway repository
    Demo(commands::demo::Args),
    /// Make a central repository ask before anything lands, or a clone before it pushes
    Install(commands::install::Args),
    /// Take the hooks away; the log stays
    Uninstall(commands::uninstall::Args),
    /// Look at everything an installation stands on
    Doctor(commands::doctor::Args),
    /// Make and show the SSH keys that sign approvals
    Key(commands::key::Args),
    /// Check policies, and put them in force
    Policy(commands::policy::Args),
    /// Show and verify the log of decisions
    Audit(commands::audit::Args),
    /// Approve a change with your own SSH key
    ///
    /// Shows what is signed and asks first. Without a target it is about REV's branch in Mercurial; in Git about the target of the only
    /// open request for REV, or else the branch that `@{push}` names. The token goes to the server: to `refs/jit/approvals`, or to
    /// the branch `jit-approvals`.
    Sign(commands::sign::Args),
    /// Say no to a change
    ///
    /// No push with this commit is let in until you revoke it (`jit revoke`, or `jit sign` after all), for 30 days at most.
    Reject(commands::reject::Args),
    /// Take back an approval or a rejection of your own
    Revoke(commands::revoke::Args),
    /// Say how a check of a commit ended
    ///
    /// The newest attestation by somebody who holds the check's role decides, whichever branch the commit is for.
    Attest(commands::attest::Args),
    /// Say that you looked at what an override let in
    ///
    /// Whoever signed the override, pushed with it or wrote what it let in cannot.
    Review(commands::review::Args),
    /// Let somebody else stand in for you in a role, for some time
    ///
    /// Their approvals then count in your place: it is one place, whoever of you signs.
    Delegate(commands::delegate::Args),
    /// List the tokens that are known here, and what has become of them
    Tokens(commands::tokens::Args),
    /// Tell whether a push would be let in now, and what is missing
    Status(commands::status::Args),
    /// Say of every rule whether it matches a push, and why
    Explain(commands::explain::Args),
    /// Send a commit where approvers can fetch it before it may land
    ///
    /// Approvers then type `jit sign r-…`. Asking twice for the same commit and target is the same request.
    Request(commands::request::Args),
    /// List the requests that wait, oldest first
    Pending(commands::pending::Args),
    /// Show what waits on the whole screen: read, approve, reject
    Inbox(commands::inbox::Args),
    /// Show everything about a request
    Show(commands::show::Args),
    /// Ask whether a pipeline may go on, and wait until it may
    ///
    /// The rules with `actions = ["gate:ACTION"]` decide. Ends with 0 once the gate opened, with 1 if it was refused, 3 if nothing could be decided, 4 if it
    /// still waits.
    Gate(commands::gate::Args),
    /// Answer `jit gate` over ssh, as the forced command of a pipeline's key
    GateServer(commands::gate_server::Args),
    /// Tell people and programs of what happens: try the places, see what waits, deliver it
    Notify(commands::notify::Args),
    /// Tell how long approval takes, what waits, and what was refused
    Metrics(commands::metrics::Args),
    /// Write a page with these figures
    Report(commands::report::Args),
    /// Fetch the server's policy and approvals, and check its log
    Sync(commands::sync::Args),
    /// Print completions for a shell
    Completions(commands::completions::Args),
    /// Print the manual pages
    Man,
    /// Called by the hooks
    #[command(hide = true)]
    Hook(commands::hook::Args),
}

fn run(command: Command, cx: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Demo(args) => commands::demo::run(&args, cx),
        Command::Install(args) => commands::install::run(&args, cx),
        Command::Uninstall(args) => commands::uninstall::run(&args, cx),
        Command::Doctor(args) => commands::doctor::run(&args, cx),
        Command::Key(args) => commands::key::run(args, cx),
        Command::Policy(args) => commands::policy::run(&args, Path::new("policies"), cx),
        Command::Audit(args) => commands::audit::run(&args, cx),
        Command::Sign(args) => commands::sign::run(&args, cx),
        Command::Reject(args) => commands::reject::run(&args, cx),
        Command::Revoke(args) => commands::revoke::run(&args, cx),
        Command::Review(args) => commands::review::run(&args, cx),
        Command::Delegate(args) => commands::delegate::run(&args, cx),
        Command::Attest(args) => commands::attest::run(&args, cx),
        Command::Tokens(args) => commands::tokens::run(&args, cx),
        Command::Status(args) => commands::status::run(&args, cx),
        Command::Explain(args) => commands::explain::run(&args, cx),
        Command::Request(args) => commands::request::run(&args, cx),
        Command::Pending(args) => commands::pending::run(&args, cx),
        Command::Inbox(args) => commands::inbox::run(&args, cx),
        Command::Show(args) => commands::show::run(&args, cx),
        Command::Gate(args) => commands::gate::run(&args, cx),
        Command::GateServer(args) => commands::gate_server::run(&args, cx),
        Command::Notify(args) => commands::notify::run(&args, cx),
        Command::Metrics(args) => commands::metrics::run(&args, cx),
        Command::Report(args) => commands::report::run(&args, cx),
        Command::Sync(args) => commands::sync::run(&args, cx),
        Command::Completions(args) => commands::completions::completions(&args, Cli::command(), cx),
        Command::Man => commands::completions::man(Cli::command(), cx),
        Command::Hook(args) => commands::hook::run(&args, cx),
    }
}

/// Recognises what the hooks call. Somebody waits for them, and to build the whole command line takes as long as to decide.
fn hook() -> Option<commands::hook::Args> {
    let mut words = std::env::args_os().skip(1);
    let name = words.next().filter(|word| word == "hook").and(words.next())?.into_string().ok()?;
    (!name.starts_with('-')).then(|| commands::hook::Args::new(name, words.collect()))
}

fn main() -> ExitCode {
    let (command, format) = match hook() {
        Some(args) => (Command::Hook(args), Format::default()),
        None => {
            let cli = Cli::parse();
            (cli.command, cli.format.into())
        }
    };
    let cx = Context { terminal: Terminal, format };
    match run(command, &cx) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            cx.terminal.fail(&failure);
            failure.exit.into()
        }
    }
}
