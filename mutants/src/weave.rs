//! Many changes in one text: each stands beside the old code, and a number decides at run time which of them is made.
//!
//! `a < b` becomes `(if on(7) { (a) <= (b) } else { a < b })`; a function that is to give another value begins with
//! `if on(8) { return value; }`; one that is to give no item takes none of its own, `.take(if on(9) { 0 } else { usize::MAX })`; an arm that is
//! never taken gets the guard `if !on(9)`.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, ExprBinary, ExprStruct, ExprUnary, Stmt};

use crate::change::{Change, Kind};

/// What a function gives that is to give an iterator without items: it takes none of its own.
const EMPTY: &str = "::std::iter::empty()";

/// A file with its changes woven in.
#[derive(Debug, Default)]
pub struct Woven {
    /// The text.
    pub text: String,
    /// Where each change's own text stands.
    pub ranges: Vec<(usize, Range<usize>)>,
    /// Where the expressions stand that hold changes, with all of theirs.
    pub nodes: Vec<(Vec<usize>, Range<usize>)>,
    /// Changes that have no place in a text like this.
    pub left_out: Vec<usize>,
}

/// A place of the old text.
#[derive(Debug)]
enum Piece {
    /// Text to add, for one change.
    Insert(usize, String),
    /// An expression with what stands for it under each of its changes.
    Choice(Vec<(usize, String)>),
}

struct Finder<'a> {
    source: &'a str,
    path: &'a str,
    wanted: BTreeMap<(usize, usize), Vec<&'a Change>>,
    inserts: Vec<(usize, usize, String)>,
    choices: BTreeMap<(usize, usize), Vec<(usize, String)>>,
}

/// Weaves changes into a file's text. `path` is how the file's crate names the module that decides.
pub fn weave<'a>(source: &'a str, changes: &[&'a Change], path: &'a str) -> Result<Woven, String> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let mut wanted: BTreeMap<(usize, usize), Vec<&Change>> = BTreeMap::new();
    let (mut inserts, mut left_out) = (Vec::new(), Vec::new());
    for change in changes {
        if change.kind == Kind::Function && change.replacement == EMPTY {
            wanted.entry(change.start).or_default().push(change);
        } else if change.kind == Kind::Function && change.replacement.contains("::std::iter::") {
            // A function that gives some iterator gives one of the same type everywhere.
            left_out.push(change.id);
        } else if change.kind == Kind::Function {
            let text = format!("if {path}::on({}) {{ return {}; }} ", change.id, change.replacement);
            inserts.push((offset(source, change.start), change.id, text));
        } else {
            wanted.entry(change.start).or_default().push(change);
        }
    }
    let mut finder = Finder { source, path, wanted, inserts, choices: BTreeMap::new() };
    finder.visit_file(&file);
    let mut woven = finder.write();
    woven.left_out.extend(left_out);
    Ok(woven)
}

/// The place of a line and a column in bytes.
fn offset(source: &str, (line, column): (usize, usize)) -> usize {
    let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let letters = source[start..].char_indices().nth(column - 1);
    letters.map_or(source.len(), |(at, _)| start + at)
}

fn place(LineColumn { line, column }: LineColumn) -> (usize, usize) {
    (line, column + 1)
}

/// Whether an expression binds variables for what follows it, so that it cannot stand in brackets.
fn binds(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => binds(&binary.left) || binds(&binary.right),
        _ => false,
    }
}

impl<'a> Finder<'a> {
    fn text(&self, node: &impl Spanned) -> &'a str {
        &self.source[node.span().byte_range()]
    }

    fn take(&mut self, at: Span, kind: Kind) -> Vec<&'a Change> {
        let Some(found) = self.wanted.get_mut(&place(at.start())) else { return Vec::new() };
        found.extract_if(.., |change| change.kind == kind).collect()
    }

    fn choose(&mut self, node: &impl Spanned, variants: impl IntoIterator<Item = (usize, String)>) {
        let range = node.span().byte_range();
        let mut variants = variants.into_iter().peekable();
        if variants.peek().is_some() {
            self.choices.entry((range.start, range.end)).or_default().extend(variants);
        }
    }

    fn write(self) -> Woven {
        let mut pieces: Vec<(Range<usize>, Piece)> = Vec::new();
        pieces.extend(self.inserts.into_iter().map(|(at, id, text)| (at..at, Piece::Insert(id, text))));
        pieces.extend(self.choices.into_iter().map(|((start, end), variants)| (start..end, Piece::Choice(variants))));
        // What is added at a place stands before the expression that begins there, and outer expressions before inner ones.
        pieces.sort_by_key(|(range, _)| (range.start, range.end != range.start, usize::MAX - range.end));
        let left_out = self.wanted.into_values().flatten().map(|change| change.id).collect();
        let mut woven = Woven { left_out, ..Woven::default() };
        woven.emit(self.source, 0..self.source.len(), &pieces, self.path);
        woven
    }
}

