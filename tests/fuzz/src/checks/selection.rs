//! Selections as text, against Python's rules for slices, written here in wide integers.
//!
//! Input: how the rest is meant and the rank, the lengths, and then either text as it is or choices, which are printed, read
//! and compared with the model.

use zarr_core::Error;
use zarr_core::array::{Select, Selection};

use super::allocation::most_held;
use super::input::Input;

/// What a letter of the text may cost, and what is taken in any case.
const MEMORY: (usize, usize) = (128, 64 << 10);

/// Elements that are looked at along a dimension.
const LOOKED_AT: usize = 300;

pub(super) fn run(data: &[u8]) {
    let mut input = Input(data);
    let mode = input.byte();
    let shape: Vec<u64> = (0..mode / 2 % 5).map(|_| length(&mut input)).collect();
    let names: Vec<Option<String>> = ["x", "y", "", "time"]
        .iter()
        .map(|name| Some((*name).to_owned()))
        .take(shape.len())
        .collect();
    if mode % 2 == 0 {
        any_text(&String::from_utf8_lossy(input.rest()), &shape, &names);
    } else {
        chosen(&mut input, &shape);
    }
}

fn length(input: &mut Input<'_>) -> u64 {
    match input.byte() {
        254 => u64::MAX,
        255 => input.long(),
        small => u64::from(small % 40),
    }
}

/// Reads a text within bounds.
fn parse(text: &str, shape: &[u64], names: &[Option<String>]) -> Option<Selection> {
    let (parsed, held) = most_held(|| Selection::parse(text, shape, names));
    let bound = MEMORY.0 * text.len() + MEMORY.1;
    assert!(held <= bound, "{held} bytes held where {bound} are enough");
    match parsed {
        Ok(selection) => Some(selection),
        Err(Error::InvalidSelection { reason }) => {
            assert!(!reason.is_empty());
            None
        }
        Err(error) => panic!("another kind of error: {error}"),
    }
}

fn any_text(text: &str, shape: &[u64], names: &[Option<String>]) {
    let Some(selection) = parse(text, shape, names) else {
        return;
    };
    assert_eq!(selection.array_shape(), shape);
    assert_eq!(selection.kept_dimensions().len(), shape.len());
    let kept = selection.kept_dimensions().iter().filter(|kept| **kept).count();
    assert_eq!(selection.shape().len(), kept);
    for (dim, length) in shape.iter().enumerate() {
        assert!(selection.wanted(dim).take(LOOKED_AT).all(|at| at < *length));
    }
    // Brackets around the whole, and spaces, change nothing.
    if !text.contains(['[', ']']) && text.contains([',', ':', '.', '=']) {
        assert_eq!(parse(&format!(" [ {text} ] "), shape, names), Some(selection));
    }
}

/// A bound of a slice or an index: near the length, or anything.
fn bound(input: &mut Input<'_>) -> Option<i64> {
    match input.byte() {
        200.. => None,
        199 => Some(input.long().cast_signed()),
        198 => Some(i64::MIN),
        197 => Some(i64::MAX),
        small => Some(i64::from(small) - 98),
    }
}

/// What Python's `slice.indices` and indexing give along one dimension; `None` where they refuse.
fn model(select: &Select, length: u64) -> Option<Vec<u64>> {
    let length = i128::from(length);
    let place = |index: i64| {
        let index = i128::from(index);
        let index = if index < 0 { index + length } else { index };
        u64::try_from(index)
            .ok()
            .filter(|index| i128::from(*index) < length)
    };
    match select {
        Select::Index(index) => place(*index).map(|index| vec![index]),
        Select::Indices(list) => list.iter().map(|index| place(*index)).collect(),
        Select::Range { start, stop, step } => {
            let clip = |bound: i64| {
                let bound = i128::from(bound);
                (if bound < 0 { bound + length } else { bound }).clamp(0, length)
            };
            let (start, stop) = (start.map_or(0, clip), stop.map_or(length, clip));
            let all = (0..).map(|number| start + number * i128::from(*step));
            let inside = all.take_while(|at| *at < stop).take(LOOKED_AT);
            Some(inside.filter_map(|at| u64::try_from(at).ok()).collect())
        }
        Select::Mask(mask) => (mask.len() as i128 == length).then(|| {
            let chosen = (0..).zip(mask).filter(|(_, chosen)| **chosen);
            chosen.map(|(at, _)| at).collect()
        }),
        Select::Ellipsis => None,
    }
}

