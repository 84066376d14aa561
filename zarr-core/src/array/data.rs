//! What a read gives, whatever the data type.

use crate::codec::{Chunk, VariableLength};
use crate::error::{Error, Result};
use crate::metadata::DataType;

use super::element::Element;

/// Elements of an array in C order, in decoded form: little-endian and packed, see [`DataType`].
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayData {
    shape: Vec<u64>,
    data_type: DataType,
    elements: Chunk,
}

impl ArrayData {
    pub(crate) fn new(shape: Vec<u64>, data_type: DataType, elements: Chunk) -> Self {
        Self {
            shape,
            data_type,
            elements,
        }
    }

    /// The shape in elements.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The data type of the elements.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// The elements.
    #[must_use]
    pub fn elements(&self) -> &Chunk {
        &self.elements
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match (&self.elements, self.data_type.size_bytes()) {
            (Chunk::Fixed(bytes), Some(size)) => bytes.len() / size.max(1),
            (Chunk::Fixed(_), None) => 0,
            (Chunk::Variable(values), _) => values.len(),
        }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the `index`-th element; `None` past the end.
    #[must_use]
    pub fn element(&self, index: usize) -> Option<&[u8]> {
        match &self.elements {
            Chunk::Fixed(bytes) => {
                let size = self.data_type.size_bytes()?;
                bytes.get(index.checked_mul(size)?..index.checked_add(1)?.checked_mul(size)?)
            }
            Chunk::Variable(values) => values.get(index),
        }
    }

    /// The bytes of elements of one size; `None` if they are of variable length.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.elements {
            Chunk::Fixed(bytes) => Some(bytes),
            Chunk::Variable(_) => None,
        }
    }

    /// The elements of variable length; `None` if they are of one size.
    #[must_use]
    pub fn as_variable(&self) -> Option<&VariableLength> {
        match &self.elements {
            Chunk::Fixed(_) => None,
            Chunk::Variable(values) => Some(values),
        }
    }

    /// The elements as a Rust type.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the data type is another one.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        match &self.elements {
            Chunk::Fixed(bytes) if T::is_for(&self.data_type) => {
                let mut raw = vec![<T::Raw as bytemuck::Zeroable>::zeroed(); self.len()];
                bytemuck::cast_slice_mut::<T::Raw, u8>(&mut raw).copy_from_slice(bytes);
                Ok(T::from_raw(raw, &self.data_type))
            }
            Chunk::Fixed(_) | Chunk::Variable(_) => Err(wrong_type::<T>("the result", &self.data_type)),
        }
    }
}

pub(super) fn wrong_type<T>(at: &str, data_type: &DataType) -> Error {
    Error::Unsupported {
        at: at.to_owned(),
        what: format!("{} as {}", data_type.name(), std::any::type_name::<T>()),
    }
}
