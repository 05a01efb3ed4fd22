//! The entities that a transaction speaks of, before each new one has an id.
//!
//! Within the passes an entity is one number: positive, it is an id; negative, it is one of these nodes, which an identity may
//! still lead to an existing entity or to another node; 0 is nobody.

use std::sync::Arc;

use annals_query::Value;
use rustc_hash::FxHashMap;

/// The temporary entities of one transaction.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    all: Vec<Node>,
    temps: FxHashMap<Arc<str>, i64>,
    fresh: Vec<i64>,
}

#[derive(Debug, Default)]
struct Node {
    /// Where it leads: an id, another node, or 0 while it stands for itself.
    leads_to: i64,
    /// True if it got an id of its own: nothing is known of it in the store.
    is_placed: bool,
    /// True if a fact is said about it.
    is_subject: bool,
    /// Its name in the transaction.
    name: Option<Arc<str>>,
    /// The identity that led it where it leads.
    because: Option<(i64, Value)>,
}

impl Nodes {
    /// An entity that nobody named.
    pub(super) fn anonymous(&mut self) -> i64 {
        self.all.push(Node::default());
        -(self.all.len() as i64)
    }

    /// The entity with this temporary id.
    pub(super) fn temp(&mut self, name: &Arc<str>) -> i64 {
        if let Some(&node) = self.temps.get(name) {
            return node;
        }
        let node = self.anonymous();
        self.at(node).name = Some(Arc::clone(name));
        self.temps.insert(Arc::clone(name), node);
        node
    }

    /// The entity with this temporary id without a name.
    pub(super) fn fresh(&mut self, number: u32) -> i64 {
        let number = number as usize;
        if self.fresh.len() <= number {
            self.fresh.resize(number + 1, 0);
        }
        if self.fresh[number] == 0 {
            self.fresh[number] = self.anonymous();
        }
        self.fresh[number]
    }

    /// Who this is, as far as known: an id, or the node that stands for it.
    pub(super) fn find(&self, mut entity: i64) -> i64 {
        while entity < 0 {
            let next = self.all[place(entity)].leads_to;
            if next == 0 {
                break;
            }
            entity = next;
        }
        entity
    }

    /// True if this entity has an id that the transaction gave it.
    pub(super) fn is_new(&self, mut entity: i64) -> bool {
        while entity < 0 {
            let node = &self.all[place(entity)];
            if node.is_placed {
                return true;
            }
            if node.leads_to == 0 {
                return false;
            }
            entity = node.leads_to;
        }
        false
    }

    /// Two are one. False if they were before; none if they are different entities of the store.
    pub(super) fn unify(&mut self, a: i64, b: i64, because: Option<&(i64, Value)>) -> Option<bool> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return Some(false);
        }
        // The later node leads to the earlier one, and any node to an id: ids are greater than nodes, earlier nodes greater too.
        let (from, to) = (a.min(b), a.max(b));
        if from > 0 {
            return None;
        }
        let node = self.at(from);
        node.leads_to = to;
        node.because = because.cloned();
        let name = node.name.clone();
        if to < 0 {
            let target = self.at(to);
            target.name = target.name.take().or(name);
        }
        Some(true)
    }

    /// The identity that led this node to an entity of the store.
    pub(super) fn because(&self, mut entity: i64) -> Option<&(i64, Value)> {
        let mut because = None;
        while entity < 0 && self.all[place(entity)].leads_to != 0 {
            let node = &self.all[place(entity)];
            because = node.because.as_ref().or(because);
            entity = node.leads_to;
        }
        because
    }

    /// A fact is said about it.
    pub(super) fn mark_subject(&mut self, entity: i64) {
        let root = self.find(entity);
        if root < 0 {
            self.at(root).is_subject = true;
        }
    }

    /// The nodes that nothing led anywhere and about which something is said, in order of appearance.
    pub(super) fn unplaced(&self) -> impl Iterator<Item = i64> {
        let is_unplaced = |node: &Node| node.leads_to == 0 && node.is_subject;
        self.all.iter().enumerate().filter(move |(_, node)| is_unplaced(node)).map(|(at, _)| -(at as i64) - 1)
    }

    /// Gives a node its id.
    pub(super) fn settle(&mut self, node: i64, id: i64) {
        let node = self.at(node);
        node.leads_to = id;
        node.is_placed = true;
    }

    /// Number of nodes.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The name by which the transaction calls an entity that it makes, by node or by id.
    pub(super) fn name(&self, entity: i64) -> Option<String> {
        let entity = self.find(entity);
        if entity < 0 {
            return Some(self.all[place(entity)].called());
        }
        self.all.iter().find(|node| node.is_placed && node.leads_to == entity).map(Node::called)
    }

    /// Named temporary ids with who they are.
    pub(super) fn temps(&self) -> impl Iterator<Item = (&Arc<str>, i64)> {
        self.temps.iter().map(|(name, node)| (name, self.find(*node)))
    }

    /// Who the temporary ids without names are; 0 for one that was never used.
    pub(super) fn fresh_ids(&self) -> Vec<i64> {
        self.fresh.iter().map(|node| self.find(*node).max(0)).collect()
    }

    fn at(&mut self, node: i64) -> &mut Node {
        &mut self.all[place(node)]
    }
}

impl Node {
    fn called(&self) -> String {
        match &self.name {
            Some(name) => Value::String(Arc::clone(name)).to_string(),
            None => "a new entity".to_owned(),
        }
    }
}

/// The place of a node in the list.
pub(super) fn place(node: i64) -> usize {
    (-(node + 1)) as usize
}
