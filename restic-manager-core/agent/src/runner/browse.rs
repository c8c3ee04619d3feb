//! Answers to a server's questions about snapshots: told over the connection that asked, kept nowhere.

use core::time::Duration;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use restic_manager_proto::{
    QuestionId, RawPath, RepositorySecrets,
    agent::{Answer, AnswerPart, Ask, ErrorCode, Question, Reply, Room, SnapshotEntry, parts},
    is_inside, is_snapshot_id,
    limits::FOLDER_PAGE,
};
use restic_manager_restic::{Event, command::Command as _, process::Input};
use tokio::{
    sync::{Notify, mpsc},
    task::{AbortHandle, JoinSet},
};

use super::{
    entries, repository,
    restic::{Ready, Restic},
};
use crate::policy::{Action, Guard};

/// Questions of one connection that are answered at once. Each may run a restic.
const AT_ONCE: usize = 4;
/// Longest that restic may take for one of them. Whoever asked has given up before.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

/// Looks into snapshots. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    restic: Arc<Restic>,
    guard: Guard,
}

/// The questions of one connection. When it is dropped, so is all that works for them.
#[derive(Debug)]
pub(crate) struct Questions {
    browser: Browser,
    asked: HashMap<QuestionId, Asked>,
    running: JoinSet<()>,
    sender: mpsc::Sender<Answer>,
    answers: mpsc::Receiver<Answer>,
}

#[derive(Debug)]
struct Asked {
    granted: Arc<Granted>,
    task: AbortHandle,
}

/// Room that the server has for parts of one answer.
#[derive(Debug)]
struct Granted {
    room: Mutex<Room>,
    more: Notify,
}

