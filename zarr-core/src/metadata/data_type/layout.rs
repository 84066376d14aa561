//! Where the scalars of an element lie: what a change of byte order has to reverse.

use super::DataType;

/// Scalars of one width that lie side by side in an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScalarRun {
    /// Where the first one begins, in bytes from the beginning of the element.
    pub offset_bytes: usize,
    /// Size of each, in bytes: 2, 4 or 8.
    pub width_bytes: usize,
    /// How many there are.
    pub count: usize,
}

impl DataType {
    /// The scalars of more than one byte in an element, in order: those that a change of byte order reverses, each by
    /// itself. Empty for types whose order does not matter, and for those of variable length.
    ///
    /// At most [`MAX_STRUCT_UNITS`](crate::metadata::limits::MAX_STRUCT_UNITS) runs.
    #[must_use]
    pub fn scalar_runs(&self) -> Vec<ScalarRun> {
        let mut runs = Vec::new();
        self.push_runs(0, 1, &mut runs);
        runs
    }

    /// Whether the byte order of an element matters: the `bytes` codec then needs its `endian`.
    #[must_use]
    pub fn needs_endian(&self) -> bool {
        if let Self::Struct(fields) = self {
            fields
                .fields()
                .iter()
                .any(|field| field.data_type().needs_endian())
        } else {
            self.scalar().is_some_and(|(width, _)| width > 1)
        }
    }

    /// Width and number of the scalars of a type that is no struct and has a fixed size.
    fn scalar(&self) -> Option<(usize, usize)> {
        match self {
            Self::Bool => Some((1, 1)),
            Self::Int(kind) => Some((kind.size_bytes(), 1)),
            Self::Float(kind) => Some((kind.size_bytes(), 1)),
            Self::Complex { component, .. } => Some((component.size_bytes(), 2)),
            Self::RawBits { size_bytes }
            | Self::RawBytes { size_bytes }
            | Self::NullTerminatedBytes { size_bytes } => Some((1, *size_bytes)),
            Self::FixedLengthUtf32 { code_points } => Some((4, *code_points)),
            Self::DateTime64(_) | Self::TimeDelta64(_) => Some((8, 1)),
            Self::Struct(_) | Self::String | Self::Bytes(_) | Self::Object(_) | Self::Unknown(_) => None,
        }
    }

    /// Adds the runs of `items` elements that begin at `offset_bytes`.
    pub(super) fn push_runs(&self, offset_bytes: usize, items: usize, runs: &mut Vec<ScalarRun>) {
        if let Some((width_bytes, count)) = self.scalar() {
            if width_bytes > 1 {
                push_run(
                    ScalarRun {
                        offset_bytes,
                        width_bytes,
                        count: count * items,
                    },
                    runs,
                );
            }
        } else if let Self::Struct(fields) = self {
            for item in 0..items {
                for field in fields.fields() {
                    let offset = offset_bytes + item * fields.size_bytes() + field.offset_bytes();
                    field.data_type().push_runs(offset, field.item_count(), runs);
                }
            }
        }
    }
}

/// Adds a run, or lengthens the last one if it goes on where that ends.
pub(super) fn push_run(run: ScalarRun, runs: &mut Vec<ScalarRun>) {
    match runs.last_mut() {
        Some(last)
            if last.width_bytes == run.width_bytes
                && last.offset_bytes + last.width_bytes * last.count == run.offset_bytes =>
        {
            last.count += run.count;
        }
        _ => runs.push(run),
    }
}
