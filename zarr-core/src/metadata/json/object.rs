//! [`Object`]: a JSON object that keeps the order of its keys.

use std::collections::HashMap;
use std::fmt;

use super::Json;
use super::key::Key;

/// Up to this many members a look-up scans; beyond, a hash index is kept (a consolidated document has thousands).
const SCAN_LIMIT: usize = 16;

/// A JSON object: members in the order in which they were written, each key once.
///
/// Two objects are equal if they have the same members, in whatever order.
#[derive(Clone, Default)]
pub struct Object {
    members: Vec<(Key, Json)>,
    /// Key to position; kept only while there are more than [`SCAN_LIMIT`] members.
    #[expect(
        clippy::box_collection,
        reason = "few objects have one, and each JSON value would grow by its size"
    )]
    index: Option<Box<HashMap<Key, usize>>>,
}

impl Object {
    /// An empty object.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An object from members, or the key that comes twice.
    pub(super) fn from_members(members: Vec<(Key, Json)>) -> Result<Self, Key> {
        if members.len() <= SCAN_LIMIT {
            for (i, (key, _)) in members.iter().enumerate() {
                if members[..i].iter().any(|(earlier, _)| earlier == key) {
                    return Err(key.clone());
                }
            }
            return Ok(Self { members, index: None });
        }
        let mut index = HashMap::with_capacity(members.len());
        for (i, (key, _)) in members.iter().enumerate() {
            if index.insert(key.clone(), i).is_some() {
                return Err(key.clone());
            }
        }
        Ok(Self {
            members,
            index: Some(Box::new(index)),
        })
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.members.iter().position(|(k, _)| k == key),
        }
    }

    fn rebuild_index(&mut self) {
        self.index = (self.members.len() > SCAN_LIMIT).then(|| {
            Box::new(
                self.members
                    .iter()
                    .enumerate()
                    .map(|(i, (k, _))| (k.clone(), i))
                    .collect(),
            )
        });
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.position(key).map(|i| &self.members[i].1)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.position(key).map(|i| &mut self.members[i].1)
    }

    /// Whether there is a member `key`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Sets `key`: in its old place if it was there, else at the end. Returns the old value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Json>) -> Option<Json> {
        let (key, value) = (Key::Owned(key.into()), value.into());
        if let Some(i) = self.position(&key) {
            return Some(std::mem::replace(&mut self.members[i].1, value));
        }
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), self.members.len());
        }
        self.members.push((key, value));
        if self.index.is_none() {
            self.rebuild_index();
        }
        None
    }

    /// The object that `key` holds; an empty one takes the place of anything else.
    pub(crate) fn get_or_insert_object(&mut self, key: &str) -> &mut Self {
        if self.get(key).and_then(Json::as_object).is_none() {
            self.insert(key, Self::new());
        }
        match self.get_mut(key) {
            Some(Json::Object(object)) => object,
            Some(_) | None => unreachable!("an object stands here since the line above"),
        }
    }

    /// Removes `key` and keeps the order of the rest. Takes time linear in the number of members.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let position = self.position(key)?;
        let (_, value) = self.members.remove(position);
        self.rebuild_index();
        Some(value)
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> + DoubleEndedIterator {
        self.members.iter().map(|(key, value)| (&**key, value))
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.members.iter().map(|(key, _)| &**key)
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl IntoIterator for Object {
    type Item = (String, Json);
    type IntoIter = std::iter::Map<std::vec::IntoIter<(Key, Json)>, fn((Key, Json)) -> (String, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members
            .into_iter()
            .map(|(key, value)| (key.into_owned(), value))
    }
}

/// Collects members; of a key that comes twice the last value counts.
impl<K: Into<String>, V: Into<Json>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut object = Self::new();
        object.extend(members);
        object
    }
}

impl<K: Into<String>, V: Into<Json>> Extend<(K, V)> for Object {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, members: I) {
        for (key, value) in members {
            self.insert(key, value);
        }
    }
}

impl<K: Into<String>, V: Into<Json>, const N: usize> From<[(K, V); N]> for Object {
    fn from(members: [(K, V); N]) -> Self {
        members.into_iter().collect()
    }
}
