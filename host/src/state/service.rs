//! What a server keeps: emulations, answers to requests that may come again, and who changed what.

use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::{State, StateError, parsed};

/// An emulation of a server.
#[derive(Clone, Debug)]
pub struct StoredEmulation {
    /// Its identity; those made later sort after it.
    pub id: String,
    /// The run that it is.
    pub run: String,
    /// What the emulations of one request share.
    pub scenario: Option<String>,
    /// By its spec, or its generator.
    pub name: String,
    /// `name@version`.
    pub generator: String,
    /// SHA-256 of the component, in hex.
    pub component: String,
    /// As it was asked for, with its seed.
    pub spec: Value,
    /// `starting`, `running`, `paused` or `stopping`; else how it ended.
    pub state: String,
    /// One more with each change.
    pub revision: u64,
    /// RFC 3339.
    pub created: String,
    /// Why it couldn't begin, or go on.
    pub error: Option<String>,
    /// The final report.
    pub report: Option<Value>,
    /// The manifest.
    pub manifest: Option<Value>,
}

/// Which emulations to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those made before this one.
    pub before: Option<String>,
    /// In that state.
    pub state: Option<String>,
    /// Of that name.
    pub name: Option<String>,
    /// Of that scenario.
    pub scenario: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What an `Idempotency-Key` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The key, with whose it is.
    pub key: String,
    /// SHA-256 of what was asked for, in hex.
    pub request: String,
    /// The emulations that it made.
    pub ids: Vec<String>,
}

/// A change and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Who.
    pub who: String,
    /// What was done, such as `emulation.stop`.
    pub what: &'static str,
    /// To what.
    pub target: String,
}

impl Audit {
    /// Says who did what to what.
    pub fn new(who: &str, what: &'static str, target: impl Into<String>) -> Audit {
        Audit {
            who: who.to_owned(),
            what,
            target: target.into(),
        }
    }
}

/// How long a repeated request gets the answer of the first.
const ANSWERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

const COLUMNS: &str = "SELECT id, run, scenario, name, generator, component, spec, state, revision, \
                       created, error, report, manifest FROM emulations";

