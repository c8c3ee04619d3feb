//! Metrics as a real Prometheus reads them, what is drawn and alerted from them included.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use restic_manager_e2e::{Agent, Failure, Outcome, Running, Tools, World, WorldOptions, until};
use restic_manager_proto::api::channels::{Create as CreateChannel, NewChannel, Test as SendTest};
use restic_manager_proto::api::repositories::Show;
use restic_manager_proto::api::upkeep::{NewUpkeepJob, Run, Set, UpkeepChange};
use restic_manager_proto::vocabulary::{ChannelKind, JobKind};
use restic_manager_proto::{HostId, JobOptions, SecretText};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::support::{expect_success, sample};

const TOKEN: &str = "metrics-token-8fK2mPq0Zx";
const SOON: Duration = Duration::from_secs(60);

/// What ships for those who have Prometheus and Grafana.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/monitoring").join(name)
}

/// A fleet of one host, with something to tell of everything: a backup, upkeep, a notification that is not taken.
async fn world() -> Outcome<(World, Agent)> {
    let settings = [("RM_METRICS_TOKEN", TOKEN), ("RM_OUTGOING_ALLOW", "127.0.0.0/8")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let world = World::with(WorldOptions { settings, ..WorldOptions::default() }).await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    expect_success(&world.ended(world.ask_for_backup(agent.host()?).await?.id).await?)?;
    look_after(&world, agent.host()?).await?;
    let channel = NewChannel {
        name: "Nobody".to_owned(),
        kind: ChannelKind::Webhook,
        fields: [("url".to_owned(), "http://127.0.0.1:9/hook".to_owned())].into(),
        secrets: [("secret".to_owned(), SecretText::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))].into(),
    };
    let channel = world.api.call::<CreateChannel>(&[], None, Some(&channel)).await?;
    world.api.call::<SendTest>(&[&channel.id.to_string()], None, None).await?;
    Ok((world, agent))
}

/// The host checks and measures the repository.
async fn look_after(world: &World, runner: HostId) -> Outcome {
    let id = world.repository.to_string();
    let repository = world.api.call::<Show>(&[&id], None, None).await?;
    let change = UpkeepChange {
        runner: Some(runner),
        forget_every_hours: None,
        prune_every_hours: None,
        check_every_hours: Some(720),
        statistics_every_hours: Some(24),
        deletion_test_every_hours: None,
        check_parts: None,
        parallel: None,
    };
    world.api.change::<Set>(&[&id], repository.version, &change).await?;
    for kind in [JobKind::Check, JobKind::Statistics] {
        let body = NewUpkeepJob { kind, host: None, options: JobOptions::default() };
        let job = world.api.call::<Run>(&[&id], None, Some(&body)).await?;
        expect_success(&world.ended(job.id).await?)?;
    }
    Ok(())
}

/// Head and body of an answer.
async fn get(address: &str, path: &str, headers: &[String]) -> Outcome<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await?;
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    // In this version no answer comes in pieces.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.ok_or_else(|| Failure::new("an answer without an end of its head"))?;
    let body = answer.split_off(end + 4);
    Ok((String::from_utf8_lossy(&answer).to_ascii_lowercase(), body))
}

async fn scrape(world: &World, packed: bool) -> Outcome<(String, Vec<u8>)> {
    let mut headers = vec![format!("Authorization: Bearer {TOKEN}")];
    headers.extend(packed.then(|| "Accept-Encoding: br;q=1.0, gzip;q=0.8".to_owned()));
    get(&world.server.address().to_string(), "/metrics", &headers).await
}

