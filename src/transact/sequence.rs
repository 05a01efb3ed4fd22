//! Numbers 1, 2, 3 for attributes that count within another, such as `:log/seq` within `:log/run`.

use std::collections::{BTreeMap, BTreeSet};

use annals_query::Value;
use rustc_hash::{FxHashMap, FxHashSet};

use super::claim::Claim;
use super::refusal::Refusals;
use super::resolve::Resolver;
use super::vocabulary::Vocabulary;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Declaration;

/// Numbers that were said: entity and sequence to the claims.
type Said = FxHashMap<(i64, i64), Vec<usize>>;

/// Who joins which sequence (attribute, scope, value of the scope), in order of appearance: by the claim that puts them there.
type Members = BTreeMap<(i64, i64, i64), Vec<usize>>;

/// Gives a number to each entity that joins a sequence without saying one, and checks those that are said.
pub(super) fn number<'v>(
    claims: &mut Vec<Claim<'v>>,
    vocabulary: &'v Vocabulary<'_>,
    resolver: &Resolver<'_>,
    refusals: &mut Refusals,
) -> Result<()> {
    let counts = |claim: &Claim<'_>| claim.added && claim.declaration.sequence_within.is_some();
    if !claims.iter().any(|claim| claim.added && !claim.declaration.sequences.is_empty() || counts(claim)) {
        return Ok(());
    }
    let mut said = Said::default();
    for (at, claim) in claims.iter().enumerate().filter(|(_, claim)| counts(claim)) {
        said.entry((claim.e, claim.a)).or_default().push(at);
    }
    let (members, joined) = members(claims, resolver)?;
    for ((sequence, scope, within), members) in members {
        let Some(declaration) = vocabulary.declaration(sequence) else { continue };
        let last = resolver.before.last_in_sequence(sequence, scope, within)?;
        Counting { declaration, last, said: &said }.number(claims, &members, refusals);
    }
    for ((e, sequence), numbers) in said.into_iter().filter(|(number, _)| !joined.contains(number)) {
        check_stray(e, sequence, &numbers, claims, resolver, refusals)?;
    }
    Ok(())
}

/// Who joins which sequence, and all of them as (entity, sequence). Who has a number joins no more.
fn members(claims: &[Claim<'_>], resolver: &Resolver<'_>) -> Result<(Members, FxHashSet<(i64, i64)>)> {
    let (mut members, mut joined) = (Members::new(), FxHashSet::default());
    for (at, claim) in claims.iter().enumerate().filter(|(_, claim)| claim.added) {
        let Value::Ref(within) = claim.v else { continue };
        for &sequence in &claim.declaration.sequences {
            let has_number = !claim.is_new && !resolver.before.values(claim.e, sequence)?.is_empty();
            if !has_number && joined.insert((claim.e, sequence)) {
                members.entry((sequence, claim.a, within)).or_default().push(at);
            }
        }
    }
    Ok((members, joined))
}

struct Counting<'c, 'v> {
    declaration: &'v Declaration,
    last: i64,
    said: &'c Said,
}

impl<'v> Counting<'_, 'v> {
    /// The members' numbers are exactly those that follow the last: what is said must be among them, the others get the rest.
    fn number(&self, claims: &mut Vec<Claim<'v>>, members: &[usize], refusals: &mut Refusals) {
        let sequence = self.declaration.attribute.id;
        let greatest = self.last.saturating_add(members.len() as i64);
        let mut taken: BTreeSet<i64> = BTreeSet::new();
        let mut wanting = Vec::new();
        for &member in members {
            let Some(numbers) = self.said.get(&(claims[member].e, sequence)) else {
                wanting.push(member);
                continue;
            };
            for &number in numbers {
                let Value::Long(n) = claims[number].v else { continue };
                if n <= self.last || n > greatest || !taken.insert(n) {
                    refusals.add_at(self.not_next(n), claims[number].span);
                }
            }
        }
        let mut next = self.last;
        for member in wanting {
            next = next.saturating_add(1);
            while taken.contains(&next) {
                next = next.saturating_add(1);
            }
            let joined = claims[member].clone();
            claims.push(Claim { a: sequence, v: Value::Long(next), declaration: self.declaration, ..joined });
        }
    }

    fn not_next(&self, n: i64) -> Error {
        let ident = &self.declaration.attribute.ident;
        let next = self.last.saturating_add(1);
        Error::new(ErrorKind::Sequence, format!(":{ident} {n} is not the next in turn, which is {next}"))
            .with_value(n)
            .with_help(format!("leave :{ident} out, so that the next number is given"))
    }
}

/// A number said of an entity that joins no sequence here must be the one it has.
fn check_stray(
    e: i64,
    sequence: i64,
    numbers: &[usize],
    claims: &[Claim<'_>],
    resolver: &Resolver<'_>,
    refusals: &mut Refusals,
) -> Result<()> {
    for claim in numbers.iter().map(|number| &claims[*number]) {
        let numbered = if claim.is_new { Vec::new() } else { resolver.before.values(e, sequence)? };
        if numbered.iter().any(|datom| datom.v == claim.v) {
            continue;
        }
        let ident = &claim.declaration.attribute.ident;
        let scope = claim.declaration.sequence_within.map_or_else(String::new, |scope| resolver.describe(scope));
        let (message, help) = match numbered.first() {
            Some(number) => (format!(":{ident} is {} already and never changes", number.v), "leave it out".to_owned()),
            None => (format!(":{ident} counts within {scope}, which is not said"), format!("say {scope} of the entity too")),
        };
        refusals.add_at(Error::new(ErrorKind::Sequence, message).with_value(&claim.v).with_help(help), claim.span);
    }
    Ok(())
}
