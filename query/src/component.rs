//! Which of many things lead to each other and back, such as rules that call each other.

/// For each of `0..leads_to.len()` the number of its component: two have one number if each leads to the other. What a component leads to
/// has smaller numbers than its own.
///
/// Takes time in proportion to the edges, and no stack however long a way is.
pub(crate) fn components(leads_to: &[Vec<usize>]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut found = vec![NONE; leads_to.len()];
    // When each was first seen, and the earliest that it leads back to among those that have no component yet.
    let mut seen = vec![NONE; leads_to.len()];
    let mut earliest = vec![NONE; leads_to.len()];
    let mut without: Vec<usize> = Vec::new();
    let (mut time, mut count) = (0, 0);
    for start in 0..leads_to.len() {
        // The way to where we are, each with the edges already gone along.
        let mut way = if seen[start] == NONE { vec![(start, 0)] } else { Vec::new() };
        while let Some((node, gone)) = way.last_mut() {
            let node = *node;
            if *gone == 0 {
                (seen[node], earliest[node]) = (time, time);
                time += 1;
                without.push(node);
            }
            let next = leads_to[node].get(*gone).copied();
            *gone += 1;
            if let Some(next) = next {
                if seen[next] == NONE {
                    way.push((next, 0));
                } else if found[next] == NONE {
                    earliest[node] = earliest[node].min(seen[next]);
                }
                continue;
            }
            way.pop();
            if let Some((before, _)) = way.last() {
                earliest[*before] = earliest[*before].min(earliest[node]);
            }
            if earliest[node] == seen[node] {
                while let Some(member) = without.pop() {
                    found[member] = count;
                    if member == node {
                        break;
                    }
                }
                count += 1;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::components;

    /// The same by trying every way.
    fn by_reach(leads_to: &[Vec<usize>]) -> Vec<Vec<bool>> {
        let reach = |start: usize| {
            let mut reached = vec![false; leads_to.len()];
            let mut open = vec![start];
            while let Some(next) = open.pop() {
                if !std::mem::replace(&mut reached[next], true) {
                    open.extend(&leads_to[next]);
                }
            }
            reached
        };
        (0..leads_to.len()).map(reach).collect()
    }

    #[test]
    fn two_are_of_one_component_if_each_leads_to_the_other_and_what_is_led_to_comes_first() {
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for round in 0..500 {
            let count = 1 + next(9);
            let mut leads_to = vec![Vec::new(); count];
            for _ in 0..next(2 * count + 1) {
                leads_to[next(count)].push(next(count));
            }
            let (found, reached) = (components(&leads_to), by_reach(&leads_to));
            for a in 0..count {
                for b in 0..count {
                    assert_eq!(found[a] == found[b], reached[a][b] && reached[b][a], "{a} {b} of {round}: {leads_to:?}");
                    assert!(!reached[a][b] || found[b] <= found[a], "{a} {b} of {round}: {leads_to:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_way_needs_no_stack() {
        let count = 1_000_000;
        let ring = (0..count).map(|at| vec![(at + 1) % count]).collect::<Vec<_>>();
        assert!(components(&ring).iter().all(|component| *component == 0));
    }
}
