//! What the test suites said, summed up: reads the lines of cargo and libtest, and prints who failed, what was skipped and
//! why, and the sum.
//!
//! Two things are skipped tests: what libtest ignores, with the reason of `#[ignore = "…"]`, and a test that finds at run
//! time that it can't run here. The latter says so in one line, `skipped: NAME: REASON`, and returns. It writes that line to
//! the standard error itself, `writeln!(std::io::stderr(), "skipped: {name}: {reason}")`: libtest keeps back what the
//! printing macros print in a test that passes, not what is written to the stream. Since libtest takes it for passed, it is
//! taken off that count.

use std::process::ExitCode;

/// What is known of all suites so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    suites: Vec<Suite>,
    /// `NAME: REASON` of each skipped test.
    skipped: Vec<String>,
}

/// One test binary, the doc tests of one crate, or a step that must succeed before there are any.
#[derive(Debug, Default)]
struct Suite {
    name: String,
    /// Whether libtest told its result.
    finished: bool,
    passed: usize,
    failed: usize,
    /// Skipped by libtest.
    ignored: usize,
    /// Skipped by the tests themselves, which libtest counts as passed.
    skipped: usize,
    /// The names of the tests that failed.
    failures: Vec<String>,
    /// Why it failed, if not by its tests.
    broken: Option<String>,
}

impl Report {
    /// Takes in a line that a suite printed. `workspace` is told in the suite's name.
    pub(crate) fn read(&mut self, workspace: &str, line: &str) {
        match Line::of(line) {
            Line::Suite(name) => {
                self.suites.push(Suite { name: format!("{workspace}: {name}"), ..Suite::default() });
            }
            Line::Result { passed, failed, ignored } => {
                let suite = self.suite(workspace);
                suite.finished = true;
                suite.passed += passed;
                suite.failed += failed;
                suite.ignored += ignored;
            }
            Line::Failed(test) => self.suite(workspace).failures.push(test.to_owned()),
            Line::Ignored { test, reason } => {
                self.skipped.push(format!("{test}: {reason}"));
            }
            Line::Skipped(what) => {
                self.skipped.push(what.to_owned());
                self.suite(workspace).skipped += 1;
            }
            Line::Other => {}
        }
    }

    /// The suites of one workspace are done, and cargo says that not all is well. If no test failed, something else did:
    /// a suite that began and told no result broke off, and without one the tests could not be built.
    pub(crate) fn cargo_failed(&mut self, workspace: &str) {
        let prefix = format!("{workspace}: ");
        let mut explained = false;
        for suite in self.suites.iter_mut().filter(|suite| suite.name.starts_with(&prefix)) {
            if !suite.finished {
                suite.broken = Some("broke off without a result".into());
            }
            explained |= suite.failed > 0 || suite.broken.is_some();
        }
        if !explained {
            self.broke(&format!("{workspace}: cargo test"), "failed before or after its tests, see above");
        }
    }

    /// A step failed that is no test.
    pub(crate) fn broke(&mut self, step: &str, why: &str) {
        self.suites.push(Suite { name: step.to_owned(), broken: Some(why.to_owned()), ..Suite::default() });
    }

    /// The suite that is running. Cargo names each before its first line; should it not, the workspace stands for it.
    fn suite(&mut self, workspace: &str) -> &mut Suite {
        let prefix = format!("{workspace}: ");
        let at = match self.suites.last() {
            Some(last) if last.name.starts_with(&prefix) => self.suites.len() - 1,
            _ => {
                self.suites.push(Suite { name: format!("{workspace}: tests"), ..Suite::default() });
                self.suites.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "the index of the last, which was found or pushed above")]
        &mut self.suites[at]
    }

    fn sum(&self, count: impl Fn(&Suite) -> usize) -> usize {
        self.suites.iter().map(count).sum()
    }

    /// What the developer reads last; the sum is the last line.
    fn summary(&self) -> String {
        let mut text = String::new();
        for suite in self.suites.iter().filter(|suite| suite.failures() > 0) {
            let why = suite.broken.clone().unwrap_or_else(|| format!("{} failed", suite.failed));
            text.push_str(&format!("failed: {}: {why}\n", suite.name));
            for test in &suite.failures {
                text.push_str(&format!("    {test}\n"));
            }
        }
        for skipped in &self.skipped {
            text.push_str(&format!("skipped: {skipped}\n"));
        }
        if self.ran() == 0 {
            text.push_str("no test ran\n");
        }
        let skipped = self.sum(|suite| suite.ignored + suite.skipped);
        let (passed, failed) = (self.sum(Suite::passes), self.sum(Suite::failures));
        text.push_str(&format!("{passed} passed, {failed} failed, {skipped} skipped\n"));
        text
    }

    fn ran(&self) -> usize {
        self.sum(|suite| suite.passed + suite.failed)
    }

