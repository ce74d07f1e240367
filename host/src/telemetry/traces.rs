//! Traces: a span for each emulation, and for some of its batches one where they were generated and one
//! where they were delivered, which links to the other.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
pub use opentelemetry::KeyValue;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::Clock;

/// Batches of one emulation that are followed from generator to sinks at once; while there are so many,
/// no more are taken.
const FOLLOWED: usize = 64;

/// Makes traces; copies make them in the same place.
#[derive(Clone, Debug)]
pub struct Traces {
    tracer: SdkTracer,
    share: f64,
}

impl Traces {
    /// With that share of batches in them, from 0 to 1.
    pub(super) fn new(tracer: SdkTracer, share: f64) -> Traces {
        Traces { tracer, share }
    }

    /// The trace of an emulation that begins now and has so many sinks.
    pub fn begin(&self, clock: Clock, sinks: usize, attributes: Vec<KeyValue>) -> Arc<Trace> {
        let builder = SpanBuilder::from_name("emulation").with_attributes(attributes);
        let root = self.tracer.build_with_context(builder, &Context::new());
        let parent = root.span_context().clone();
        Arc::new(Trace {
            tracer: self.tracer.clone(),
            root: Mutex::new(Some(root)),
            parent,
            clock,
            share: self.share,
            calls: AtomicU64::new(0),
            sinks,
            followed: AtomicUsize::new(0),
            marks: Mutex::default(),
        })
    }
}

/// The trace of one emulation.
#[derive(Debug)]
pub struct Trace {
    tracer: SdkTracer,
    root: Mutex<Option<Span>>,
    parent: SpanContext,
    clock: Clock,
    share: f64,
    calls: AtomicU64,
    sinks: usize,
    /// How many marks there are.
    followed: AtomicUsize,
    marks: Mutex<VecDeque<Mark>>,
}

/// The last record of a batch that is followed.
#[derive(Debug)]
struct Mark {
    stream: u32,
    sequence: u64,
    generated: SpanContext,
    /// Sinks that haven't been handed it yet: each passes it once, however far ahead of the others it is.
    left: Vec<usize>,
}

/// The delivery of a group that has the last record of a followed batch. Without
/// [`Delivering::settled`] it ends unsettled when it is dropped.
#[derive(Debug)]
pub struct Delivering(Span);

impl Trace {
    /// Whether the call that is over now is to be in the trace: the first one, and then so many as the share
    /// says, as long as not too many are on their way.
    pub fn takes(&self) -> bool {
        let nth = self.calls.fetch_add(1, Ordering::Relaxed) as f64;
        let due = |calls: f64| (calls * self.share).ceil();
        due(nth + 1.0) > due(nth) && self.followed.load(Ordering::Relaxed) < FOLLOWED
    }

    /// A batch was generated between these instants of the clock; `last` is the stream and the sequence of
    /// its last record, where it can be released already.
    pub fn generated(
        &self,
        during: Range<u64>,
        last: Option<(u32, u64)>,
        attributes: Vec<KeyValue>,
    ) {
        let mut span = self.child("generate", SpanKind::Internal, |builder| {
            builder
                .with_start_time(self.wall(during.start))
                .with_attributes(attributes)
        });
        let generated = span.span_context().clone();
        span.end_with_timestamp(self.wall(during.end));
        let Some((stream, sequence)) = last.filter(|_| self.sinks > 0) else {
            return;
        };
        let mut marks = lock(&self.marks);
        marks.push_back(Mark {
            stream,
            sequence,
            generated,
            left: (0..self.sinks).collect(),
        });
        self.followed.store(marks.len(), Ordering::Relaxed);
    }

