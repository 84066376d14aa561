//! Values of an array as text, JSON, CSV, and the header of a NumPy file.

use zarr_core::metadata::data_type::{FloatKind, IntKind, TimeScale, TimeUnit};
use zarr_core::metadata::json::PrintOptions;
use zarr_core::metadata::{DataType, MetadataError, element_to_json};

use super::aligned::Aligned;
use super::element;
use crate::cli::CatFormat;
use crate::error::CliError;
use crate::escape;
use crate::output::Output;

/// Writes values one after another in the shape that they have.
pub(crate) struct Rows {
    format: CatFormat,
    shape: Vec<u64>,
    index: Vec<u64>,
    begun: bool,
    /// Rows of text whose columns line up; `None`: values are written as they come.
    aligned: Option<Aligned>,
}

impl Rows {
    pub(crate) fn new(format: CatFormat, shape: &[u64]) -> Self {
        Self {
            format,
            shape: shape.to_vec(),
            index: vec![0; shape.len()],
            begun: false,
            aligned: (format == CatFormat::Text).then(|| Aligned::new(shape)).flatten(),
        }
    }

    /// The next value.
    pub(crate) fn value(
        &mut self,
        data_type: &DataType,
        bytes: &[u8],
        out: &mut Output,
    ) -> Result<(), CliError> {
        let bad = |error: MetadataError| CliError::usage(error.to_string(), None);
        // How many dimensions begin anew here: all at the first value.
        let fresh = self.index.iter().rev().take_while(|at| **at == 0).count();
        let between = self.begun;
        if let Some(aligned) = &mut self.aligned {
            let text = element::shown(data_type, bytes).map_err(bad)?;
            aligned.value(text, !element::is_number(data_type));
        }
        match self.format {
            CatFormat::Text if self.aligned.is_some() => {}
            CatFormat::Json => {
                if between {
                    out.text(&"]".repeat(fresh))?;
                    out.text(",")?;
                }
                out.text(&"[".repeat(if between { fresh } else { self.shape.len() }))?;
                let value = element_to_json(data_type, bytes).map_err(bad)?;
                out.text(&escape::json(value.print(PrintOptions::compact())))?;
            }
            CatFormat::Text | CatFormat::Csv | CatFormat::Bin | CatFormat::Npy => {
                let separator = if self.format == CatFormat::Csv { "," } else { " " };
                match (between, fresh, self.format) {
                    (false, _, _) => {}
                    (true, 0, _) => out.text(separator)?,
                    (true, 1, _) | (true, _, CatFormat::Csv) => out.text("\n")?,
                    (true, _, _) => out.text("\n\n")?,
                }
                let text = match self.format {
                    CatFormat::Csv => csv(element::text(data_type, bytes).map_err(bad)?, out.is_terminal),
                    CatFormat::Text | CatFormat::Json | CatFormat::Bin | CatFormat::Npy => {
                        element::shown(data_type, bytes).map_err(bad)?
                    }
                };
                out.text(&text)?;
            }
        }
        self.begun = true;
        for (at, length) in self.index.iter_mut().zip(&self.shape).rev() {
            *at += 1;
            if *at < *length {
                break;
            }
            *at = 0;
        }
        if let Some(aligned) = &mut self.aligned {
            // How many dimensions have just come to their end.
            let ended = self.index.iter().rev().take_while(|at| **at == 0).count();
            out.text(&aligned.ended(ended))?;
        }
        Ok(())
    }

    /// Writes the rows that are complete and wait for others to line up with.
    pub(crate) fn complete_rows(&mut self, out: &mut Output) -> Result<(), CliError> {
        match &mut self.aligned {
            Some(aligned) => out.text(&aligned.take()),
            None => Ok(()),
        }
    }

    /// What comes after the last value.
    pub(crate) fn finish(&self, out: &mut Output) -> Result<(), CliError> {
        match self.format {
            CatFormat::Bin | CatFormat::Npy => Ok(()),
            CatFormat::Json if self.begun => {
                out.text(&"]".repeat(self.shape.len()))?;
                out.text("\n")
            }
            CatFormat::Json => out.text(&format!("{}\n", empty(&self.shape))),
            CatFormat::Text | CatFormat::Csv if self.begun => out.text("\n"),
            CatFormat::Text | CatFormat::Csv => Ok(()),
        }
    }
}

/// The nested lists of an array without elements.
fn empty(shape: &[u64]) -> String {
    match shape.split_first() {
        None => "null".to_owned(),
        Some((0, _)) => "[]".to_owned(),
        Some((length, rest)) => {
            let inner = empty(rest);
            let items: Vec<&str> = (0..*length).map(|_| inner.as_str()).collect();
            format!("[{}]", items.join(","))
        }
    }
}

/// A cell of a table: quoted as RFC 4180 has it, where it has to be. On a terminal what would move the cursor is escaped.
fn csv(text: String, to_terminal: bool) -> String {
    let cell = if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    };
    match to_terminal {
        true => escape::text(&cell).into_owned(),
        false => cell,
    }
}

