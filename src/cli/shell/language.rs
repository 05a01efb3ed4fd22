//! The words of the language that are no functions, for `:help`: each with an entry that can be typed, and what it gives.

/// A word of a query.
#[derive(Debug)]
pub(super) struct Word {
    /// What `:help` finds it by; the first is its name.
    pub(super) names: &'static [&'static str],
    /// How it is written.
    pub(super) form: &'static str,
    /// One sentence.
    pub(super) doc: &'static str,
    /// An entry that can be typed in a store that knows [`PEOPLE`]: a query, and its inputs behind it.
    pub(super) example: &'static str,
    /// What the entry gives, as EDN.
    pub(super) gives: &'static str,
}

impl Word {
    /// The name under which it is listed.
    pub(super) fn name(&self) -> &'static str {
        self.names[0]
    }
}

/// The facts that the examples ask about.
pub(super) const PEOPLE: &str = r#"[{:person/name "Ada" :person/age 36 :person/friend {:person/name "Grace" :person/age 85}} {:person/name "Alan" :person/age 41}]"#;

/// The word that `:help` finds by this name.
pub(super) fn lookup(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.names.contains(&name))
}

/// Every name of every word.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().flat_map(|word| word.names.iter().copied())
}

const fn word(
    names: &'static [&'static str],
    form: &'static str,
    doc: &'static str,
    (example, gives): (&'static str, &'static str),
) -> Word {
    Word { names, form, doc, example, gives }
}