impl State {
    /// Records emulations that are about to begin, with the answer that a repeated request gets.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn add_emulations(
        &self,
        emulations: &[StoredEmulation],
        answer: Option<&Answer>,
        audit: &Audit,
    ) -> Result<(), StateError> {
        let mut tx = self.writer.begin().await.map_err(|e| self.failed(e))?;
        for one in emulations {
            sqlx::query(
                "INSERT INTO emulations (id, run, scenario, name, generator, component, spec, state, created) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .bind(&one.id)
            .bind(&one.run)
            .bind(&one.scenario)
            .bind(&one.name)
            .bind(&one.generator)
            .bind(&one.component)
            .bind(one.spec.to_string())
            .bind(&one.state)
            .bind(&one.created)
            .execute(&mut *tx)
            .await
            .map_err(|e| self.failed(e))?;
        }
        if let Some(answer) = answer {
            // Whoever adds one sweeps; without new ones there is nothing to bound.
            sqlx::query("DELETE FROM answers WHERE created < ?1")
                .bind(answered_since())
                .execute(&mut *tx)
                .await
                .map_err(|e| self.failed(e))?;
            sqlx::query(
                "INSERT INTO answers (key, request, answer, created) VALUES (?1, ?2, ?3, ?4)",
            )
            .bind(&answer.key)
            .bind(&answer.request)
            .bind(Value::from(answer.ids.clone()).to_string())
            .bind(now())
            .execute(&mut *tx)
            .await
            .map_err(|e| self.failed(e))?;
        }
        self.note(&mut tx, audit).await?;
        tx.commit().await.map_err(|e| self.failed(e))
    }

    /// What was answered to a request with that key within the last day.
    ///
    /// # Errors
    /// Where the database can't be read or the row is damaged.
    pub async fn answer(&self, key: &str) -> Result<Option<Answer>, StateError> {
        let row =
            sqlx::query("SELECT request, answer FROM answers WHERE key = ?1 AND created >= ?2")
                .bind(key)
                .bind(answered_since())
                .fetch_optional(&self.pool)
                .await
                .map_err(|e| self.failed(e))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Answer {
            key: key.to_owned(),
            request: row.get(0),
            ids: parsed(key, "answer", row.get(1))?,
        }))
    }

    /// The emulation of that identity.
    ///
    /// # Errors
    /// Where the database can't be read or the row is damaged.
    pub async fn emulation(&self, id: &str) -> Result<Option<StoredEmulation>, StateError> {
        let query = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = ?1"));
        let row = sqlx::query(query)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        row.map(|row| emulation(&row)).transpose()
    }

    /// Emulations, newest first.
    ///
    /// # Errors
    /// Where the database can't be read or a row is damaged.
    pub async fn emulations(&self, filter: &Filter) -> Result<Vec<StoredEmulation>, StateError> {
        let query = sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR state = ?2) \
             AND (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR scenario = ?4) \
             ORDER BY id DESC LIMIT ?5"
        ));
        let rows = sqlx::query(query)
            .bind(&filter.before)
            .bind(&filter.state)
            .bind(&filter.name)
            .bind(&filter.scenario)
            .bind(filter.limit)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        rows.iter().map(emulation).collect()
    }

    /// Those that aren't over, oldest first: what a restart takes up again.
    ///
    /// # Errors
    /// Where the database can't be read or a row is damaged.
    pub async fn unfinished_emulations(&self) -> Result<Vec<StoredEmulation>, StateError> {
        let query = sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE state IN ('starting', 'running', 'paused', 'stopping') ORDER BY id"
        ));
        let rows = sqlx::query(query)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        rows.iter().map(emulation).collect()
    }

    /// Writes down that an emulation is in another state; gives the revision that this makes.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn set_emulation(
        &self,
        id: &str,
        state: &str,
        audit: Option<&Audit>,
    ) -> Result<u64, StateError> {
        let mut tx = self.writer.begin().await.map_err(|e| self.failed(e))?;
        let revision: Option<u64> = sqlx::query_scalar(
            "UPDATE emulations SET state = ?2, revision = revision + 1 WHERE id = ?1 RETURNING revision",
        )
        .bind(id)
        .bind(state)
        .fetch_optional(&mut *tx)
        .await
        .map_err(|e| self.failed(e))?;
        if let Some(audit) = audit {
            self.note(&mut tx, audit).await?;
        }
        tx.commit().await.map_err(|e| self.failed(e))?;
        Ok(revision.unwrap_or(0))
    }

    /// Writes down how an emulation ended.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn end_emulation(
        &self,
        id: &str,
        state: &str,
        error: Option<&str>,
        report: Option<&Value>,
        manifest: Option<&Value>,
    ) -> Result<(), StateError> {
        sqlx::query(
            "UPDATE emulations SET state = ?2, error = ?3, report = ?4, manifest = ?5, \
             revision = revision + 1 WHERE id = ?1",
        )
        .bind(id)
        .bind(state)
        .bind(error)
        .bind(report.map(Value::to_string))
        .bind(manifest.map(Value::to_string))
        .execute(&self.writer)
        .await
        .map_err(|e| self.failed(e))?;
        Ok(())
    }

    /// Forgets an emulation and its run.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn delete_emulation(
        &self,
        id: &str,
        run: &str,
        audit: &Audit,
    ) -> Result<(), StateError> {
        let mut tx = self.writer.begin().await.map_err(|e| self.failed(e))?;
        for (query, key) in [
            ("DELETE FROM emulations WHERE id = ?1", id),
            ("DELETE FROM runs WHERE id = ?1", run),
        ] {
            sqlx::query(query)
                .bind(key)
                .execute(&mut *tx)
                .await
                .map_err(|e| self.failed(e))?;
        }
        self.note(&mut tx, audit).await?;
        tx.commit().await.map_err(|e| self.failed(e))
    }

    /// Writes down a change that has no other row.
    ///
    /// # Errors
    /// Where the database can't be written.
    pub async fn audit(&self, audit: &Audit) -> Result<(), StateError> {
        let mut tx = self.writer.begin().await.map_err(|e| self.failed(e))?;
        self.note(&mut tx, audit).await?;
        tx.commit().await.map_err(|e| self.failed(e))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Where it doesn't.
    pub async fn probe(&self) -> Result<(), StateError> {
        sqlx::query("SELECT count(*) FROM answers WHERE key = ''")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(())
    }

    async fn note(
        &self,
        tx: &mut Transaction<'_, Sqlite>,
        audit: &Audit,
    ) -> Result<(), StateError> {
        tracing::info!(target: "wellhead::audit", who = audit.who, what = audit.what, on = audit.target);
        sqlx::query("INSERT INTO audit (at, who, what, target) VALUES (?1, ?2, ?3, ?4)")
            .bind(now())
            .bind(&audit.who)
            .bind(audit.what)
            .bind(&audit.target)
            .execute(&mut **tx)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(())
    }
}

fn emulation(row: &SqliteRow) -> Result<StoredEmulation, StateError> {
    let id: String = row.get(0);
    let json = |what, text: Option<String>| text.map(|text| parsed(&id, what, text)).transpose();
    Ok(StoredEmulation {
        run: row.get(1),
        scenario: row.get(2),
        name: row.get(3),
        generator: row.get(4),
        component: row.get(5),
        spec: parsed(&id, "spec", row.get(6))?,
        state: row.get(7),
        revision: row.get(8),
        created: row.get(9),
        error: row.get(10),
        report: json("report", row.get(11))?,
        manifest: json("manifest", row.get(12))?,
        id,
    })
}

fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Answers from before have expired.
fn answered_since() -> String {
    format!("{:.3}", jiff::Timestamp::now() - ANSWERED)
}
