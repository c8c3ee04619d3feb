//! Hooks, dumps and speed limits, with the examples of the page about them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use restic_manager_e2e::{Agent, Database, Failure, Outcome, Tools, World};
use restic_manager_proto::api::hosts::{Host, HostChange, Show as ShowHost, Update as UpdateHost};
use restic_manager_proto::api::jobs::{Create as CreateJob, Job, NewJob};
use restic_manager_proto::api::source_groups::{
    self, CreateFromCommand, NewCommandGroup, SourceGroup, SourceGroupChange,
};
use restic_manager_proto::api::upkeep::{NewUpkeepJob, Run as RunUpkeep};
use restic_manager_proto::api::{Page, hooks};
use restic_manager_proto::vocabulary::{Cause, JobKind, JobState, Presence, Shell};
use restic_manager_proto::{
    Bandwidth, CommandSource, Hook, Hooks, HostId, JobChoice, JobOptions, Retention, SecretText,
    SourceGroupId,
};

use crate::support::{expect_success, sample, snapshots, whole_log};

const PAGE: &str = include_str!("../../../docs/operations/hooks.md");

/// An example of the page.
fn example(name: &str) -> Outcome<String> {
    let start = PAGE.split_once(&format!("<!-- example: {name} -->\n"));
    let block = start.and_then(|(_, rest)| rest.split_once('\n')?.1.split_once("\n```"));
    block.map(|(text, _)| text.to_owned()).ok_or_else(|| Failure::new(format!("no example {name}")))
}

/// A host that lets hooks run, with a folder of programs before all others.
async fn host(world: &World, name: &str, paths: &[&Path]) -> Outcome<Agent> {
    let mut agent = world.enrol_only(name, paths).await?;
    let (config, policy) = (agent.folder().join("agent.toml"), agent.folder().join("policy.toml"));
    std::fs::write(&policy, "hooks = \"any\"\n")?;
    let settings = std::fs::read_to_string(&config)?;
    std::fs::write(&config, format!("policy_file = \"{}\"\n{settings}", policy.display()))?;
    std::fs::create_dir_all(agent.programs())?;
    agent.begin()?;
    world.online(agent.host()?).await?;
    Ok(agent)
}

/// A program that notes how it is called.
fn noting_program(agent: &Agent, name: &str) -> Outcome<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let notes = agent.folder().join("calls");
    let path = agent.programs().join(name);
    std::fs::write(&path, format!("#!/bin/sh\necho \"$@\" >> {}\n", notes.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    Ok(notes)
}

fn hook(shell: Shell, script: String) -> Option<Hook> {
    Some(Hook { shell, script: SecretText::new(script), timeout_seconds: 60 })
}

async fn set_hooks(world: &World, host: HostId, hooks: &Hooks) -> Outcome {
    world.api.change::<hooks::SetOfHost>(&[&host.to_string()], 0, hooks).await.map(drop)
}

async fn groups(world: &World, host: HostId) -> Outcome<Vec<SourceGroup>> {
    let page: Page<SourceGroup> =
        world.api.call::<source_groups::List>(&[&host.to_string()], None, None).await?;
    Ok(page.items)
}

async fn from_command(
    world: &World,
    host: HostId,
    name: &str,
    shell: Option<Shell>,
    words: Vec<String>,
    file_name: &str,
) -> Outcome<SourceGroupId> {
    let body = NewCommandGroup {
        name: name.to_owned(),
        command: CommandSource { shell, words, file_name: file_name.to_owned() },
        repository: world.repository,
        retention: Retention::default(),
        retry: None,
    };
    Ok(world.api.call::<CreateFromCommand>(&[&host.to_string()], None, Some(&body)).await?.id)
}

async fn back_up(world: &World, host: HostId, group: SourceGroupId) -> Outcome<Job> {
    let body = NewJob {
        host,
        kind: JobKind::Backup,
        source_group: Some(group),
        repository: None,
        bandwidth: Bandwidth { upload_kib: Some(50_000), download_kib: None },
    };
    let job: Job = world.api.call::<CreateJob>(&[], None, Some(&body)).await?;
    world.ended(job.id).await
}

/// Runs a program and gives what it prints.
fn run(command: &mut Command) -> Outcome<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::new(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))))
}

