//! Sends HTTP, as it is told, and does things later.

use std::time::Duration;

use slashbox_sdk::{
    Command, OrRefuse, Plugin, Result, Timer, events, export,
    http::{self, Error, Response},
    kv, refuse, timers,
};

export!(plugin);

fn plugin() -> Plugin {
    Plugin::new("fetch", "1.0.0")
        .summary("Sends HTTP")
        .http_host("*")
        .command("/get", "URL", "replies status and body", get)
        .command("/method", "LENGTH URL", "sends a method of so many letters", method)
        .command("/follow", "URL", "gets it, and where it is sent to by redirects", follow)
        .command("/post", "URL BODY", "posts a body twice, replies both statuses", post)
        .command("/many", "URL COUNT", "gets it so often, replies how often it could", many)
        .command("/upload", "URL KIB", "posts so much, replies the status", upload)
        .command("/post-and-add", "URL KEY", "posts, then adds by reading and writing", post_and_add)
        .command("/add", "KEY", "adds by reading and writing", add)
        .command("/later", "MS TEXT", "emits a text, so much later", later)
        .command("/not-later", "", "calls that off", not_later)
        .on_timer(emit)
}

fn get(command: Command) -> Result<String> {
    Ok(told(http::get(&command.args).send()))
}

fn method(command: Command) -> Result<String> {
    let (length, url) = command.args.split_once(' ').or_refuse("see the usage")?;
    Ok(told(http::request("M".repeat(length.parse()?), url).send()))
}

/// As no request of the SDK's does by itself.
fn follow(command: Command) -> Result<String> {
    let mut url = command.args;
    let mut followed = String::new();
    loop {
        let answer = http::get(&url).send();
        followed.push_str(&match &answer {
            Ok(answer) => answer.status().to_string(),
            Err(error) => kind(error).to_owned(),
        });
        match answer.ok().and_then(|answer| answer.header("location").map(str::to_owned)) {
            Some(location) => url = location,
            None => return Ok(followed),
        }
        followed.push_str(", then ");
    }
}

fn post(command: Command) -> Result<String> {
    let (url, body) = command.args.split_once(' ').or_refuse("see the usage")?;
    let send = || http::post(url).body(body, "text/plain").send();
    Ok(format!("{} {}", told(send()), told(send())))
}

fn many(command: Command) -> Result<String> {
    let (url, count) = command.args.split_once(' ').or_refuse("see the usage")?;
    for done in 0..count.parse::<u32>()? {
        if let Err(error) = http::get(url).send() {
            return Ok(format!("{done}, then {}", kind(&error)));
        }
    }
    Ok(count.to_owned())
}

fn upload(command: Command) -> Result<String> {
    let (url, kib) = command.args.split_once(' ').or_refuse("see the usage")?;
    let body = vec![b'x'; kib.parse::<usize>()? * 1024];
    Ok(told(http::post(url).body(body, "text/plain").send()))
}

fn add(command: Command) -> Result<String> {
    let sum = kv::get::<i64>(&command.args)?.unwrap_or(0) + 1;
    kv::set(&command.args, &sum)?;
    Ok(sum.to_string())
}

fn post_and_add(command: Command) -> Result<String> {
    let (url, key) = command.args.split_once(' ').or_refuse("see the usage")?;
    let sum = kv::get::<i64>(key)?.unwrap_or(0) + 1;
    http::post(url).body("", "text/plain").send()?;
    kv::set(key, &sum)?;
    Ok(sum.to_string())
}

fn later(command: Command) -> Result<&'static str> {
    let (ms, text) = command.args.split_once(' ').or_refuse("see the usage")?;
    timers::set("later", Duration::from_millis(ms.parse()?), text)?;
    Ok("later")
}

fn not_later(_: Command) -> Result<&'static str> {
    timers::cancel("later")?;
    Ok("not later")
}

fn emit(timer: Timer) -> Result<()> {
    if timer.key != "later" {
        refuse!("the timer {:?} is not ours", timer.key);
    }
    events::emit("late", &timer.payload::<String>()?)?;
    Ok(())
}

fn told(answer: Result<Response, Error>) -> String {
    match answer {
        Ok(answer) => {
            let text = answer.text().unwrap_or_else(|error| kind(&error));
            format!("{} {text}", answer.status()).trim().to_owned()
        }
        Err(error) => kind(&error).to_owned(),
    }
}

fn kind(error: &Error) -> &'static str {
    match error {
        Error::Invalid(..) => "invalid",
        Error::Denied { .. } => "denied",
        Error::Limit { .. } => "limit",
        Error::Unreachable { .. } => "unreachable",
        Error::Timeout { .. } => "timeout",
        Error::Status { .. } => "status",
        Error::Body { .. } => "body",
        _ => "other",
    }
}