    /// These records (sequences by stream) are about to be handed to the sink of that number for the first time. Gives the span of
    /// that where they hold the end of a followed batch.
    pub fn delivering(
        &self,
        sink: usize,
        kind: &str,
        records: usize,
        parts: impl Iterator<Item = (u32, Range<u64>)> + Clone,
    ) -> Option<Delivering> {
        if self.followed.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut links = Vec::new();
        let mut marks = lock(&self.marks);
        for mark in marks.iter_mut() {
            let Some(place) = mark.left.iter().position(|left| *left == sink) else {
                continue;
            };
            let mut own = parts.clone().filter(|(stream, _)| *stream == mark.stream);
            // One that was passed was dropped before it came to this sink.
            let Some((_, part)) = own.find(|(_, part)| part.end > mark.sequence) else {
                continue;
            };
            mark.left.swap_remove(place);
            if part.contains(&mark.sequence) {
                links.push(Link::with_context(mark.generated.clone()));
            }
        }
        marks.retain(|mark| !mark.left.is_empty());
        self.followed.store(marks.len(), Ordering::Relaxed);
        drop(marks);
        (!links.is_empty()).then(|| {
            Delivering(self.child("deliver", SpanKind::Producer, |builder| {
                builder.with_links(links).with_attributes([
                    KeyValue::new("wellhead.sink", kind.to_owned()),
                    KeyValue::new("wellhead.records", number(records as u64)),
                ])
            }))
        })
    }

    /// The emulation is over; `error` where it failed.
    pub fn end(&self, attributes: Vec<KeyValue>, error: Option<&str>) {
        // Its deliveries are over by now: none is waited for.
        lock(&self.marks).clear();
        self.followed.store(0, Ordering::Relaxed);
        if let Some(mut root) = lock(&self.root).take() {
            root.set_attributes(attributes);
            if let Some(error) = error {
                root.set_status(Status::error(Cow::Owned(error.to_owned())));
            }
            root.end();
        }
    }

    fn child(
        &self,
        name: &'static str,
        kind: SpanKind,
        with: impl FnOnce(SpanBuilder) -> SpanBuilder,
    ) -> Span {
        let within = Context::new().with_remote_span_context(self.parent.clone());
        let builder = with(SpanBuilder::from_name(name).with_kind(kind));
        self.tracer.build_with_context(builder, &within)
    }

    /// An instant of the clock, which isn't long ago, as the wall's time.
    fn wall(&self, instant: u64) -> SystemTime {
        let ago = self.clock.now().saturating_sub(instant);
        SystemTime::now() - Duration::from_nanos(ago)
    }
}

impl Delivering {
    /// The service has them, or has refused them for good.
    pub fn settled(mut self) {
        self.0
            .set_attribute(KeyValue::new("wellhead.settled", true));
        self.0.end();
    }
}

/// A count as an attribute, whose numbers have a sign.
pub fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    fn trace(share: f64, sinks: usize) -> Arc<Trace> {
        let provider = SdkTracerProvider::builder().build();
        let traces = Traces::new(provider.tracer("test"), share);
        traces.begin(Clock::start(), sinks, Vec::new())
    }

    #[test]
    fn the_first_call_is_taken_and_then_its_share() {
        let trace = trace(0.25, 1);
        let taken: Vec<bool> = (0..9).map(|_| trace.takes()).collect();
        let every = [true, false, false, false];
        assert_eq!(taken, [&every[..], &every, &[true]].concat());
        assert!((0..9).all(|_| !self::trace(0.0, 1).takes()));
    }

    #[test]
    fn a_batch_is_followed_to_the_end_of_it_in_each_sink() {
        let trace = trace(1.0, 2);
        trace.generated(0..1, Some((3, 99)), Vec::new());
        let deliver =
            |sink, part: Range<u64>| trace.delivering(sink, "null", 1, [(3, part)].into_iter());
        assert!(deliver(0, 0..99).is_none());
        assert!(deliver(0, 99..100).is_some());
        // However far one is ahead, the other's is still to come.
        assert!(deliver(0, 100..200).is_none());
        assert_eq!(trace.followed.load(Ordering::Relaxed), 1);
        assert!(deliver(1, 0..100).is_some());
        assert_eq!(trace.followed.load(Ordering::Relaxed), 0);
        // One that was never handed it has passed it, too.
        trace.generated(0..1, Some((3, 299)), Vec::new());
        assert!(deliver(0, 300..400).is_none());
        assert!(deliver(1, 300..400).is_none());
        assert_eq!(trace.followed.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn no_more_are_followed_than_fit() {
        let trace = trace(1.0, 1);
        for sequence in 0..FOLLOWED as u64 {
            assert!(trace.takes());
            trace.generated(0..1, Some((0, sequence)), Vec::new());
        }
        assert!(!trace.takes());
        let all = [(0, 0..FOLLOWED as u64)].into_iter();
        assert!(trace.delivering(0, "null", 1, all).is_some());
        assert!(trace.takes());
    }
}
