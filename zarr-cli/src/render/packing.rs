//! What the CF conventions make of stored numbers: markers of what is missing, scale and offset.

use zarr_core::metadata::data_type::Endianness;
use zarr_core::metadata::json::Object;
use zarr_core::metadata::{DataType, FillValue, Json};

use crate::view::NodeView;

/// The attributes that name values which stand for what is missing.
const MARKERS: [&str; 2] = ["_FillValue", "missing_value"];

/// The attributes that make one number of another.
const PACKING: [&str; 2] = ["scale_factor", "add_offset"];

/// The numbers that stand for what is missing, with the names of their attributes; NaN is no number in any case. xarray
/// writes those of floats in v3 as base64 of a little-endian float64.
pub(super) fn markers(view: &NodeView) -> Vec<(&'static str, f64)> {
    MARKERS
        .into_iter()
        .filter_map(|name| Some((name, marker(view.attributes().get(name)?)?)))
        .filter(|(_, marker)| !marker.is_nan())
        .collect()
}

fn marker(stored: &Json) -> Option<f64> {
    if let Some(number) = stored.as_f64() {
        return Some(number);
    }
    match stored.as_str()? {
        "NaN" => Some(f64::NAN),
        _ => {
            let eight = DataType::RawBytes { size_bytes: 8 };
            let bytes = FillValue::parse_v3(&eight, stored, Endianness::Little).ok()?;
            bytes.element().try_into().ok().map(f64::from_le_bytes)
        }
    }
}

/// Whether a stored number stands for what is missing.
#[expect(clippy::float_cmp, reason = "a marker is a value, not a measurement")]
pub(super) fn is_missing(view: &NodeView, stored: f64) -> bool {
    markers(view).into_iter().any(|(_, marker)| marker == stored)
}

/// Whether numbers are stored with a scale or an offset.
pub(super) fn is_packed(view: &NodeView) -> bool {
    PACKING.iter().any(|name| number(view, name).is_some())
}

/// The attributes by which a stored number means another one or none, as they are stored.
pub(super) fn conventions(view: &NodeView) -> Object {
    let packing = PACKING.into_iter().filter(|name| number(view, name).is_some());
    packing
        .chain(markers(view).into_iter().map(|(name, _)| name))
        .filter_map(|name| Some((name, view.attributes().get(name)?.clone())))
        .collect()
}

/// The number that a stored one stands for.
pub(super) fn unpacked(view: &NodeView, stored: f64) -> f64 {
    stored * number(view, "scale_factor").unwrap_or(1.0) + number(view, "add_offset").unwrap_or(0.0)
}

fn number(view: &NodeView, attribute: &str) -> Option<f64> {
    view.attributes()
        .get(attribute)
        .filter(|value| value.as_number().is_some())?
        .as_f64()
}
