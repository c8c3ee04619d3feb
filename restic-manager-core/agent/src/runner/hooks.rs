//! The scripts around a backup.

use core::time::Duration;

use restic_manager_proto::{
    Hook, JobEnd,
    vocabulary::{Cause, JobState, Shell},
};
use restic_manager_restic::{
    command::{CommandError, Environment},
    exit::Termination,
    process::{Program, Script, ScriptEnd, SpawnError, Stream},
};

use super::{
    end,
    job::Job,
    log::JobLog,
    stop::{StopReason, StopSignal},
};

/// How long an agent that stops waits for the script after a backup: a service manager does not wait for ever.
const STOPPING_PATIENCE: Duration = Duration::from_secs(60);
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

/// What a script learns besides the job, the host and the source group.
struct Telling<'t> {
    status: &'t str,
    snapshot: &'t str,
}

impl Job<'_> {
    /// Runs the script before the backup, if there is one.
    ///
    /// # Errors
    /// How the job ends instead of being carried out.
    pub(super) async fn run_pre_hook(&mut self) -> Result<(), Box<JobEnd>> {
        let Some(hook) = self.hooks.pre.clone() else { return Ok(()) };
        let telling = Telling { status: JobState::Running.as_str(), snapshot: "" };
        let script = self.script(&hook, &telling).map_err(|problem| failed(Phase::Before, &problem))?;
        let mut reason = None;
        let stop = async { reason = Some(self.stop.stopped().await) };
        let judged = watch(Phase::Before, script, hook.shell, stop, &self.log).await;
        match (judged, reason) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(reason)) => Err(end::stopped(reason).into()),
            (Err(problem), None) => Err(failed(Phase::Before, &problem).into()),
        }
    }

    /// Runs the script after the backup, if there is one, however that ended, and notes in the end when it fails.
    /// A cancel does not stop it, because it may be what starts a service again; an agent that stops waits for it a while.
    pub(super) async fn run_post_hook(&mut self, end: &mut JobEnd) {
        let Some(hook) = self.hooks.post.clone() else { return };
        let snapshot = end.statistics.snapshot.clone().unwrap_or_default();
        let telling = Telling { status: end.state.as_str(), snapshot: &snapshot };
        let judged = match self.script(&hook, &telling) {
            Ok(script) => {
                let stop = patience(&mut self.stop);
                watch(Phase::After, script, hook.shell, stop, &self.log).await
            }
            Err(problem) => Err(problem),
        };
        let Err(problem) = judged else { return };
        self.log.remark(&format!("{}: {problem}", Phase::After.name()));
        if end.state == JobState::Succeeded {
            let noted = failed(Phase::After, &problem);
            (end.state, end.cause, end.detail) = (JobState::Incomplete, noted.cause, noted.detail);
        }
    }

    fn script(&self, hook: &Hook, telling: &Telling<'_>) -> Result<Script, String> {
        let restic = &self.shared.restic;
        let program = match hook.shell {
            Shell::Bash => Program::find("bash", restic.search_path()),
            Shell::PowerShell => Program::find("powershell", restic.search_path()),
            _ => Program::at("/bin/sh"),
        };
        let program = program.map_err(|error| not_started(hook.shell, &error))?;
        let environment = self.variables(telling).map_err(|error| format!("could not {error}"))?;
        let timeout = Duration::from_secs(hook.timeout_seconds.into());
        let mut script = Script::new(program, environment, timeout);
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

    fn variables(&self, telling: &Telling<'_>) -> Result<Environment, CommandError> {
        let group = self.order.source.as_ref().map_or("", |source| &source.name);
        let job = self.order.job.to_string();
        let variables = [
            ("RM_JOB_ID", job.as_str()),
            ("RM_JOB_STATUS", telling.status),
            ("RM_HOST", &self.order.host_name),
            ("RM_SOURCE_GROUP", group),
            ("RM_SNAPSHOT_ID", telling.snapshot),
        ];
        let start = self.shared.restic.script_environment()?;
        variables.into_iter().try_fold(start, |all, (name, value)| all.with_variable(name, value))
    }
}

/// Ends when an agent that stops has waited long enough, and otherwise never.
async fn patience(stop: &mut StopSignal) {
    match stop.stopped().await {
        StopReason::AgentStops => tokio::time::sleep(STOPPING_PATIENCE).await,
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
            format!("it was killed because it took longer than its {seconds} seconds")
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
