//! From a spec to rows and plans.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::launch::Start;
use super::{Phase, Server, ServerError, confine, drawn};
use crate::emulation::Plan;
use crate::emulation::plan::Tuning;
use crate::spec::Document;
use crate::state::{Answer, Audit, StoredEmulation};
use crate::telemetry::wall;

/// What a request to start made.
#[derive(Clone, Debug)]
pub struct Created {
    /// The emulations, in the order of the spec.
    pub ids: Vec<String>,
    /// What they share, where the spec is a scenario.
    pub scenario: Option<String>,
    /// False where an earlier request with the same key made them.
    pub new: bool,
}

impl Server {
    /// Starts the emulations of a spec, and answers before they have begun. `answer` is the key of a
    /// request that may come again, and the digest of what it asks for.
    ///
    /// # Errors
    /// Where the spec is wrong, or asks for what it may not have.
    pub async fn create(
        self: &Arc<Server>,
        document: Document,
        answer: Option<(String, String)>,
        who: &str,
    ) -> Result<Created, ServerError> {
        let (server, who) = (Arc::clone(self), who.to_owned());
        let task = async move {
            let _one = match &answer {
                Some(_) => Some(server.keyed.lock().await),
                None => None,
            };
            if let Some((key, request)) = &answer
                && let Some(found) = server.state.answer(key).await?
            {
                return server.again(found, request).await;
            }
            server.begin(document, answer, &who).await
        };
        self.on_runtime(task).await
    }

    async fn again(&self, found: Answer, request: &str) -> Result<Created, ServerError> {
        if found.request != request {
            return Err(ServerError::Key);
        }
        let first = match found.ids.first() {
            Some(id) => self.state.emulation(id).await?,
            None => None,
        };
        Ok(Created {
            ids: found.ids,
            scenario: first.and_then(|first| first.scenario),
            new: false,
        })
    }

    async fn begin(
        self: &Arc<Server>,
        mut document: Document,
        answer: Option<(String, String)>,
        who: &str,
    ) -> Result<Created, ServerError> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(ServerError::Closing);
        }
        let live = self.going_on_now().len();
        if live + document.emulations().len() > self.limit {
            return Err(ServerError::Full { limit: live });
        }
        let run = self.identity()?;
        let drawn = drawn()?;
        for spec in document.emulations_mut() {
            spec.seed.get_or_insert(drawn);
        }
        let asked: Vec<_> = document.emulations().iter().map(|s| s.redacted()).collect();
        let plans = self.plans(&mut document, &run)?;
        self.distinct(&plans)?;
        let scenario = match document {
            Document::One(_) => None,
            Document::Scenario { .. } => Some(run.clone()),
        };
        let created = format!("{:.3}", jiff::Timestamp::now());
        let rows: Vec<StoredEmulation> = plans
            .iter()
            .zip(asked)
            .enumerate()
            .map(|(n, (plan, spec))| {
                let generator = &plan.configured.generator;
                let description = &generator.description;
                StoredEmulation {
                    id: match &scenario {
                        Some(scenario) => format!("{scenario}.{n}"),
                        None => run.clone(),
                    },
                    run: plan.run.clone(),
                    scenario: scenario.clone(),
                    name: plan.name.clone(),
                    generator: format!("{}@{}", description.name, description.version),
                    component: generator.digest.clone(),
                    spec,
                    state: Phase::Starting.name().to_owned(),
                    revision: 1,
                    created: created.clone(),
                    error: None,
                    report: None,
                    manifest: None,
                }
            })
            .collect();
        let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
        let answer = answer.map(|(key, request)| Answer {
            key,
            request,
            ids: ids.clone(),
        });
        let target = scenario.clone().unwrap_or(run);
        let audit = Audit::new(who, "emulation.start", target);
        self.state
            .add_emulations(&rows, answer.as_ref(), &audit)
            .await?;
        self.launch(rows, plans, Start::Asked);
        Ok(Created {
            ids,
            scenario,
            new: true,
        })
    }

    /// Plans of a document, as far as it may reach.
    pub(super) fn plans(
        &self,
        document: &mut Document,
        run: &str,
    ) -> Result<Vec<Plan>, ServerError> {
        confine::confine(document, &self.engine.connections, &self.files)?;
        // Compiling, and reading assets, take a while.
        tokio::task::block_in_place(|| {
            Ok(self.engine.plans(document, run, 0, Tuning::default())?)
        })
    }

    /// Checks a spec as [`Server::create`] would, and starts nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn check(self: &Arc<Server>, document: Document) -> Result<Vec<Plan>, ServerError> {
        let server = Arc::clone(self);
        self.on_runtime(async move {
            let mut document = document;
            server.plans(&mut document, "check")
        })
        .await
    }

    /// Refuses a file that an emulation writes which goes on.
    fn distinct(&self, plans: &[Plan]) -> Result<(), ServerError> {
        let files: Vec<PathBuf> = plans.iter().flat_map(Plan::files).collect();
        for entry in self.going_on_now() {
            if let Some(file) = entry
                .plan
                .files()
                .into_iter()
                .find(|file| files.contains(file))
            {
                return Err(ServerError::Written {
                    file: file.strip_prefix(&self.files).unwrap_or(&file).to_owned(),
                    emulation: entry.id().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Another identity, which sorts after all before it.
    fn identity(&self) -> Result<String, ServerError> {
        let now = wall() / 1_000_000;
        let next = |newest: u64| Some(now.max(newest + 1));
        let update = self
            .newest
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        let millis = now.max(update.unwrap_or(now) + 1);
        let stamp = i64::try_from(millis).map(jiff::Timestamp::from_millisecond);
        let stamp = match stamp {
            Ok(Ok(stamp)) => stamp.strftime("%Y%m%dT%H%M%S%3f").to_string(),
            _ => {
                return Err(ServerError::system(
                    "the clock",
                    "it stands beyond all dates",
                ));
            }
        };
        Ok(format!("{stamp}-{:08x}", drawn()? as u32))
    }
}
