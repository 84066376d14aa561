//! What a read gives and a write takes, whatever the data type.

use crate::codec::{Chunk, ChunkRef, VariableLength};
use crate::error::{Error, Result};
use crate::metadata::DataType;

use super::element::Element;
use super::selection::invalid;

/// Elements of an array in C order, in decoded form: little-endian and packed, see [`DataType`].
///
/// ```
/// use zarr_core::array::ArrayData;
/// use zarr_core::codec::Chunk;
/// use zarr_core::metadata::{DataType, data_type::FloatKind};
///
/// let numbers = ArrayData::from_elements(&[2, 2], DataType::Float(FloatKind::Float32), &[1.0_f32, 2.0, 3.0, 4.0])?;
/// assert_eq!(numbers.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
/// let words = Chunk::Variable(["a", "bc"].into_iter().collect());
/// let words = ArrayData::from_chunk(&[2], DataType::String, words)?;
/// assert_eq!(words.element(1), Some(b"bc".as_slice()));
/// # Ok::<(), zarr_core::Error>(())
/// ```
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

    /// `elements`, in C order, of an array's data type.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if `T` is not for `data_type`; [`Error::Unencodable`] for an element that it cannot hold (no
    /// array is concerned yet: its `key` is `the data`, no URL); [`Error::InvalidSelection`] if `shape` has another number
    /// of elements.
    pub fn from_elements<T: Element>(shape: &[u64], data_type: DataType, elements: &[T]) -> Result<Self> {
        let raw = raw_of("the data", elements, &data_type)?;
        let bytes = bytemuck::cast_slice(&raw).to_vec();
        Self::from_chunk(shape, data_type, Chunk::Fixed(bytes))
    }

    /// Elements in decoded form: the way to data that no Rust type stands for, such as text.
    ///
    /// # Errors
    /// [`Error::InvalidSelection`] if the elements are not of `data_type`, or not as many as `shape` has.
    pub fn from_chunk(shape: &[u64], data_type: DataType, elements: Chunk) -> Result<Self> {
        let given = count(elements.as_ref(), &data_type)?;
        let wanted = shape
            .iter()
            .try_fold(1_u64, |all, length| all.checked_mul(*length));
        if wanted != Some(given as u64) {
            return Err(invalid(format!("{given} elements for the shape {shape:?}")));
        }
        Ok(Self::new(shape.to_vec(), data_type, elements))
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

/// Elements in decoded form. `at` is what they are written to, for errors.
pub(super) fn raw_of<T: Element>(at: &str, elements: &[T], data_type: &DataType) -> Result<Vec<T::Raw>> {
    if !T::is_for(data_type) {
        return Err(wrong_type::<T>(at, data_type));
    }
    T::to_raw(elements, data_type).map_err(|place| Error::Unencodable {
        key: at.to_owned(),
        chunk: None,
        by: format!("data type {}", data_type.name()).into(),
        source: format!("the element at place {place} of those given is out of its range").into(),
    })
}

/// How many elements of `data_type` there are.
pub(super) fn count(elements: ChunkRef<'_>, data_type: &DataType) -> Result<usize> {
    match (elements, data_type.size_bytes()) {
        (ChunkRef::Fixed(bytes), Some(size)) if bytes.len() % size.max(1) == 0 => {
            Ok(bytes.len() / size.max(1))
        }
        (ChunkRef::Variable(values), None) => Ok(values.len()),
        (ChunkRef::Fixed(_) | ChunkRef::Variable(_), _) => Err(invalid(format!(
            "the elements are not of data type {}",
            data_type.name()
        ))),
    }
}

pub(super) fn wrong_type<T>(at: &str, data_type: &DataType) -> Error {
    Error::Unsupported {
        at: at.to_owned(),
        what: format!("{} as {}", data_type.name(), std::any::type_name::<T>()),
    }
}
