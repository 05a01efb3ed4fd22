//! Many changes in one text: each stands beside the old code, and a number decides at run time which of them is made.
//!
//! `a < b` becomes `(if on(7) { (a) <= (b) } else { a < b })`; a function that is to give another value begins with
//! `if on(8) { return value; }`; an arm that is never taken gets the guard `if !on(9)`.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Arm, Expr, ExprBinary, ExprStruct, ExprUnary};

use crate::change::{Change, Kind};

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
        if change.kind == Kind::Function && change.replacement.contains("::std::iter::") {
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
