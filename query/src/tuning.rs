//! Switches of the planner and the executor. An answer is the same with any of them: that is what they are for.

/// Whether something that can make a query faster is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Way {
    /// Where it is expected to pay.
    #[default]
    Chosen,
    /// Nowhere.
    Never,
    /// Wherever it can be.
    Always,
}

/// What the planner and the executor may do. Tests ask one question with several of these, and want one answer.
///
/// ```
/// use annals_query::engine::{self, Options, Tuning, Way};
/// use annals_query::{Budget, Given, check, parse};
/// let edges = Given::Relation(vec![vec![1.into(), 2.into()], vec![2.into(), 3.into()], vec![3.into(), 1.into()]]);
/// let checked = check::check(parse::query("[:find ?a :where [?a ?b] [?b ?c] [?c ?a]]")?, Default::default())?;
/// for tuning in [Tuning::default(), Tuning::of(Way::Never), Tuning::of(Way::Always)] {
///     let options = Options { tuning, ..Options::default() };
///     assert_eq!(engine::answer(&checked, &[edges.clone()], &options, &Budget::default())?.rows.len(), 3);
/// }
/// # Ok::<(), annals_query::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tuning {
    /// Clauses about one entity are joined row by row where their columns hold the same entities, and by the entity alone where each has one row.
    pub stars: Way,
    /// Orders of clauses are searched for by dynamic programming, rather than by taking whatever is best next.
    pub search: Way,
    /// Clauses that are connected are joined apart before they join the rest.
    pub groups: Way,
    /// Clauses that form a cycle are joined variable by variable.
    pub cycles: Way,
    /// An equality between clauses that share no variable is the key of their join.
    pub bridges: Way,
    /// Rows that have become the same are told apart between steps.
    pub distinct: Way,
    /// Facts of entities that are known are asked for between the least and the greatest of them, rather than entity by entity.
    pub spans: Way,
    /// Where the first rows of an order are wanted, these are chosen before everything is known of all others.
    pub tops: Way,
    /// Questions that look at a handful of facts are answered fact by fact, without a plan.
    pub small: Way,
    /// Recursive rules run as loops over numbered values, rather than by joins of columns.
    pub loops: Way,
    /// Rules that are asked for little look up the facts they need, rather than read all there are of an attribute.
    pub lookups: Way,
    /// Walks that meet little go from fact to fact, without a plan.
    pub hops: Way,
}

impl Tuning {
    /// Everything this way.
    pub fn of(way: Way) -> Self {
        Self {
            stars: way,
            search: way,
            groups: way,
            cycles: way,
            bridges: way,
            distinct: way,
            spans: way,
            tops: way,
            small: way,
            loops: way,
            lookups: way,
            hops: way,
        }
    }

    /// A number of its own.
    pub(crate) fn number(self) -> u32 {
        let parts = [
            self.stars,
            self.search,
            self.groups,
            self.cycles,
            self.bridges,
            self.distinct,
            self.spans,
            self.tops,
            self.small,
            self.loops,
            self.lookups,
            self.hops,
        ];
        parts.into_iter().fold(0, |number, way| number * 3 + way as u32)
    }

    /// One of all combinations, by number: to try many of them.
    pub fn numbered(mut number: u64) -> Self {
        let mut next = || {
            let way = [Way::Chosen, Way::Never, Way::Always][(number % 3) as usize];
            number /= 3;
            way
        };
        Self {
            stars: next(),
            search: next(),
            groups: next(),
            cycles: next(),
            bridges: next(),
            distinct: next(),
            spans: next(),
            tops: next(),
            small: next(),
            loops: next(),
            lookups: next(),
            hops: next(),
        }
    }
}
