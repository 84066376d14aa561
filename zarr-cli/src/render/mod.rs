//! From nodes to text and JSON: pure, no I/O.

mod aligned;
mod calendar;
mod cf_time;
pub(crate) mod check;
pub(crate) mod coordinate;
pub(crate) mod doctor;
pub(crate) mod du;
pub(crate) mod element;
pub(crate) mod info;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod man;
mod packing;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod table;
mod theme;
pub(crate) mod time64;
pub(crate) mod tree;
pub(crate) mod units;
pub(crate) mod values;
pub(crate) mod words;

pub(crate) use theme::Theme;
