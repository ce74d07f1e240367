//! Faults as a spec writes them.

mod kinds;
mod values;

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::units::{Instant, Time};
use crate::fault;
use crate::record::Nanos;
pub use kinds::Kinds;
use values::ShareOr;
pub use values::{After, Between, Share, Span, Within};

/// What is done to records on purpose on their way, so that pipelines meet it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// A share of the records comes twice: `0.01`, or `{share: 0.01, after: 5s}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Duplicate>,
    /// A share of the records comes late: `{share: 0.02, by: 5s..2m}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// A share of the records comes after younger ones: `{share: 5%, within: 10}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Reorder>,
    /// A share of the records never comes: `0.001`, or `{share: 0.001, channels: [power]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<Drop>,
    /// A share of the records comes damaged: `0.001`, or `{share: 0.001, kinds: [truncate, null]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Corrupt>,
    /// Each stream falls silent now and then, and what would have come is lost: `{every: 10m, for: 30s}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
    /// What falls into a window comes at its end, all at once: `{every: 5m, for: 10s}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
}

/// A stretch of event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The first event time within; the beginning when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Instant>,
    /// The first event time behind it; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Instant>,
}

impl Stretch {
    /// Both ends, nanoseconds since the Unix epoch.
    pub fn ends(self) -> (Nanos, Nanos) {
        let end = |instant: Option<Instant>, absent| instant.map_or(absent, |i| i.0);
        (end(self.from, 0), end(self.to, Nanos::MAX))
    }
}

/// Which records a fault may hit; all of them where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// Names of channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<String>>,
    /// Streams, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<u32>>,
    /// Event times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Stretch>,
}

