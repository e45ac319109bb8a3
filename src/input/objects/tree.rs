//! Parser of YAML and JSON into trees of text with the relevant fields only.
//!
//! A field of an unexpected type is lost alone, never the object around it: types are not checked here.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Fields that are read, at any depth. Others that `kubectl` prints (images, managed fields, capacities) are skipped.
const KEPT: [&str; 30] = [
    "address",
    "addresses",
    "annotations",
    "apiVersion",
    "conditions",
    "contents",
    "creationTimestamp",
    "currentPhase",
    "enabled",
    "filename",
    "items",
    "kind",
    "labels",
    "lastTransitionTime",
    "lastUpdateTime",
    "managedFields",
    "matchSelector",
    "metadata",
    "name",
    "paused",
    "phase",
    "phaseTransitionTimestamp",
    "phaseTransitionTimestamps",
    "podCIDR",
    "podCIDRs",
    "spec",
    "status",
    "time",
    "type",
    "deletionTimestamp",
];
/// Fields that are maps with arbitrary keys, all of which are kept.
const MAPS: [&str; 3] = ["labels", "matchSelector", "annotations"];
/// The one annotation that is read: the options with which RKE2 runs on the node (k3s, pkg/nodeconfig).
pub(super) const NODE_ARGS: &str = "rke2.io/node-args";
/// Entries of one list or map that are kept, those of a list of objects aside.
const MAX_ENTRIES: usize = 1_024;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Null,
    /// Text, a number or a boolean, as text.
    Scalar(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Tree {
    /// Returns the value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs.iter().find(|(own, _)| own == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The value behind several keys.
    pub(super) fn at<const N: usize>(&self, path: [&str; N]) -> Option<&Self> {
        path.into_iter().try_fold(self, |tree, key| tree.get(key))
    }

    /// The text behind several keys; empty text is none.
    pub(super) fn text<const N: usize>(&self, path: [&str; N]) -> Option<&str> {
        match self.at(path)? {
            Self::Scalar(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a list.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the pairs of a map.
    pub(super) fn pairs(&self) -> &[(String, Self)] {
        match self {
            Self::Map(pairs) => pairs,
            _ => &[],
        }
    }

    /// Returns the pairs of a map whose values are scalars.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs().iter().filter_map(|(key, value)| match value {
            Self::Scalar(text) => Some((key.as_str(), text.as_str())),
            _ => None,
        })
    }
}

/// Selection of the keys of a map that are kept.
#[derive(Debug, Clone, Copy)]
enum Keys {
    Known,
    All,
    NodeArgs,
}

impl Keys {
    /// Returns the selection for the value of `key`; `None` where the value is skipped.
    fn below(self, key: &str) -> Option<Self> {
        match self {
            Self::All => Some(Self::All),
            Self::NodeArgs => (key == NODE_ARGS).then_some(Self::All),
            Self::Known if key == "annotations" => Some(Self::NodeArgs),
            Self::Known if MAPS.contains(&key) => Some(Self::All),
            Self::Known => KEPT.contains(&key).then_some(Self::Known),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Tree;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Scalar(value))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while items.len() < MAX_ENTRIES {
            match list.next_element_seed(self)? {
                Some(item) => items.push(item),
                None => return Ok(Tree::List(items)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key_seed(Self::All)? {
            let below = match &key {
                Tree::Scalar(key) if pairs.len() < MAX_ENTRIES => self.below(key),
                _ => None,
            };
            match (key, below) {
                (Tree::Scalar(key), Some(keys)) => {
                    pairs.push((key, map.next_value_seed(keys)?));
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Tree::Map(pairs))
    }
}

/// One document: an object, or a list of them.
#[derive(Debug)]
pub(super) struct Document {
    /// The document without its items.
    pub(super) own: Tree,
    /// The first items of a list; `None` where it is no list.
    pub(super) items: Option<Vec<Tree>>,
    /// Number of further items that are not kept.
    pub(super) more: u64,
}

/// Objects of one kind that are kept: Kubernetes is made for clusters of up to 5,000 nodes
/// (<https://kubernetes.io/docs/setup/best-practices/cluster-large/>).
pub(super) const MAX_OF_KIND: usize = 5_000;
/// Upper bound on the kinds of one list that are distinguished.
const MAX_KINDS: usize = 16;

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a Kubernetes object or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut pairs = Vec::new();
        let (mut items, mut more) = (None, 0);
        while let Some(key) = map.next_key_seed(Keys::All)? {
            match key {
                Tree::Scalar(key) if key == "items" => {
                    let (kept, left) = map.next_value_seed(Items)?;
                    items = Some(kept);
                    more = left;
                }
                Tree::Scalar(key) if pairs.len() < MAX_ENTRIES => match Keys::Known.below(&key) {
                    Some(keys) => pairs.push((key, map.next_value_seed(keys)?)),
                    None => drop(map.next_value::<IgnoredAny>()?),
                },
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Document {
            own: Tree::Map(pairs),
            items,
            more,
        })
    }
}

/// The items of a list: the first of each kind, and how many were left out.
#[derive(Clone, Copy)]
struct Items;

impl<'de> DeserializeSeed<'de> for Items {
    type Value = (Vec<Tree>, u64);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = (Vec<Tree>, u64);

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of objects")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((Vec::new(), 0))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut more) = (Vec::new(), 0);
        let mut counts: Vec<(String, usize)> = Vec::new();
        while let Some(item) = list.next_element_seed(Keys::Known)? {
            let kind = item.text(["kind"]).unwrap_or_default();
            let at = counts.iter().position(|(known, _)| known == kind);
            let at = at.or_else(|| {
                (counts.len() < MAX_KINDS).then(|| {
                    counts.push((kind.to_owned(), 0));
                    counts.len() - 1
                })
            });
            match at.map(|at| &mut counts[at].1) {
                Some(count) if *count < MAX_OF_KIND => {
                    *count += 1;
                    kept.push(item);
                }
                _ => more += 1,
            }
        }
        Ok((kept, more))
    }
}

/// Returns the options of the YAML parser for input whose size is bounded already: the crate's own bounds are meant for
/// untrusted network input. Those on aliases stay.
pub(super) fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: None,
            max_events: 200_000_000,
            max_nodes: 100_000_000,
            max_documents: 1_000_000,
            max_total_scalar_bytes: usize::MAX,
            // What kubectl prints has no anchor.
            max_recorded_anchor_events: 10_000,
        },
    }
}
