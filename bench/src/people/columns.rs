//! The floor: the same people as plain columns, with the lists that a program of its own would keep, and a loop for each question.
//! What comes out is written to vectors, as a caller would get it.

use std::hint::black_box;

use rustc_hash::FxHashMap;

use super::{LAST_NAMES, NAMES, Person, SEXES};

/// People by number; words as their numbers.
pub struct Columns {
    name: Vec<u8>,
    last_name: Vec<u8>,
    sex: Vec<u8>,
    age: Vec<i64>,
    salary: Vec<i64>,
    by_name: Vec<Vec<u32>>,
    by_age: Vec<Vec<u32>>,
    by_code: FxHashMap<String, u32>,
}

impl Columns {
    pub fn of(people: &[Person]) -> Self {
        let place = |words: &[&str], word: &str| words.iter().position(|one| *one == word).expect("a known word") as u8;
        let mut columns = Self {
            name: people.iter().map(|person| place(&NAMES, person.name)).collect(),
            last_name: people.iter().map(|person| place(&LAST_NAMES, person.last_name)).collect(),
            sex: people.iter().map(|person| place(&SEXES, person.sex)).collect(),
            age: people.iter().map(|person| person.age).collect(),
            salary: people.iter().map(|person| person.salary).collect(),
            by_name: vec![Vec::new(); NAMES.len()],
            by_age: vec![Vec::new(); 100],
            by_code: people.iter().enumerate().map(|(at, person)| (person.code.clone(), at as u32)).collect(),
        };
        for at in 0..people.len() {
            columns.by_name[usize::from(columns.name[at])].push(at as u32);
            columns.by_age[columns.age[at] as usize].push(at as u32);
        }
        columns
    }

    fn of_name(&self, name: &str) -> &[u32] {
        &self.by_name[NAMES.iter().position(|one| *one == name).expect("a known name")]
    }

    fn sex(name: &str) -> u8 {
        SEXES.iter().position(|one| *one == name).expect("a known sex") as u8
    }

    pub fn named(&self, name: &str) -> usize {
        let found: Vec<i64> = self.of_name(name).iter().map(|&at| i64::from(at)).collect();
        black_box(found).len()
    }

    pub fn ages_of(&self, name: &str) -> usize {
        let of = self.of_name(name);
        let (ids, ages): (Vec<i64>, Vec<i64>) = of.iter().map(|&at| (i64::from(at), self.age[at as usize])).unzip();
        black_box((ids, ages)).0.len()
    }

    pub fn ages_of_sex(&self, name: &str, sex: &str) -> usize {
        let sex = Self::sex(sex);
        let of = self.of_name(name).iter().filter(|&&at| self.sex[at as usize] == sex);
        let (ids, ages): (Vec<i64>, Vec<i64>) = of.map(|&at| (i64::from(at), self.age[at as usize])).unzip();
        black_box((ids, ages)).0.len()
    }

    pub fn last_names_and_ages_of_sex(&self, name: &str, sex: &str) -> usize {
        let sex = Self::sex(sex);
        let (mut ids, mut last_names, mut ages) = (Vec::new(), Vec::new(), Vec::new());
        for &at in self.of_name(name).iter().filter(|&&at| self.sex[at as usize] == sex) {
            ids.push(i64::from(at));
            last_names.push(LAST_NAMES[usize::from(self.last_name[at as usize])]);
            ages.push(self.age[at as usize]);
        }
        black_box((ids, last_names, ages)).0.len()
    }

    pub fn salaries_above(&self, limit: i64) -> usize {
        let (mut ids, mut salaries) = (Vec::with_capacity(self.salary.len()), Vec::with_capacity(self.salary.len()));
        for (at, &salary) in self.salary.iter().enumerate().filter(|(_, salary)| **salary > limit) {
            ids.push(at as i64);
            salaries.push(salary);
        }
        black_box((ids, salaries)).0.len()
    }

    pub fn count_of(&self, name: &str) -> usize {
        black_box(self.of_name(name).len());
        1
    }

    pub fn salaries_by_sex(&self) -> usize {
        let mut groups = [(0_i64, 0_usize); SEXES.len()];
        for (&sex, &salary) in self.sex.iter().zip(&self.salary) {
            let group = &mut groups[usize::from(sex)];
            *group = (group.0 + salary, group.1 + 1);
        }
        black_box(groups.map(|(sum, count)| sum as f64 / count as f64)).len()
    }

    pub fn same_last_name(&self, first: &str, second: &str, age: usize) -> usize {
        let of = |name: &str| {
            let name = NAMES.iter().position(|one| *one == name).expect("a known name");
            self.by_age[age].iter().copied().filter(move |&at| usize::from(self.name[at as usize]) == name)
        };
        let mut pairs = Vec::new();
        for left in of(first) {
            let last_name = self.last_name[left as usize];
            pairs.extend(of(second).filter(|&right| self.last_name[right as usize] == last_name).map(|right| (left, right)));
        }
        black_box(pairs).len()
    }

    pub fn same_salary(&self, first: &str, second: &str) -> usize {
        let mut by_salary: FxHashMap<i64, Vec<u32>> = FxHashMap::default();
        for &at in self.of_name(first) {
            by_salary.entry(self.salary[at as usize]).or_default().push(at);
        }
        let mut pairs = Vec::new();
        for &right in self.of_name(second) {
            for &left in by_salary.get(&self.salary[right as usize]).into_iter().flatten() {
                pairs.push((left, right));
            }
        }
        black_box(pairs).len()
    }

    pub fn not_of_sex(&self, name: &str, sex: &str) -> usize {
        let sex = Self::sex(sex);
        let of = self.of_name(name).iter().filter(|&&at| self.sex[at as usize] != sex);
        black_box(of.map(|&at| i64::from(at)).collect::<Vec<i64>>()).len()
    }

    pub fn named_or_aged(&self, name: &str, age: usize) -> usize {
        let (mut named, mut aged) = (self.of_name(name), &self.by_age[age][..]);
        let mut found = Vec::with_capacity(named.len() + aged.len());
        while let (Some(left), Some(right)) = (named.first(), aged.first()) {
            found.push(i64::from(*left.min(right)));
            let (of_left, of_right) = (left <= right, right <= left);
            named = &named[usize::from(of_left)..];
            aged = &aged[usize::from(of_right)..];
        }
        found.extend(named.iter().chain(aged).map(|&at| i64::from(at)));
        black_box(found).len()
    }

    pub fn age_by_code(&self, code: &str) -> usize {
        black_box(self.by_code.get(code).map(|&at| self.age[at as usize])).into_iter().count()
    }

    pub fn same_last_name_and_age(&self, first: &str, sex: &str, second: &str) -> usize {
        let sex = Self::sex(sex);
        let place = |at: u32| self.age[at as usize] as usize * LAST_NAMES.len() + usize::from(self.last_name[at as usize]);
        let mut buckets = vec![Vec::new(); 100 * LAST_NAMES.len()];
        for &at in self.of_name(second) {
            buckets[place(at)].push(at);
        }
        let mut pairs = Vec::new();
        for &left in self.of_name(first).iter().filter(|&&at| self.sex[at as usize] == sex) {
            pairs.extend(buckets[place(left)].iter().map(|&right| (left, right)));
        }
        black_box(pairs).len()
    }
}
