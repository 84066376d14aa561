//! A decoded chunk.

use super::error::{CodecError, Result};

/// The elements of a chunk in decoded form: C order, little-endian, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Elements of one size.
    Fixed(Vec<u8>),
    /// Strings, byte strings, JSON values or ragged rows.
    Variable(VariableLength),
}

/// A borrowed [`Chunk`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkRef<'a> {
    /// Elements of one size.
    Fixed(&'a [u8]),
    /// Elements of variable length.
    Variable(&'a VariableLength),
}

impl Chunk {
    /// The chunk by reference.
    #[must_use]
    pub fn as_ref(&self) -> ChunkRef<'_> {
        match self {
            Self::Fixed(bytes) => ChunkRef::Fixed(bytes),
            Self::Variable(values) => ChunkRef::Variable(values),
        }
    }
}

impl<'a> ChunkRef<'a> {
    /// The bytes of fixed-size elements.
    pub(crate) fn fixed(self, codec: &str) -> Result<&'a [u8]> {
        match self {
            Self::Fixed(bytes) => Ok(bytes),
            Self::Variable(_) => Err(CodecError::unencodable(
                codec,
                "the elements are of variable length",
            )),
        }
    }

    /// The variable-length elements.
    pub(crate) fn variable(self, codec: &str) -> Result<&'a VariableLength> {
        match self {
            Self::Fixed(_) => Err(CodecError::unencodable(codec, "the elements are of fixed size")),
            Self::Variable(values) => Ok(values),
        }
    }
}

/// Elements of variable length in C order: element `i` is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableLength {
    offsets: Vec<usize>,
    data: Vec<u8>,
}

impl Default for VariableLength {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            data: Vec::new(),
        }
    }
}

/// The elements in their order.
impl<T: AsRef<[u8]>> FromIterator<T> for VariableLength {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut all = Self::default();
        elements
            .into_iter()
            .for_each(|element| all.push(element.as_ref()));
        all
    }
}

impl VariableLength {
    /// An empty list with room for `elements` and `bytes`.
    ///
    /// # Errors
    /// [`CodecErrorKind::OutOfMemory`](super::CodecErrorKind::OutOfMemory).
    pub fn with_capacity(elements: usize, bytes: usize) -> Result<Self> {
        let mut offsets = Vec::new();
        let wanted = elements.saturating_add(1);
        offsets
            .try_reserve_exact(wanted)
            .map_err(|_| CodecError::out_of_memory("variable-length", (wanted as u64).saturating_mul(8)))?;
        offsets.push(0);
        Ok(Self {
            offsets,
            data: super::scratch::reserve("variable-length", bytes)?,
        })
    }

    /// `elements` times the same value.
    ///
    /// # Errors
    /// [`CodecErrorKind::OutOfMemory`](super::CodecErrorKind::OutOfMemory).
    pub fn filled(elements: usize, value: &[u8]) -> Result<Self> {
        let bytes = elements.saturating_mul(value.len());
        let mut all = Self::with_capacity(elements, bytes)?;
        (0..elements).for_each(|_| all.push(value));
        Ok(all)
    }

    /// Appends an element.
    pub fn push(&mut self, element: &[u8]) {
        self.data.extend_from_slice(element);
        self.offsets.push(self.data.len());
    }

    /// Changes the bytes of all elements without changing their lengths.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut [u8])) {
        change(&mut self.data);
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of element `index`, or `None` past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let (start, end) = (
            *self.offsets.get(index)?,
            *self.offsets.get(index.checked_add(1)?)?,
        );
        self.data.get(start..end)
    }

    /// The elements in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        self.offsets.windows(2).map(|pair| match pair {
            [start, end] => self.data.get(*start..*end).unwrap_or_default(),
            _ => &[],
        })
    }

    /// Where each element starts in [`data`](Self::data), and where the last one ends.
    #[must_use]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The bytes of all elements, one after the other.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}
