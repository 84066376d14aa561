//! An array in a few numbers, a line each.

use zarr_core::array::ReadReport;
use zarr_core::metadata::data_type::TimeScale;
use zarr_core::metadata::json::Object;
use zarr_core::metadata::{DataType, Json};

use super::table::{Cell, layout};
use super::{Theme, element, packing, time64, words};
use crate::escape;
use crate::stats::Statistics;
use crate::view::NodeView;

/// The statistics of elements of `shape` that were read from the array `view`.
pub(crate) fn statistics(
    statistics: &Statistics,
    report: ReadReport,
    shape: &[u64],
    view: &NodeView,
    theme: Theme,
) -> String {
    let data_type = view.data_type();
    let value = |value: Option<Json>| value.map_or_else(|| "-".to_owned(), plain);
    let when = |value: Option<Json>| match (&data_type, value.map(plain)) {
        (_, None) => "-".to_owned(),
        (Some(DataType::DateTime64(scale)), Some(ticks)) => date(&ticks, *scale).unwrap_or(ticks),
        (Some(DataType::TimeDelta64(scale)), Some(ticks)) => format!("{ticks} {}", element::tick(*scale)),
        (_, Some(number)) => number,
    };
    let spread = match &data_type {
        Some(DataType::DateTime64(scale) | DataType::TimeDelta64(scale)) if statistics.sd().is_some() => {
            format!("{} {}", value(statistics.sd()), element::tick(*scale))
        }
        _ => value(statistics.sd()),
    };
    let elements = match shape {
        [] | [_] => statistics.elements().to_string(),
        _ => format!("{} = {}", words::shape(shape, &[]), statistics.elements()),
    };
    let mut rows = vec![("data type", words::data_type(view))];
    rows.extend(as_stored(view).map(|what| ("as stored", what)));
    rows.extend([
        ("elements", elements),
        ("min", when(statistics.min())),
        ("mean", when(statistics.mean())),
        ("max", when(statistics.max())),
        ("sd", spread),
    ]);
    if let Some(nan) = statistics.nan() {
        let is_time = matches!(
            data_type,
            Some(DataType::DateTime64(_) | DataType::TimeDelta64(_))
        );
        rows.push((if is_time { "NaT" } else { "NaN" }, nan.to_string()));
    }
    if statistics.infinite() > 0 {
        rows.push(("infinite", statistics.infinite().to_string()));
    }
    let fill = match statistics.filled() {
        Some(count) => {
            let fill = words::fill_value(view, 40);
            format!("{count} equal the fill value {fill}")
        }
        None => "no fill value".to_owned(),
    };
    rows.push(("fill", fill));
    let missing = match report.missing_chunks {
        0 => "none missing".to_owned(),
        count => format!("{count} missing: their elements are the fill value"),
    };
    rows.push(("chunks", format!("{}, {missing}", report.chunks)));
    let rows: Vec<Vec<Cell>> = rows
        .into_iter()
        .map(|(name, text)| {
            vec![
                Cell::painted(name, |name| theme.dim(name)),
                escape::text(&text).into_owned().into(),
            ]
        })
        .collect();
    layout(&rows, &[], "")
}

/// The statistics of elements of `shape` that were read from the array `view`, as JSON.
pub(crate) fn document(statistics: &Statistics, report: ReadReport, shape: &[u64], view: &NodeView) -> Json {
    let mut document = Object::new();
    document.insert("path", "/");
    document.insert("data_type", view.stored_data_type().clone());
    document.insert("not_applied", packing::conventions(view));
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

/// What readers that follow the CF conventions make of the elements, and is not done here.
fn as_stored(view: &NodeView) -> Option<String> {
    let mut parts = Vec::new();
    if packing::is_packed(view) {
        parts.push("scale_factor and add_offset are not applied".to_owned());
    }
    let counts = |(name, marker)| format!("{name} {} counts as a value", element::plain(marker));
    parts.extend(packing::markers(view).into_iter().map(counts));
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn plain(value: Json) -> String {
    match value.as_array() {
        Some([re, im]) => element::complex(re, im),
        Some(_) | None => element::number(&value),
    }
}

/// The date of a number of ticks, whose fraction is dropped.
fn date(ticks: &str, scale: TimeScale) -> Option<String> {
    time64::date(ticks.split('.').next()?.parse().ok()?, scale)
}
