//! An emulation inside a Rust program, with a sink of its own.

use std::sync::Arc;

use wellhead::emulation::{self, Engine, plan::PlannedSink};
use wellhead::record::{Channel, Group};
use wellhead::sink::{Config, ConfigError, Context, Guarantee, Receipt, SendError, Sink};
use wellhead::spec::{Connections, Format, parse};

#[derive(Debug)]
struct Print;

impl Config for Print {
    fn target(&self) -> String {
        "print".to_owned()
    }
    fn check(&self, _: &[Channel], _: bool) -> Result<(), ConfigError> {
        Ok(())
    }
    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        Ok(Box::new(Printer(context)))
    }
}

struct Printer(Context);

#[async_trait::async_trait]
impl Sink for Printer {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Sent
    }
    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        for part in &group.parts {
            for record in part.range.clone().map(|k| part.batch.record(k)) {
                println!("{}", String::from_utf8_lossy(record));
            }
            self.0.receipts.settle(part, &[]);
        }
        Ok(())
    }
    async fn commit(&mut self) -> Result<Receipt, SendError> {
        Ok(Receipt::at(self.0.receipts.watermark()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = "{generator: transaction, seed: 7, load: 100/s, until: {records: 20}}";
    let document = parse(spec, Format::Yaml, "embedded")?;
    let engine = Engine::new(None, "plugins".into(), Connections::default())?;
    for mut plan in engine.plans(&document, "embedded", 7, Default::default())? {
        plan.sinks.push(PlannedSink::new("print", Arc::new(Print)));
        let ended = emulation::run(plan, 1).await?;
        eprintln!("{} records", ended.report.records.sent);
    }
    Ok(())
}
