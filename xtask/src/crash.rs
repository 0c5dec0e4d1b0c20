//! The task `crash`: the long form of the crash harness, which is `tests/it/crash.rs`. Its short form is one of the tests.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::{cargo, guests, workspaces::LOADED};

/// How often the host is killed if nothing is said.
const KILLS: u64 = 100;

/// The harness's name among the tests.
const TEST: &str = "crash::what_was_acknowledged_survives_every_death";

/// Builds what it loads, and runs it with its progress at the terminal.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let settings = settings(arguments)?;
    LOADED.iter().try_for_each(guests::build)?;
    let mut command = cargo::cargo("");
    command.args(["test", "--quiet", "--workspace", "--test", "it", "--", "--exact", TEST, "--nocapture"]);
    cargo::run({
        command.envs(settings);
        command
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The harness's settings, as the variables that it reads.
fn settings(arguments: &[String]) -> Result<Vec<(&'static str, String)>> {
    let mut settings = vec![("SLASHBOX_CRASH_KILLS", KILLS.to_string())];
    for pair in arguments.chunks(2) {
        let (name, value) = match pair {
            [name, value] => (name.as_str(), value),
            _ => bail!("{}: expected a number behind it", pair.concat()),
        };
        let variable = match name {
            "--kills" => "SLASHBOX_CRASH_KILLS",
            "--seed" => "SLASHBOX_CRASH_SEED",
            _ => bail!("there is no option {name:?}: expected --kills or --seed"),
        };
        let number: u64 = value.parse().with_context(|| format!("{name} {value:?}: expected a number"))?;
        settings.push((variable, number.to_string()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn reads_its_options() {
        let set = |text: &str| settings(&words(text)).unwrap().pop().unwrap();
        assert_eq!(set(""), ("SLASHBOX_CRASH_KILLS", "100".into()));
        assert_eq!(set("--kills 8"), ("SLASHBOX_CRASH_KILLS", "8".into()));
        assert_eq!(set("--kills 8 --seed 7"), ("SLASHBOX_CRASH_SEED", "7".into()));
        for odd in ["--kills", "--kills many", "--kill 8", "8"] {
            assert!(settings(&words(odd)).is_err(), "{odd}");
        }
    }
}
