//! `stats`: an array in a few numbers, in one pass over its chunks.

use futures::TryStreamExt;
use zarr_core::array::ReadReport;
use zarr_core::metadata::json::{Object, PrintOptions};
use zarr_core::metadata::{FillValue, Json};

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
    // Chunks are summed up by the threads that decode them, and put together here, in their order.
    let mut parts = array.map_chunks(&selection, &options, move |chunk| {
        let mut part = nothing.clone();
        part.add(chunk.data.as_bytes().unwrap_or_default());
        (part, chunk.report)
    });
    while let Some((part, read)) = parts.try_next().await? {
        total.merge(&part);
        report.add(read);
        progress.tell(|| format!("{} elements", total.elements()));
    }
    progress.clear();
    if app.global.json {
        out.json(
            &document(&total, report, &selection.shape()),
            PrintOptions::compact(),
        )
    } else {
        out.line(&out.theme.array(&crate::escape::text(&opened.address.shown)))?;
        out.text(&render::statistics(
            &total,
            report,
            &selection.shape(),
            &opened.view(),
            out.theme,
        ))
    }
}

fn document(statistics: &Statistics, report: ReadReport, shape: &[u64]) -> Json {
    let mut document = Object::new();
    document.insert("path", "/");
    document.insert(
        "shape",
        shape.iter().map(|length| Json::from(*length)).collect::<Vec<_>>(),
    );
    document.insert("elements", statistics.elements());
    document.insert("min", statistics.min());
    document.insert("mean", statistics.mean());
    document.insert("max", statistics.max());
    document.insert("sd", statistics.sd());
    document.insert("nan", statistics.nan().unwrap_or(0));
    document.insert("infinite", statistics.infinite());
    document.insert("fill", statistics.filled());
    document.insert("chunks", report.chunks);
    document.insert("missing_chunks", report.missing_chunks);
    Json::Object(document)
}