#[tokio::test]
async fn a_service_is_started_again_also_when_the_backup_fails() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = host(&world, "web-1", &[&files]).await?;
    let calls = noting_program(&agent, "systemctl")?;
    let host = agent.host()?;
    let hooks = Hooks { pre: hook(Shell::Sh, example("stop")?), post: hook(Shell::Bash, example("start")?) };
    set_hooks(&world, host, &hooks).await?;
    expect_success(&world.ended(world.ask_for_backup(host).await?.id).await?)?;
    assert_eq!(std::fs::read_to_string(&calls)?, "stop shop\nstart shop\n");

    std::fs::remove_dir_all(&files)?;
    let job = world.ended(world.ask_for_backup(host).await?.id).await?;
    assert_eq!((job.state, job.cause), (JobState::Failed, Cause::SourceMissing), "{job:?}");
    assert_eq!(std::fs::read_to_string(&calls)?, "stop shop\nstart shop\n".repeat(2));

    // Nobody who looks at the server's or the agent's files reads a script.
    for folder in [world.path("server"), agent.folder().to_path_buf()] {
        for file in files_below(&folder)? {
            let content = std::fs::read(&file)?;
            let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
            assert!(!holds(b"systemctl stop"), "{}", file.display());
        }
    }
    std::fs::write(agent.folder().join("policy.toml"), "hooks = \"none\"\n")?;
    let job = world.ended(world.ask_for_backup(host).await?.id).await?;
    assert_eq!((job.state, job.cause), (JobState::Failed, Cause::AgentRefused), "{job:?}");
    Ok(())
}

fn files_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

#[tokio::test]
async fn a_postgresql_dump_comes_back_and_a_failing_one_is_no_backup() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = host(&world, "db-1", &[&files]).await?;
    let host = agent.host()?;
    let name = world.folder().file_name().unwrap_or_default().to_string_lossy().replace('-', "_");
    let prepare = async |what: &str| {
        let url = Database::Postgres.prepare(&format!("{name}_{what}")).await?;
        url.ok_or_else(|| Failure::new("no PostgreSQL"))
    };
    let (shop, restored) = (prepare("shop").await?, prepare("restored").await?);
    let sql = |url: &str, text: &str| {
        run(Command::new(Tools::postgres("psql")?).args([url, "-Atq", "-v", "ON_ERROR_STOP=1", "-c", text]))
    };
    sql(&shop, "CREATE TABLE goods AS SELECT n, md5(n::text) AS name FROM generate_series(1, 20000) AS n")?;

    let words = example("postgres")?.replace("postgresql:///shop", &shop);
    let mut words: Vec<String> = words.lines().map(str::to_owned).collect();
    words[0] = Tools::postgres("pg_dump")?.to_string_lossy().into_owned();
    let group = from_command(&world, host, "shop", None, words, "shop.dump").await?;
    let job = back_up(&world, host, group).await?;
    expect_success(&job)?;
    assert!(job.command.contains("--stdin-from-command"), "{}", job.command);
    assert!(job.command.contains("--limit-upload=50000"), "{}", job.command);

    let dump = world.restic()?.output(&["dump", "--tag", "shop", "latest", "shop.dump"]).await?;
    assert!(dump.status.success(), "{dump:?}");
    let file = world.path("shop.dump");
    std::fs::write(&file, dump.stdout)?;
    let target = format!("--dbname={restored}");
    run(Command::new(Tools::postgres("pg_restore")?).arg(target).arg(&file))?;
    let look = "SELECT count(*), md5(string_agg(n || name, ',' ORDER BY n)) FROM goods";
    assert_eq!(sql(&restored, look)?, sql(&shop, look)?);

    let lost = shop.replace("_shop", "_nowhere");
    let line = format!("'{}' '{lost}' | gzip", Tools::postgres("pg_dump")?.display());
    let group = from_command(&world, host, "lost", Some(Shell::Bash), vec![line], "lost.gz").await?;
    let job = back_up(&world, host, group).await?;
    assert_eq!((job.state, job.cause), (JobState::Failed, Cause::CommandFailed), "{job:?}");
    let log = whole_log(&world, job.id).await?;
    assert!(log.iter().any(|line| line.text.contains("does not exist")), "{log:?}");
    assert_eq!(world.restic()?.snapshot_count().await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_sqlite_database_comes_back_from_a_dump_and_from_a_copy() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let database = files.join("shop.db");
    let sqlite = |database: &Path, text: &str| run(Command::new(Tools::sqlite()?).arg(database).arg(text));
    sqlite(&database, "CREATE TABLE goods (name TEXT); INSERT INTO goods VALUES ('ä''b'), ('c'), (NULL);")?;
    let content = sqlite(&database, ".dump")?;
    let agent = host(&world, "db-1", &[&files]).await?;
    let host = agent.host()?;
    std::os::unix::fs::symlink(Tools::sqlite()?, agent.programs().join("sqlite3"))?;

    let shop = files.to_string_lossy().into_owned();
    let words = example("sqlite")?.replace("/var/lib/shop", &shop);
    let words = words.lines().map(str::to_owned).collect();
    let group = from_command(&world, host, "shop", None, words, "shop.sql").await?;
    expect_success(&back_up(&world, host, group).await?)?;
    let dump = world.restic()?.run(&["dump", "--tag", "shop", "latest", "shop.sql"]).await?;
    let again = world.path("again.db");
    sqlite(&again, &dump)?;
    assert_eq!(sqlite(&again, ".dump")?, content);

    let copy = example("sqlite-copy")?.replace("/var/lib/shop", &shop);
    set_hooks(&world, host, &Hooks { pre: hook(Shell::Sh, copy), post: None }).await?;
    let files_group = groups(&world, host).await?.into_iter().find(|group| group.command.is_none());
    let files_group = files_group.ok_or_else(|| Failure::new("no group with paths"))?;
    expect_success(&back_up(&world, host, files_group.id).await?)?;
    let target = world.path("restored");
    let into = target.to_string_lossy().into_owned();
    world.restic()?.run(&["restore", "latest", "--tag", &files_group.tag, "--target", &into]).await?;
    let copied = target.join(files.strip_prefix("/")?).join("backup.db");
    assert_eq!(sqlite(&copied, ".dump")?, content);
    Ok(())
}

