//! Columns that line up.

use unicode_width::UnicodeWidthStr;

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A cell: what is measured, and what is printed (the same, perhaps coloured).
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    width: usize,
    printed: String,
}

impl Cell {
    /// A cell whose text is printed as `paint` colours it.
    pub(crate) fn painted(text: &str, paint: impl FnOnce(&str) -> String) -> Self {
        Self {
            width: text.width(),
            printed: paint(text),
        }
    }

    /// What is printed.
    pub(crate) fn as_printed(&self) -> &str {
        &self.printed
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        let printed = text.into();
        Self {
            width: printed.width(),
            printed,
        }
    }
}

/// Lays rows out in columns, two spaces apart, after `indent`; no line ends in spaces, columns that are empty in every row
/// vanish. A row may be shorter than others.
pub(crate) fn layout(rows: &[Vec<Cell>], align: &[Align], indent: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width)
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = indent.to_owned();
        // Spaces are owed until something follows them.
        let mut owed = 0;
        for (column, cell) in row.iter().enumerate().filter(|(column, _)| widths[*column] > 0) {
            let pad = widths[column] - cell.width;
            let right = align.get(column) == Some(&Align::Right);
            if cell.width > 0 {
                line.extend(std::iter::repeat_n(' ', owed + if right { pad } else { 0 }));
                line += &cell.printed;
                owed = if right { 0 } else { pad };
            } else {
                owed += pad;
            }
            owed += 2;
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_wide_characters_and_gaps() {
        let rows = vec![
            vec!["温度".into(), "".into(), "1".into(), "x".into()],
            vec!["a".into(), "".into(), "100".into()],
            vec!["longer".into(), "".into(), "".into(), "y".into()],
        ];
        insta::assert_snapshot!(layout(&rows, &[Align::Left, Align::Left, Align::Right], "| "), @r"
        | 温度      1  x
        | a       100
        | longer       y
        ");
    }

    #[test]
    fn colours_do_not_count() {
        let rows = vec![
            vec![Cell::painted("ab", |text| format!("<{text}>")), "c".into()],
            vec!["abc".into(), "c".into()],
        ];
        assert_eq!(layout(&rows, &[], ""), "<ab>   c\nabc  c\n");
    }
}
