//! A call as slashbox makes it: `Runtime::call`, with every limit and every service linked.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use slashbox_bench_round::{Laps, Order, answer};
use slashbox_bench_work::{DATA, reply};
use slashbox_core::{Command, Origin, Outcome};
use slashbox_runtime::{Call, Input, Plugin, PluginFile, Runtime, Settings};
use slashbox_store::Store;

use crate::{abreast, payload};

/// Answers orders.
pub(crate) fn run(component: &Path) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (store, file) = (Store::in_memory()?, PluginFile::shared(component));
    let runtime = tokio.block_on(Runtime::of_file(&Settings::default(), &file, None, store.reader(), None))?;
    let plugin = runtime.catalog().plugins().next().cloned().context("the plugin was not loaded")?;
    let ours = Arc::new(Ours { runtime, plugin, command: Arc::new(command()?) });
    tokio.block_on(ours.check())?;
    answer(|order| abreast::round(&tokio, order, || laps(ours.clone(), order.clone())))
}

/// A plugin that serves, and what to call it with.
struct Ours {
    runtime: Runtime,
    plugin: Arc<Plugin>,
    command: Arc<Command>,
}

impl Ours {
    fn call(&self, lasting: Duration) -> Call {
        let deadline = Instant::now() + lasting + Duration::from_secs(60); // The plugin's own timeout is shorter.
        Call { input: Input::Command(self.command.clone()), now_ms: payload::OCCURRED_AT_MS, deadline }
    }

    async fn reply(&self, call: &Call) -> Result<String> {
        match self.runtime.call(&self.plugin, call).await {
            (Outcome::Replied(Some(reply)), _) => Ok(reply.text),
            (outcome, _) => bail!("the plugin did not reply: {outcome:?}"),
        }
    }

    async fn check(&self) -> Result<()> {
        let said = self.reply(&self.call(Duration::ZERO)).await?;
        ensure!(said == reply(DATA)?, "the plugin replied something else: {said}");
        Ok(())
    }
}

async fn laps(ours: Arc<Ours>, order: Order) -> Result<Laps> {
    let call = ours.call(order.lasting);
    let mut laps = Laps::start(order.lasting);
    loop {
        ours.reply(&call).await?;
        if !laps.lap() {
            return Ok(laps);
        }
    }
}

fn command() -> Result<Command> {
    Ok(Command {
        id: payload::ID.into(),
        name: payload::NAME.parse()?,
        args: payload::ARGS.into(),
        conversation: Some(payload::CONVERSATION.into()),
        operator: Some(payload::OPERATOR.into()),
        contact: Some(payload::CONTACT.into()),
        message: None,
        occurred_at_ms: payload::OCCURRED_AT_MS,
        origin: Origin {
            tenant: "default".into(),
            source: payload::SOURCE.into(),
            dialect: "hotline".into(),
            instance: Some(payload::INSTANCE.into()),
        },
        data: DATA.into(),
        envelope: String::new(),
    })
}
