//! A connection to the server, and what a sink does over it.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, raw_sql};

use super::copy::Encoder;
use super::options::Options;
use super::schema::Schema;
use super::{fault, upsert};
use crate::sink::SendError;
use crate::sink::sql::{
    Database, Failure, Identifier, Mark, Owner, Rows, Step, Table, TableName, WATERMARKS,
};

/// A server, and the connection to it while there is one.
pub(super) struct Postgres {
    client: PgConnectOptions,
    patience: Duration,
    create: bool,
    address: String,
    user: String,
    schema: Option<Identifier>,
    connection: Option<PgConnection>,
    encoder: Encoder,
    /// Tables in which keys were found that came again: nobody asks any more whether all are new.
    replacing: HashSet<usize>,
}

impl Postgres {
    pub(super) fn new(options: &Options) -> Postgres {
        // The plan has refused a schema that is no identifier.
        let schema = options.schema.as_deref().map(Identifier::new);
        Postgres {
            client: options.client(),
            patience: options.connect_timeout.0,
            create: options.tables.create,
            address: options.address(),
            user: options.user.clone(),
            schema: schema.and_then(Result::ok),
            connection: None,
            encoder: Encoder::default(),
            replacing: HashSet::new(),
        }
    }

    fn lost(&self) -> SendError {
        SendError::transient(format!("{}: the connection is gone", self.address))
    }

    fn connection(&mut self) -> Result<&mut PgConnection, SendError> {
        let lost = self.lost();
        self.connection.as_mut().ok_or(lost)
    }

    fn catalogue(&mut self) -> Result<Schema<'_>, SendError> {
        let lost = self.lost();
        Ok(Schema {
            connection: self.connection.as_mut().ok_or(lost)?,
            address: &self.address,
            user: &self.user,
        })
    }

    fn watermarks(&self) -> Result<TableName, SendError> {
        Ok(TableName {
            schema: self.schema.clone(),
            name: Identifier::new(WATERMARKS).map_err(SendError::fatal)?,
        })
    }

    fn failed(&self, doing: &str, error: &sqlx::Error) -> SendError {
        fault::error(&self.address, doing, error)
    }
}

#[async_trait]
impl Database for Postgres {
    async fn connect(&mut self) -> Result<(), SendError> {
        if self.connection.is_some() {
            return Ok(());
        }
        let connecting = async {
            let mut connection = PgConnection::connect_with(&self.client).await?;
            // Tables that are there already are no news.
            raw_sql("SET client_min_messages = warning")
                .execute(&mut connection)
                .await?;
            Ok(connection)
        };
        let made = tokio::time::timeout(self.patience, connecting).await;
        let made = made.map_err(|_| {
            SendError::transient(format!(
                "{}: no answer within {:?} (`connect_timeout`); is it there, and does `host` lead to it?",
                self.address, self.patience
            ))
        })?;
        let made: Result<PgConnection, sqlx::Error> = made;
        let doing = format!("logging in as user {}", self.user);
        self.connection = Some(made.map_err(|error| self.failed(&doing, &error))?);
        Ok(())
    }

    fn disconnect(&mut self) {
        self.connection = None;
    }

    async fn look(&mut self, tables: &[Table]) -> Result<(), SendError> {
        self.connect().await?;
        let create = self.create;
        let mut catalogue = self.catalogue()?;
        for table in tables {
            if catalogue.exists(&table.name).await? {
                catalogue.check(table).await?;
            } else if !create {
                return Err(missing(&self.address, table));
            }
        }
        Ok(())
    }

    async fn make(&mut self, tables: &[Table]) -> Result<(), SendError> {
        let (create, watermarks) = (self.create, self.watermarks()?);
        let mut catalogue = self.catalogue()?;
        for table in tables {
            if !catalogue.exists(&table.name).await? {
                if !create {
                    return Err(missing(&self.address, table));
                }
                catalogue.create(table).await?;
            }
            catalogue.check(table).await?;
        }
        if !catalogue.exists(&watermarks).await? {
            catalogue.create_watermarks(&watermarks).await?;
        }
        Ok(())
    }

    async fn begin_run(
        &mut self,
        owner: &Owner,
        streams: &[u32],
        anew: bool,
    ) -> Result<(), SendError> {
        let table = self.watermarks()?;
        let then = match anew {
            true => "UPDATE SET sequence = 0, acknowledged = 0, rejected = 0, bytes = 0",
            false => "NOTHING",
        };
        let insert = format!(
            "INSERT INTO {table} SELECT $1, $2, stream, 0, 0, 0, 0 \
             FROM unnest($3::int[]) AS stream ON CONFLICT (run, sink, stream) DO {then}"
        );
        let made = sqlx::query(AssertSqlSafe(insert))
            .bind(&owner.run)
            .bind(&owner.sink)
            .bind(
                streams
                    .iter()
                    .map(|stream| stream.cast_signed())
                    .collect::<Vec<i32>>(),
            )
            .execute(self.connection()?)
            .await;
        let doing = format!("writing to table {}", table.plain());
        made.map(drop).map_err(|error| self.failed(&doing, &error))
    }

