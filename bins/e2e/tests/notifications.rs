//! Notifications to real counterparts: webhooks verified by the reference library, mail over TLS, a server that is killed
//! between what happened and what is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use restic_manager_e2e::{ADMIN, ADMIN_PASSWORD, Api};
use restic_manager_e2e::{Failure, Outcome, Running, Server, ServerOptions, Tools, until};
use restic_manager_proto::api::Page;
use restic_manager_proto::api::channels::{
    Channel, Create, Deliveries, Delivery, DeliveryFilter, NewChannel, Test as SendTest,
};
use restic_manager_proto::vocabulary::{ChannelKind, DeliveryState};
use restic_manager_proto::{ChannelId, SecretText};
use tokio::process::Command;

const SOON: Duration = Duration::from_secs(60);
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MAIL_USER: &str = "backups";
const MAIL_PASSWORD: &str = "mail-password-Xk2pQ7";

/// The counterparts, and a server that trusts and may reach them.
struct Scene {
    counterparts: Running,
    server: Server,
    api: Api,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let certificates = Certificates::make(folder.path()).await?;
        let mut command = Command::new("node");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/counterparts.cjs"));
        command.env("NODE_PATH", Tools::node_modules()?);
        command.env("KEY", &certificates.key).env("CERTIFICATE", &certificates.certificate);
        command.env("WEBHOOK_SECRET", WEBHOOK_SECRET);
        command.env("MAIL_USER", MAIL_USER).env("MAIL_PASSWORD", MAIL_PASSWORD);
        let counterparts = Running::start("counterparts", command)?;
        let mut options = ServerOptions::new(folder.path().join("server"));
        options.settings = vec![
            ("RM_OUTGOING_ALLOW".to_owned(), "127.0.0.0/8".to_owned()),
            ("SSL_CERT_FILE".to_owned(), certificates.authority.to_string_lossy().into_owned()),
        ];
        let server = Server::start(options).await?;
        let api = server.bootstrap(ADMIN, ADMIN_PASSWORD).await?;
        Ok(Self { counterparts, server, api, _folder: folder })
    }

    async fn port(&self, what: &str) -> Outcome<String> {
        let line = self.counterparts.line_with(&format!("{what} AT "), SOON).await?;
        Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
    }

    async fn webhook(&self, secret: &str) -> Outcome<Channel> {
        let url = format!("http://127.0.0.1:{}/hook", self.port("WEBHOOKS").await?);
        self.channel(ChannelKind::Webhook, &[("url", &url)], &[("secret", secret)]).await
    }

    async fn mail(&self, server: &str, security: &str, password: &str) -> Outcome<Channel> {
        let port = self.port(server).await?;
        let fields = [
            ("host", "localhost"),
            ("port", &port),
            ("security", security),
            ("user", MAIL_USER),
            ("from", "restic-manager@backup.example"),
            ("to", "alice@example.com, bob@example.com"),
        ];
        self.channel(ChannelKind::Email, &fields, &[("password", password)]).await
    }

    async fn channel(
        &self,
        kind: ChannelKind,
        fields: &[(&str, &str)],
        secrets: &[(&str, &str)],
    ) -> Outcome<Channel> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let body = NewChannel {
            name: format!("{kind} {}", fields.iter().map(|(_, value)| *value).collect::<Vec<_>>().concat()),
            kind,
            fields: fields.iter().map(owned).collect(),
            secrets: secrets.iter().map(owned).map(|(name, value)| (name, SecretText::new(value))).collect(),
        };
        let body = NewChannel { name: body.name.chars().take(64).collect(), ..body };
        self.api.call::<Create>(&[], None, Some(&body)).await
    }

    async fn test(&self, channel: ChannelId) -> Outcome<Delivery> {
        self.api.call::<SendTest>(&[&channel.to_string()], None, None).await
    }

    /// Waits until a message is over.
    async fn over(&self, sent: &Delivery) -> Outcome<Delivery> {
        until("the notification to be delivered or given up", SOON, || async {
            let page: Page<Delivery> =
                self.api.call::<Deliveries>(&[], Some(&DeliveryFilter::default()), None).await?;
            let found = page.items.into_iter().find(|one| one.id == sent.id);
            Ok(found.filter(|one| one.state != DeliveryState::Waiting))
        })
        .await
    }
}

