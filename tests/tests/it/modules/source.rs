//! Which modules a crate has and which paths each of them names: enough of Rust's grammar for that,
//! and no more.
//!
//! Read are `mod` declarations (with `#[path]`), `use` trees and paths in code that begin with
//! `crate`, `super` or `self`. Code under `#[cfg(test)]` is left out. A macro's output is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A path from the crate's root.
pub(crate) type Name = Vec<String>;

/// What one module says.
#[derive(Default)]
pub(crate) struct Module {
    /// Paths in its code, from the root.
    pub(crate) references: Vec<Name>,
    /// What it declares itself.
    items: BTreeSet<String>,
    /// What its `use` trees bring in by name, and from where.
    imports: BTreeMap<String, Name>,
    /// Modules it brings in whole.
    globs: Vec<Name>,
}

/// The modules of one target.
#[derive(Default)]
pub(crate) struct Modules(pub(crate) BTreeMap<Name, Module>);

impl Modules {
    /// Reads a target from its root file on.
    pub(crate) fn of_target(root: &Path) -> Self {
        let mut modules = Self::default();
        let mut files =
            vec![(root.to_owned(), root.parent().expect("a file in a folder").to_owned(), Name::new())];
        while let Some((file, children, name)) = files.pop() {
            let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            for declared in modules.read(&text, name) {
                let last = declared.name.last().expect("a name").clone();
                // Inline modules between the file and the declaration are folders.
                let folder = declared.inside.iter().fold(children.clone(), |at, inline| at.join(inline));
                if declared.paths.is_empty() {
                    files.push((existing(&folder, &last), folder.join(&last), declared.name.clone()));
                }
                for path in declared.paths {
                    // A file that is named by its path has its modules beside it.
                    let file = file.parent().expect("a file in a folder").join(path);
                    let beside = file.parent().expect("a file in a folder").to_owned();
                    files.push((file, beside, declared.name.clone()));
                }
            }
        }
        modules
    }

    /// Reads one file's text as this module; returns the modules that have separate files.
    pub(crate) fn read(&mut self, text: &str, name: Name) -> Vec<Declared> {
        let mut reader = Reader { tokens: tokens(text), at: 0, modules: self, declared: Vec::new() };
        let inside = Vec::new();
        reader.module(name, inside);
        reader.declared
    }

    /// The module that declares what a path names.
    pub(crate) fn home(&self, path: &[String]) -> Name {
        self.find(path, 0).unwrap_or_default()
    }

    fn find(&self, path: &[String], depth: usize) -> Option<Name> {
        let mut at = Name::new();
        for (i, segment) in path.iter().enumerate() {
            let module = self.0.get(&at)?;
            at.push(segment.clone());
            if self.0.contains_key(&at) {
                continue;
            }
            at.pop();
            // Imports that lead round in a circle are no names of Rust; eight steps are more than
            // any real chain has.
            if module.items.contains(segment) || depth > 8 {
                return Some(at);
            }
            if let Some(from) = module.imports.get(segment) {
                let rest: Name = from.iter().chain(&path[i + 1..]).cloned().collect();
                return self.find(&rest, depth + 1);
            }
            let through = module.globs.iter().find_map(|glob| {
                let home = self.0.get(glob)?;
                let has = home.items.contains(segment) || home.imports.contains_key(segment);
                let whole: Name = glob.iter().chain(&path[i..]).cloned().collect();
                has.then(|| self.find(&whole, depth + 1))?
            });
            return through.or(Some(at));
        }
        Some(at)
    }
}

/// A module with a separate file.
pub(crate) struct Declared {
    name: Name,
    /// Inline modules around the declaration, within its file.
    inside: Vec<String>,
    /// Files that `#[path]` names: one, or one for each feature.
    paths: Vec<PathBuf>,
}

fn existing(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(format!("{name}.rs"));
    if file.exists() { file } else { folder.join(name).join("mod.rs") }
}

