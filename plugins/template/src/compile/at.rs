//! Places in the description.

/// A place in the description.
#[derive(Clone, Debug)]
pub(crate) struct At {
    /// For messages: `record.lines.$array.of.sku`.
    pub place: String,
    /// What draws are for: `lines[].sku`.
    pub path: String,
    /// The path of the object around it, whose fields tell of the same person.
    pub object: String,
    /// How many objects and arrays are around it.
    pub depth: usize,
    /// How many of them are arrays that repeat.
    pub loops: usize,
    /// Which of the record and its arrays it is in.
    pub scope: usize,
    /// The place of the innermost `$null` or `$case` around it, with a dot: what isn't always
    /// there. Empty where everything is.
    pub part: String,
}

impl At {
    pub fn root() -> At {
        At {
            place: "record".to_owned(),
            path: String::new(),
            object: String::new(),
            depth: 0,
            loops: 0,
            scope: 0,
            part: String::new(),
        }
    }

    /// A field of the object here.
    pub fn field(&self, name: &str) -> At {
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        At {
            place: format!("{}.{name}", self.place),
            path,
            object: self.path.clone(),
            depth: self.depth + 1,
            loops: self.loops,
            scope: self.scope,
            part: self.part.clone(),
        }
    }

    /// An item of the list here.
    pub fn item(&self, index: usize) -> At {
        At {
            place: format!("{}[{index}]", self.place),
            path: format!("{}[{index}]", self.path),
            object: self.path.clone(),
            depth: self.depth + 1,
            loops: self.loops,
            scope: self.scope,
            part: self.part.clone(),
        }
    }

    /// What an operator here makes its value of, or not: the same draws, another place.
    pub fn inside(&self, option: &str) -> At {
        let place = format!("{}.{option}", self.place);
        At {
            part: format!("{place}."),
            place,
            ..self.clone()
        }
    }

    /// Whether this is in an array that repeats.
    pub fn in_array(&self) -> bool {
        self.loops > 0
    }

    /// An element of the array here.
    pub fn element(&self) -> At {
        let path = format!("{}[]", self.path);
        At {
            place: format!("{}.$array.of", self.place),
            object: path.clone(),
            path,
            depth: self.depth + 1,
            loops: self.loops + 1,
            scope: self.scope,
            part: self.part.clone(),
        }
    }
}