/// In the order in which a query is written.
pub(super) const WORDS: [Word; 25] = [
    word(
        &["find", "relation"],
        ":find ?a ?b",
        "What is asked for: variables, aggregates and pulls. The answer is a set of rows.",
        (
            "[:find ?name ?age :where [?p :person/name ?name] [?p :person/age ?age] :order-by ?age]",
            "[[\"Ada\" 36]\n [\"Alan\" 41]\n [\"Grace\" 85]]",
        ),
    ),
    word(
        &["scalar", "."],
        ":find ?a .",
        "A dot behind one element asks for one value, and gives nil for none.",
        ("[:find (max ?age) . :where [_ :person/age ?age]]", "85"),
    ),
    word(
        &["collection", "..."],
        ":find [?a ...]",
        "Three dots ask for one vector of values.",
        ("[:find [?name ...] :where [_ :person/name ?name] :order-by ?name]", r#"["Ada" "Alan" "Grace"]"#),
    ),
    word(
        &["tuple-find"],
        ":find [?a ?b]",
        "Elements in brackets ask for one row, as a vector.",
        ("[:find [(min ?age) (max ?age)] :where [_ :person/age ?age]]", "[36 85]"),
    ),
    word(
        &["pull"],
        "(pull ?e pattern)",
        "Stands in :find and gives what is known of an entity as a map, in the shape of its pattern.",
        (
            "[:find (pull ?p [:person/name {:person/friend [:person/name]}]) . :where [?p :person/age 36]]",
            r#"{:person/friend {:person/name "Grace"}, :person/name "Ada"}"#,
        ),
    ),
    word(
        &["keys", "strs", "syms"],
        ":keys a b",
        "Names the elements of :find, so that each row is a map; :strs and :syms give texts and symbols for keys.",
        (
            "[:find ?name ?age :keys name age :where [?p :person/name ?name] [?p :person/age ?age] :limit 1 :order-by ?age]",
            r#"[{:name "Ada", :age 36}]"#,
        ),
    ),
    word(
        &["with"],
        ":with ?a",
        "Tells rows apart that would be one without this variable, before aggregates are computed.",
        ("[:find (sum ?letters) . :with ?name :where [_ :person/name ?name] [(count ?name) ?letters]]", "12"),
    ),
    word(
        &["in", "inputs"],
        ":in $ ?a [?b ...] [[?c ?d]] %",
        "What is given: the store ($), variables and bindings for the inputs behind the query, rules (%).",
        (
            "[:find [?name ...] :in $ ?least [?age ...] :where [?p :person/age ?age] [(< ?least ?age)] [?p :person/name ?name]] 40 [36 41]",
            r#"["Alan"]"#,
        ),
    ),
    word(
        &["$", "$history", "$now"],
        "$ $history $now",
        "Sources: the store as it is looked at, every addition and retraction in it, the store as it is now.",
        ("[:find (count ?age) . :in $history :where [$history _ :person/age ?age]]", "3"),
    ),
    word(
        &["where"],
        ":where clause ...",
        "What must hold, in any order: patterns, calls in brackets, rules, not, or.",
        ("[:find ?name . :where [?p :person/age ?age] [(= ?age 41)] [?p :person/name ?name]]", r#""Alan""#),
    ),
    word(
        &["pattern", "_"],
        "[?e :attribute ?value ?t ?m ?added]",
        "Matches facts; trailing places may be left out, and _ matches anything.",
        (r#"[:find ?t . :where [_ :person/name "Ada" ?t]]"#, "2"),
    ),
    word(
        &["and"],
        "(and clause ...)",
        "Joins the clauses of one branch of or and or-join.",
        (
            "[:find [?name ...] :where [?p :person/name ?name] (or [?p :person/age 36] (and [?p :person/age 85] (not [?p :person/friend]))) :order-by ?name]",
            r#"["Ada" "Grace"]"#,
        ),
    ),
    word(
        &["or"],
        "(or clause ...)",
        "Keeps what one of its branches gives; all of them bind the same variables.",
        (
            "[:find [?name ...] :where [?p :person/name ?name] (or [?p :person/age 36] [?p :person/age 41]) :order-by ?name]",
            r#"["Ada" "Alan"]"#,
        ),
    ),
    word(
        &["or-join"],
        "(or-join [?a ...] clause ...)",
        "Is or for branches with variables of their own: only those in its vector cross its border.",
        (
            "[:find [?name ...] :where (or-join [?name] (and [?p :person/age 36] [?p :person/name ?name]) (and [_ :person/friend ?f] [?f :person/name ?name])) :order-by ?name]",
            r#"["Ada" "Grace"]"#,
        ),
    ),
    word(
        &["not"],
        "(not clause ...)",
        "Drops the rows for which its clauses hold together.",
        ("[:find [?name ...] :where [?p :person/name ?name] (not [?p :person/friend]) :order-by ?name]", r#"["Alan" "Grace"]"#),
    ),
    word(
        &["not-join"],
        "(not-join [?a ...] clause ...)",
        "Is not with variables of its own: only those in its vector cross its border.",
        (
            "[:find [?name ...] :where [?p :person/name ?name] (not-join [?p] [?other :person/friend ?p]) :order-by ?name]",
            r#"["Ada" "Alan"]"#,
        ),
    ),
    word(
        &["rule", "rules", "%"],
        "[(name ?a ?b) clause ...]",
        "Clauses under a name, which may call itself; several of one name are alternatives. :rules, or % in :in, puts them in reach.",
        (
            "[:find [?name ...] :in $ % :where (old ?p) [?p :person/name ?name] :order-by ?name] [[(old ?p) [?p :person/age ?age] [(> ?age 40)]]]",
            r#"["Alan" "Grace"]"#,
        ),
    ),
    word(
        &["query"],
        "[(q [:find ...] $) ?a]",
        "A query as a call inside another one; see the function q.",
        (
            "[:find ?name . :where [(q [:find (max ?age) . :where [_ :person/age ?age]] $) ?most] [?p :person/age ?most] [?p :person/name ?name]]",
            r#""Grace""#,
        ),
    ),
    word(
        &["having"],
        ":having condition ...",
        "Keeps rows of the answer; a condition may name elements of :find and aggregates.",
        (
            "[:find ?letters (count ?p) :where [?p :person/name ?name] [(count ?name) ?letters] :having (> ?letters 3) :order-by ?letters]",
            "[[4 1]\n [5 1]]",
        ),
    ),
    word(
        &["order-by", "asc", "desc"],
        ":order-by [?a :desc ?b]",
        "Puts the rows in order, ascending if nothing else is said; values of every type have one.",
        ("[:find [?name ...] :where [_ :person/name ?name] :order-by [?name :desc]]", r#"["Grace" "Alan" "Ada"]"#),
    ),
    word(
        &["limit"],
        ":limit 10",
        "At most so many rows; with :order-by the first ones.",
        ("[:find [?name ...] :where [_ :person/name ?name] :order-by ?name :limit 2]", r#"["Ada" "Alan"]"#),
    ),
    word(
        &["offset"],
        ":offset 10",
        "Leaves out so many rows before the first one that is given.",
        ("[:find [?name ...] :where [_ :person/name ?name] :order-by ?name :offset 2]", r#"["Grace"]"#),
    ),
    word(
        &["timeout"],
        ":timeout 500",
        "Stops the query after so many milliseconds, with an error.",
        ("[:find (count ?p) . :where [?p :person/name] :timeout 5000]", "3"),
    ),
    word(
        &["map"],
        "{:find [..] :where [..]}",
        "A query may be a map as well, every section a vector.",
        ("{:find [?name .] :in [$ ?age] :where [[?p :person/age ?age] [?p :person/name ?name]]} 36", r#""Ada""#),
    ),
    word(
        &["lookup"],
        "[:attribute value]",
        "A lookup reference names an entity by a unique attribute, wherever an entity may stand.",
        ("[:find ?ident . :where [[:db/ident :person/name] :db/ident ?ident]]", ":person/name"),
    ),
];
