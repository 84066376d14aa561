//! [`WalkOptions`]: how far a walk goes, and in which order it yields.

/// In which order a walk yields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Level by level, by path in each: always the same. A level is held back until it is complete.
    #[default]
    ByLevel,
    /// As the store answers; a group always before what lies in it.
    AsTheyCome,
}

/// How a walk goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkOptions {
    /// How many levels below the group; 1: its children. Default: all.
    pub max_depth: usize,
    /// The walk ends with an error if there are more nodes. Default 1,000,000.
    pub max_nodes: u64,
    /// In which order.
    pub order: Order,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            max_depth: usize::MAX,
            max_nodes: 1_000_000,
            order: Order::default(),
        }
    }
}

impl WalkOptions {
    /// Sets how many levels below the group; 1: its children.
    #[must_use]
    pub fn with_max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Sets how many nodes there may be.
    #[must_use]
    pub fn with_max_nodes(mut self, max_nodes: u64) -> Self {
        self.max_nodes = max_nodes;
        self
    }

    /// Sets the order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }
}
