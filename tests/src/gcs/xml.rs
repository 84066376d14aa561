//! The little XML that the API speaks.

use std::fmt::Write;
use std::time::SystemTime;

use http::StatusCode;
use quick_xml::escape::escape;

use crate::server::Answer;

const DECLARATION: &str = "<?xml version='1.0' encoding='UTF-8'?>";
const CONTENT_TYPE: &str = "application/xml; charset=UTF-8";

/// An error document.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    let mut xml = Xml::open("Error", None);
    xml.text("Code", code).text("Message", message);
    Answer::body(status, CONTENT_TYPE, xml.close("Error"))
}

/// A document with status 200.
pub(super) fn document(xml: String) -> Answer {
    Answer::body(StatusCode::OK, CONTENT_TYPE, xml)
}

/// An XML document being written.
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn open(root: &str, namespace: Option<&str>) -> Self {
        let namespace = namespace
            .map(|namespace| format!(" xmlns='{namespace}'"))
            .unwrap_or_default();
        Self(format!("{DECLARATION}<{root}{namespace}>"))
    }

    pub(super) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "<{name}>{}</{name}>", escape(value));
        self
    }

    pub(super) fn start(&mut self, name: &str) -> &mut Self {
        let _ = write!(self.0, "<{name}>");
        self
    }

    pub(super) fn end(&mut self, name: &str) -> &mut Self {
        let _ = write!(self.0, "</{name}>");
        self
    }

    pub(super) fn close(mut self, root: &str) -> String {
        self.end(root);
        self.0
    }
}

/// A time as RFC 3339 with milliseconds, from the one in RFC 9110's form.
pub(super) fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        since.subsec_millis()
    )
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_is_written_as_rfc3339() {
        let at = |seconds: u64, millis: u64| {
            rfc3339(SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + millis))
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400, 7), "2000-02-29T00:00:00.007Z");
        assert_eq!(at(1_735_689_599, 999), "2024-12-31T23:59:59.999Z");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }
}