    /// Prints the summary. Failure if anything failed, or if nothing ran: that is a filter that matches nothing, or a
    /// suite that went missing.
    pub(crate) fn conclude(&self) -> ExitCode {
        print!("\n{}", self.summary());
        if self.sum(Suite::failures) > 0 || self.ran() == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

impl Suite {
    fn passes(&self) -> usize {
        self.passed.saturating_sub(self.skipped)
    }

    /// Failed tests, and one for a suite that broke: what it did not tell cannot be counted.
    fn failures(&self) -> usize {
        self.failed.max(self.failures.len()) + usize::from(self.broken.is_some())
    }
}

/// What a line of the output says.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    /// Cargo starts a test binary or the doc tests of a crate.
    Suite(String),
    /// libtest sums up.
    Result { passed: usize, failed: usize, ignored: usize },
    /// A test failed.
    Failed(&'a str),
    /// libtest left a test out.
    Ignored { test: &'a str, reason: &'a str },
    /// A test left itself out: `NAME: REASON`.
    Skipped(&'a str),
    /// Anything else.
    Other,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let line = line.trim_end();
        // Cargo puts its words right in a column of twelve; no test does.
        if let Some(what) = line.strip_prefix("     Running ") {
            return Self::Suite(binary(what));
        }
        if let Some(what) = line.strip_prefix("   Doc-tests ") {
            return Self::Suite(format!("{what} (doc tests)"));
        }
        if let Some(counts) = line.strip_prefix("test result: ") {
            return result(counts).unwrap_or(Self::Other);
        }
        // One thread: libtest writes `test NAME ... ` first, and what the test itself writes comes behind it.
        if let Some(what) = line.strip_prefix("skipped: ").or_else(|| Some(line.split_once(" ... skipped: ")?.1)) {
            return Self::Skipped(what);
        }
        let Some((test, end)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
            return Self::Other;
        };
        match end.strip_prefix("ignored") {
            Some("") => Self::Ignored { test, reason: "ignored, no reason given" },
            Some(reason) => Self::Ignored { test, reason: reason.trim_start_matches(", ") },
            None if end == "FAILED" => Self::Failed(test),
            None => Self::Other,
        }
    }
}

/// `unittests src/lib.rs (target/debug/deps/slashbox_core-0123456789abcdef)` → `slashbox_core (unittests src/lib.rs)`.
fn binary(what: &str) -> String {
    let named = || {
        let (source, file) = what.strip_suffix(')')?.rsplit_once(" (")?;
        let (name, _hash) = file.rsplit(['/', '\\']).next()?.rsplit_once('-')?;
        Some(format!("{name} ({source})"))
    };
    named().unwrap_or_else(|| what.to_owned())
}

/// `ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn result(counts: &str) -> Option<Line<'static>> {
    let words: Vec<&str> = counts.split([' ', ';']).filter(|word| !word.is_empty()).collect();
    let count = |what: &str| {
        words.windows(2).find_map(|pair| match pair {
            [number, word] if *word == what => number.parse().ok(),
            _ => None,
        })
    };
    Some(Line::Result { passed: count("passed")?, failed: count("failed")?, ignored: count("ignored")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Line<'_>) {
        assert_eq!(Line::of(line), expected, "{line:?}");
    }

    #[test]
    fn reads_lines() {
        check(
            "     Running unittests src/lib.rs (target/debug/deps/slashbox_core-0123456789abcdef)",
            Line::Suite("slashbox_core (unittests src/lib.rs)".into()),
        );
        check("     Running it/main.rs (target/debug/deps/it-0123)", Line::Suite("it (it/main.rs)".into()));
        check("   Doc-tests slashbox_sdk", Line::Suite("slashbox_sdk (doc tests)".into()));
        check(
            "test result: FAILED. 12 passed; 3 failed; 4 ignored; 0 measured; 5 filtered out; finished in 0.01s",
            Line::Result { passed: 12, failed: 3, ignored: 4 },
        );
        check("test a::b ... FAILED", Line::Failed("a::b"));
        check("test a::b ... ignored, needs a database", Line::Ignored { test: "a::b", reason: "needs a database" });
        check("test a::b ... ignored", Line::Ignored { test: "a::b", reason: "ignored, no reason given" });
        check("skipped: a::b: no network", Line::Skipped("a::b: no network"));
        check("test a::b ... skipped: a::b: no network", Line::Skipped("a::b: no network"));
        for line in
            ["", "test a::b ... ok", "Running late", "running 3 tests", "it was skipped: why", "test result: odd"]
        {
            check(line, Line::Other);
        }
    }

    fn report(lines: &str) -> Report {
        let mut report = Report::default();
        lines.lines().for_each(|line| report.read("root", line));
        report
    }

    const GOOD: &str = "\
     Running unittests src/lib.rs (target/debug/deps/a-01)
test one ... ok
test two ... ok
skipped: two: no network
test three ... ignored, slow
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
   Doc-tests a
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn sums_what_passed_and_what_was_skipped() {
        let report = report(GOOD);
        assert_eq!(report.summary(), "skipped: two: no network\nskipped: three: slow\n5 passed, 0 failed, 2 skipped\n");
        assert_eq!(report.conclude(), ExitCode::SUCCESS);
    }

    #[test]
    fn names_what_failed() {
        let mut report = report(
            "     Running unittests src/lib.rs (target/debug/deps/a-01)\n\
             test one ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n     \
             Running it/main.rs (target/debug/deps/it-02)\n\
             test two ... ok\n\
             test three ... FAILED\n",
        );
        report.cargo_failed("root");
        assert_eq!(
            report.summary(),
            "failed: root: a (unittests src/lib.rs): 1 failed\n    one\n\
             failed: root: it (it/main.rs): broke off without a result\n    three\n\
             1 passed, 3 failed, 0 skipped\n"
        );
        assert_eq!(report.conclude(), ExitCode::FAILURE);
    }

    #[test]
    fn what_does_not_build_is_a_failure() {
        let mut report = report(GOOD);
        report.cargo_failed("plugins");
        assert!(report.summary().contains("failed: plugins: cargo test: failed before"), "{}", report.summary());
        assert!(report.summary().ends_with("\n5 passed, 1 failed, 2 skipped\n"));
        assert_eq!(report.conclude(), ExitCode::FAILURE);
    }

    #[test]
    fn nothing_is_not_success() {
        let report =
            report("test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0s");
        assert_eq!(report.summary(), "no test ran\n0 passed, 0 failed, 1 skipped\n");
        assert_eq!(report.conclude(), ExitCode::FAILURE);
    }
}