/// The text of a choice; masks have none, so the list of what they choose stands for them.
fn print(select: &Select) -> String {
    let bound = |bound: &Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
    match select {
        Select::Index(index) => index.to_string(),
        Select::Range { start, stop, step: 1 } => format!("{}:{}", bound(start), bound(stop)),
        Select::Range { start, stop, step } => format!("{} : {}:{step}", bound(start), bound(stop)),
        Select::Indices(list) => {
            let list: Vec<String> = list.iter().map(ToString::to_string).collect();
            format!("[{}]", list.join(" "))
        }
        Select::Mask(mask) => {
            let chosen = mask.iter().enumerate().filter(|(_, chosen)| **chosen);
            let list: Vec<String> = chosen.map(|(at, _)| at.to_string()).collect();
            format!("[{}]", list.join(" "))
        }
        Select::Ellipsis => "...".to_owned(),
    }
}

fn chosen(input: &mut Input<'_>, shape: &[u64]) {
    let count = usize::from(input.byte()) % (shape.len() + 2);
    let selects: Vec<Select> = (0..count)
        .map(|_| match input.byte() % 8 {
            0 => Select::Ellipsis,
            1 | 2 => Select::Index(bound(input).unwrap_or(0)),
            3 => Select::Indices(
                (0..input.byte() % 4)
                    .map(|_| bound(input).unwrap_or(-1))
                    .collect(),
            ),
            _ => Select::Range {
                start: bound(input),
                stop: bound(input),
                step: u64::try_from(bound(input).unwrap_or(1)).map_or(1, |step| step.max(1)),
            },
        })
        .collect();
    let text: Vec<String> = selects.iter().map(print).collect();
    // A comma behind the last keeps a list alone from being taken for the brackets around all.
    let text = text.iter().map(|select| format!("{select},")).collect::<String>();
    let parsed = parse(&text, shape, &[]);
    assert_eq!(parsed, Selection::new(&selects, shape).ok(), "{text}");

    let named = selects
        .iter()
        .filter(|select| **select != Select::Ellipsis)
        .count();
    let ellipsis = selects.iter().position(|select| *select == Select::Ellipsis);
    let whole = vec![Select::all(); shape.len().saturating_sub(named)];
    let filled: Vec<Select> = match ellipsis {
        Some(at) => [&selects[..at], &whole, &selects[at + 1..]].concat(),
        None => [selects.as_slice(), &whole].concat(),
    };
    let expected: Option<Vec<Vec<u64>>> = if filled.len() == shape.len() {
        filled
            .iter()
            .zip(shape)
            .map(|(select, length)| model(select, *length))
            .collect()
    } else {
        None
    };
    let found = parsed.as_ref().map(|parsed| {
        (0..shape.len())
            .map(|dim| parsed.wanted(dim).take(LOOKED_AT).collect())
            .collect::<Vec<Vec<u64>>>()
    });
    assert_eq!(found, expected, "{text} of {shape:?}");
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let text = |rank: u8, text: &str| {
        let lengths = &[10, 20, 0, 3][..usize::from(rank)];
        [&[rank * 2][..], lengths, text.as_bytes()].concat()
    };
    let mut seeds: Vec<Vec<u8>> = [
        "",
        "0:5, ::2",
        "[0, ..., 1:]",
        "x=0,y=:3",
        "0,[1 5 7]",
        "-1",
        "…",
        "1:2:3:4",
        "[1 2]",
        "[[1],2]",
        "y=...",
        "-9223372036854775808::9223372036854775807",
    ]
    .iter()
    .map(|written| text(2, written))
    .collect();
    seeds.push(text(4, "0, ..., :2"));
    seeds.push(text(0, "..."));
    seeds.push(vec![5, 9, 30, 2, 4, 98, 110, 99, 1, 95]);
    seeds.push(vec![7, 9, 254, 30, 3, 3, 3, 98, 99, 100, 0, 4, 200, 200, 102]);
    seeds
}
