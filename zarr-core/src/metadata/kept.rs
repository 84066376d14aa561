//! [`Kept`]: a JSON object of a document, kept as its text until somebody looks into it.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;

use super::json::{Json, Object};

/// A JSON object, as a tree or as the text that was parsed to it.
///
/// A walk keeps the documents of thousands of arrays, and of most nobody asks for more than was checked when they were read.
/// Their text is kept anyway, and is a third of the tree: without trees the listing of 1000 local nodes takes 15 % less time,
/// most of it the kernel's for memory that is new. Who looks into one parses it again, once, in some microseconds.
#[derive(Clone)]
pub(super) struct Kept(Form);

#[derive(Clone)]
enum Form {
    Tree(Object),
    Text { text: Bytes, tree: OnceLock<Object> },
}

impl Kept {
    pub(super) fn tree(tree: Object) -> Self {
        Self(Form::Tree(tree))
    }

    /// Gives the tree up for `text`, which it was parsed from.
    pub(super) fn keep_text(&mut self, text: Bytes) {
        let tree = OnceLock::new();
        self.0 = Form::Text { text, tree };
    }

    pub(super) fn get(&self) -> &Object {
        match &self.0 {
            Form::Tree(tree) => tree,
            Form::Text { text, tree } => tree.get_or_init(|| parse(text)),
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut Object {
        if let Form::Text { text, tree } = &mut self.0 {
            let tree = tree.take().unwrap_or_else(|| parse(text));
            self.0 = Form::Tree(tree);
        }
        match &mut self.0 {
            Form::Tree(tree) => tree,
            Form::Text { .. } => unreachable!("a tree stands here since the lines above"),
        }
    }
}

fn parse(text: &[u8]) -> Object {
    match Json::parse(text) {
        Ok(Json::Object(tree)) => tree,
        _ => unreachable!("the same bytes were parsed to an object when the document was read"),
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Kept {}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Kept {
        let mut kept = Kept::tree(parse(text.as_bytes()));
        kept.keep_text(Bytes::from_static(text.as_bytes()));
        kept
    }

    #[test]
    fn a_text_says_what_its_tree_said() {
        let text = r#"{"a": NaN, "b": [1.50, 10000000000000000000000]}"#;
        let kept = read(text);
        assert_eq!(*kept.get(), parse(text.as_bytes()));
        assert_eq!(kept, Kept::tree(parse(text.as_bytes())));
        assert_eq!(format!("{kept:?}"), format!("{:?}", parse(text.as_bytes())));
        assert_ne!(kept, read("{}"));
    }

    #[test]
    fn a_change_of_a_text_stays() {
        for was_looked_at in [false, true] {
            let mut kept = read(r#"{"a": 1}"#);
            if was_looked_at {
                assert_eq!(kept.get().len(), 1);
            }
            kept.get_mut().insert("b", 2_u64);
            assert_eq!(*kept.get(), parse(br#"{"a": 1, "b": 2}"#));
            let copy = kept.clone();
            kept.get_mut().remove("a");
            assert_eq!(*copy.get(), parse(br#"{"a": 1, "b": 2}"#));
            assert_eq!(*kept.get(), parse(br#"{"b": 2}"#));
        }
    }
}