impl Granted {
    /// Takes a place, and waits for one. Cancel-safe.
    async fn take(&self) {
        loop {
            let more = self.more.notified();
            if self.room().take() {
                return;
            }
            more.await;
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a question has no answer.
struct Unanswered(ErrorCode, String);

impl Unanswered {
    fn failed(message: impl Into<String>) -> Self {
        Self(ErrorCode::Failed, message.into())
    }
}

impl Browser {
    pub(crate) fn new(restic: Arc<Restic>, guard: Guard) -> Self {
        Self { restic, guard }
    }

    /// The questions of a new connection.
    pub(crate) fn questions(&self) -> Questions {
        let (sender, answers) = mpsc::channel(1);
        let (browser, running) = (self.clone(), JoinSet::new());
        Questions { browser, asked: HashMap::new(), running, sender, answers }
    }

    async fn answer(&self, ask: Ask, secrets: RepositorySecrets, say: &Speaker) -> Result<bool, Unanswered> {
        let location = ask.repository.location.clone();
        let leave = self.guard.permit(vec![Action::UseRepository(location)]).await;
        leave.map_err(|refused| Unanswered(ErrorCode::Forbidden, refused.to_string()))?;
        let restic =
            self.restic.ready().await.map_err(|error| Unanswered::failed(format!("could not {error}")))?;
        match ask.question {
            Question::Folder { snapshot, folder, after, limit } => {
                let page = Page { snapshot, folder, after, limit: limit.into() };
                let (found, more) = page.read(&ask.repository.location, secrets, restic).await?;
                for part in parts(found) {
                    say.say(part).await;
                }
                Ok(more)
            }
            _ => Err(Unanswered(ErrorCode::Unsupported, "this agent is older than the question".to_owned())),
        }
    }
}

impl Questions {
    /// Begins to answer a question, unless it cannot be asked.
    pub(crate) fn ask(&mut self, ask: Ask, secrets: Option<RepositorySecrets>) -> Reply {
        while self.running.try_join_next().is_some() {}
        self.asked.retain(|_, asked| !asked.task.is_finished());
        let refuse = |code, message: &str| Reply::Error { code, message: message.to_owned() };
        if self.asked.len() >= AT_ONCE {
            return refuse(
                ErrorCode::Failed,
                "the agent answers four questions already; ask again in a moment",
            );
        }
        if let Err(message) = check(&ask.question) {
            return refuse(ErrorCode::Invalid, message);
        }
        let Some(secrets) = secrets else {
            return refuse(ErrorCode::SecretUnreadable, "the secrets of the question do not open");
        };
        let granted = Arc::new(Granted { room: Mutex::new(Room::new(ask.room)), more: Notify::new() });
        let say = Speaker { question: ask.id, granted: Arc::clone(&granted), sender: self.sender.clone() };
        let (browser, id) = (self.browser.clone(), ask.id);
        let task = self.running.spawn(async move {
            let last = match browser.answer(ask, secrets, &say).await {
                Ok(more) => AnswerPart::End { more },
                Err(Unanswered(code, message)) => AnswerPart::Failed { code, message },
            };
            say.say(last).await;
        });
        self.asked.insert(id, Asked { granted, task });
        Reply::Ok {}
    }

    /// The server has taken parts of an answer.
    pub(crate) fn more(&self, question: QuestionId, parts: u32) {
        if let Some(asked) = self.asked.get(&question) {
            asked.granted.room().grant(parts);
            asked.granted.more.notify_one();
        }
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn stop(&mut self, question: QuestionId) {
        if let Some(asked) = self.asked.remove(&question) {
            asked.task.abort();
        }
    }

    /// The next part of any answer. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => answer,
            // This end holds a sender itself.
            None => core::future::pending().await,
        }
    }
}

/// Says the parts of one answer, each once there is room for it.
struct Speaker {
    question: QuestionId,
    granted: Arc<Granted>,
    sender: mpsc::Sender<Answer>,
}

impl Speaker {
    async fn say(&self, part: AnswerPart) {
        self.granted.take().await;
        // It fails when the connection is gone, and then nobody waits.
        let _gone = self.sender.send(Answer { question: self.question, part }).await;
    }
}

/// A page of a folder.
struct Page {
    snapshot: String,
    folder: RawPath,
    after: Option<RawPath>,
    limit: usize,
}

impl Page {
    /// The entries, and whether there are more behind them.
    async fn read(
        &self,
        location: &str,
        secrets: RepositorySecrets,
        restic: Ready,
    ) -> Result<(Vec<SnapshotEntry>, bool), Unanswered> {
        let Ready { mut runner, version, environment } = restic;
        let mut connection = repository::connection(location, secrets, environment)
            .map_err(|error| Unanswered(ErrorCode::Forbidden, format!("could not {error}")))?;
        // It only reads, and must not keep anybody out.
        connection.no_lock = true;
        runner.options.deadline = Some(PATIENCE);
        let invocation = entries::listing_of(&self.snapshot, &self.folder)
            .and_then(|ls| ls.prepare(&connection, &version))
            .map_err(|error| Unanswered::failed(format!("could not {error}")))?;
        let spawned = runner.spawn(&invocation, Input::Null).await;
        let mut running = spawned.map_err(|error| Unanswered::failed(format!("could not {error}")))?;
        let (mut found, mut more, mut is_there) = (Vec::new(), false, self.folder == RawPath::root());
        while let Some(event) = running.next_event().await {
            let Event::Node(node) = event else { continue };
            let path = RawPath::new(node.path.as_str());
            is_there |= path.is_within(&self.folder);
            if path == self.folder || path.parent() != self.folder || !self.is_behind(&path.name()) {
                continue;
            }
            if found.len() == self.limit {
                more = true;
                running.cancel();
                break;
            }
            found.push(entries::entry(node));
        }
        let finished = running.wait().await;
        if !more && !finished.outcome.cause.is_success() {
            let outcome = finished.outcome;
            let words = outcome.message.unwrap_or_else(|| outcome.cause.to_string());
            return Err(Unanswered::failed(words));
        }
        if !is_there {
            return Err(Unanswered::failed(format!("{} is no folder of the snapshot", self.folder.shown())));
        }
        Ok((found, more))
    }

    fn is_behind(&self, name: &RawPath) -> bool {
        self.after.as_ref().is_none_or(|after| name > after)
    }
}

/// What can be seen to be wrong with a question.
fn check(question: &Question) -> Result<(), &'static str> {
    match question {
        Question::Folder { snapshot, folder, limit, .. } => match () {
            () if !is_snapshot_id(snapshot) => Err("a snapshot with an id that is none"),
            () if !is_inside(folder) => Err("a folder with a path that is none"),
            () if !(1..=FOLDER_PAGE).contains(&usize::from(*limit)) => {
                Err("a page of no entries, or of too many")
            }
            () => Ok(()),
        },
        _ => Ok(()),
    }
}
