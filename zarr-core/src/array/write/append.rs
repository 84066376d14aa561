//! Making an array longer.

use super::options::{WriteOptions, WriteReport};
use crate::array::data::raw_of;
use crate::array::element::Element;
use crate::array::selection::{Select, Selection, invalid};
use crate::array::{Array, ArrayData};
use crate::codec::ChunkRef;
use crate::error::Result;

impl Array {
    /// Makes the array longer along `axis` and writes `elements` there, in C order: as many as fill whole steps along the
    /// axis. Returns the array as it is now stored.
    ///
    /// The shape is changed first (as by [`Array::resize`], with its cost), on the condition that nobody else changed it:
    /// two writers that append at once each get a place of their own, or a `Precondition` error. If the append is cut off
    /// or fails after that, the array is longer and what was not written is fill value. So it is, too, with a value that a
    /// codec cannot hold ([`Error::Unencodable`](crate::Error::Unencodable) with a chunk), which is noticed when its chunk
    /// is encoded; a wrong number or data type of elements, a value that the data type cannot hold, and codecs that are not
    /// known are refused before.
    ///
    /// A handle from before the append does not know what was appended: it writes the chunk that was its last one whole,
    /// fill value where the appended elements are ([`Array::write`]). Go on with the array that is returned.
    ///
    /// ```
    /// # use zarr_core::hierarchy::{self, CreateMode};
    /// # use zarr_core::metadata::{DataType, V3ArrayBuilder, data_type::FloatKind};
    /// # use zarr_core::{NodePath, Store, StoreOptions};
    /// # use zarr_fs::{MemoryFileSystem, Path};
    /// use zarr_core::array::Selection;
    ///
    /// # futures::executor::block_on(async {
    /// # let store = Store::new(Box::new(MemoryFileSystem::new()), Path::root(), StoreOptions::default().writable());
    /// let metadata = V3ArrayBuilder::new(&[0, 3], DataType::Float(FloatKind::Float32)).chunk_shape(&[10, 3]).build()?;
    /// let array = hierarchy::create_array(&store, &NodePath::parse("/log")?, metadata, CreateMode::Create).await?;
    /// let (array, _) = array.append(&[1.0_f32, 2.0, 3.0], 0).await?;
    /// let (array, _) = array.append(&[4.0_f32, 5.0, 6.0, 7.0, 8.0, 9.0], 0).await?;
    /// assert_eq!(array.shape(), [3, 3]);
    /// let last: Vec<f32> = array.read(&Selection::parse("-1", array.shape(), &[])?).await?;
    /// assert_eq!(last, [7.0, 8.0, 9.0]);
    /// # store.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSelection`](crate::Error::InvalidSelection) if there is no such axis, or the elements do not fill
    /// whole steps along it; as [`Array::resize`] and [`Array::write`].
    pub async fn append<T: Element>(&self, elements: &[T], axis: usize) -> Result<(Self, WriteReport)> {
        let raw = raw_of(&self.url(), elements, self.metadata.data_type())?;
        let shape = self.shape_of_appended(elements.len() as u64, axis)?;
        let elements = ChunkRef::Fixed(bytemuck::cast_slice(&raw));
        self.append_chunk(&shape, elements, axis, &WriteOptions::default())
            .await
    }

    /// [`Array::append`] of `data`, whatever the data type: along the other dimensions it is as long as the array.
    ///
    /// ```
    /// # use zarr_core::hierarchy::{self, CreateMode};
    /// # use zarr_core::metadata::{DataType, V3ArrayBuilder};
    /// # use zarr_core::{NodePath, Store, StoreOptions};
    /// # use zarr_fs::{MemoryFileSystem, Path};
    /// use zarr_core::array::{ArrayData, WriteOptions};
    /// use zarr_core::codec::Chunk;
    ///
    /// # futures::executor::block_on(async {
    /// # let store = Store::new(Box::new(MemoryFileSystem::new()), Path::root(), StoreOptions::default().writable());
    /// # let metadata = V3ArrayBuilder::new(&[0], DataType::String).chunk_shape(&[10]).build()?;
    /// # let array = hierarchy::create_array(&store, &NodePath::parse("/names")?, metadata, CreateMode::Create).await?;
    /// let names = Chunk::Variable(["Ada", "Émilie"].into_iter().collect());
    /// let names = ArrayData::from_chunk(&[2], DataType::String, names)?;
    /// let (array, _) = array.append_data(&names, 0, &WriteOptions::default()).await?;
    /// assert_eq!(array.shape(), [2]);
    /// # store.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Array::append`]; [`Error::InvalidSelection`](crate::Error::InvalidSelection) if the other dimensions differ
    /// from the array's.
    pub async fn append_data(
        &self,
        data: &ArrayData,
        axis: usize,
        options: &WriteOptions,
    ) -> Result<(Self, WriteReport)> {
        self.ensure_type_of(data)?;
        self.append_chunk(data.shape(), data.elements().as_ref(), axis, options)
            .await
    }

    /// The shape of so many elements that are to be appended.
    fn shape_of_appended(&self, elements: u64, axis: usize) -> Result<Vec<u64>> {
        let mut shape = self.shape().to_vec();
        let Some(length) = shape.get_mut(axis) else {
            return Err(invalid(format!("no axis {axis} in the shape {:?}", self.shape())));
        };
        *length = 1;
        let step = shape
            .iter()
            .try_fold(1_u64, |all, length| all.checked_mul(*length));
        shape[axis] = match step {
            _ if elements == 0 => 0,
            Some(step) if step > 0 && elements.is_multiple_of(step) => elements / step,
            step => {
                return Err(invalid(format!(
                    "{elements} elements to append, where a step along axis {axis} has {step:?}"
                )));
            }
        };
        Ok(shape)
    }

    /// Appends elements of the array's data type that have this shape.
    pub(in crate::array) async fn append_chunk(
        &self,
        appended: &[u64],
        elements: ChunkRef<'_>,
        axis: usize,
        options: &WriteOptions,
    ) -> Result<(Self, WriteReport)> {
        // An array of codecs that cannot encode is not made longer. What a codec cannot hold is known when its chunk is encoded, of
        // which a part may come from the store, so after the shape says that it is ours.
        self.writable()?;
        let (longer, old) = self.reshape(|old| longer(old, appended, axis), u64::MAX).await?;
        let start = old[axis];
        let bound = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        let mut selects = vec![Select::all(); longer.shape().len()];
        selects[axis] = Select::from(bound(start)..bound(start.saturating_add(appended[axis])));
        let place = Selection::new(&selects, longer.shape())?;
        let report = longer
            .write_beside_others(&place, elements, options, Some(axis))
            .await?;
        Ok((longer, report))
    }
}

/// The shape of an array to which one of shape `appended` is appended.
fn longer(shape: &[u64], appended: &[u64], axis: usize) -> Result<Vec<u64>> {
    let fits = shape.len() == appended.len()
        && axis < shape.len()
        && (0..shape.len()).all(|dim| dim == axis || shape[dim] == appended[dim]);
    let length = fits.then(|| shape[axis].checked_add(appended[axis])).flatten();
    let Some(length) = length else {
        return Err(invalid(format!(
            "appending {appended:?} to {shape:?} along axis {axis}"
        )));
    };
    let mut longer = shape.to_vec();
    longer[axis] = length;
    Ok(longer)
}
