//! `stats`: an array in a few numbers, in one pass over its chunks.

use futures::TryStreamExt;
use zarr_core::array::{DecodedChunk, MissingChunks, ReadReport};
use zarr_core::metadata::FillValue;
use zarr_core::metadata::json::PrintOptions;

use super::sparse::{self, Hidden};
use super::values::Wanted;
use crate::app::App;
use crate::cli::StatsArgs;
use crate::error::CliError;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::stats as render;
use crate::stats::Statistics;

pub(super) async fn run(app: &App, args: &StatsArgs, out: &mut Output) -> Result<(), CliError> {
    let Wanted {
        opened,
        array,
        selection,
        options,
    } = Wanted::open(app, "stats", &args.values).await?;
    let metadata = array.metadata();
    let fill = metadata.fill_value().ok().filter(|fill| !fill.is_undefined());
    let Some(nothing) = Statistics::new(metadata.data_type(), fill.map(FillValue::element)) else {
        return Err(CliError::NotNumbers {
            at: opened.address.shown,
            data_type: metadata.data_type().name().into_owned(),
        });
    };
    let (mut total, mut report) = (nothing.clone(), ReadReport::default());
    let mut progress = Progress::new(&app.global);
    // A missing chunk that is an error ends the reading where it is met.
    let listed = match options.missing {
        MissingChunks::Fill => sparse::stored(&array, &selection, Hidden::MustNotBe).await,
        MissingChunks::Error => None,
    };
    // The elements of missing chunks are not read to be counted, as far as they can be counted at all.
    let listed = listed.and_then(|(stored, beside)| {
        let fill = metadata.fill_value().ok()?.element();
        let filled = nothing.repeated(fill, u64::try_from(beside.elements).ok()?);
        Some((stored, filled, beside.chunks))
    });
    // Chunks are summed up by the threads that decode them, and put together here, in their order.
    let sum_up = move |chunk: DecodedChunk| {
        let mut part = nothing.clone();
        part.add(chunk.data.as_bytes().unwrap_or_default());
        (part, chunk.report)
    };
    let mut parts = match &listed {
        Some((stored, ..)) => array.map_stored(stored, &selection, &options, sum_up),
        None => array.map_chunks(&selection, &options, sum_up),
    };
    while let Some((part, read)) = parts.try_next().await? {
        total.merge(&part);
        report.add(read);
        progress.tell(|| format!("{} elements", total.elements()));
    }
    if let Some((_, filled, chunks)) = &listed {
        total.merge(filled);
        report.chunks = report.chunks.saturating_add(*chunks);
        report.missing_chunks = report.missing_chunks.saturating_add(*chunks);
    }
    progress.clear();
    let (shape, view) = (selection.shape(), opened.view());
    if app.global.json {
        out.json(
            &render::document(&total, report, &shape, &view),
            PrintOptions::compact(),
        )
    } else {
        out.line(&out.theme.array(&crate::escape::text(&opened.address.shown)))?;
        out.text(&render::statistics(&total, report, &shape, &view, out.theme))
    }
}
