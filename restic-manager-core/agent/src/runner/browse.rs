//! Answers to a server's questions about snapshots: told over the connection that asked, kept nowhere.

use core::time::Duration;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use restic_manager_proto::{
    QuestionId, RawPath, RepositoryId, RepositorySecrets, SearchHit, SnapshotEntry,
    agent::{Answer, AnswerPart, Ask, ErrorCode, Question, Reply, RepositoryOrder, Room, parts},
    is_inside, is_snapshot_id,
    limits::{FOLDER_PAGE, SEARCH_BYTES, SEARCH_HITS},
    vocabulary::EntrySort,
};
use restic_manager_restic::{
    Event,
    command::{Command as _, Connection},
    process::Input,
};
use serde::Serialize;
use tokio::{
    sync::{Notify, mpsc},
    task::{AbortHandle, JoinSet},
};

use super::{
    entries,
    indexing::Indexing,
    planning, repository,
    restic::{Ready, Restic},
};
use crate::{
    index::{By, Found, Hit, Index, IndexError, Pattern, SnapshotKey, View, search},
    policy::{Action, Guard},
};

/// Questions of one connection that are answered at once. Each may run a restic.
const AT_ONCE: usize = 4;
/// Longest that restic may take for one of them. Whoever asked has given up before.
const PATIENCE: Duration = Duration::from_secs(2 * 60);

/// Looks into snapshots. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    restic: Arc<Restic>,
    guard: Guard,
    indexing: Indexing,
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
    fn failed(message: impl core::fmt::Display) -> Self {
        Self(ErrorCode::Failed, message.to_string())
    }

    fn could_not(act: impl core::fmt::Display) -> Self {
        Self::failed(format!("could not {act}"))
    }
}

impl Browser {
    pub(crate) fn new(restic: Arc<Restic>, guard: Guard, indexing: Indexing) -> Self {
        Self { restic, guard, indexing }
    }

    /// The questions of a new connection.
    pub(crate) fn questions(&self) -> Questions {
        let (sender, answers) = mpsc::channel(1);
        let (browser, running) = (self.clone(), JoinSet::new());
        Questions { browser, asked: HashMap::new(), running, sender, answers }
    }

    async fn answer(&self, ask: Ask, secrets: RepositorySecrets, say: &Speaker) -> Result<bool, Unanswered> {
        let Ask { repository: RepositoryOrder { id, location, .. }, question, .. } = ask;
        let leave = self.guard.permit(vec![Action::UseRepository(location.clone())]).await;
        leave.map_err(|refused| Unanswered(ErrorCode::Forbidden, refused.to_string()))?;
        let restic = self.restic.ready().await.map_err(Unanswered::could_not)?;
        let mut connection = repository::connection(&location, secrets, restic.environment.clone())
            .map_err(|error| Unanswered(ErrorCode::Forbidden, format!("could not {error}")))?;
        // It only reads, and must not keep anybody out.
        connection.no_lock = true;
        let place = Place { repository: id, restic, connection };
        match question {
            Question::Folder { snapshot, folder, sort, descending, after, limit } => {
                let view = View { by: by(sort), descending, kind: None, after, limit: limit.into() };
                let (found, more) = self.folder(&place, &snapshot, &folder, view).await?;
                say.all(found, |entries| AnswerPart::Entries { entries }).await;
                Ok(more)
            }
            Question::Search { snapshot, text, after, limit } => {
                let pattern = Pattern::new(text.as_bytes()).map_err(Unanswered::failed)?;
                let index = self.index(&place, &snapshot, say).await?;
                let after = after.map(|after| after.as_bytes().to_vec());
                let found = searched(index, pattern, after, limit.into()).await?;
                let more = found.next.is_some();
                let hits = found.hits.into_iter().filter_map(hit).collect();
                say.all(hits, |hits| AnswerPart::Hits { hits }).await;
                Ok(more)
            }
            Question::Plan { restore, class, limit } => {
                let index = self.index(&place, &restore.snapshot, say).await?;
                let plan = planning::make(index, &restore).await.map_err(Unanswered::could_not)?;
                say.say(AnswerPart::Plan { plan: planning::summary(&plan, &restore).await }).await;
                let (rows, more) = planning::rows(&plan, class, limit.into());
                say.all(rows, |rows| AnswerPart::PlanRows { rows }).await;
                Ok(more)
            }
            _ => Err(Unanswered(ErrorCode::Unsupported, "this agent is older than the question".to_owned())),
        }
    }

    /// A page of a folder: from the index, and by restic until there is one.
    async fn folder(
        &self,
        place: &Place,
        snapshot: &str,
        folder: &RawPath,
        view: View,
    ) -> Result<(Vec<SnapshotEntry>, bool), Unanswered> {
        let key = place.key(snapshot)?;
        if let Some(index) = self.indexing.find(key).await {
            match paged(index, folder, view).await {
                Ok(page) => return page,
                Err(error) => tracing::warn!("could not {error}; restic lists the folder"),
            }
        }
        if let Err(why) = self.indexing.begin(key, &place.restic, &place.connection) {
            tracing::debug!("could not {why}");
        }
        Page { snapshot, folder, after: view.after, limit: view.limit }.read(place).await
    }

    /// The index of a snapshot; while it is made, the server is told how far that is.
    async fn index(&self, place: &Place, snapshot: &str, say: &Speaker) -> Result<Index, Unanswered> {
        let told = |entries| say.say(AnswerPart::Working { entries });
        let made = self.indexing.get(place.key(snapshot)?, &place.restic, &place.connection, told).await;
        made.map_err(Unanswered::could_not)
    }
}