/// The header of a NumPy file, version 1.0 or 2.0.
///
/// # Errors
/// `Unsupported` for data types that NumPy files do not have.
pub(crate) fn npy_header(data_type: &DataType, shape: &[u64]) -> Result<Vec<u8>, CliError> {
    let Some(descr) = descr(data_type) else {
        return Err(CliError::Core(zarr_core::Error::Unsupported {
            at: "npy".to_owned(),
            what: format!("data type {} in a NumPy file", data_type.name()),
        }));
    };
    let lengths: Vec<String> = shape.iter().map(|length| format!("{length},")).collect();
    let mut header = format!(
        "{{'descr': {descr}, 'fortran_order': False, 'shape': ({}), }}",
        lengths.join(" ")
    );
    // Magic, version and length are 12 bytes in version 2.0; the whole is a multiple of 64 and ends in a line feed.
    while (12 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    Ok([
        b"\x93NUMPY\x02\x00".as_slice(),
        &length.to_le_bytes(),
        header.as_bytes(),
    ]
    .concat())
}

/// NumPy's description of a data type whose decoded form is NumPy's own: a name in quotes, for structs a list of fields.
fn descr(data_type: &DataType) -> Option<String> {
    let DataType::Struct(fields) = data_type else {
        return name(data_type).map(|name| format!("'{name}'"));
    };
    let fields = fields.fields().iter().map(|field| {
        let shape = match field.shape() {
            [] => String::new(),
            shape => {
                let lengths: Vec<String> = shape.iter().map(|length| format!("{length},")).collect();
                format!(", ({})", lengths.join(" "))
            }
        };
        descr(field.data_type()).map(|of| format!("({}, {of}{shape})", python_text(field.name())))
    });
    let fields: Vec<String> = fields.collect::<Option<_>>()?;
    Some(format!("[{}]", fields.join(", ")))
}

/// Text as a literal of Python, in ASCII.
fn python_text(text: &str) -> String {
    let mut literal = "'".to_owned();
    for c in text.chars() {
        match c {
            '\'' | '\\' => literal.extend(['\\', c]),
            ' '..='~' => literal.push(c),
            _ => literal += &format!("\\U{:08x}", u32::from(c)),
        }
    }
    literal + "'"
}

/// NumPy's name of a scalar data type.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "data types that NumPy does not know have no name there, new ones too"
)]
fn name(data_type: &DataType) -> Option<String> {
    let of_size = |letter: char, order: char| {
        data_type
            .size_bytes()
            .map(|size| format!("{order}{letter}{size}"))
    };
    let time = |letter: char, scale: &TimeScale| match (scale.unit, scale.scale_factor) {
        (TimeUnit::Generic, _) => format!("<{letter}8"),
        (unit, 1) => format!("<{letter}8[{}]", unit.code()),
        (unit, factor) => format!("<{letter}8[{factor}{}]", unit.code()),
    };
    match data_type {
        DataType::DateTime64(scale) => Some(time('M', scale)),
        DataType::TimeDelta64(scale) => Some(time('m', scale)),
        DataType::Bool => Some("|b1".to_owned()),
        DataType::Int(IntKind::Int8) => Some("|i1".to_owned()),
        DataType::Int(IntKind::UInt8) => Some("|u1".to_owned()),
        DataType::Int(IntKind::Int16 | IntKind::Int32 | IntKind::Int64) => of_size('i', '<'),
        DataType::Int(IntKind::UInt16 | IntKind::UInt32 | IntKind::UInt64) => of_size('u', '<'),
        DataType::Float(FloatKind::Float16 | FloatKind::Float32 | FloatKind::Float64) => of_size('f', '<'),
        DataType::Complex {
            component: FloatKind::Float32 | FloatKind::Float64,
            ..
        } => of_size('c', '<'),
        DataType::RawBits { .. } | DataType::RawBytes { .. } => of_size('V', '|'),
        DataType::NullTerminatedBytes { .. } => of_size('S', '|'),
        DataType::FixedLengthUtf32 { code_points } => Some(format!("<U{code_points}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zarr_core::metadata::data_type::StructType;

    #[test]
    fn structs_and_times_have_numpy_s_names() {
        let scale = TimeScale {
            unit: TimeUnit::Microsecond,
            scale_factor: 10,
        };
        let fields = [
            ("it's".to_owned(), DataType::DateTime64(scale)),
            ("ü".to_owned(), DataType::Int(IntKind::Int16)),
        ];
        let data_type = DataType::Struct(StructType::new(fields).unwrap());
        assert_eq!(
            descr(&data_type).unwrap(),
            r"[('it\'s', '<M8[10us]'), ('\U000000fc', '<i2')]"
        );
        assert!(descr(&DataType::String).is_none());
        assert!(npy_header(&DataType::Float(FloatKind::BFloat16), &[2]).is_err());
    }

    #[test]
    fn tables_hold_the_values_themselves() {
        for (value, in_a_file, on_a_terminal) in [
            ("", "", ""),
            ("a b", "a b", "a b"),
            ("a,b", "\"a,b\"", "\"a,b\""),
            ("a\"b", "\"a\"\"b\"", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\"", "\"a\\nb\""),
            ("a\rb", "\"a\rb\"", "\"a\\rb\""),
            ("a\\nb", "a\\nb", "a\\nb"),
            ("\u{1b}[2J", "\u{1b}[2J", "\\u{1b}[2J"),
        ] {
            assert_eq!(csv(value.to_owned(), false), in_a_file);
            assert_eq!(csv(value.to_owned(), true), on_a_terminal);
        }
    }
}