/// Defines a fault and the form in which it is written: serde can't flatten and refuse unknown
/// fields at once.
macro_rules! fault {
    ($(#[$meta:meta])* $name:ident from $form:ident as $title:literal {
        $($(#[$own:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub struct $name {
            $($(#[$own])* pub $field: $type,)*
            /// Which records.
            #[serde(flatten)]
            pub scope: Scope,
        }

        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = $title)]
        struct $form {
            $($(#[$own])* $field: $type,)*
            /// Only records on these channels.
            #[serde(default)]
            channels: Option<Vec<String>>,
            /// Only these streams, counted from 0.
            #[serde(default)]
            streams: Option<Vec<u32>>,
            /// Only event times from `from` on and before `to`.
            #[serde(default)]
            between: Option<Stretch>,
        }

        impl From<$form> for $name {
            fn from(form: $form) -> $name {
                $name {
                    $($field: form.$field,)*
                    scope: Scope {
                        channels: form.channels,
                        streams: form.streams,
                        between: form.between,
                    },
                }
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                concat!($title, "Fault").into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                $name::schema(generator)
            }
        }
    };
}

/// A fault that is written as a map alone.
macro_rules! only_map {
    ($name:ident, $form:ident) => {
        impl $name {
            fn schema(generator: &mut SchemaGenerator) -> Schema {
                generator.subschema_for::<$form>()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                $form::deserialize(deserializer).map($name::from)
            }
        }
    };
}

/// A fault of which a share says enough.
macro_rules! share_or_map {
    ($name:ident, $form:ident { $($field:ident: $value:expr),* }) => {
        impl From<Share> for $form {
            fn from(share: Share) -> $form {
                $form { share, $($field: $value,)* channels: None, streams: None, between: None }
            }
        }

        impl $name {
            fn schema(generator: &mut SchemaGenerator) -> Schema {
                let share = generator.subschema_for::<Share>();
                let form = generator.subschema_for::<$form>();
                json_schema!({ "anyOf": [share, form] })
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let form = deserializer.deserialize_any(ShareOr::<$form>(PhantomData))?;
                Ok(form.into())
            }
        }
    };
}

fn at_once() -> After {
    After::Records(0)
}

fn whole() -> Share {
    Share(1.0)
}

fault!(
    /// Copies of records.
    Duplicate from DuplicateForm as "Duplicate" {
        /// How many of the records get a copy: 0.01 or 1%.
        share: Share,
        /// When the copy follows: a number of the stream's records, or a time such as 5s;
        /// right behind the original when absent.
        #[serde(default = "at_once")]
        after: After,
    }
);
share_or_map!(Duplicate, DuplicateForm { after: at_once() });

fault!(
    /// Records that come late.
    Late from LateForm as "Late" {
        /// How many of the records come late: 0.02 or 2%.
        share: Share,
        /// By how much: 30s, or any time from the first to the second, 5s..2m.
        by: Span,
    }
);
only_map!(Late, LateForm);

fault!(
    /// Records that come after younger ones.
    Reorder from ReorderForm as "Reorder" {
        /// How many of the records fall back: 0.05 or 5%.
        share: Share,
        /// How far at most: behind so many of the stream's records, or by a time such as 5s.
        within: Within,
    }
);
only_map!(Reorder, ReorderForm);

fault!(
    /// Records that never come.
    Drop from DropForm as "Drop" {
        /// How many of the records never come: 0.001 or 0.1%.
        share: Share,
    }
);
share_or_map!(Drop, DropForm {});

fault!(
    /// Records that come damaged.
    Corrupt from CorruptForm as "Corrupt" {
        /// How many of the records come damaged: 0.001 or 0.1%.
        share: Share,
        /// What is done to them: a list, or a map of weights such as {bit_flip: 3, null: 1}; all that
        /// fit the content when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kinds: Option<Kinds>,
    }
);
share_or_map!(Corrupt, CorruptForm { kinds: None });

fault!(
    /// Silence now and then.
    Gap from GapForm as "Gap" {
        /// Each stream is silent once in each period of this time.
        every: Time,
        /// For how long, at a place of the stream's own in the period.
        #[serde(rename = "for")]
        length: Time,
        /// In how many of the periods; in all when absent.
        #[serde(default = "whole")]
        share: Share,
    }
);
only_map!(Gap, GapForm);

fault!(
    /// Records that are held and come at once.
    Burst from BurstForm as "BurstFault" {
        /// What was held comes at each multiple of this time.
        every: Time,
        /// How long before that it begins to be held.
        #[serde(rename = "for")]
        length: Time,
        /// How many of the bursts there are; all when absent.
        #[serde(default = "whole")]
        share: Share,
    }
);
only_map!(Burst, BurstForm);

impl Faults {
    /// Whether nothing is done to any record.
    pub fn is_none(&self) -> bool {
        *self == Faults::default()
    }

    /// Each fault that there is, with its name and which records it may hit.
    pub fn scopes(&self) -> Vec<(&'static str, &Scope)> {
        let all = [
            ("duplicate", self.duplicate.as_ref().map(|f| &f.scope)),
            ("late", self.late.as_ref().map(|f| &f.scope)),
            ("reorder", self.reorder.as_ref().map(|f| &f.scope)),
            ("drop", self.drop.as_ref().map(|f| &f.scope)),
            ("corrupt", self.corrupt.as_ref().map(|f| &f.scope)),
            ("gap", self.gap.as_ref().map(|f| &f.scope)),
            ("burst", self.burst.as_ref().map(|f| &f.scope)),
        ];
        all.into_iter()
            .filter_map(|(name, scope)| Some((name, scope?)))
            .collect()
    }

    /// As the engine has them. `channel` gives a channel's index; `json` says whether records are JSON.
    pub fn engine(&self, channel: &dyn Fn(&str) -> Option<u8>, json: bool) -> fault::Faults {
        let scope = |scope: &Scope| fault::Scope {
            channels: scope.channels.as_ref().map(|names| {
                let indices = names.iter().filter_map(|name| channel(name));
                indices.collect()
            }),
            streams: scope.streams.clone(),
            between: scope.between.map(Stretch::ends),
        };
        fault::Faults {
            duplicate: self.duplicate.as_ref().map(|f| fault::Duplicate {
                share: f.share.0,
                after: match f.after {
                    After::Records(n) => fault::After::Records(n),
                    After::Time(time) => fault::After::Time(time),
                },
                scope: scope(&f.scope),
            }),
            late: self.late.as_ref().map(|f| fault::Late {
                share: f.share.0,
                min: f.by.0.least,
                max: f.by.0.most,
                scope: scope(&f.scope),
            }),
            reorder: self.reorder.as_ref().map(|f| fault::Reorder {
                share: f.share.0,
                within: match f.within {
                    Within::Records(n) => fault::Within::Records(n),
                    Within::Time(time) => fault::Within::Time(time),
                },
                scope: scope(&f.scope),
            }),
            drop: self.drop.as_ref().map(|f| fault::Drop {
                share: f.share.0,
                scope: scope(&f.scope),
            }),
            corrupt: self.corrupt.as_ref().map(|f| fault::Corrupt {
                share: f.share.0,
                kinds: Kinds::or_all(f.kinds.as_ref(), json),
                scope: scope(&f.scope),
            }),
            gap: self.gap.as_ref().map(|f| fault::Gap {
                every: f.every.0,
                length: f.length.0,
                share: f.share.0,
                scope: scope(&f.scope),
            }),
            burst: self.burst.as_ref().map(|f| fault::Burst {
                every: f.every.0,
                length: f.length.0,
                share: f.share.0,
                scope: scope(&f.scope),
            }),
        }
    }
}
