//! The little XML that the API speaks.

use std::fmt::Write;

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