#[tokio::test]
async fn a_renamed_host_keeps_its_snapshots_in_listings_and_under_its_policy() -> Outcome {
    let world = World::start().await?;
    let files = sample(&world, "files", 1)?;
    let agent = host(&world, "before", &[&files]).await?;
    let host = agent.host()?;
    let back_up_all = async || expect_success(&world.ended(world.ask_for_backup(host).await?.id).await?);
    back_up_all().await?;

    let id = host.to_string();
    let known: Host = world.api.call::<ShowHost>(&[&id], None, None).await?;
    let change = HostChange {
        name: "after".to_owned(),
        tags: known.tags,
        presence_mode: known.presence_mode,
        bandwidth: Bandwidth { upload_kib: Some(40_000), download_kib: Some(30_000) },
    };
    let renamed: Host = world.api.change::<UpdateHost>(&[&id], known.version, &change).await?;
    assert_eq!((renamed.name.as_str(), renamed.restic_name.as_str()), ("after", "before"));
    // A new host of the old name is another one to restic, too.
    let other = self::host(&world, "before", &[&files]).await?;
    let other: Host = world.api.call::<ShowHost>(&[&other.host()?.to_string()], None, None).await?;
    assert_eq!((other.name.as_str(), other.restic_name.as_str()), ("before", "before-2"));
    assert_eq!(other.presence, Presence::Online);

    back_up_all().await?;
    let listed = snapshots(&world, host).await?;
    assert_eq!(listed.len(), 2, "both are the host's: {listed:?}");
    let job = world.api.job(listed_job(&world, host).await?.id).await?;
    assert!(job.command.contains("--limit-upload=40000 --limit-download=30000"), "{}", job.command);
    assert!(job.command.contains("--host=before"), "{}", job.command);

    let group = groups(&world, host).await?.remove(0);
    let keep = SourceGroupChange {
        name: group.name,
        includes: group.includes,
        excludes: group.excludes,
        options: group.options,
        repository: group.repository.id,
        retention: Retention { last: Some(1), ..Retention::default() },
    };
    world.api.change::<source_groups::Update>(&[&group.id.to_string()], group.version, &keep).await?;
    let options = JobOptions::of(JobChoice::DryRun);
    let wish = NewUpkeepJob { kind: JobKind::Forget, host: None, options };
    let forget = world.api.call::<RunUpkeep>(&[&world.repository.to_string()], None, Some(&wish)).await?;
    let forget = world.ended(forget.id).await?;
    expect_success(&forget)?;
    let statistics = forget.statistics.unwrap_or_default();
    assert_eq!((statistics.snapshots_kept, statistics.snapshots_removed), (Some(1), Some(1)), "they are one");
    Ok(())
}

/// The newest backup of a host.
async fn listed_job(world: &World, host: HostId) -> Outcome<Job> {
    use restic_manager_proto::api::jobs::{Filter, List};
    let filter = Filter { host: Some(host), ..Filter::default() };
    let page: Page<Job> = world.api.call::<List>(&[], Some(&filter), None).await?;
    let newest = page.items.into_iter().find(|job| job.kind == JobKind::Backup);
    newest.ok_or_else(|| Failure::new("no backup"))
}
