//! [`StructType`]: named fields, one after the other.

use super::super::MetadataError;
use super::super::error::Within as _;
use super::super::limits::{MAX_ELEMENT_BYTES, MAX_STRUCT_NESTING, MAX_STRUCT_UNITS};
use super::DataType;

/// A struct: fields in order, packed. Always has at least one field; names are distinct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructType {
    fields: Vec<Field>,
    size_bytes: usize,
    scalars: usize,
    nesting: usize,
    legacy: bool,
}

/// One field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    data_type: DataType,
    shape: Vec<usize>,
    offset_bytes: usize,
    size_bytes: usize,
}

impl Field {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The data type of the field, or of each item if it is a sub-array. Always of a fixed size.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Shape of the sub-array in C order; empty for a plain field. Only v2 has sub-arrays.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Where the field begins in the element, in bytes.
    #[must_use]
    pub fn offset_bytes(&self) -> usize {
        self.offset_bytes
    }

    /// Size of the field, in bytes: of all items if it is a sub-array.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Number of items: 1 for a plain field.
    #[must_use]
    pub fn item_count(&self) -> usize {
        // Checked when the struct was built.
        self.shape.iter().product()
    }
}

impl StructType {
    /// A struct of plain fields.
    ///
    /// # Errors
    /// As for [`with_sub_arrays`](Self::with_sub_arrays).
    pub fn new(fields: impl IntoIterator<Item = (String, DataType)>) -> Result<Self, MetadataError> {
        Self::with_sub_arrays(
            fields
                .into_iter()
                .map(|(name, data_type)| (name, data_type, Vec::new())),
        )
    }

    /// A struct of fields, each with the shape of its sub-array (empty: a plain field).
    ///
    /// # Errors
    /// [`MetadataError::Invalid`], its pointer beginning with the number of the field: no field at all, a name twice,
    /// a field of variable size, a zero in a shape, too large or too deep. [`MetadataError::Unsupported`] for a field
    /// of an unknown type.
    pub fn with_sub_arrays(
        fields: impl IntoIterator<Item = (String, DataType, Vec<usize>)>,
    ) -> Result<Self, MetadataError> {
        let mut built = Self {
            fields: Vec::new(),
            size_bytes: 0,
            scalars: 0,
            nesting: 1,
            legacy: false,
        };
        let mut names = std::collections::HashSet::new();
        for (index, (name, data_type, shape)) in fields.into_iter().enumerate() {
            if !names.insert(name.clone()) {
                return Err(MetadataError::mismatch(
                    "each field name once",
                    format!("{name:?} twice"),
                ))
                .within_index(index);
            }
            built.push(name, data_type, shape).within_index(index)?;
        }
        if built.fields.is_empty() {
            return Err(MetadataError::mismatch("at least one field", "none"));
        }
        Ok(built)
    }

    fn push(&mut self, name: String, data_type: DataType, shape: Vec<usize>) -> Result<(), MetadataError> {
        if !data_type.is_known() {
            return Err(MetadataError::unsupported(format!(
                "data type {:?}",
                data_type.name()
            )));
        }
        let Some(item_bytes) = data_type.size_bytes() else {
            return Err(MetadataError::mismatch("a type of fixed size", data_type.name()));
        };
        if shape.contains(&0) {
            return Err(MetadataError::mismatch("lengths of at least 1", "0"));
        }
        let inner = if let DataType::Struct(inner) = &data_type {
            Some(inner)
        } else {
            None
        };
        let (item_scalars, item_nesting) = inner.map_or((1, 0), |inner| (inner.scalars, inner.nesting));
        self.nesting = self.nesting.max(item_nesting + 1);
        if self.nesting > MAX_STRUCT_NESTING {
            return Err(MetadataError::mismatch(
                format!("at most {MAX_STRUCT_NESTING} levels of structs"),
                "more",
            ));
        }
        let items = shape
            .iter()
            .try_fold(1_usize, |product, &length| product.checked_mul(length));
        let size = items.and_then(|items| items.checked_mul(item_bytes));
        let total = size.and_then(|size| size.checked_add(self.size_bytes));
        let (Some(size_bytes), Some(total)) = (size, total.filter(|&total| total <= MAX_ELEMENT_BYTES))
        else {
            return Err(MetadataError::mismatch(
                format!("an element of at most {MAX_ELEMENT_BYTES} bytes"),
                "more",
            ));
        };
        // A sub-array of scalars is one run in the layout; one of structs is walked item by item.
        let walked = if inner.is_some() {
            items.unwrap_or(usize::MAX)
        } else {
            1
        };
        self.scalars = self.scalars.saturating_add(walked.saturating_mul(item_scalars));
        if self.scalars > MAX_STRUCT_UNITS {
            return Err(MetadataError::mismatch(
                format!("at most {MAX_STRUCT_UNITS} scalars in a struct"),
                "more",
            ));
        }
        self.fields.push(Field {
            name,
            data_type,
            shape,
            offset_bytes: self.size_bytes,
            size_bytes,
        });
        self.size_bytes = total;
        Ok(())
    }

    /// The same struct under its older v3 name `structured`, whose documents may leave the byte order out.
    #[must_use]
    pub(crate) fn into_legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    /// Whether the document calls it `structured`.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.legacy
    }

    /// The fields in order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Size of one element, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}
