//! `cat`: values of an array, in pieces that fit into memory.

use zarr_core::array::ArrayData;

use super::values::Wanted;
use crate::app::App;
use crate::cli::{CatArgs, CatFormat};
use crate::error::CliError;
use crate::output::Output;
use crate::render::values;

/// Bytes of values that are held at once; elements of variable length count as 64.
const PIECE_BYTES: u64 = 256 << 20;

pub(super) async fn run(app: &App, args: &CatArgs, out: &mut Output) -> Result<(), CliError> {
    let Wanted {
        array,
        selection,
        options,
        ..
    } = Wanted::open(app, "cat", &args.values).await?;
    let data_type = array.metadata().data_type();
    let shape = selection.shape();
    let format = if app.global.json {
        CatFormat::Json
    } else {
        args.format
    };
    if format == CatFormat::Npy {
        out.bytes(&values::npy_header(data_type, &shape)?)?;
    }
    let mut writer = values::Rows::new(format, &shape);
    let most = PIECE_BYTES / data_type.size_bytes().unwrap_or(64).max(1) as u64;
    let (mut chunks, mut missing) = (0, 0);
    for piece in array.pieces_in_order(&selection, most)? {
        let (data, report) = match array.read_data(&piece, &options).await {
            Ok(read) => read,
            Err(error) => {
                writer.complete_rows(out)?;
                return Err(error.into());
            }
        };
        chunks += report.chunks;
        missing += report.missing_chunks;
        match format {
            CatFormat::Bin | CatFormat::Npy => binary(&data, out)?,
            CatFormat::Text | CatFormat::Csv | CatFormat::Json => text(&data, &mut writer, out)?,
        }
        // Who reads sees what has come so far: the next piece may take its time.
        out.flush()?;
    }
    writer.finish(out)?;
    if missing > 0 {
        tracing::warn!("{missing} of {chunks} chunks are missing: their elements are the fill value");
    }
    Ok(())
}

fn binary(data: &ArrayData, out: &mut Output) -> Result<(), CliError> {
    if let Some(bytes) = data.as_bytes() {
        return out.bytes(bytes);
    }
    for index in 0..data.len() {
        let element = data.element(index).unwrap_or_default();
        let length = u32::try_from(element.len())
            .map_err(|_| CliError::usage("an element is longer than 4 GiB", None))?;
        out.bytes(&length.to_le_bytes())?;
        out.bytes(element)?;
    }
    Ok(())
}

fn text(data: &ArrayData, writer: &mut values::Rows, out: &mut Output) -> Result<(), CliError> {
    for index in 0..data.len() {
        writer.value(data.data_type(), data.element(index).unwrap_or_default(), out)?;
    }
    Ok(())
}
