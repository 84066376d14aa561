//! Which elements of an array are wanted.

use crate::error::{Error, Result};

/// What is wanted along one dimension, as numpy writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Select {
    /// One element; the dimension disappears from the result. Negative counts from the end.
    Index(i64),
    /// `start:stop:step`, half open; an absent bound is the array's own. Negative bounds count from the end, bounds beyond
    /// the array are clipped, `step` is at least 1.
    Range {
        /// First element.
        start: Option<i64>,
        /// One past the last element.
        stop: Option<i64>,
        /// Distance of two elements.
        step: u64,
    },
    /// These elements, in this order, repeats allowed (orthogonal selection). Negative counts from the end.
    Indices(Vec<i64>),
    /// The elements where the mask is true (orthogonal selection); it is as long as the dimension.
    Mask(Vec<bool>),
    /// As many whole dimensions as are not named otherwise; at most once.
    Ellipsis,
}

impl Select {
    /// The whole dimension.
    #[must_use]
    pub const fn all() -> Self {
        Self::Range {
            start: None,
            stop: None,
            step: 1,
        }
    }
}

impl From<i64> for Select {
    fn from(index: i64) -> Self {
        Self::Index(index)
    }
}

impl From<std::ops::RangeFull> for Select {
    fn from(_: std::ops::RangeFull) -> Self {
        Self::all()
    }
}

impl From<std::ops::Range<i64>> for Select {
    fn from(range: std::ops::Range<i64>) -> Self {
        Self::Range {
            start: Some(range.start),
            stop: Some(range.end),
            step: 1,
        }
    }
}

impl From<std::ops::RangeTo<i64>> for Select {
    fn from(range: std::ops::RangeTo<i64>) -> Self {
        Self::Range {
            start: None,
            stop: Some(range.end),
            step: 1,
        }
    }
}

impl From<std::ops::RangeFrom<i64>> for Select {
    fn from(range: std::ops::RangeFrom<i64>) -> Self {
        Self::Range {
            start: Some(range.start),
            stop: None,
            step: 1,
        }
    }
}

impl From<Vec<i64>> for Select {
    fn from(indices: Vec<i64>) -> Self {
        Self::Indices(indices)
    }
}

impl From<Vec<bool>> for Select {
    fn from(mask: Vec<bool>) -> Self {
        Self::Mask(mask)
    }
}

/// The elements wanted along one dimension, within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// `start`, `start + step`, …; `count` of them, `step` ≥ 1.
    Strided { start: u64, step: u64, count: u64 },
    /// These, in this order.
    Listed(Vec<u64>),
}

impl Wanted {
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Strided { count, .. } => *count,
            Self::Listed(list) => list.len() as u64,
        }
    }

    /// `count` wanted elements from the `first`-th on.
    pub(super) fn part(&self, first: u64, count: u64) -> Self {
        match self {
            Self::Strided { start, step, .. } => Self::Strided {
                start: start + step * first,
                step: *step,
                count,
            },
            Self::Listed(list) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(list.len());
                Self::Listed(list[place(first)..place(first + count)].to_vec())
            }
        }
    }

    /// The `i`-th wanted element.
    pub(crate) fn at(&self, i: usize) -> u64 {
        match self {
            Self::Strided { start, step, .. } => start + step * i as u64,
            Self::Listed(list) => list[i],
        }
    }
}

/// A block of an array: what is wanted along each dimension (orthogonal selection), checked against the array's shape.
///
/// ```
/// use zarr_core::array::{Select, Selection};
/// let selection = Selection::new(&[Select::Index(-1), (2..5).into()], &[10, 20])?;
/// assert_eq!(selection.shape(), [3]);
/// assert_eq!(Selection::parse("-1, 2:5", &[10, 20], &[])?, selection);
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    dims: Vec<Wanted>,
    /// Whether the dimension stays in the result.
    kept: Vec<bool>,
    array_shape: Vec<u64>,
}

impl Selection {
    /// The whole array.
    #[must_use]
    pub fn all(shape: &[u64]) -> Self {
        let dims = shape
            .iter()
            .map(|len| Wanted::Strided {
                start: 0,
                step: 1,
                count: *len,
            })
            .collect();
        Self {
            dims,
            kept: vec![true; shape.len()],
            array_shape: shape.to_vec(),
        }
    }