/// An authority, and a certificate of its for this machine.
struct Certificates {
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificates {
    async fn make(folder: &Path) -> Outcome<Self> {
        let at = |name: &str| folder.join(name);
        let made = Self { authority: at("ca.pem"), certificate: at("leaf.pem"), key: at("leaf.key") };
        std::fs::write(at("leaf.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let (authority, ca_key, request) =
            (path(&made.authority), path(&at("ca.key")), path(&at("leaf.csr")));
        let (leaf, leaf_key, extensions) = (path(&made.certificate), path(&made.key), path(&at("leaf.ext")));
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let ca = [
            words("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tests -keyout"),
            vec![ca_key.clone()],
            words("-out"),
            vec![authority.clone()],
        ];
        let csr = [
            words("req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout"),
            vec![leaf_key],
            words("-out"),
            vec![request.clone()],
        ];
        let sign = [
            words("x509 -req -days 2 -CAcreateserial -in"),
            vec![request],
            words("-CA"),
            vec![authority],
            words("-CAkey"),
            vec![ca_key],
            words("-extfile"),
            vec![extensions],
            words("-out"),
            vec![leaf],
        ];
        for arguments in [ca.concat(), csr.concat(), sign.concat()] {
            let output = Command::new(Tools::openssl()?).args(arguments).output().await?;
            if !output.status.success() {
                return Err(Failure::new(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
        }
        Ok(made)
    }
}

#[tokio::test]
async fn a_webhook_is_verified_by_the_reference_library() -> Outcome {
    let scene = Scene::start().await?;
    let channel = scene.webhook(WEBHOOK_SECRET).await?;
    let sent = scene.test(channel.id).await?;
    let over = scene.over(&sent).await?;
    assert_eq!((over.state, over.attempts), (DeliveryState::Delivered, 1), "{over:?}");
    let line = scene.counterparts.line_with("HOOK ", SOON).await?;
    assert_eq!(line, format!("HOOK {} test \"Test of restic-manager\"", sent.id));
    Ok(())
}

#[tokio::test]
async fn another_secret_is_refused_by_the_reference_library() -> Outcome {
    let scene = Scene::start().await?;
    let channel = scene.webhook("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await?;
    let over = scene.over(&scene.test(channel.id).await?).await?;
    assert_eq!(over.state, DeliveryState::Failed);
    assert!(over.answer.unwrap_or_default().contains("HTTP status 400"));
    scene.counterparts.line_with("HOOK refused", SOON).await?;
    Ok(())
}

#[tokio::test]
async fn mail_goes_over_tls_and_after_starttls_and_never_in_the_open() -> Outcome {
    let scene = Scene::start().await?;
    for (server, security) in [("SMTPS", "tls"), ("STARTTLS", "starttls")] {
        let channel = scene.mail(server, security, MAIL_PASSWORD).await?;
        let sent = scene.test(channel.id).await?;
        let over = scene.over(&sent).await?;
        assert_eq!(over.state, DeliveryState::Delivered, "{over:?}");
        let line = scene.counterparts.line_with(&format!("MAIL {server} "), SOON).await?;
        assert!(
            line.contains(&format!("secure=true user={MAIL_USER} to=alice@example.com,bob@example.com")),
            "{line}"
        );
        assert!(line.contains(&format!("id=<{}@backup.example> auto=auto-generated", sent.id)), "{line}");
    }
    assert!(!scene.server.text().contains(MAIL_PASSWORD), "it is in the log");
    Ok(())
}

#[tokio::test]
async fn a_server_that_was_killed_tells_afterwards_and_once() -> Outcome {
    let mut scene = Scene::start().await?;
    let channel = scene.webhook(WEBHOOK_SECRET).await?;
    let sent = scene.test(channel.id).await?;
    scene.server.kill().await?;
    scene.server.begin().await?;
    scene.api = scene.api.moved_to(scene.server.address());
    let over = scene.over(&sent).await?;
    assert_eq!(over.state, DeliveryState::Delivered, "{over:?}");
    scene.counterparts.line_with(&format!("HOOK {}", sent.id), SOON).await?;
    let told = scene.counterparts.text();
    let lines = told.lines().filter(|line| line.starts_with("HOOK ")).count();
    assert_eq!(lines as u32, over.attempts, "as often as was noted before, and under one id");
    Ok(())
}