/// Runs promtool; all that it said.
async fn promtool(arguments: &[&str], folder: &Path, input: &[u8]) -> Outcome<String> {
    let mut command = Command::new(Tools::prometheus("promtool")?);
    command.args(arguments).current_dir(folder).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().ok_or_else(|| Failure::new("promtool has no input"))?;
    stdin.write_all(input).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() { Ok(said) } else { Err(Failure::new(format!("promtool: {said}"))) }
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_what_is_told() -> Outcome {
    let (world, _agent) = world().await?;
    let (head, text) = scrape(&world, false).await?;
    assert!(head.contains("content-type: text/plain") && !head.contains("content-encoding"), "{head}");
    let said = promtool(&["check", "metrics"], world.folder(), &text).await?;
    assert_eq!(said.trim(), "", "it lints as well");
    let (head, packed) = scrape(&world, true).await?;
    assert!(head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"), "{head}");
    assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < text.len() / 3, "{}", packed.len());
    Ok(())
}

/// A Prometheus that scrapes a server every second.
struct Prometheus {
    address: String,
    _running: Running,
}

impl Prometheus {
    async fn start(world: &World) -> Outcome<Self> {
        let folder = world.path("prometheus");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("token"), TOKEN)?;
        let configuration = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{}']\n\
             scrape_configs:\n\
             - job_name: restic-manager\n  authorization: {{credentials_file: token}}\n  \
               static_configs: [{{targets: ['{}']}}]\n",
            shipped("prometheus-rules.yml").canonicalize()?.display(),
            world.server.address()
        );
        std::fs::write(folder.join("prometheus.yml"), configuration)?;
        let mut command = Command::new(Tools::prometheus("prometheus")?);
        command.current_dir(&folder).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg("--web.listen-address=127.0.0.1:0");
        let running = Running::start("prometheus", command)?;
        let line = running.line_with("msg=\"Listening on\"", SOON).await?;
        running.line_with("Server is ready", SOON).await?;
        let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
        let address = address.ok_or_else(|| Failure::new(line.clone()))?.to_owned();
        Ok(Self { address, _running: running })
    }

    async fn ask(&self, path: &str) -> Outcome<Value> {
        let (_, body) = get(&self.address, path, &[]).await?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// Waits until an expression has a value.
    async fn has_data(&self, expression: &str) -> Outcome {
        let path = format!("/api/v1/query?query={}", escaped(expression));
        let what = format!("data of {expression}");
        let found = until(&what, SOON, async || {
            let answer = self.ask(&path).await?;
            assert_eq!(answer["status"], "success", "{expression}: {answer}");
            let result = &answer["data"]["result"];
            Ok(result.as_array().is_some_and(|rows| !rows.is_empty()).then_some(()))
        });
        found.await
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn dashboard() -> Outcome<Value> {
    Ok(serde_json::from_slice(&std::fs::read(shipped("grafana-dashboard.json"))?)?)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[tokio::test]
async fn every_expression_of_the_dashboard_has_data_and_the_rules_are_evaluated() -> Outcome {
    let (world, _agent) = world().await?;
    let prometheus = Prometheus::start(&world).await?;
    let dashboard = dashboard()?;
    let mut asked = 0;
    for target in list(&dashboard["panels"]).iter().flat_map(|panel| list(&panel["targets"])) {
        let expression = target["expr"].as_str().unwrap_or_default();
        let expression = expression.replace("$job", "restic-manager").replace("$instance", ".+");
        prometheus.has_data(&expression.replace("$__rate_interval", "1m")).await?;
        asked += 1;
    }
    assert!(asked > 20, "{asked}");
    let healthy = until("every rule to be evaluated", SOON, async || {
        let answer = prometheus.ask("/api/v1/rules").await?;
        let groups = list(&answer["data"]["groups"]).to_vec();
        let rules: Vec<_> = groups.iter().flat_map(|group| list(&group["rules"])).cloned().collect();
        let is_well = !rules.is_empty() && rules.iter().all(|rule| rule["health"] == "ok");
        Ok(is_well.then_some(rules.len()))
    });
    assert!(healthy.await? > 5);
    Ok(())
}

#[tokio::test]
async fn the_rules_do_what_they_say() -> Outcome {
    let folder = shipped("");
    let said = promtool(&["check", "rules", "prometheus-rules.yml"], &folder, b"").await?;
    assert!(said.contains("SUCCESS"), "{said}");
    let said = promtool(&["test", "rules", "prometheus-rules-test.yml"], &folder, b"").await?;
    assert!(said.contains("SUCCESS"), "{said}");
    let tests = std::fs::read_to_string(shipped("prometheus-rules-test.yml"))?;
    let rules = std::fs::read_to_string(shipped("prometheus-rules.yml"))?;
    for name in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} has no test");
    }
    Ok(())
}

/// What is drawn and alerted, by names that the reference has: a name that is gone would only ever be silent.
#[test]
fn every_name_is_in_the_reference() -> Outcome {
    let reference = std::fs::read_to_string(shipped("../reference/metrics.md"))?;
    let known = names_in(&reference);
    for file in ["grafana-dashboard.json", "prometheus-rules.yml", "prometheus-rules-test.yml"] {
        for name in names_in(&std::fs::read_to_string(shipped(file))?) {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(
                known.contains(&name) || family.is_some_and(|family| known.contains(family)),
                "{file}: {name}"
            );
        }
    }
    Ok(())
}

fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("restic_manager_")).map(str::to_owned).collect()
}

/// What Grafana's own linter asks of a dashboard.
#[test]
fn the_dashboard_is_made_by_the_rules_of_dashboards() -> Outcome {
    let dashboard = dashboard()?;
    assert_eq!(dashboard["editable"], false);
    let names: Vec<_> = list(&dashboard["templating"]["list"]).iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["datasource", "job", "instance"]);
    for panel in list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap_or_default();
        assert!(
            !title.is_empty() && panel["description"].as_str().is_some_and(|text| text.ends_with('.')),
            "{title}"
        );
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}");
        assert!(!list(&panel["targets"]).is_empty(), "{title}");
        for expression in list(&panel["targets"]).iter().filter_map(|target| target["expr"].as_str()) {
            let selectors = expression.matches('{').count();
            assert_eq!(
                expression.matches("job=~\"$job\", instance=~\"$instance\"").count(),
                selectors,
                "{expression}"
            );
            assert_eq!(expression.matches("restic_manager_").count(), selectors, "{expression}");
        }
    }
    Ok(())
}
