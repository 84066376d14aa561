//! The other ways in which NumPy names its numbers.

/// Names and one-letter codes of numbers (`numpy.sctypeDict`), as type strings. `int`, `long` and `l` are those of 64-bit
/// Unix, where nearly all such documents come from.
const NAMES: [(&str, &[&str]); 14] = [
    ("|b1", &["bool", "bool_", "?"]),
    ("|i1", &["int8", "byte", "b"]),
    ("<i2", &["int16", "short", "h"]),
    ("<i4", &["int32", "intc", "i"]),
    (
        "<i8",
        &["int64", "int", "int_", "long", "longlong", "intp", "l", "q"],
    ),
    ("|u1", &["uint8", "ubyte", "B"]),
    ("<u2", &["uint16", "ushort", "H"]),
    ("<u4", &["uint32", "uintc", "I"]),
    (
        "<u8",
        &["uint64", "uint", "ulong", "ulonglong", "uintp", "L", "Q"],
    ),
    ("<f2", &["float16", "half", "e"]),
    ("<f4", &["float32", "single", "f"]),
    ("<f8", &["float64", "float", "float_", "double", "d"]),
    ("<c8", &["complex64", "csingle", "F"]),
    ("<c16", &["complex128", "complex", "cdouble", "D"]),
];

/// The type string of a number that is named in another way; `None` for all other texts.
pub(super) fn type_string(text: &str) -> Option<String> {
    let (order, bare) = match text.split_at_checked(1) {
        Some((order @ ("<" | ">" | "=" | "|"), bare)) => (Some(order), bare),
        Some(_) | None => (None, text),
    };
    let order = order.map(|order| if order == "=" { "<" } else { order });
    let named = NAMES.iter().find(|(_, names)| names.contains(&bare));
    let coded = || {
        let (kind, size) = bare.split_at_checked(1)?;
        let is_code = "biufc".contains(kind) && !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit());
        is_code.then(|| format!("<{bare}"))
    };
    let little = named.map(|(little, _)| (*little).to_owned()).or_else(coded)?;
    let whole = match order {
        // In a type string `|` says that there is nothing to order; NumPy takes it for the order of the machine.
        None | Some("|") => little,
        Some(order) => format!("{order}{}", &little[1..]),
    };
    (whole != text).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_numbers_by_all_their_names() {
        for (text, expected) in [
            ("float32", "<f4"),
            ("f4", "<f4"),
            ("=i2", "<i2"),
            (">float64", ">f8"),
            (">d", ">f8"),
            ("|i4", "<i4"),
            ("u1", "<u1"),
            ("=u1", "<u1"),
            ("bool", "|b1"),
            ("l", "<i8"),
            ("complex", "<c16"),
        ] {
            assert_eq!(type_string(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["<f4", ">i2", "", "<", "S5", "M8[ns]", "floaty", "é", "f"] {
            let expected = (text == "f").then_some("<f4");
            assert_eq!(type_string(text).as_deref(), expected, "{text}");
        }
    }
}
