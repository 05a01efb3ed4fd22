//! The questions about people: in Datalog, in SQL over either table, and as a loop over columns.

use super::columns::Columns;

/// A question, four times.
pub struct Question {
    pub name: &'static str,
    pub datalog: &'static str,
    /// What is given for the second place of its `:in`.
    pub input: Option<&'static str>,
    pub wide: &'static str,
    pub eav: &'static str,
    /// Rows found; `None` where there is no floor.
    pub floor: fn(&Columns) -> Option<usize>,
}

pub const QUESTIONS: &[Question] = &[
    Question {
        name: "q1 name =",
        datalog: r#"[:find ?e :where [?e :name "Ivan"]]"#,
        input: None,
        wide: "SELECT id FROM person WHERE name='Ivan'",
        eav: "SELECT e FROM fact WHERE a='name' AND v='Ivan'",
        floor: |columns| Some(columns.named("Ivan")),
    },
    Question {
        name: "q2 + age",
        datalog: r#"[:find ?e ?a :where [?e :name "Ivan"] [?e :age ?a]]"#,
        input: None,
        wide: "SELECT id, age FROM person WHERE name='Ivan'",
        eav: "SELECT n.e, g.v FROM fact n JOIN fact g ON g.e=n.e AND g.a='age' WHERE n.a='name' AND n.v='Ivan'",
        floor: |columns| Some(columns.ages_of("Ivan")),
    },
    Question {
        name: "q2 clauses switched",
        datalog: r#"[:find ?e ?a :where [?e :age ?a] [?e :name "Ivan"]]"#,
        input: None,
        wide: "SELECT id, age FROM person WHERE name='Ivan'",
        eav: "SELECT n.e, g.v FROM fact g JOIN fact n ON g.e=n.e AND n.a='name' AND n.v='Ivan' WHERE g.a='age'",
        floor: |columns| Some(columns.ages_of("Ivan")),
    },
    Question {
        name: "q3 + sex",
        datalog: r#"[:find ?e ?a :where [?e :name "Ivan"] [?e :age ?a] [?e :sex :male]]"#,
        input: None,
        wide: "SELECT id, age FROM person WHERE name='Ivan' AND sex='male'",
        eav: "SELECT n.e, g.v FROM fact n JOIN fact g ON g.e=n.e AND g.a='age'
              JOIN fact s ON s.e=n.e AND s.a='sex' AND s.v='male' WHERE n.a='name' AND n.v='Ivan'",
        floor: |columns| Some(columns.ages_of_sex("Ivan", "male")),
    },
    Question {
        name: "q4 four clauses",
        datalog: r#"[:find ?e ?l ?a :where [?e :name "Ivan"] [?e :last-name ?l] [?e :age ?a] [?e :sex :male]]"#,
        input: None,
        wide: "SELECT id, last_name, age FROM person WHERE name='Ivan' AND sex='male'",
        eav: "SELECT n.e, l.v, g.v FROM fact n JOIN fact l ON l.e=n.e AND l.a='last-name' JOIN fact g ON g.e=n.e AND g.a='age'
              JOIN fact s ON s.e=n.e AND s.a='sex' AND s.v='male' WHERE n.a='name' AND n.v='Ivan'",
        floor: |columns| Some(columns.last_names_and_ages_of_sex("Ivan", "male")),
    },
    Question {
        name: "qpred salary >",
        datalog: "[:find ?e ?s :where [?e :salary ?s] [(> ?s 50000)]]",
        input: None,
        wide: "SELECT id, salary FROM person WHERE salary > 50000",
        eav: "SELECT e, v FROM fact WHERE a='salary' AND v > 50000",
        floor: |columns| Some(columns.salaries_above(50_000)),
    },
    Question {
        name: "qcount",
        datalog: r#"[:find (count ?e) . :where [?e :name "Ivan"]]"#,
        input: None,
        wide: "SELECT count(*) FROM person WHERE name='Ivan'",
        eav: "SELECT count(*) FROM fact WHERE a='name' AND v='Ivan'",
        floor: |columns| Some(columns.count_of("Ivan")),
    },
    Question {
        name: "qgroup avg, count by",
        datalog: "[:find ?x (avg ?s) (count ?e) :where [?e :sex ?x] [?e :salary ?s]]",
        input: None,
        wide: "SELECT sex, avg(salary), count(*) FROM person GROUP BY sex",
        eav: "SELECT s.v, avg(m.v), count(*) FROM fact s JOIN fact m ON m.e=s.e AND m.a='salary' WHERE s.a='sex' GROUP BY s.v",
        floor: |columns| Some(columns.salaries_by_sex()),
    },
    Question {
        name: "qvaljoin",
        datalog: r#"[:find ?a ?b :where [?a :name "Ivan"] [?a :last-name ?l] [?a :age 30]
                                        [?b :name "Oleg"] [?b :last-name ?l] [?b :age 30]]"#,
        input: None,
        wide: "SELECT a.id, b.id FROM person a JOIN person b ON b.last_name=a.last_name
               WHERE a.name='Ivan' AND a.age=30 AND b.name='Oleg' AND b.age=30",
        eav: "SELECT an.e, bn.e FROM fact ag JOIN fact an ON an.e=ag.e AND an.a='name' AND an.v='Ivan'
              JOIN fact al ON al.e=ag.e AND al.a='last-name' JOIN fact bg ON bg.a='age' AND bg.v=30
              JOIN fact bn ON bn.e=bg.e AND bn.a='name' AND bn.v='Oleg'
              JOIN fact bl ON bl.e=bg.e AND bl.a='last-name' AND bl.v=al.v WHERE ag.a='age' AND ag.v=30",
        floor: |columns| Some(columns.same_last_name("Ivan", "Oleg", 30)),
    },
    Question {
        name: "qvaljoin by salary",
        datalog: r#"[:find ?a ?b :where [?a :name "Ivan"] [?a :salary ?s] [?b :salary ?s] [?b :name "Oleg"]]"#,
        input: None,
        wide: "SELECT a.id, b.id FROM person a JOIN person b ON b.salary=a.salary WHERE a.name='Ivan' AND b.name='Oleg'",
        eav: "SELECT an.e, bn.e FROM fact an JOIN fact s ON s.e=an.e AND s.a='salary' JOIN fact bs ON bs.a='salary' AND bs.v=s.v
              JOIN fact bn ON bn.e=bs.e AND bn.a='name' AND bn.v='Oleg' WHERE an.a='name' AND an.v='Ivan'",
        floor: |columns| Some(columns.same_salary("Ivan", "Oleg")),
    },
    Question {
        name: "qnot",
        datalog: r#"[:find ?e :where [?e :name "Ivan"] (not [?e :sex :male])]"#,
        input: None,
        wide: "SELECT id FROM person WHERE name='Ivan' AND NOT sex='male'",
        eav: "SELECT e FROM fact n WHERE a='name' AND v='Ivan'
              AND NOT EXISTS (SELECT 1 FROM fact s WHERE s.e=n.e AND s.a='sex' AND s.v='male')",
        floor: |columns| Some(columns.not_of_sex("Ivan", "male")),
    },
    Question {
        name: "qor",
        datalog: r#"[:find ?e :where (or [?e :name "Ivan"] [?e :age 10])]"#,
        input: None,
        wide: "SELECT id FROM person WHERE name='Ivan' UNION SELECT id FROM person WHERE age=10",
        eav: "SELECT e FROM fact WHERE a='name' AND v='Ivan' UNION SELECT e FROM fact WHERE a='age' AND v=10",
        floor: |columns| Some(columns.named_or_aged("Ivan", 10)),
    },
    Question {
        name: "qpoint by identity",
        datalog: "[:find ?a . :in $ ?code :where [?e :code ?code] [?e :age ?a]]",
        input: Some("P0001234"),
        wide: "SELECT age FROM person WHERE code='P0001234'",
        eav: "SELECT g.v FROM fact c JOIN fact g ON g.e=c.e AND g.a='age' WHERE c.a='code' AND c.v='P0001234'",
        floor: |columns| Some(columns.age_by_code("P0001234")),
    },
    Question {
        name: "big value join",
        datalog: r#"[:find ?a ?b :where [?a :name "Ivan"] [?a :sex :male] [?a :last-name ?l] [?a :age ?x]
                                        [?b :last-name ?l] [?b :age ?x] [?b :name "Oleg"]]"#,
        input: None,
        wide: "SELECT a.id, b.id FROM person a JOIN person b ON b.age=a.age AND b.last_name=a.last_name
               WHERE a.name='Ivan' AND a.sex='male' AND b.name='Oleg'",
        eav: "SELECT an.e, bn.e FROM fact an JOIN fact s ON s.e=an.e AND s.a='sex' AND s.v='male'
              JOIN fact al ON al.e=an.e AND al.a='last-name' JOIN fact ag ON ag.e=an.e AND ag.a='age'
              JOIN fact bg ON bg.a='age' AND bg.v=ag.v JOIN fact bn ON bn.e=bg.e AND bn.a='name' AND bn.v='Oleg'
              JOIN fact bl ON bl.e=bg.e AND bl.a='last-name' AND bl.v=al.v WHERE an.a='name' AND an.v='Ivan'",
        floor: |columns| Some(columns.same_last_name_and_age("Ivan", "male", "Oleg")),
    },
];
