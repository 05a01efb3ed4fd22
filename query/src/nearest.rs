//! Names near to a misspelt one, for the remedies of errors.

/// At most `count` of `candidates` that `name` may have meant, the nearest first: those that differ in few letters, or of which
/// one holds the other.
///
/// ```
/// use annals_query::nearest::nearest;
/// assert_eq!(nearest("cuont", ["count", "sum", "count-distinct"], 1), ["count"]);
/// assert!(nearest("zzz", ["count", "sum"], 3).is_empty());
/// ```
pub fn nearest<'n>(name: &str, candidates: impl IntoIterator<Item = &'n str>, count: usize) -> Vec<&'n str> {
    let mut near: Vec<(usize, &str)> =
        candidates.into_iter().filter_map(|candidate| Some((distance_if_near(name, candidate)?, candidate))).collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(count).map(|(_, candidate)| candidate).collect()
}

/// The remedy `did you mean ...?`, or `otherwise` if nothing is near.
pub(crate) fn did_you_mean<'n>(
    name: &str,
    candidates: impl IntoIterator<Item = &'n str>,
    otherwise: impl Into<String>,
) -> String {
    match nearest(name, candidates, 1).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => otherwise.into(),
    }
}

fn distance_if_near(name: &str, candidate: &str) -> Option<usize> {
    let longest = name.chars().count().max(candidate.chars().count());
    // Beyond this nobody misspells a name, and the table below would only cost time.
    if longest > 100 {
        return None;
    }
    let distance = distance(name, candidate);
    let holds = name.len() >= 3 && candidate.len() >= 3 && (candidate.contains(name) || name.contains(candidate));
    (holds || distance <= longest / 3).then_some(distance)
}

/// Letters to add, drop, replace, or swap with their neighbour (Damerau and Levenshtein, restricted).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
