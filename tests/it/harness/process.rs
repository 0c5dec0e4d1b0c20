//! A run of the binary. It is killed, by its id, with the test that started it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{Lines, binary::slashbox, eventually};

/// A process that may still run.
#[derive(Debug)]
pub(crate) struct Process {
    child: Option<Child>,
    pub(crate) out: Option<Lines>,
    pub(crate) err: Option<Lines>,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Process {
    /// Starts `slashbox` with these arguments, in this folder.
    pub(crate) fn start(arguments: &[&str], dir: &Path, environment: &[(String, String)]) -> Self {
        Self::start_with(arguments, dir, environment, Stdio::null())
    }

    fn start_with(arguments: &[&str], dir: &Path, environment: &[(String, String)], stdin: Stdio) -> Self {
        let mut command = Command::new(slashbox());
        // What decides about colours elsewhere decides nothing here.
        for variable in ["CLICOLOR", "CLICOLOR_FORCE", "NO_COLOR"] {
            command.env_remove(variable);
        }
        // What it keeps for its user is kept here.
        command.env("HOME", dir.join("home")).env_remove("XDG_CACHE_HOME");
        command.args(arguments).current_dir(dir).envs(environment.iter().cloned());
        let mut child =
            command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("slashbox starts");
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child: Some(child), out: Some(Lines::of(out)), err: Some(Lines::of(err)) }
    }

    /// Runs it to its end.
    pub(crate) async fn run(arguments: &[&str], dir: &Path) -> Ended {
        Self::start(arguments, dir, &[]).ended().await
    }

    /// As [`Self::run`], with a file of the folder as its standard input.
    pub(crate) async fn run_with_input(arguments: &[&str], dir: &Path, input: &str) -> Ended {
        let input = fs::File::open(dir.join(input)).unwrap();
        Self::start_with(arguments, dir, &[], input.into()).ended().await
    }

    pub(crate) fn out(&self) -> &Lines {
        self.out.as_ref().expect("it has not been waited for")
    }

    pub(crate) fn err(&self) -> &Lines {
        self.err.as_ref().expect("it has not been waited for")
    }

    /// The exit code, if it has ended.
    pub(crate) fn code_now(&mut self) -> Option<Option<i32>> {
        self.child.as_mut()?.try_wait().unwrap().map(|status| status.code())
    }

    /// The most memory that it had so far, in MiB; none on systems other than Linux.
    pub(crate) fn memory_mib_max(&self) -> Option<u64> {
        let id = self.child.as_ref()?.id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))?;
        Some(kib.trim().parse::<u64>().unwrap() / 1024)
    }

    /// By what the system knows it.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("it has not been waited for").id()
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id();
        // The shell has a `kill` of its own wherever there is a shell.
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status().expect("there is a shell");
        assert!(sent.success(), "SIG{name} cannot be sent");
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(mut self) -> Ended {
        let code = eventually("the end of slashbox", async || self.code_now()).await;
        self.child = None;
        let text = |lines: Option<Lines>| lines.map(Lines::into_text).unwrap_or_default();
        Ended { code, out: text(self.out.take()), err: text(self.err.take()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill(); // It may have ended by itself.
            let _ = child.wait();
        }
    }
}

impl Ended {
    /// Asserts how it ended, and what it said: on stdout if it is done, else on stderr or, of a check, on stdout.
    pub(crate) fn assert(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let said = format!("{}{}", self.out, self.err);
        super::assert_has(&said, parts);
        assert!(!said.contains('\x1b'), "colours where no terminal is: {said:?}");
    }
}
