//! The command line: what it takes, and what the exit codes mean.
//!
//! 0 is done, 1 failed, 64 wrong usage or configuration (before a port is bound). Results go to stdout, everything about
//! them to stderr.

mod call;
mod check;
mod config;
mod deliveries;
mod emit;
mod events;
mod new;
mod one_plugin;
mod paint;
mod plugins;
mod records;
mod reload;
mod replay;
mod running_host;
mod samples;
mod selftest;
mod send;
mod serve;
mod table;
mod text;
mod trial;
mod webhooks;
mod words;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, error::ErrorKind};
use one_plugin::OnePlugin;
use slashbox::{Sender, config::ConfigError};

/// Wrong usage: `EX_USAGE` of sysexits.h.
const WRONG_USAGE: u8 = 64;

/// A host for custom command handlers of chat-support platforms.
#[derive(Debug, Parser)]
#[command(name = "slashbox", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve: take commands and events over HTTP, call the plugins of a folder, deliver to webhooks
    ///
    /// On SIGHUP, it reads the sources and the webhooks of its configuration again, as `slashbox reload` has it do.
    ///
    /// SIGTERM and Ctrl-C end it: it takes no more, answers what it has taken, and finishes its deliveries or gives them
    /// back, within `command_ms` and some seconds. Twice, they end it at once.
    ///
    /// Exit codes: 0 if all was finished or given back; 1 if something was cut off (the log says what; nothing that was
    /// acknowledged is lost), or if it cannot serve; 64 for wrong usage or configuration, before a port is bound.
    Serve(Serve),
    /// Say whether a file is a plugin for this host, what it asks for, and what it costs
    Check(Check),
    /// Call a plugin's command once, without a host running, and show what it would change
    ///
    /// Nothing of it is kept, but HTTP requests are really sent: to the hosts that the plugin's grant allows.
    Call(Call),
    /// Give a plugin an event once, without a host running, and show what it would change
    ///
    /// Nothing of it is kept, but HTTP requests are really sent: to the hosts that the plugin's grant allows.
    Emit(Emit),
    /// Make a new plugin: a project that builds and passes its own tests at once
    New(New),
    /// Show or check a configuration
    #[command(subcommand)]
    Config(Config),
    /// Run hostile plugins against this configuration's limits, and say of each limit whether it holds
    Selftest(Selftest),
    /// Send a running host what a source's platform would send it, and show the answer
    ///
    /// The body is taken from the file. What the platform shows to be known by is put in from the configuration: a key into
    /// the body, whatever stands there; a token, a header or the signature of the body's bytes beside it. So samples can be
    /// sent as they are, and no secret need be written anywhere. Whatever else the body has goes as it is, broken or not.
    /// The source is that of the configuration also if --url names another host; no admin token is sent.
    ///
    /// Exit codes: 0 if the host took all of it (a status from 200 to 299); 1 if it refused something, or does not answer
    /// within 15 s; 64 for wrong usage or configuration.
    Send(send::Send),
    /// Show what the platforms send: the requests of their documents, to try a configuration with
    Samples(samples::Samples),
    /// Show what came in, at a running host
    #[command(subcommand)]
    Events(events::Events),
    /// Show what became of what came in, at a running host; deliver it once more
    #[command(subcommand)]
    Deliveries(deliveries::Deliveries),
    /// Show the plugins of a running host, and how they stand; give one another name
    #[command(subcommand)]
    Plugins(plugins::Plugins),
    /// Show the webhooks of a running host, and how they stand; test them, have them wait or go on
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Have a running host read the sources and the webhooks of its configuration again
    ///
    /// All of it is taken, or nothing. Everything else in the configuration takes effect after a restart.
    Reload(reload::Reload),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "slashbox.toml")]
    config: PathBuf,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The plugins folder, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// The data directory, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Check {
    #[command(flatten)]
    plugin: OnePlugin,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Call {
    #[command(flatten)]
    plugin: OnePlugin,
    /// The command, e.g. /invoice
    #[arg(value_name = "/NAME")]
    name: String,
    /// What follows the command
    #[arg(default_value = "", allow_hyphen_values = true)]
    args: String,
    /// JSON that the plugin gets as the command's data
    #[arg(long, value_name = "FILE.json")]
    data: Option<PathBuf>,
    /// The conversation in which it is typed
    #[arg(long, value_name = "ID", default_value = "conversation", allow_hyphen_values = true)]
    conversation: String,
    /// Who types it
    #[arg(long, value_name = "ID", default_value = "operator", allow_hyphen_values = true)]
    operator: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Emit {
    #[command(flatten)]
    plugin: OnePlugin,
    /// What happened, e.g. message.received; or a command that another answers, e.g. /mark
    #[arg(value_name = "KIND")]
    kind: String,
    /// JSON that the plugin gets as the event's data
    #[arg(long, value_name = "FILE.json")]
    data: Option<PathBuf>,
    /// The text of the message; of a command, what follows its name
    #[arg(long, allow_hyphen_values = true)]
    text: Option<String>,
    /// The platform's id of the message; of timer.fired, the timer's key
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    message: Option<String>,
    /// Who wrote it: contact, operator, bot, system or unknown [default: contact; of a command operator, of timer.fired and
    /// of what plugins emit system]
    #[arg(long)]
    sender: Option<Sender>,
    /// The conversation in which it happened
    #[arg(long, value_name = "ID", default_value = "conversation", allow_hyphen_values = true)]
    conversation: String,
    /// Who gives support; of a command, who typed it [default: of a command, operator]
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    operator: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Selftest {
    /// The configuration; slashbox.toml if there is one, else every key's default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct New {
    /// Where to: the last part of it is the plugin's name
    #[arg(value_name = "NAME")]
    path: PathBuf,
    /// The SDK's folder, guest-sdk; the one beside the sources that this program was built from, if nothing is said
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Config {
    /// Print the configuration with every key, its default and what it is for
    Default,
    /// Say whether a configuration can be served
    Check {
        /// The configuration
        #[arg(value_name = "FILE", default_value = "slashbox.toml")]
        file: PathBuf,
    },
}

/// Reads the arguments; what cannot be read, and help, is printed here.
pub(crate) fn arguments() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        let _ = error.print(); // Nobody is left to tell.
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
            _ => ExitCode::from(WRONG_USAGE),
        }
    })
}

/// Runs a command to its end.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Serve(serve) => serve::run(serve),
        Command::Check(check) => check::run(&check),
        Command::Call(call) => call::run(&call),
        Command::Emit(emit) => emit::run(&emit),
        Command::New(new) => new::run(&new),
        Command::Config(Config::Default) => config::print_default(),
        Command::Config(Config::Check { file }) => config::check(&file),
        Command::Selftest(selftest) => selftest::run(&selftest),
        Command::Send(send) => send::run(send),
        Command::Samples(samples) => samples::run(&samples),
        Command::Events(events) => events::run(events),
        Command::Deliveries(deliveries) => deliveries::run(deliveries),
        Command::Plugins(plugins) => plugins::run(plugins),
        Command::Webhooks(webhooks) => webhooks::run(webhooks),
        Command::Reload(reload) => reload::run(reload),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            paint::error(&format!("{error:#}"));
            let usage = error.is::<Usage>() || error.is::<ConfigError>();
            if usage { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

/// Wrong usage that only a command itself can see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Runs a command that is done if it does not fail.
fn finish(future: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    block_on(future).map(|()| ExitCode::SUCCESS)
}

/// The runtime of a command that does one thing.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(future);
    // A compilation under way has nobody left to wait for it.
    runtime.shutdown_background();
    done
}
