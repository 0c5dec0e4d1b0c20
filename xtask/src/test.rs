//! The task `test`: builds what the tests load, runs every suite to its end whatever the others do, and sums up.
//!
//! The guests' own tests run natively: what they test is plain code, and cargo has no runner for components.
//! How a test says that it was skipped: see [`crate::summary`].

use std::{
    io::{self, BufRead, BufReader, Write},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    cargo, guests,
    languages::LANGUAGES,
    summary::Report,
    workspaces::{self, LOADED, PLUGINS},
};

/// Runs every test, or those whose names contain one of the filters; they go to libtest, which takes options there too.
pub(crate) fn run(filters: &[String]) -> Report {
    let mut report = Report::default();
    for guests in &LOADED {
        if let Err(error) = guests::build(guests) {
            eprintln!("xtask: {error:#}");
            report.broke(guests.folder, &format!("{} could not be built", guests.what));
        }
    }
    // After the others: they have their folder to themselves while they are built.
    for language in &LANGUAGES {
        if let Err(error) = language.build() {
            eprintln!("xtask: {error:#}");
            report.broke(language.folder, "the guest could not be built");
        }
    }
    build_and_settle(cargo::cargo(""));
    suites(&mut report, "root", cargo::cargo(""), filters);
    let mut plugins = cargo::cargo(PLUGINS.folder);
    plugins.env("CARGO_TARGET_DIR", workspaces::guests_target());
    suites(&mut report, PLUGINS.folder, plugins, filters);
    report
}

/// Builds the suites of a workspace, and waits until that is on the disk: gigabytes on their way there hold up a commit for
/// seconds, and many tests wait for one. What cannot be built is told when the suites are run.
fn build_and_settle(mut cargo: Command) {
    let _ = cargo.args(["test", "--workspace", "--no-run"]).status();
    let _ = Command::new("sync").status(); // Where there is no such program, tests begin at once.
}

/// Runs the suites of a workspace.
fn suites(report: &mut Report, workspace: &str, mut cargo: Command, filters: &[String]) {
    cargo.args(["test", "--workspace", "--no-fail-fast", "--"]).args(filters);
    let result = lines(cargo, |line| {
        // Nobody looking is no reason to stop counting.
        let _ = writeln!(io::stdout(), "{line}");
        report.read(workspace, line);
    });
    match result {
        Ok(true) => {}
        Ok(false) => report.cargo_failed(workspace),
        Err(error) => report.broke(workspace, &format!("{error:#}")),
    }
}

/// Runs it and hands on each line as it comes; tells whether the command succeeded.
fn lines(mut command: Command, mut read: impl FnMut(&str)) -> Result<bool> {
    // One pipe for both streams: cargo names a suite in one, libtest tells its result in the other, and the order counts.
    let (output, input) = io::pipe().context("cannot make a pipe")?;
    command.stdout(input.try_clone().context("cannot make a pipe")?).stderr(input);
    // Without colours, and with the lines that name the suites, whatever the developer's configuration says.
    command.env("CARGO_TERM_COLOR", "never").env("CARGO_TERM_QUIET", "false");
    let mut child = command.spawn().context("cannot run cargo")?;
    // The command holds our ends for writing; the output ends when the last of them is closed.
    drop(command);
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("cannot read what cargo prints")?;
        read(&String::from_utf8_lossy(&line));
    }
    Ok(child.wait().context("cannot wait for cargo")?.success())
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn both_streams_come_in_order() {
        let shell = |script: &str| {
            let mut command = super::Command::new("sh");
            command.args(["-c", script]);
            let mut found = Vec::new();
            let success = super::lines(command, |line| found.push(line.to_owned())).unwrap();
            (success, found.join(","))
        };
        assert_eq!(shell("echo one; echo two >&2; echo three; exit 3"), (false, "one,two,three".into()));
        assert_eq!(shell("printf end"), (true, "end".into()));
    }
}
