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
    /// How wide it wants its column to be.
    wanted: usize,
    printed: String,
}

/// A name that is longer than this pushes only its own line.
const LONG_NAME: usize = 40;

impl Cell {
    /// A cell whose text is printed as `paint` colours it.
    pub(crate) fn painted(text: &str, paint: impl FnOnce(&str) -> String) -> Self {
        Self {
            width: text.width(),
            wanted: text.width(),
            printed: paint(text),
        }
    }

    /// The same for a name, which may be as long as its writer liked: a long one does not widen its column.
    pub(crate) fn name(mut self) -> Self {
        self.wanted = self.wanted.min(LONG_NAME);
        self
    }

    /// The same for a text that ends its line: it does not widen its column.
    pub(crate) fn last(mut self) -> Self {
        self.wanted = 0;
        self
    }

    /// What is printed.
    pub(crate) fn as_printed(&self) -> &str {
        &self.printed
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        let printed = text.into();
        let width = printed.width();
        Self {
            width,
            wanted: width,
            printed,
        }
    }
}

/// Lays rows out in columns, two spaces apart, after `indent`; no line ends in spaces, columns that are empty in every row
/// vanish. A row may be shorter than others.
pub(crate) fn layout(rows: &[Vec<Cell>], align: &[Align], indent: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let most = |column: usize, measure: fn(&Cell) -> usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(measure).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| most(column, |cell| cell.wanted))
        .collect();
    let is_empty: Vec<bool> = (0..columns)
        .map(|column| most(column, |cell| cell.width) == 0)
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = indent.to_owned();
        // Spaces are owed until something follows them.
        let mut owed = 0;
        for (column, cell) in row.iter().enumerate().filter(|(column, _)| !is_empty[*column]) {
            let pad = widths[column].saturating_sub(cell.width);
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
    fn long_names_and_last_texts_push_nothing_away() {
        let long = "n".repeat(41);
        let rows = vec![
            vec![Cell::from("a").name(), "int8".into(), "x".into()],
            vec![Cell::from(long.as_str()).name(), "int8".into(), "x".into()],
            vec![
                Cell::from("b").name(),
                "broken".into(),
                Cell::from("a long message").last(),
            ],
        ];
        let (gap, name) = (" ".repeat(41), long.as_str());
        assert_eq!(
            layout(&rows, &[], ""),
            format!("a{gap}int8    x\n{name}  int8    x\nb{gap}broken  a long message\n")
        );
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
