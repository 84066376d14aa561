//! [`FillValue`]: what elements of absent chunks hold, exact to the bit.

mod iso_time;
mod parse;
mod print;
mod scalar;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use super::{DataType, MetadataError};
pub use print::element_to_json;

/// The fill value of an array: one element as it is in memory (see [`DataType`]), exact to the bit.
///
/// The bytes of the element are made when they are first asked for: a document of a few bytes can declare an element
/// of gigabytes, and listing it must cost nothing.
///
/// Spec: v3 <https://zarr-specs.readthedocs.io/en/latest/v3/data-types/index.html#permitted-fill-values>,
/// v2 <https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html#fill-value-encoding>.
#[derive(Debug, Clone)]
pub struct FillValue {
    size_bytes: usize,
    /// What is not zero: pieces in order of their offsets, none empty.
    pieces: Vec<(usize, Vec<u8>)>,
    undefined: bool,
    element: OnceLock<Vec<u8>>,
}

impl FillValue {
    /// All bytes zero; empty for types of variable length.
    #[must_use]
    pub fn zero(data_type: &DataType) -> Self {
        Self::with_size(data_type.size_bytes().unwrap_or(0))
    }

    /// A fill value from one element as it is in memory.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if the size is not that of the data type.
    pub fn from_element(data_type: &DataType, element: &[u8]) -> Result<Self, MetadataError> {
        if let Some(size) = data_type.size_bytes()
            && size != element.len()
        {
            let found = format!("{} bytes", element.len());
            return Err(MetadataError::mismatch(
                format!("an element of {size} bytes"),
                found,
            ));
        }
        let mut fill = Self::with_size(element.len());
        fill.write(0, element);
        Ok(fill)
    }

    fn with_size(size_bytes: usize) -> Self {
        Self {
            size_bytes,
            pieces: Vec::new(),
            undefined: false,
            element: OnceLock::new(),
        }
    }

    /// Size of the element, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// One element as it is in memory. The first call allocates [`size_bytes`](Self::size_bytes).
    #[must_use]
    pub fn element(&self) -> &[u8] {
        self.element.get_or_init(|| {
            let mut element = vec![0; self.size_bytes];
            for (offset, piece) in &self.pieces {
                element[*offset..*offset + piece.len()].copy_from_slice(piece);
            }
            element
        })
    }

    /// Whether the document says `null`, as v2 allows: what absent chunks hold is then undefined, and read as zeros, times
    /// as NaT.
    #[must_use]
    pub fn is_undefined(&self) -> bool {
        self.undefined
    }

    /// Whether all bits are zero (an empty string, too): a negative zero is not.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Sets a part that is zero; `offset` is not before an earlier one.
    ///
    /// Pieces neither begin nor end with a zero, and hold at most [`GAP`](Self::GAP) zeros in a row: so equal elements
    /// have equal pieces, however they were written.
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let mut at = 0;
        while let Some(zeros) = bytes[at..].iter().position(|&byte| byte != 0) {
            let first = at + zeros;
            let len = bytes[first..]
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(bytes.len() - first);
            at = first + len;
            let (start, run) = (offset + first, &bytes[first..at]);
            match self.pieces.last_mut() {
                Some((piece_start, piece)) if start - *piece_start <= piece.len() + Self::GAP => {
                    piece.resize(start - *piece_start, 0);
                    piece.extend_from_slice(run);
                }
                Some(_) | None => self.pieces.push((start, run.to_vec())),
            }
        }
    }

    /// Zeros that are cheaper to keep than another piece.
    const GAP: usize = 64;
}

/// Equal if the elements are, bit by bit, and both are defined or not.
impl PartialEq for FillValue {
    fn eq(&self, other: &Self) -> bool {
        self.size_bytes == other.size_bytes
            && self.undefined == other.undefined
            && self.pieces == other.pieces
    }
}

impl Eq for FillValue {}
