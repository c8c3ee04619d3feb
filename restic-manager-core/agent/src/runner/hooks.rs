//! The scripts around a backup.

use core::time::Duration;

use restic_manager_proto::{
    Hook, Hooks, JobEnd, JobId,
    vocabulary::{Cause, JobState, Shell},
};
use restic_manager_restic::{
    command::{CommandError, Environment},
    exit::Termination,
    process::{Program, Script, ScriptEnd, SpawnError, Stream},
};

use super::{
    end::{self, Ended},
    log::JobLog,
    restic::Restic,
    stop::{StopReason, StopSignal, budget},
};

/// What PowerShell does with a script that it finds on its standard input.
const READ_AND_RUN: &str = "& ([ScriptBlock]::Create([Console]::In.ReadToEnd())); exit $LASTEXITCODE";

/// When a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    After,
}

impl Phase {
    /// What its lines in the log begin with.
    const fn name(self) -> &'static str {
        match self {
            Self::Before => "pre-hook",
            Self::After => "post-hook",
        }
    }
}

/// What a script learns of the backup.
struct Backup<'b> {
    status: &'b str,
    snapshot: &'b str,
}

/// The scripts around one job.
pub(super) struct Scripts<'a> {
    pub(super) hooks: &'a Hooks,
    pub(super) job: JobId,
    pub(super) host_name: &'a str,
    pub(super) group_name: &'a str,
    pub(super) restic: &'a Restic,
    pub(super) log: &'a JobLog,
}

impl Scripts<'_> {
    /// Runs the script before the backup, if there is one.
    ///
    /// # Errors
    /// How the job ends instead of being carried out.
    pub(super) async fn before(&self, stop: &mut StopSignal) -> Result<(), Ended> {
        let Some(hook) = &self.hooks.pre else { return Ok(()) };
        let backup = Backup { status: JobState::Running.as_str(), snapshot: "" };
        let script = self.script(hook, &backup).map_err(|problem| failed(Phase::Before, &problem))?;
        let mut reason = None;
        let stopped = async { reason = Some(stop.stopped().await) };
        let judged = watch(Phase::Before, script, hook.shell, stopped, self.log).await;
        match (judged, reason) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(reason)) => Err(reason.into()),
            (Err(problem), None) => Err(failed(Phase::Before, &problem).into()),
        }
    }

    /// Runs the script after the backup, if there is one, however that ended, and notes in the end when it fails.
    /// A cancel does not stop it, because it may be what starts a service again; an agent that stops waits for it a while.
    pub(super) async fn after(&self, stop: &mut StopSignal, end: &mut JobEnd) {
        let Some(hook) = &self.hooks.post else { return };
        let snapshot = end.statistics.snapshot.clone().unwrap_or_default();
        let backup = Backup { status: end.state.as_str(), snapshot: &snapshot };
        let judged = match self.script(hook, &backup) {
            Ok(script) => watch(Phase::After, script, hook.shell, patience(stop), self.log).await,
            Err(problem) => Err(problem),
        };
        let Err(problem) = judged else { return };
        self.log.remark(&format!("{}: {problem}", Phase::After.name()));
        if end.state == JobState::Succeeded {
            let noted = failed(Phase::After, &problem);
            (end.state, end.cause, end.detail) = (JobState::Incomplete, noted.cause, noted.detail);
        }
    }

    fn script(&self, hook: &Hook, backup: &Backup<'_>) -> Result<Script, String> {
        let program = match hook.shell {
            Shell::Bash => Program::find("bash", self.restic.search_path()),
            Shell::PowerShell => Program::find("powershell", self.restic.search_path()),
            _ => Program::at("/bin/sh"),
        };
        let program = program.map_err(|error| not_started(hook.shell, &error))?;
        let environment = self.variables(backup).map_err(|error| format!("could not {error}"))?;
        let timeout = Duration::from_secs(hook.timeout_seconds.into());
        let mut script = Script::new(program, environment, timeout);
        script.grace = budget::HOOK_END;
        let text = hook.script.expose();
        match hook.shell {
            Shell::PowerShell => {
                let options = ["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command"];
                script.arguments.extend(options.into_iter().chain([READ_AND_RUN]).map(Into::into));
                script.input = text.as_bytes().to_vec();
            }
            _ => {
                script.arguments.push("-s".into());
                // Read to its end before any of it runs, and what it runs finds nothing on its standard input.
                script.input = format!("{{ :; {text}\n}} </dev/null\n").into_bytes();
            }
        }
        Ok(script)
    }

    fn variables(&self, backup: &Backup<'_>) -> Result<Environment, CommandError> {
        let job = self.job.to_string();
        let variables = [
            ("RM_JOB_ID", job.as_str()),
            ("RM_JOB_STATUS", backup.status),
            ("RM_HOST", self.host_name),
            ("RM_SOURCE_GROUP", self.group_name),
            ("RM_SNAPSHOT_ID", backup.snapshot),
        ];
        let start = self.restic.script_environment()?;
        variables.into_iter().try_fold(start, |all, (name, value)| all.with_variable(name, value))
    }
}

/// Ends when an agent that stops has waited long enough, and otherwise never.
async fn patience(stop: &mut StopSignal) {
    match stop.stopped().await {
        StopReason::AgentStops => tokio::time::sleep(budget::HOOK).await,
        _ => core::future::pending().await,
    }
}

/// Runs a script and writes its lines into the job's log; an error says what was wrong.
async fn watch(
    phase: Phase,
    script: Script,
    shell: Shell,
    stop: impl Future<Output = ()>,
    log: &JobLog,
) -> Result<(), String> {
    let (name, seconds) = (phase.name(), script.timeout.as_secs());
    log.remark(&format!("{name}: {shell} runs it, for {seconds} seconds at most"));
    let mut last = String::new();
    let see = |stream, line: &str| {
        let text = format!("{name}: {line}");
        match stream {
            Stream::Stderr => log.stderr(&text),
            _ => log.stdout(&text),
        }
        if !line.is_empty() {
            line.clone_into(&mut last);
        }
    };
    let ended = script.run(stop, see).await.map_err(|error| not_started(shell, &error))?;
    let how = match ended {
        ended if ended.is_success() => return Ok(()),
        ScriptEnd::Exited(Termination::Code(code)) => format!("it ended with exit code {code}"),
        ScriptEnd::Exited(_) => "it was killed by a signal that nobody here sent".to_owned(),
        ScriptEnd::TimedOut => {
            format!("it was ended because it took longer than its {seconds} seconds")
        }
        _ => "it was stopped".to_owned(),
    };
    Err(if last.is_empty() { how } else { format!("{how}; the last that it said: {last}") })
}

fn failed(phase: Phase, problem: &str) -> JobEnd {
    end::without_run(JobState::Failed, Cause::HookFailed, &format!("{}: {problem}", phase.name()))
}

fn not_started(shell: Shell, error: &SpawnError) -> String {
    match error {
        SpawnError::System(kind) => format!("the system does not start {shell}: {kind}"),
        _ => format!("this host has no {shell} that can be run; install it, or choose another shell"),
    }
}