    /// A block of an array of `shape`. Dimensions that `selects` does not name are whole.
    ///
    /// # Errors
    /// [`Error::InvalidSelection`] if there are more selects than dimensions, two ellipses, or an index out of bounds.
    pub fn new(selects: &[Select], shape: &[u64]) -> Result<Self> {
        let named = selects
            .iter()
            .filter(|select| **select != Select::Ellipsis)
            .count();
        if selects.len() - named > 1 {
            return Err(invalid("more than one ellipsis"));
        }
        if named > shape.len() {
            return Err(invalid(format!(
                "{named} selections for {} dimensions",
                shape.len()
            )));
        }
        let whole = Select::all();
        let ellipsis = selects
            .iter()
            .position(|select| *select == Select::Ellipsis)
            .unwrap_or(selects.len());
        let (before, after) = selects.split_at(ellipsis);
        let filled = before
            .iter()
            .chain(std::iter::repeat_n(&whole, shape.len() - named))
            .chain(after.iter().skip(1));
        let (mut dims, mut kept) = (Vec::with_capacity(shape.len()), Vec::with_capacity(shape.len()));
        for (dim, (select, len)) in filled.zip(shape).enumerate() {
            dims.push(resolve(select, *len, dim)?);
            kept.push(!matches!(select, Select::Index(_)));
        }
        Ok(Self {
            dims,
            kept,
            array_shape: shape.to_vec(),
        })
    }

    /// Reads a selection as text: `0:5, ::2`, `[0, ..., 1:]`, `time=0,lat=:3`, `0,[1 5 7]`.
    ///
    /// # Errors
    /// [`Error::InvalidSelection`] for text that is none, an unknown dimension name, or what [`Selection::new`] refuses.
    pub fn parse(text: &str, shape: &[u64], dimension_names: &[Option<String>]) -> Result<Self> {
        super::selection_text::parse(text, shape.len(), dimension_names)
            .and_then(|selects| Self::new(&selects, shape))
    }

    /// The shape of the result in elements; dimensions chosen by one index are not in it.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.dims
            .iter()
            .zip(&self.kept)
            .filter(|(_, kept)| **kept)
            .map(|(dim, _)| dim.count())
            .collect()
    }

    /// The number of elements of the result; `None` if it does not fit into 64 bits.
    #[must_use]
    pub fn element_count(&self) -> Option<u64> {
        if self.dims.iter().any(|dim| dim.count() == 0) {
            return Some(0);
        }
        self.dims
            .iter()
            .try_fold(1_u64, |product, dim| product.checked_mul(dim.count()))
    }

    /// For each dimension of the array whether it stays in the result.
    #[must_use]
    pub fn kept_dimensions(&self) -> &[bool] {
        &self.kept
    }

    /// The array's elements that are wanted along a dimension, in the order of the result.
    pub fn wanted(&self, dim: usize) -> impl Iterator<Item = u64> + '_ {
        let wanted = &self.dims[dim];
        (0..usize::try_from(wanted.count()).unwrap_or(usize::MAX)).map(|i| wanted.at(i))
    }

    /// A block of an array of `shape`, whose dimensions all stay in the result.
    pub(super) fn of_dims(dims: Vec<Wanted>, shape: &[u64]) -> Self {
        Self {
            kept: vec![true; dims.len()],
            dims,
            array_shape: shape.to_vec(),
        }
    }

    pub(super) fn set_dim(&mut self, dim: usize, wanted: Wanted) {
        self.dims[dim] = wanted;
    }

    pub(crate) fn dims(&self) -> &[Wanted] {
        &self.dims
    }

    /// The shape of the array this selection was made for.
    #[must_use]
    pub fn array_shape(&self) -> &[u64] {
        &self.array_shape
    }
}

fn resolve(select: &Select, len: u64, dim: usize) -> Result<Wanted> {
    let index = |index: i64| -> Result<u64> {
        let resolved = if index < 0 {
            len.checked_sub(index.unsigned_abs())
        } else {
            Some(index.unsigned_abs())
        };
        resolved.filter(|resolved| *resolved < len).ok_or_else(|| {
            invalid(format!(
                "index {index} is out of bounds for dimension {dim} of length {len}"
            ))
        })
    };
    let clip = |bound: i64| match bound < 0 {
        true => len.saturating_sub(bound.unsigned_abs()),
        false => bound.unsigned_abs().min(len),
    };
    match select {
        Select::Index(i) => Ok(Wanted::Strided {
            start: index(*i)?,
            step: 1,
            count: 1,
        }),
        Select::Range { start, stop, step } => {
            if *step == 0 {
                return Err(invalid(format!("the step of dimension {dim} is 0")));
            }
            let (start, stop) = (start.map_or(0, clip), stop.map_or(len, clip));
            Ok(Wanted::Strided {
                start,
                step: *step,
                count: stop.saturating_sub(start).div_ceil(*step),
            })
        }
        Select::Indices(list) => list
            .iter()
            .map(|i| index(*i))
            .collect::<Result<_>>()
            .map(Wanted::Listed),
        Select::Mask(mask) => {
            if mask.len() as u64 != len {
                return Err(invalid(format!(
                    "a mask of {} elements for dimension {dim} of length {len}",
                    mask.len()
                )));
            }
            let chosen = (0..len).zip(mask).filter(|(_, chosen)| **chosen);
            Ok(Wanted::Listed(chosen.map(|(at, _)| at).collect()))
        }
        Select::Ellipsis => Err(invalid("an ellipsis in an impossible place")),
    }
}

pub(super) fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidSelection {
        reason: reason.into(),
    }
}
