//! What a stage of a chain holds: a shape, a data type, a fill value.

use std::sync::Arc;

use super::error::{CodecError, Result};
use super::size::Size;
use crate::metadata::{DataType, FillValue};

/// By this name errors call what no codec has made yet.
const NAME: &str = "chunk";

fn unknown(data_type: &DataType) -> CodecError {
    CodecError::unsupported(NAME, format_args!("data type {:?}", data_type.name()))
}

/// An array (a chunk, or what a codec made of it) as the next codec sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Representation {
    shape: Vec<u64>,
    data_type: DataType,
    /// Shared, and one element of bytes only once somebody asks for them: an element can have gigabytes.
    fill: Arc<FillValue>,
    elements: u64,
    element_size: Option<usize>,
}

impl Representation {
    /// An array of `shape` elements.
    ///
    /// `fill` is the fill value in decoded form: the bytes of one element.
    ///
    /// # Errors
    /// [`CodecErrorKind::InvalidConfiguration`](super::CodecErrorKind::InvalidConfiguration) if the shape has more than
    /// 2⁶³ bytes or `fill` has not the size of an element; [`CodecErrorKind::Unsupported`](super::CodecErrorKind::Unsupported)
    /// for an unknown data type.
    pub fn new(shape: Vec<u64>, data_type: DataType, fill: Vec<u8>) -> Result<Self> {
        if !data_type.is_known() {
            return Err(unknown(&data_type));
        }
        let fill = FillValue::from_element(&data_type, &fill)
            .map_err(|error| CodecError::configuration(NAME, format_args!("fill value: {error}")))?;
        Self::with_fill(shape, data_type, Arc::new(fill))
    }

    /// As [`new`](Self::new), with a fill value as the metadata have it.
    pub(crate) fn with_fill(shape: Vec<u64>, data_type: DataType, fill: Arc<FillValue>) -> Result<Self> {
        let name = NAME;
        if !data_type.is_known() {
            return Err(unknown(&data_type));
        }
        let element_size = data_type.size_bytes();
        if let Some(size) = element_size.filter(|size| *size != fill.size_bytes()) {
            let reason = format_args!(
                "a fill value of {} bytes for elements of {size}",
                fill.size_bytes()
            );
            return Err(CodecError::configuration(name, reason));
        }
        let too_large =
            || CodecError::configuration(name, format_args!("a chunk of shape {shape:?} is too large"));
        let elements = shape
            .iter()
            .try_fold(1_u64, |product, edge| product.checked_mul(*edge))
            .ok_or_else(too_large)?;
        let bytes = elements
            .checked_mul(element_size.unwrap_or(4) as u64)
            .ok_or_else(too_large)?;
        i64::try_from(bytes).map_err(|_| too_large())?;
        Ok(Self {
            shape,
            data_type,
            fill,
            elements,
            element_size,
        })
    }

    /// The same elements in another shape of the same number of elements.
    pub(crate) fn with_shape(&self, shape: Vec<u64>) -> Result<Self> {
        Self::with_fill(shape, self.data_type.clone(), Arc::clone(&self.fill))
    }

    /// Another data type in the same shape.
    pub(crate) fn with_type(&self, data_type: DataType, fill: Vec<u8>) -> Result<Self> {
        Self::new(self.shape.clone(), data_type, fill)
    }

    /// Elements along each dimension.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The data type.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// The fill value in decoded form.
    #[must_use]
    pub fn fill(&self) -> &[u8] {
        self.fill.element()
    }

    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// The size of an element in bytes; `None` if it varies.
    #[must_use]
    pub fn element_size(&self) -> Option<usize> {
        self.element_size
    }

    /// The size of the decoded form.
    #[must_use]
    pub fn size(&self) -> Size {
        match self.element_size {
            // The product was checked when this was made.
            Some(size) => Size::Exact(self.elements * size as u64),
            None => Size::Variable {
                least: 4 + 4 * self.elements,
            },
        }
    }

    /// The number of elements as a size in memory.
    pub(crate) fn count(&self, codec: &str) -> Result<usize> {
        usize::try_from(self.elements).map_err(|_| CodecError::out_of_memory(codec, self.elements))
    }

    /// The decoded size in memory, for fixed-size elements.
    pub(crate) fn bytes(&self, codec: &str) -> Result<usize> {
        match self.size() {
            Size::Exact(bytes) => usize::try_from(bytes).map_err(|_| CodecError::out_of_memory(codec, bytes)),
            Size::AtMost(_) | Size::Variable { .. } => Err(CodecError::unsupported(
                codec,
                format_args!("data type {:?}", self.data_type.name()),
            )),
        }
    }
}