    async fn marks(&mut self, owner: &Owner) -> Result<Vec<Mark>, SendError> {
        let table = self.watermarks()?;
        let select = format!(
            "SELECT stream, sequence, acknowledged, rejected, bytes FROM {table} \
             WHERE run = $1 AND sink = $2"
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(&owner.run)
            .bind(&owner.sink)
            .fetch_all(self.connection()?)
            .await;
        let marks: Result<Vec<Mark>, sqlx::Error> = rows.and_then(|rows| {
            let mark = |row: &sqlx::postgres::PgRow| {
                let number = |column: usize| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
                Ok(Mark {
                    stream: row.try_get::<i32, _>(0)?.cast_unsigned(),
                    sequence: number(1)?,
                    acknowledged: number(2)?,
                    rejected: number(3)?,
                    bytes: number(4)?,
                })
            };
            rows.iter().map(mark).collect()
        });
        let doing = format!("reading table {}", table.plain());
        marks.map_err(|error| self.failed(&doing, &error))
    }

    async fn step(&mut self, step: Step) -> Result<(), SendError> {
        let (statement, doing) = match step {
            Step::Begin => ("BEGIN", "beginning a transaction"),
            Step::Commit => ("COMMIT", "committing"),
            Step::Rollback => ("ROLLBACK", "rolling back"),
            Step::Save => ("SAVEPOINT wellhead", "setting a savepoint"),
            Step::Undo => (
                "ROLLBACK TO SAVEPOINT wellhead; RELEASE SAVEPOINT wellhead",
                "going back to a savepoint",
            ),
            Step::Keep => ("RELEASE SAVEPOINT wellhead", "forgetting a savepoint"),
        };
        let done = raw_sql(statement).execute(self.connection()?).await;
        done.map(drop).map_err(|error| self.failed(doing, &error))
    }

    async fn store(&mut self, table: &Table, rows: Rows<'_>) -> Result<(), Failure> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(self.lost().into());
        };
        let encoder = &mut self.encoder;
        let copy = format!("COPY {} ({}) FROM STDIN", table.name, table.column_list());
        let end = |_| b"\n".as_slice();
        let done = match &table.key {
            None => encoder.copy(connection, &copy, table, rows, end).await,
            Some(_) => {
                let latest = upsert::latest(table, rows);
                let rows = Rows {
                    places: &latest,
                    ..rows
                };
                let temporary =
                    |what: &str| Identifier::new(format!("wellhead_{what}_{}", table.index));
                let stage = temporary("stage").map_err(SendError::fatal)?;
                let keys = temporary("keys").map_err(SendError::fatal)?;
                async {
                    if upsert::many(rows) && !self.replacing.contains(&table.index) {
                        if upsert::all_new(connection, encoder, &keys, table, rows).await? {
                            return encoder.copy(connection, &copy, table, rows, end).await;
                        }
                        self.replacing.insert(table.index);
                    }
                    upsert::store(connection, encoder, &stage, table, rows).await
                }
                .await
            }
        };
        let doing = format!("writing to table {}", table.name.plain());
        // Of an upsert the lines are not those of the rows that were asked for.
        let append = table.key.is_none();
        let row = |line: usize| append.then(|| line.checked_sub(1)).flatten();
        done.map_err(|error| fault::of_rows(&self.address, &doing, &error, row))
    }

    async fn advance(
        &mut self,
        owner: &Owner,
        from: &[Mark],
        to: &[Mark],
    ) -> Result<bool, SendError> {
        let table = self.watermarks()?;
        let update = format!(
            "UPDATE {table} AS w SET sequence = m.sequence, acknowledged = m.acknowledged, \
             rejected = m.rejected, bytes = m.bytes \
             FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) \
             AS m(stream, before, sequence, acknowledged, rejected, bytes) \
             WHERE w.run = $1 AND w.sink = $2 AND w.stream = m.stream AND w.sequence = m.before"
        );
        let all = |of: &[Mark], number: fn(&Mark) -> u64| -> Vec<i64> {
            of.iter().map(|mark| number(mark).cast_signed()).collect()
        };
        let streams: Vec<i32> = to.iter().map(|mark| mark.stream.cast_signed()).collect();
        let moved = sqlx::query(AssertSqlSafe(update))
            .bind(&owner.run)
            .bind(&owner.sink)
            .bind(streams)
            .bind(all(from, |mark| mark.sequence))
            .bind(all(to, |mark| mark.sequence))
            .bind(all(to, |mark| mark.acknowledged))
            .bind(all(to, |mark| mark.rejected))
            .bind(all(to, |mark| mark.bytes))
            .execute(self.connection()?)
            .await;
        let moved = moved.map_err(|error| {
            let doing = format!("moving the watermark in table {}", table.plain());
            self.failed(&doing, &error)
        })?;
        Ok(moved.rows_affected() == to.len() as u64)
    }

    fn address(&self) -> &str {
        &self.address
    }
}

fn missing(address: &str, table: &Table) -> SendError {
    SendError::fatal(format!(
        "{address}: there is no table {}: make it, or let it be made with `create`",
        table.name.plain()
    ))
}
