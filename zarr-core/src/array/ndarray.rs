//! Reading to and writing from `ndarray` arrays (feature `ndarray`).

use ndarray::{ArrayD, ArrayViewD};

use super::data::raw_of;
use super::{Array, Element, ReadOptions, Selection, WriteOptions, WriteReport, selection};
use crate::codec::ChunkRef;
use crate::error::Result;

impl Array {
    /// Reads `selection` into an `ndarray` array of the selection's shape: a dimension that an index selects is not in it.
    ///
    /// ```
    /// # use zarr_core::metadata::{DataType, V3ArrayBuilder, data_type::FloatKind};
    /// # use zarr_core::hierarchy::{self, CreateMode};
    /// # use zarr_core::{NodePath, Store, StoreOptions};
    /// # use zarr_fs::{MemoryFileSystem, Path};
    /// use ndarray::{arr2, s};
    /// use zarr_core::array::Selection;
    ///
    /// # futures::executor::block_on(async {
    /// # let store = Store::new(Box::new(MemoryFileSystem::new()), Path::root(), StoreOptions::default().writable());
    /// # let metadata = V3ArrayBuilder::new(&[2, 3], DataType::Float(FloatKind::Float64)).chunk_shape(&[2, 2]).build()?;
    /// # let array = hierarchy::create_array(&store, &NodePath::root(), metadata, CreateMode::Create).await?;
    /// let all = Selection::all(array.shape());
    /// let values = arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// array.write_ndarray(&all, values.view().into_dyn()).await?;
    /// let read = array.read_ndarray::<f64>(&all).await?;
    /// assert_eq!(read.slice(s![.., 1]).to_vec(), [2.0, 5.0]);
    /// // Whatever the order in memory: two columns behind the others.
    /// let (wider, _) = array.append_ndarray(values.slice(s![.., ..;-2]).into_dyn(), 1).await?;
    /// let read = wider.read_ndarray::<f64>(&Selection::all(wider.shape())).await?;
    /// assert_eq!(read.slice(s![1, ..]).to_vec(), [4.0, 5.0, 6.0, 6.0, 4.0]);
    /// # store.close().await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Array::read`].
    pub async fn read_ndarray<T: Element>(&self, selection: &Selection) -> Result<ArrayD<T>> {
        let (elements, _) = self.read_with::<T>(selection, &ReadOptions::default()).await?;
        let lengths = selection.shape();
        let lengths: Option<Vec<usize>> = lengths.iter().map(|len| usize::try_from(*len).ok()).collect();
        // It was read, so its elements can be counted; the shape can still be one that `ndarray` refuses.
        let shaped = lengths.and_then(|lengths| ArrayD::from_shape_vec(lengths, elements).ok());
        shaped.ok_or_else(|| selection::invalid("a shape that ndarray does not take"))
    }

    /// Writes `values`, whatever their order in memory, to `selection`, whose shape they must have.
    ///
    /// # Errors
    /// As [`Array::write`].
    pub async fn write_ndarray<T: Element>(
        &self,
        selection: &Selection,
        values: ArrayViewD<'_, T>,
    ) -> Result<WriteReport> {
        let same = values.shape().iter().map(|len| *len as u64).eq(selection.shape());
        if !same {
            return Err(selection::invalid(format!(
                "values of shape {:?} for a selection of shape {:?}",
                values.shape(),
                selection.shape()
            )));
        }
        match values.as_slice() {
            Some(elements) => self.write(selection, elements).await,
            None => {
                let elements: Vec<T> = values.iter().copied().collect();
                self.write(selection, &elements).await
            }
        }
    }

    /// Makes the array longer along `axis` by `values`, whatever their order in memory: [`Array::append_data`].
    ///
    /// # Errors
    /// As [`Array::append`] and [`Array::append_data`].
    pub async fn append_ndarray<T: Element>(
        &self,
        values: ArrayViewD<'_, T>,
        axis: usize,
    ) -> Result<(Self, WriteReport)> {
        let shape: Vec<u64> = values.shape().iter().map(|len| *len as u64).collect();
        let elements: Vec<T> = values.iter().copied().collect();
        let raw = raw_of(&self.url(), &elements, self.metadata().data_type())?;
        let elements = ChunkRef::Fixed(bytemuck::cast_slice(&raw));
        self.append_chunk(&shape, elements, axis, &WriteOptions::default())
            .await
    }
}
