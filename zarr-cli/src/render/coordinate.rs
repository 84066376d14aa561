//! The first and last value of a coordinate, as the CF conventions have them.

use zarr_core::metadata::{DataType, Json, element_to_json};

use super::cf_time::TimeUnits;
use super::{element, packing, words};
use crate::view::NodeView;

/// The bytes of a first and a last element.
pub(crate) type Ends = (Vec<u8>, Vec<u8>);

/// A value has at most so many characters.
const MOST: usize = 30;

/// A coordinate's first and last value: unpacked, as dates or with their units.
pub(crate) fn values(view: &NodeView, (first, last): &Ends) -> String {
    let Some(data_type) = view.data_type() else {
        return String::new();
    };
    let text = |key: &str| view.attributes().get(key).and_then(Json::as_str);
    let units = text("units").unwrap_or_default();
    let is_real = matches!(data_type, DataType::Int(_) | DataType::Float(_));
    let time = TimeUnits::parse(units, text("calendar")).filter(|_| is_real);
    let value = |bytes: &[u8]| match number(&data_type, bytes) {
        // What stands for a missing value is neither a date nor a number.
        Some(number) if packing::is_missing(view, number) => (true, "missing".to_owned()),
        Some(number) if time.is_some() && number.is_nan() => (true, "NaT".to_owned()),
        Some(number) => {
            let unpacked = packing::unpacked(view, number);
            match time.and_then(|time| time.date(unpacked)) {
                Some(date) => (true, date),
                None if packing::is_packed(view) => (false, rounded(unpacked)),
                None => (false, shown(&data_type, bytes)),
            }
        }
        None => (
            matches!(data_type, DataType::DateTime64(_)),
            shown(&data_type, bytes),
        ),
    };
    let ((first_is_date, first), (last_is_date, last)) = (value(first), value(last));
    let both = if first == last {
        first
    } else {
        format!("{first} … {last}")
    };
    let units = if let DataType::TimeDelta64(scale) = &data_type {
        element::tick(*scale)
    } else if first_is_date && last_is_date {
        String::new()
    } else {
        units.to_owned()
    };
    format!("{both} {units}").trim_end().to_owned()
}

/// A stored number; `None` for elements of other types.
fn number(data_type: &DataType, bytes: &[u8]) -> Option<f64> {
    let (DataType::Int(_) | DataType::Float(_)) = data_type else {
        return None;
    };
    let value = element_to_json(data_type, bytes).ok()?;
    value.as_f64().or_else(|| {
        // What JSON has no number for: NaN, or with a payload its bits.
        Some(match value.as_str()? {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            _ => f64::NAN,
        })
    })
}

fn shown(data_type: &DataType, bytes: &[u8]) -> String {
    words::cut(&element::shown(data_type, bytes).unwrap_or_default(), MOST)
}

/// A number without the last digits, in which scaling leaves its traces: `0.3`, not `0.30000000000000004`.
fn rounded(number: f64) -> String {
    let digits = format!("{number:.9e}").parse().unwrap_or(number);
    element::number(&Json::from(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::{array_v3, coordinate};

    fn of(data_type: &str) -> NodeView {
        array_v3(&format!(
            r#"{{"shape": [2], "data_type": {data_type}, "fill_value": 0}}"#
        ))
    }

    fn with(view: NodeView, attributes: &[(&str, Json)]) -> NodeView {
        attributes
            .iter()
            .fold(view, |view, (key, value)| view.with_attribute(key, value.clone()))
    }

    #[test]
    fn numbers_with_their_units() {
        let ends = (75.0_f32.to_le_bytes().to_vec(), f32::NAN.to_le_bytes().to_vec());
        assert_eq!(values(&coordinate("lat", 2), &ends), "75.0 … NaN degrees_north");
    }

    #[test]
    fn packed_numbers_are_unpacked() {
        let view = with(
            of("\"int16\""),
            &[
                ("scale_factor", 0.1.into()),
                ("add_offset", 20.into()),
                ("units", "m".into()),
            ],
        );
        let ends = (3_i16.to_le_bytes().to_vec(), 1000_i16.to_le_bytes().to_vec());
        assert_eq!(values(&view, &ends), "20.3 … 120.0 m");
    }

    #[test]
    fn what_is_missing_is_no_date() {
        let view = with(
            of("\"int64\""),
            &[
                ("units", "days since 2000-01-01".into()),
                ("_FillValue", (-1).into()),
            ],
        );
        let ends = ((-1_i64).to_le_bytes().to_vec(), 31_i64.to_le_bytes().to_vec());
        assert_eq!(values(&view, &ends), "missing … 2000-02-01");
        let view = with(of("\"float64\""), &[("units", "days since 2000-01-01".into())]);
        let ends = (f64::NAN.to_le_bytes().to_vec(), 31_f64.to_le_bytes().to_vec());
        assert_eq!(values(&view, &ends), "NaT … 2000-02-01");
    }

    #[test]
    fn markers_of_floats_are_base64() {
        // 1e20 as a float64.
        let view = with(of("\"float64\""), &[("_FillValue", "QIy1eB2vFUQ=".into())]);
        let ends = (1e20_f64.to_le_bytes().to_vec(), 2.5_f64.to_le_bytes().to_vec());
        assert_eq!(values(&view, &ends), "missing … 2.5");
    }

    #[test]
    fn times_of_numpy_are_dates() {
        let scale = r#"{"name": "numpy.NAME", "configuration": {"unit": "D", "scale_factor": 1}}"#;
        let ends = (1_i64.to_le_bytes().to_vec(), i64::MIN.to_le_bytes().to_vec());
        let dates = of(&scale.replace("NAME", "datetime64"));
        assert_eq!(values(&dates, &ends), "1970-01-02 … NaT");
        let spans = of(&scale.replace("NAME", "timedelta64"));
        assert_eq!(values(&spans, &ends), "1 … NaT D");
    }
}
