//! What operations work on.

use wellhead_sdk::bounded::Digits;

use super::arithmetic::{TENS, WHOLE, nearest, small_units};
use super::columns::LANES;
use super::machine::{CACHED, Cached};
use super::{Failed, Failure, Span, Values};

/// What the operations work on.
#[derive(Clone, Debug)]
pub(crate) struct Registers {
    /// Of each register one number, or one for each record of a block.
    pub(super) numbers: Vec<f64>,
    /// What the record shows of them, in units of the last decimal.
    pub(super) units: Vec<i64>,
    /// Their digits, where these are asked for.
    pub(super) digits: Vec<Digits>,
    /// Which of a block's records is at hand, and how many there are, as a power of two.
    pub(super) lane: usize,
    pub(super) shift: u32,
    /// The block that was computed last, and whether all of it could be.
    pub(super) block: u64,
    pub(super) computed: bool,
    pub texts: Vec<Span>,
    pub text: Vec<u8>,
    /// Room for a text that is being changed.
    pub(super) spare: Vec<u8>,
    /// Bytes of the constants, which stay.
    constant: usize,
    pub stays: Vec<Cached>,
    /// How many machines share these, as a power of two; more than 64 do so in turn.
    pub machines: usize,
    pub failed: Option<Failed>,
}

impl Registers {
    pub fn new(values: &Values) -> Registers {
        let shift = values.shift();
        let lanes = |number: &f64| std::iter::repeat_n(*number, 1 << shift);
        Registers {
            numbers: values.numbers.iter().flat_map(lanes).collect(),
            units: vec![0; values.root.units.len() << shift],
            digits: vec![Digits::NONE; values.root.units.len() << shift],
            lane: 0,
            shift,
            block: u64::MAX,
            computed: false,
            texts: values.texts.clone(),
            text: values.text.clone(),
            spare: Vec::new(),
            constant: values.text.len(),
            stays: match values.machines.len() {
                0 => Vec::new(),
                _ => vec![Cached::default(); CACHED],
            },
            machines: values.machines.len().next_power_of_two().min(64),
            failed: None,
        }
    }

    /// The record before this one is over.
    #[inline(always)]
    pub fn begin(&mut self) {
        self.text.truncate(self.constant);
    }

    #[inline(always)]
    pub fn bytes(&self, text: u32) -> &[u8] {
        let span = self.texts[text as usize];
        self.text
            .get(span.from as usize..span.to as usize)
            .unwrap_or_default()
    }

    /// A number in units of its last decimal. What is written has been rounded to them.
    #[inline(always)]
    pub(crate) fn units(&self, number: u32, decimals: u8) -> i64 {
        let units = self.get(number) * TENS[usize::from(decimals)];
        match units.abs() < WHOLE {
            true => small_units(units),
            false => nearest(units) as i64,
        }
    }

    /// The same where a block of records has them already.
    #[inline(always)]
    pub(crate) fn shown(&self, units: u32) -> i64 {
        self.units[units as usize * LANES + self.lane]
    }

    /// The digits of the same.
    #[inline(always)]
    pub(crate) fn digits(&self, units: u32) -> Digits {
        self.digits[units as usize * LANES + self.lane]
    }

    #[inline(always)]
    pub(crate) fn get(&self, number: u32) -> f64 {
        self.numbers[((number as usize) << self.shift) + self.lane]
    }

    /// Sets a number, which doesn't fail.
    #[inline(always)]
    pub(super) fn set(&mut self, number: u32, value: f64) -> Option<Failure> {
        self.numbers[((number as usize) << self.shift) + self.lane] = value;
        None
    }
}
