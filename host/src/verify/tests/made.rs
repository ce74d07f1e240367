//! Records and sources, made up by a number.

use std::collections::VecDeque;

use super::super::expected::Which;
use crate::sink::SendError;
use crate::sink::read::{Chunk, Id, Look, Source};

/// A generator of numbers, so that a failing case is a number.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    fn share(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Items as a source gives them, some at a time.
pub struct Items(pub std::vec::IntoIter<Vec<u8>>, pub usize);

impl Source for Items {
    fn fill(&mut self, chunk: &mut Chunk) -> Result<bool, SendError> {
        for item in self.0.by_ref().take(self.1) {
            let (record, tail) = (item.as_slice(), &b""[..]);
            chunk.push(Look { record, tail }, Id::None);
        }
        Ok(self.0.len() > 0)
    }
}

pub type Expected = Vec<(Which, Vec<u8>)>;

fn text(stream: u32, index: u64) -> Vec<u8> {
    let hash = (u64::from(stream) << 40 | index).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let (a, b) = (
        hash,
        hash.rotate_left(29).wrapping_mul(0xC2B2_AE3D_27D4_EB4F),
    );
    format!("{a:016x}{b:016x}{stream}.{index}").into_bytes()
}

/// Streams side by side, `copied` percent of their records with a copy up to `after` records later.
pub fn expected(
    draw: &mut Draw,
    streams: usize,
    records: usize,
    copied: usize,
    after: usize,
) -> Expected {
    let mut queues: Vec<VecDeque<(Which, Vec<u8>)>> = Vec::new();
    for stream in 0..streams as u32 {
        let mut held: Vec<(usize, u64)> = Vec::new();
        let mut queue = VecDeque::new();
        let mut add = |index: u64, copy: u8| {
            let which = Which {
                stream,
                index,
                copy,
                sequence: queue.len() as u64,
            };
            queue.push_back((which, text(stream, index)));
        };
        for n in 0..records / streams {
            add(n as u64, 0);
            if draw.share(copied) {
                held.push((n + draw.below(after), n as u64));
            }
            held.retain(|&(due, index)| {
                if due <= n {
                    add(index, 1);
                }
                due > n
            });
        }
        queues.push(queue);
    }
    let mut all = Vec::new();
    while let Some(most) = queues
        .iter()
        .map(|queue| queue.len())
        .max()
        .filter(|&n| n > 0)
    {
        let at = draw.below(streams);
        if queues[at].len() + 20 > most
            && let Some(next) = queues[at].pop_front()
        {
            all.push(next);
        }
    }
    all
}

/// An item of a source: which ordinal it is.
pub type Held = Vec<Vec<usize>>;

/// Hands the records to sources as a topic's partitions may hold them: each keeps the order of each
/// stream. `keyed` sends all alike to one source, else runs of a stream go to any.
pub fn scattered(
    draw: &mut Draw,
    expected: &Expected,
    streams: usize,
    sources: usize,
    keyed: bool,
) -> Held {
    let mut held: Vec<Vec<VecDeque<usize>>> = vec![vec![VecDeque::new(); streams]; sources];
    let mut current = vec![(0, 0); streams];
    for (ordinal, (which, text)) in expected.iter().enumerate() {
        let stream = which.stream as usize;
        let (to, left) = &mut current[stream];
        if *left == 0 {
            (*to, *left) = (draw.below(sources), 1 + draw.below(40));
        }
        *left -= 1;
        let to = match keyed {
            true => text.iter().map(|&byte| byte as usize).sum::<usize>() % sources,
            false => *to,
        };
        held[to][stream].push_back(ordinal);
    }
    let merged = held.into_iter().map(|mut queues| {
        let mut items = Vec::new();
        while queues.iter().any(|queue| !queue.is_empty()) {
            let at = draw.below(streams);
            for _ in 0..1 + draw.below(30) {
                items.extend(queues[at].pop_front());
            }
        }
        items
    });
    merged.collect()
}
