use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::record::made;
use crate::sink::{Guarantee, Watermark};
use crate::telemetry::{Clock, Lateness};

/// Takes nothing until it is let, then everything.
struct Gate {
    open: Arc<Semaphore>,
    receipts: Arc<Receipts>,
}

#[async_trait]
impl Sink for Gate {
    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        let _open = self.open.acquire().await;
        for part in &group.parts {
            self.receipts.settle(part, &[]);
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        Ok(Receipt::at(self.receipts.watermark()))
    }
}

struct Setup {
    open: Arc<Semaphore>,
    receipts: Arc<Receipts>,
    outlet: Outlet,
    status: Arc<Status>,
    delivered: tokio::task::JoinHandle<Result<Settled, DeliveryError>>,
}

fn setup(on_full: OnFull) -> Setup {
    let lateness = Lateness::new().unwrap();
    let receipts = Arc::new(Receipts::new(&[0], Clock::start(), lateness, None));
    let open = Arc::new(Semaphore::new(0));
    let gate = Gate {
        open: Arc::clone(&open),
        receipts: Arc::clone(&receipts),
    };
    let (delivery, outlet, status) = Delivery::new(
        Box::new(gate),
        "gate".to_owned(),
        Arc::clone(&receipts),
        SinkPoint::default(),
        on_full,
        CancellationToken::new(),
    );
    Setup {
        open,
        receipts,
        outlet,
        status,
        delivered: tokio::spawn(delivery.run()),
    }
}

/// So many records, said to be so many bytes, since the outlet counts what it is told.
fn offer(setup: &Setup, first: u64, records: usize, bytes: u64) {
    let group = made::group(first, records);
    let (handle, cancel) = (Handle::current(), CancellationToken::new());
    assert!(setup.outlet.send(group, bytes, &handle, &cancel));
}

const ALL: u64 = (ROOM_KIB * 1024) as u64;

async fn finish(setup: Setup) -> (Snapshot, SinkPoint, Watermark) {
    drop(setup.outlet);
    let settled = setup.delivered.await.unwrap().unwrap();
    settled.close(true).await.unwrap();
    let watermark = setup.receipts.watermark();
    (setup.receipts.snapshot(), setup.status.point(), watermark)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_dropped_and_counted() {
    let setup = setup(OnFull::Drop);
    offer(&setup, 0, 10, ALL);
    // Neither fits: the first group has all the room until the sink has it.
    offer(&setup, 10, 5, 1024);
    offer(&setup, 15, 7, 1024);
    setup.open.add_permits(1);
    while setup.outlet.room.available_permits() < ROOM_KIB {
        tokio::task::yield_now().await;
    }
    offer(&setup, 22, 3, 1024);
    let (counts, point, watermark) = finish(setup).await;
    assert_eq!((counts.acknowledged, counts.dropped), (13, 12));
    assert_eq!((point.acknowledged, point.dropped), (13, 12));
    assert_eq!(watermark, [25]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_at_the_very_end_is_passed_too() {
    let setup = setup(OnFull::Drop);
    offer(&setup, 0, 10, ALL);
    offer(&setup, 10, 5, 1024);
    setup.open.add_permits(1);
    let (counts, point, watermark) = finish(setup).await;
    assert_eq!((counts.acknowledged, counts.dropped), (10, 5));
    assert_eq!(point.receipt.watermark, [15]);
    assert_eq!(watermark, [15]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_the_release_waits() {
    let setup = setup(OnFull::Wait);
    offer(&setup, 0, 10, ALL);
    let open = Arc::clone(&setup.open);
    assert_eq!(setup.outlet.room.available_permits(), 0);
    let opener = tokio::spawn(async move { open.add_permits(1) });
    tokio::task::block_in_place(|| offer(&setup, 10, 5, 1024));
    opener.await.unwrap();
    let (counts, ..) = finish(setup).await;
    assert_eq!((counts.acknowledged, counts.dropped), (15, 0));
}
