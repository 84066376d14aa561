//! Rows of values whose columns line up, a few at a time.

use unicode_width::UnicodeWidthStr;

/// Values that are held at most, so that they line up: more than a screen shows, and little to wait for. A longer row is
/// not lined up with others.
const MOST: u64 = 8192;

/// Rows that wait for others: columns line up among the rows of a plane, as far as so many are held.
#[derive(Debug)]
pub(crate) struct Aligned {
    columns: usize,
    cells: Vec<Cell>,
    /// Whether a row was handed out before, and whether the one that comes next begins a plane.
    begun: bool,
    fresh_plane: bool,
}

#[derive(Debug)]
struct Cell {
    text: String,
    width: usize,
    is_text: bool,
}

impl Aligned {
    /// For values of this shape; `None` if they are a single row, or rows too long to be held.
    pub(crate) fn new(shape: &[u64]) -> Option<Self> {
        let [.., rows, columns] = shape else { return None };
        let columns = usize::try_from(*columns).ok()?;
        if *rows == 0 || !(1..=MOST).contains(&(columns as u64)) {
            return None;
        }
        Some(Self {
            columns,
            cells: Vec::new(),
            begun: false,
            fresh_plane: true,
        })
    }

    /// The next value. Text stands at the left of its column, everything else at the right.
    pub(crate) fn value(&mut self, text: String, is_text: bool) {
        let width = text.width();
        self.cells.push(Cell { text, width, is_text });
    }

    /// After a value, with which so many dimensions ended: the rows that are to be written now.
    pub(crate) fn ended(&mut self, dimensions: usize) -> String {
        let is_full = dimensions > 0 && (self.cells.len() + self.columns) as u64 > MOST;
        if dimensions < 2 && !is_full {
            return String::new();
        }
        let text = self.take();
        self.fresh_plane = dimensions >= 2;
        text
    }

    /// The complete rows that were held, without a line feed behind the last one.
    pub(crate) fn take(&mut self) -> String {
        let rest = self.cells.len() % self.columns.max(1);
        let rows: Vec<Cell> = self.cells.drain(..self.cells.len() - rest).collect();
        let mut widths = vec![0; self.columns];
        for row in rows.chunks(self.columns) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width.max(*width);
            }
        }
        let mut text = String::new();
        for row in rows.chunks(self.columns) {
            match (self.begun, self.fresh_plane) {
                (false, _) => {}
                (true, false) => text.push('\n'),
                (true, true) => text += "\n\n",
            }
            (self.begun, self.fresh_plane) = (true, false);
            self.row(row, &widths, &mut text);
        }
        text
    }

    fn row(&self, row: &[Cell], widths: &[usize], text: &mut String) {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = std::iter::repeat_n(' ', width - cell.width);
            if column > 0 {
                text.push(' ');
            }
            if !cell.is_text {
                text.extend(gap.clone());
            }
            *text += &cell.text;
            // No line ends in spaces.
            if cell.is_text && column + 1 < self.columns {
                text.extend(gap);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of `values`, each with the number of dimensions that end with it.
    fn text(shape: &[u64], values: &[(&str, usize)], is_text: bool) -> String {
        let mut aligned = Aligned::new(shape).unwrap();
        let mut all = String::new();
        for (value, ended) in values {
            aligned.value((*value).to_owned(), is_text);
            all += &aligned.ended(*ended);
        }
        all + &aligned.take()
    }

    #[test]
    fn numbers_line_up_at_the_right_and_text_at_the_left() {
        let values = [
            ("1", 0),
            ("-20.5", 1),
            ("300", 0),
            ("4", 2),
            ("5", 0),
            ("6", 1),
            ("7", 0),
            ("8", 3),
        ];
        insta::assert_snapshot!(text(&[2, 2, 2], &values, false), @r"
          1 -20.5
        300     4

        5 6
        7 8
        ");
        let values = [("a", 0), ("b", 1), ("温度", 0), ("c", 2)];
        insta::assert_snapshot!(text(&[2, 2], &values, true), @r"
        a    b
        温度 c
        ");
    }

    #[test]
    fn rows_are_written_before_too_many_are_held() {
        let columns = 3000;
        let mut aligned = Aligned::new(&[1 << 40, columns]).unwrap();
        let mut longest = 0;
        let mut text = String::new();
        for row in 0..10 {
            for column in 1..=columns {
                aligned.value(format!("{row}"), false);
                text += &aligned.ended(usize::from(column == columns));
                longest = longest.max(aligned.cells.len());
            }
        }
        assert!(longest as u64 <= MOST, "{longest}");
        text += &aligned.take();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert!(lines[9].starts_with("9 9 "));
        assert!(Aligned::new(&[3]).is_none());
        assert!(Aligned::new(&[2, MOST + 1]).is_none());
    }
}
