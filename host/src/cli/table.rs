//! Lists and single things for people: columns that stand under each other, lines that fit the terminal.
//!
//! Invariant: whatever comes in here is made [`plain`].

use anstyle::Style;

use super::{
    paint::{DIM, line, paint},
    text::{cut, plain, width},
};

/// The most columns of a cell that is not the last: ids and names are shorter.
const CELL_COLUMNS_MAX: usize = 40;

/// The fewest columns of the last cell: on a narrow terminal, lines are rather broken than empty.
const LAST_COLUMNS_MIN: usize = 20;

/// Between two columns.
const GAP: &str = "  ";

/// A list with headings. A column of which every cell is empty is left out.
#[derive(Debug)]
pub(super) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// One text of a table.
#[derive(Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self::styled(Style::new(), text)
    }

    pub(super) fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Self { text: plain(text.as_ref()), style }
    }
}

impl Table {
    pub(super) fn new(headings: impl Into<Vec<&'static str>>) -> Self {
        Self { headings: headings.into(), rows: Vec::new() }
    }

    /// A row has a cell for each heading.
    pub(super) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// Prints it; on a terminal, cut to its width.
    pub(super) fn print(self) {
        let terminal = terminal_size::terminal_size_of(std::io::stdout());
        for text in self.lines(terminal.map(|(columns, _)| usize::from(columns.0))) {
            line(text);
        }
    }

    fn lines(self, columns_max: Option<usize>) -> Vec<String> {
        let headings = self.headings.iter().map(|heading| Cell::styled(DIM, heading)).collect();
        let rows: Vec<Vec<Cell>> = std::iter::once(headings).chain(self.rows).collect();
        let used =
            |column: &usize| rows.iter().skip(1).any(|row| row.get(*column).is_some_and(|cell| !cell.text.is_empty()));
        let columns: Vec<usize> = (0..self.headings.len()).filter(used).collect();
        let widths: Vec<usize> = columns.iter().map(|&column| widest(&rows, column, columns_max)).collect();
        rows.iter().map(|row| one_line(row, &columns, &widths, columns_max)).collect()
    }
}

fn widest(rows: &[Vec<Cell>], column: usize, columns_max: Option<usize>) -> usize {
    let widest = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(&cell.text)).max().unwrap_or_default();
    if columns_max.is_some() { widest.min(CELL_COLUMNS_MAX) } else { widest }
}

fn one_line(row: &[Cell], columns: &[usize], widths: &[usize], columns_max: Option<usize>) -> String {
    let (mut text, mut padding, mut taken) = (String::new(), String::new(), 0);
    for (place, (&column, &column_width)) in columns.iter().zip(widths).enumerate() {
        let Some(cell) = row.get(column) else { break };
        let room = match columns_max {
            Some(max) if place + 1 == columns.len() => max.saturating_sub(taken).max(LAST_COLUMNS_MIN),
            Some(_) => column_width,
            None => usize::MAX,
        };
        let shown = cut(&cell.text, room);
        let left = column_width.saturating_sub(width(&shown)) + GAP.len();
        // Padding goes before a text, so that none is left over at the end.
        if !shown.is_empty() {
            text.push_str(&std::mem::take(&mut padding));
            text.push_str(&paint(cell.style, shown));
        }
        padding.push_str(&" ".repeat(left));
        taken += column_width + GAP.len();
    }
    text
}

/// A title, and below it what is known, by name. What is not known is left out.
pub(super) fn facts(title: &str, facts: &[(&str, Option<String>)]) {
    line(title);
    let known = || facts.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    let column = known().map(|(name, _)| width(name)).max().unwrap_or_default();
    for (name, value) in known() {
        for (number, part) in value.lines().enumerate() {
            let name = if number == 0 { name } else { "" };
            let padding = " ".repeat(column - width(name));
            line(format_args!("{GAP}{}{padding}{GAP}{}", paint(DIM, name), plain(part)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[[&str; 3]], columns_max: Option<usize>, expected: &[&str]) {
        let mut table = Table::new(["ID", "EMPTY", "DETAIL"]);
        for row in rows {
            table.row(row.map(Cell::new));
        }
        let lines = table.lines(columns_max).into_iter().map(|line| anstream::adapter::strip_str(&line).to_string());
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn columns_stand_under_each_other() {
        check(&[["1-1", "", "a\nb"], ["請", "", "c"]], None, &["ID   DETAIL", "1-1  a\\nb", "請   c"]);
        check(&[["1", "x", ""], ["", "", "c"]], None, &["ID  EMPTY  DETAIL", "1   x", "           c"]);
    }

    #[test]
    fn lines_fit_the_terminal() {
        let long = "x".repeat(60);
        let cut = |columns: usize| format!("{}…", "x".repeat(columns - 1));
        check(&[["1", "", &long]], Some(30), &["ID  DETAIL", &format!("1   {}", cut(26))]);
        check(&[["1", "", &long]], Some(10), &["ID  DETAIL", &format!("1   {}", cut(LAST_COLUMNS_MIN))]);
        check(&[[&long, "", "c"]], Some(80), &[&format!("ID{}  DETAIL", " ".repeat(38)), &format!("{}  c", cut(40))]);
        check(&[[&long, "", &long]], None, &[&format!("ID{}  DETAIL", " ".repeat(58)), &format!("{long}  {long}")]);
    }
}