impl Woven {
    /// The changes that leave out arms of the match whose value ends here: no arm may be missing where none takes everything.
    pub fn arms_after(&self, start: usize) -> Vec<usize> {
        let mut depth = 0;
        let mut end = start;
        for (at, letter) in self.text[start..].char_indices() {
            depth += match letter {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            end = start + at;
            if depth <= 0 && letter == '}' {
                break;
            }
        }
        let is_arm = |range: &Range<usize>| self.text[range.clone()].starts_with(" if !");
        let within = self.ranges.iter().filter(|(_, range)| start <= range.start && range.end <= end && is_arm(range));
        within.map(|(id, _)| *id).collect()
    }

    fn emit(&mut self, source: &str, range: Range<usize>, pieces: &[(Range<usize>, Piece)], path: &str) {
        let (mut at, mut next) = (range.start, 0);
        while let Some((place, piece)) = pieces.get(next) {
            next += 1;
            self.text += &source[at..place.start];
            at = place.end;
            match piece {
                Piece::Insert(id, text) => self.mark(*id, |woven| woven.text += text),
                Piece::Choice(variants) => {
                    let start = self.text.len();
                    self.text.push('(');
                    for (id, text) in variants {
                        self.mark(*id, |woven| woven.text += &format!("if {path}::on({id}) {{ {text} }} else "));
                    }
                    let inside = pieces[next..].iter().take_while(|(inner, _)| inner.start < place.end).count();
                    self.text += "{ ";
                    self.emit(source, place.clone(), &pieces[next..next + inside], path);
                    self.text += " })";
                    next += inside;
                    self.nodes.push((variants.iter().map(|(id, _)| *id).collect(), start..self.text.len()));
                }
            }
        }
        self.text += &source[at..range.end];
    }

    fn mark(&mut self, id: usize, write: impl FnOnce(&mut Self)) {
        let start = self.text.len();
        write(self);
        self.ranges.push((id, start..self.text.len()));
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_binary(&mut self, node: &'ast ExprBinary) {
        if !binds(&node.left) && !binds(&node.right) {
            let (left, right) = (self.text(&node.left), self.text(&node.right));
            let changes = self.take(node.op.span(), Kind::Binary);
            self.choose(node, changes.iter().map(|change| (change.id, format!("({left}) {} ({right})", change.replacement))));
        }
        visit::visit_expr_binary(self, node);
    }

    fn visit_expr_unary(&mut self, node: &'ast ExprUnary) {
        let inner = self.text(&node.expr).to_owned();
        let changes = self.take(node.op.span(), Kind::Unary);
        self.choose(node, changes.iter().map(|change| (change.id, inner.clone())));
        visit::visit_expr_unary(self, node);
    }

    fn visit_arm(&mut self, node: &'ast Arm) {
        let (never, path) = (self.take(node.span(), Kind::Arm), self.path);
        match &node.guard {
            None => {
                let end = node.pat.span().byte_range().end;
                self.inserts.extend(never.iter().map(|change| (end, change.id, format!(" if !{path}::on({})", change.id))));
            }
            Some((_, guard)) if binds(guard) => {
                let start = guard.span().byte_range().start;
                self.inserts.extend(never.iter().map(|change| (start, change.id, format!("!{path}::on({}) && ", change.id))));
            }
            Some((_, guard)) => {
                let changes = self.take(guard.span(), Kind::Guard);
                let given = changes.iter().map(|change| (change.id, change.replacement.clone()));
                let given: Vec<_> = given.chain(never.iter().map(|change| (change.id, "false".to_owned()))).collect();
                self.choose(&**guard, given);
            }
        }
        visit::visit_arm(self, node);
    }

    fn visit_block(&mut self, node: &'ast Block) {
        if let (Some(first), Some(Stmt::Expr(last @ (Expr::MethodCall(_) | Expr::Call(_)), None))) =
            (node.stmts.first(), node.stmts.last())
        {
            let (path, end) = (self.path, last.span().byte_range().end);
            let nothing = |id: usize| format!(".take(if {path}::on({id}) {{ 0 }} else {{ usize::MAX }})");
            let changes = self.take(first.span(), Kind::Function);
            self.inserts.extend(changes.iter().map(|change| (end, change.id, nothing(change.id))));
        }
        visit::visit_block(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast ExprStruct) {
        let mut variants = Vec::new();
        for field in &node.fields {
            for change in self.take(field.span(), Kind::Field) {
                let others = node.fields.iter().filter(|other| other.member != field.member);
                let others: String = others.map(|other| format!("{}, ", self.text(other))).collect();
                let base = node.rest.as_ref().map_or("", |rest| self.text(rest));
                variants.push((change.id, format!("{} {{ {others}..{base} }}", self.text(&node.path))));
            }
        }
        self.choose(node, variants);
        visit::visit_expr_struct(self, node);
    }
}

#[cfg(test)]
mod tests {
    //! Promise: a change stands beside the old code, which stays as it was. Attacked with each kind of change, changes within changes, and
    //! code that no change can be made in.

    use super::{Woven, weave};
    use crate::change::{Change, Kind};

    /// A change where `mark` stands for the first time after `fn`.
    fn change(id: usize, source: &str, kind: Kind, mark: &str, replacement: &str) -> Change {
        let at = source.find(mark).expect("the mark is in the source");
        let line = source[..at].matches('\n').count() + 1;
        let column = at - source[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
        let name = format!("{kind:?} {id}");
        Change { id, file: "lib.rs".to_owned(), name, kind, replacement: replacement.to_owned(), start: (line, column) }
    }

    fn woven(source: &str, changes: &[Change]) -> Woven {
        weave(source, &changes.iter().collect::<Vec<_>>(), "m").expect("the source is Rust")
    }

    #[track_caller]
    fn check(source: &str, changes: &[(Kind, &str, &str)], expected: &str) {
        let each = changes.iter().enumerate();
        let changes: Vec<Change> =
            each.map(|(at, (kind, mark, replacement))| change(at + 1, source, *kind, mark, replacement)).collect();
        let woven = woven(source, &changes);
        assert_eq!(woven.text, expected);
        assert_eq!(woven.left_out, Vec::<usize>::new());
        for (id, range) in &woven.ranges {
            assert!(woven.text[range.clone()].contains(&format!("m::on({id})")), "{id} in {}", &woven.text[range.clone()]);
        }
    }

    #[test]
    fn each_kind_of_change_stands_beside_the_old_code() {
        check(
            "fn f() -> u8 { g() }",
            &[(Kind::Function, "g()", "0"), (Kind::Function, "g()", "1")],
            "fn f() -> u8 { if m::on(1) { return 0; } if m::on(2) { return 1; } g() }",
        );
        check(
            "const fn f() { a < b }",
            &[(Kind::Binary, "<", "<=")],
            "const fn f() { (if m::on(1) { (a) <= (b) } else { a < b }) }",
        );
        check("fn f() { a += 1; }", &[(Kind::Binary, "+=", "-=")], "fn f() { (if m::on(1) { (a) -= (1) } else { a += 1 }); }");
        check("fn f() { if !a {} }", &[(Kind::Unary, "!", "")], "fn f() { if (if m::on(1) { a } else { !a }) {} }");
        check(
            "fn f() { match a { 1 => b, _ => c } }",
            &[(Kind::Arm, "1 =>", "")],
            "fn f() { match a { 1 if !m::on(1) => b, _ => c } }",
        );
        check(
            "fn f() { match a { x if g(x) => b, _ => c } }",
            &[(Kind::Guard, "g(x)", "true"), (Kind::Guard, "g(x)", "false"), (Kind::Arm, "x if", "")],
            "fn f() { match a { x if (if m::on(1) { true } else if m::on(2) { false } else if m::on(3) { false } else { g(x) }) \
             => b, _ => c } }",
        );
        check(
            "fn f() { let a = b; a.iter() }",
            &[(Kind::Function, "let a", "::std::iter::empty()")],
            "fn f() { let a = b; a.iter().take(if m::on(1) { 0 } else { usize::MAX }) }",
        );
        check(
            "fn f() { S { a: 1, b: 2, ..old } }",
            &[(Kind::Field, "a: 1", "")],
            "fn f() { (if m::on(1) { S { b: 2, ..old } } else { S { a: 1, b: 2, ..old } }) }",
        );
    }

    #[test]
    fn a_change_within_another_is_made_in_the_old_code() {
        check(
            "fn f() { a && b == c }",
            &[(Kind::Binary, "&&", "||"), (Kind::Binary, "==", "!=")],
            "fn f() { (if m::on(1) { (a) || (b == c) } else { a && (if m::on(2) { (b) != (c) } else { b == c }) }) }",
        );
    }

    #[test]
    fn what_cannot_stand_in_brackets_is_left_out_and_what_is_inside_is_not() {
        let source = "fn f() { if let Some(a) = g && a > 1 {} }";
        let changes = [change(1, source, Kind::Binary, "&&", "||"), change(2, source, Kind::Binary, ">", "<")];
        let woven = woven(source, &changes);
        assert_eq!(woven.text, "fn f() { if let Some(a) = g && (if m::on(2) { (a) < (1) } else { a > 1 }) {} }");
        assert_eq!(woven.left_out, [1]);
    }

    #[test]
    fn the_arms_of_a_match_are_found_from_its_value() {
        let source = "fn f() { match a { 1 => { b } 2 => c, _ => d } match e { 3 => g, _ => h } }";
        let marks = ["1 =>", "2 =>", "3 =>"];
        let changes: Vec<Change> =
            marks.iter().enumerate().map(|(at, mark)| change(at + 1, source, Kind::Arm, mark, "")).collect();
        let woven = woven(source, &changes);
        let end = woven.text.find("match a").expect("the match is there") + "match a".len();
        assert_eq!(woven.arms_after(end), [1, 2]);
    }
}