/// Where a question is answered.
struct Place {
    repository: RepositoryId,
    restic: Ready,
    connection: Connection,
}

impl Place {
    fn key(&self, snapshot: &str) -> Result<SnapshotKey, Unanswered> {
        let snapshot = snapshot.parse().map_err(Unanswered::failed)?;
        Ok(SnapshotKey { repository: self.repository, snapshot })
    }
}

const fn by(sort: EntrySort) -> By {
    match sort {
        EntrySort::Size => By::Size,
        EntrySort::Time => By::Time,
        _ => By::Name,
    }
}

/// A page from an index, read beside the runtime's thread; the outer error is of the index, the inner is the answer.
async fn paged(
    index: Index,
    folder: &RawPath,
    view: View,
) -> Result<Result<(Vec<SnapshotEntry>, bool), Unanswered>, IndexError> {
    let path = inner(folder);
    match tokio::task::spawn_blocking(move || index.page(&path, &view)).await {
        Ok(Ok(Some(page))) => {
            let more = page.next.is_some();
            Ok(Ok((page.entries.into_iter().map(entries::of_index).collect(), more)))
        }
        Ok(Ok(None)) => Ok(Err(no_folder(folder))),
        Ok(Err(error @ IndexError::TooManyToSort { .. })) => Ok(Err(Unanswered::could_not(error))),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(IndexError::Missing),
    }
}

/// A search, beside the runtime's thread. Cancel-safe: when nobody waits, it is given up.
async fn searched(
    index: Index,
    pattern: Pattern,
    after: Option<Vec<u8>>,
    limit: usize,
) -> Result<Found, Unanswered> {
    let waiting = Arc::new(());
    let watched = Arc::downgrade(&waiting);
    let found = tokio::task::spawn_blocking(move || {
        search(&[&index], &pattern, after.as_deref(), limit, || watched.strong_count() > 0)
    });
    let found = found.await;
    drop(waiting);
    found.map_err(Unanswered::failed)?.map_err(Unanswered::could_not)
}

/// A hit in one snapshot has one version.
fn hit(hit: Hit) -> Option<SearchHit> {
    let (path, version) = (RawPath::new(hit.path), hit.versions.into_iter().next()?);
    Some(SearchHit { folder: path.parent(), entry: entries::of_meta(path.name(), &version.meta) })
}

/// A folder as an index names it: the top has no name.
fn inner(folder: &RawPath) -> Vec<u8> {
    if *folder == RawPath::root() { Vec::new() } else { folder.as_bytes().to_vec() }
}

fn no_folder(folder: &RawPath) -> Unanswered {
    Unanswered::failed(format!("{} is no folder of the snapshot", folder.shown()))
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
        // Told twice it would be answered twice, and count once.
        if self.asked.contains_key(&ask.id) {
            return refuse(ErrorCode::Invalid, "this question is being answered already");
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
    /// Says many things, in as few parts as hold them.
    async fn all<T: Serialize>(&self, items: Vec<T>, part: impl Fn(Vec<T>) -> AnswerPart) {
        for part in parts(items, part) {
            self.say(part).await;
        }
    }

    async fn say(&self, part: AnswerPart) {
        self.granted.take().await;
        // It fails when the connection is gone, and then nobody waits.
        let _gone = self.sender.send(Answer { question: self.question, part }).await;
    }
}

/// A page of a folder, by restic.
struct Page<'a> {
    snapshot: &'a str,
    folder: &'a RawPath,
    after: u64,
    limit: usize,
}

impl Page<'_> {
    /// The entries by name, and whether there are more behind them.
    async fn read(&self, place: &Place) -> Result<(Vec<SnapshotEntry>, bool), Unanswered> {
        let mut runner = place.restic.runner.clone();
        runner.options.deadline = Some(PATIENCE);
        let invocation = entries::listing_of(self.snapshot, self.folder)
            .and_then(|ls| ls.prepare(&place.connection, &place.restic.version))
            .map_err(Unanswered::could_not)?;
        let mut running = runner.spawn(&invocation, Input::Null).await.map_err(Unanswered::could_not)?;
        let (mut found, mut before, mut more) = (Vec::new(), 0, false);
        let mut is_there = *self.folder == RawPath::root();
        while let Some(event) = running.next_event().await {
            let Event::Node(node) = event else { continue };
            let path = RawPath::new(node.path.as_str());
            is_there |= path.is_within(self.folder);
            if path == *self.folder || path.parent() != *self.folder {
                continue;
            }
            before += 1;
            if before <= self.after {
                continue;
            }
            if found.len() == self.limit {
                more = true;
                running.cancel();
                break;
            }
            found.push(entries::of_node(node));
        }
        let outcome = running.wait().await.outcome;
        if !more && !outcome.cause.is_success() {
            return Err(Unanswered::failed(outcome.message.unwrap_or_else(|| outcome.cause.to_string())));
        }
        if is_there { Ok((found, more)) } else { Err(no_folder(self.folder)) }
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
        Question::Search { snapshot, text, limit, .. } => match () {
            () if !is_snapshot_id(snapshot) => Err("a snapshot with an id that is none"),
            () if !(1..=SEARCH_BYTES).contains(&text.len()) => {
                Err("a search for nothing, or for too long a text")
            }
            () if !(1..=SEARCH_HITS).contains(&usize::from(*limit)) => {
                Err("a page of no paths, or of too many")
            }
            () => Ok(()),
        },
        Question::Plan { restore, limit, .. } => match restore.check() {
            Err(invalid) => Err(invalid.message),
            Ok(()) if usize::from(*limit) > FOLDER_PAGE => Err("a plan of too many rows at once"),
            Ok(()) => Ok(()),
        },
        _ => Ok(()),
    }
}