struct Reader<'a> {
    tokens: Vec<String>,
    at: usize,
    modules: &'a mut Modules,
    declared: Vec<Declared>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let token = self.peek(0).to_owned();
        self.at += 1;
        token
    }

    /// Reads the items of a module up to its end.
    fn module(&mut self, name: Name, inside: Vec<String>) {
        self.modules.0.entry(name.clone()).or_default();
        let (mut depth, mut files) = (0, Vec::new());
        while self.at < self.tokens.len() {
            match (self.peek(0), self.peek(1)) {
                ("#", "[") => {
                    let attribute = self.attribute();
                    if attribute == ["cfg", "(", "test", ")"] {
                        self.skip_item();
                    }
                    let named = attribute.windows(3).filter(|w| w[0] == "path" && w[1] == "=");
                    files.extend(named.map(|w| PathBuf::from(w[2].trim_matches('"'))));
                }
                ("mod", _) if depth == 0 => self.submodule(&name, &inside, core::mem::take(&mut files)),
                ("use", _) => {
                    self.at += 1;
                    self.tree(&name, Vec::new(), depth == 0);
                }
                ("crate" | "super" | "self", "::") => {
                    let path = self.path();
                    self.refer(&name, path);
                }
                (token, _) => {
                    match token {
                        "{" => depth += 1,
                        "}" if depth == 0 => {
                            self.at += 1;
                            return;
                        }
                        "}" => depth -= 1,
                        _ => (),
                    }
                    self.item(&name, depth);
                }
            }
        }
    }

    /// One token of an item; notes what the item is called.
    fn item(&mut self, module: &Name, depth: usize) {
        const KINDS: [&str; 8] = ["struct", "enum", "trait", "fn", "type", "const", "static", "union"];
        let token = self.next();
        let is_name = |t: &str| t.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let named = match token.as_str() {
            "macro_rules" if self.peek(0) == "!" => self.peek(1),
            kind if KINDS.contains(&kind) => self.peek(0),
            _ => return,
        };
        if depth == 0 && is_name(named) && !KINDS.contains(&named) {
            let named = named.to_owned();
            self.modules.0.get_mut(module).expect("being read").items.insert(named);
        }
    }

    /// The tokens between the brackets of an attribute.
    fn attribute(&mut self) -> Vec<String> {
        self.at += 2;
        let (start, mut depth) = (self.at, 1);
        while depth > 0 && self.at < self.tokens.len() {
            match self.next().as_str() {
                "[" => depth += 1,
                "]" => depth -= 1,
                _ => (),
            }
        }
        self.tokens[start..self.at - 1].to_vec()
    }

    /// Passes over the item that follows.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.next().as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" => depth -= 1,
                "}" => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                ";" | "," if depth == 0 => return,
                _ => (),
            }
        }
    }

    fn submodule(&mut self, parent: &Name, inside: &[String], paths: Vec<PathBuf>) {
        self.at += 1;
        let last = self.next();
        let name: Name = parent.iter().chain([&last]).cloned().collect();
        if self.next() == "{" {
            let inside = inside.iter().chain([&last]).cloned().collect();
            self.module(name, inside);
        } else {
            self.modules.0.entry(name.clone()).or_default();
            self.declared.push(Declared { name, inside: inside.to_vec(), paths });
        }
    }

    /// Names joined by `::`.
    fn path(&mut self) -> Name {
        let mut path = vec![self.next()];
        while self.peek(0) == "::" && self.peek(1).starts_with(|c: char| c.is_alphabetic() || c == '_') {
            self.at += 1;
            path.push(self.next());
        }
        path
    }

    /// One branch of a `use`, up to what ends it.
    fn tree(&mut self, module: &Name, prefix: Name, at_top: bool) {
        let mut path = prefix;
        loop {
            match self.next().as_str() {
                "::" => continue,
                "{" => {
                    while self.peek(0) != "}" {
                        self.tree(module, path.clone(), at_top);
                        if self.peek(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                "*" => {
                    if let Some(whole) = self.absolute(module, &path) {
                        self.modules.0.get_mut(module).expect("being read").globs.push(whole.clone());
                        self.refer_to(module, whole);
                    }
                    return;
                }
                name => path.push(name.to_owned()),
            }
            match self.peek(0) {
                "::" => (),
                "as" => {
                    self.at += 1;
                    let alias = self.next();
                    return self.import(module, path, alias, at_top);
                }
                _ => {
                    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                        path.pop();
                    }
                    let alias = path.last().cloned().unwrap_or_default();
                    return self.import(module, path, alias, at_top);
                }
            }
        }
    }

    fn import(&mut self, module: &Name, path: Name, alias: String, at_top: bool) {
        let absolute = self.absolute(module, &path);
        let here = self.modules.0.get_mut(module).expect("being read");
        match absolute {
            Some(from) => {
                if at_top {
                    here.imports.insert(alias, from.clone());
                }
                here.references.push(from);
            }
            // Of another crate: as if it were declared here.
            None if at_top => {
                here.items.insert(alias);
            }
            None => (),
        }
    }

    fn refer(&mut self, module: &Name, path: Name) {
        if let Some(absolute) = self.absolute(module, &path) {
            self.refer_to(module, absolute);
        }
    }

    fn refer_to(&mut self, module: &Name, absolute: Name) {
        self.modules.0.get_mut(module).expect("being read").references.push(absolute);
    }

    /// A path from the root; none if it begins in another crate.
    fn absolute(&self, module: &Name, path: &[String]) -> Option<Name> {
        let first = path.first()?;
        let mut at = match first.as_str() {
            "crate" => Name::new(),
            "super" | "self" => module.clone(),
            child => {
                let inside: Name = module.iter().chain([&child.to_owned()]).cloned().collect();
                let is_child = self.modules.0.contains_key(&inside) || self.declares(child);
                return is_child.then(|| module.iter().chain(path).cloned().collect());
            }
        };
        for segment in path {
            match segment.as_str() {
                "crate" | "self" => (),
                "super" => {
                    at.pop();
                }
                name => at.push(name.to_owned()),
            }
        }
        Some(at)
    }

    /// Whether the file has `mod name` somewhere, also further down.
    fn declares(&self, name: &str) -> bool {
        self.tokens.windows(2).any(|pair| pair[0] == "mod" && pair[1] == name)
    }
}

/// Names, `::` and single signs; neither comments nor what is in strings but for the string that an
/// attribute names.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let rest = &chars[i..];
        i += match rest {
            ['/', '/', ..] => length_until(rest, |r| r[0] == '\n'),
            ['/', '*', ..] => length_until(rest, |r| r.starts_with(&['*', '/'])) + 2,
            ['r', '#' | '"', ..] if raw_string(rest).is_some() => raw_string(rest).unwrap_or(1),
            ['"', ..] => {
                let length = string(rest);
                out.push(rest[..length.min(rest.len())].iter().collect());
                length
            }
            // A character, or else a lifetime.
            ['\'', '\\', _, ..] => 3 + length_until(&rest[3..], |r| r[0] == '\'') + 1,
            ['\'', _, '\'', ..] => 3,
            [':', ':', ..] => {
                out.push("::".to_owned());
                2
            }
            [c, ..] if c.is_alphanumeric() || *c == '_' => {
                let length = length_until(rest, |r| !(r[0].is_alphanumeric() || r[0] == '_'));
                out.push(rest[..length].iter().collect());
                length
            }
            [c, ..] => {
                if !c.is_whitespace() {
                    out.push(c.to_string());
                }
                1
            }
            [] => 1,
        };
    }
    out
}

/// How many characters come before the first rest that is the end.
fn length_until(rest: &[char], end: impl Fn(&[char]) -> bool) -> usize {
    (0..rest.len()).find(|i| end(&rest[*i..])).unwrap_or(rest.len())
}

/// Length of the string that begins here.
fn string(rest: &[char]) -> usize {
    let mut i = 1;
    while i < rest.len() && rest[i] != '"' {
        i += if rest[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// Length of the raw string that begins here, if one does.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    (rest.get(1 + hashes) == Some(&'"')).then(|| {
        let mut end = vec!['"'];
        end.extend(core::iter::repeat_n('#', hashes));
        let start = 2 + hashes;
        start + length_until(&rest[start..], |r| r.starts_with(&end)) + end.len()
    })
}
