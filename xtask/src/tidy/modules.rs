//! Which module of the Python package may import which: only those of a lower row, and none in a circle.
//!
//! Imports inside functions count too, since they hide a circle without undoing it. Those below `if TYPE_CHECKING:`
//! don't, because they never run.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::sources::Source;

/// The modules and folders of the package, from the lowest row up. All modules in a folder have its row, and may import
/// each other, except in a circle. Modules and folders of one row don't import each other.
const ROWS: [&[&str]; 13] = [
    &["optional"],
    &[
        "_rust",
        "event_loop",
        "exceptions",
        "forks",
        "logs",
        "messages",
        "migrations",
        "overriding",
        "registry",
        "signals",
        "stop_iteration",
        "terminal",
        "transactions",
    ],
    &["browsers", "clock", "conf", "events", "threads"],
    &["api_keys", "jwt", "misspelt"],
    &["auth", "jws", "models"],
    &["account_changes", "gate"],
    &["decorators", "handlers"],
    &["api", "asgi", "drf", "ninja"],
    &["sessions", "shadow"],
    &[
        "__init__",
        "debug",
        "middleware",
        "migrate",
        "oauth",
        "routes",
    ],
    &["checks", "testing"],
    &["doctor", "pruning", "user_admin"],
    &["admin", "apps", "management"],
];

const PACKAGE: &str = "bindings/python/python/boltguard/";

/// Checks every import of the package.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let modules: Vec<Module> = sources.iter().filter_map(Module::read).collect();
    let names: BTreeSet<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    let mut findings = Vec::new();
    let mut graph = BTreeMap::new();
    for module in &modules {
        let imports = module.imports(&names);
        findings.extend(module.complaints(&imports));
        findings.extend(module.relative_imports());
        let targets: BTreeSet<String> = imports.into_iter().map(|(_, name)| name).collect();
        graph.insert(module.name.clone(), targets);
    }
    findings.extend(circles(&graph).into_iter().map(|circle| {
        let circle: Vec<String> = circle.iter().map(|name| shown(name)).collect();
        let what = format!("{}; break the circle", circle.join(" imports "));
        Finding::new(PACKAGE.trim_end_matches('/'), what)
    }));
    findings
}

/// A module and its source. The name is without `boltguard.`, and that of the package itself is `__init__`.
struct Module<'a> {
    name: String,
    source: &'a Source,
}

impl<'a> Module<'a> {
    fn read(source: &'a Source) -> Option<Self> {
        let inner = source.path.strip_prefix(PACKAGE)?;
        let stem = inner
            .strip_suffix(".py")
            .or_else(|| inner.strip_suffix(".pyi"))?;
        let name = stem.strip_suffix("/__init__").unwrap_or(stem);
        Some(Self {
            name: name.replace('/', "."),
            source,
        })
    }

    /// The modules of the package that this one imports, with the numbers of the lines.
    fn imports(&self, names: &BTreeSet<&str>) -> BTreeSet<(usize, String)> {
        statements(self.source)
            .into_iter()
            .flat_map(|(number, statement)| {
                imported(&statement)
                    .into_iter()
                    .filter_map(|name| resolve(&name, names))
                    .map(move |name| (number, name))
                    .collect::<Vec<_>>()
            })
            .filter(|(_, name)| *name != self.name)
            .collect()
    }

    /// Findings for relative imports, which aren't supported here.
    fn relative_imports(&self) -> impl Iterator<Item = Finding> {
        let relative = |(number, statement): (usize, String)| {
            let place = format!("{}:{number}", self.source.path);
            let what = "a relative import; write the full name of the module";
            statement
                .starts_with("from .")
                .then(|| Finding::new(place, what))
        };
        statements(self.source).into_iter().filter_map(relative)
    }

    fn complaints(&self, imports: &BTreeSet<(usize, String)>) -> Vec<Finding> {
        let place = |number: usize| format!("{}:{number}", self.source.path);
        if place_of(&self.name).is_none() {
            let what = format!(
                "{} has no row; give it one in xtask/src/tidy/modules.rs",
                shown(&self.name)
            );
            return vec![Finding::new(place(1), what)];
        }
        imports
            .iter()
            .filter_map(|(number, name)| {
                Some(Finding::new(place(*number), complaint(&self.name, name)?))
            })
            .collect()
    }
}

fn complaint(from: &str, to: &str) -> Option<String> {
    // A module without a row is reported separately.
    let ((above, own), (below, other)) = (place_of(from)?, place_of(to)?);
    let (from, to) = (shown(from), shown(to));
    (own != other && below >= above).then(|| {
        format!(
            "{from} (row {above}) imports {to} (row {below}); only lower rows are allowed, \
             see xtask/src/tidy/modules.rs"
        )
    })
}

/// The row of a module, and the entry of the table that it belongs to.
fn place_of(name: &str) -> Option<(usize, &'static str)> {
    let holds = |entry: &str| {
        name.strip_prefix(entry)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    ROWS.iter()
        .enumerate()
        .find_map(|(row, entries)| Some((row, *entries.iter().find(|entry| holds(entry))?)))
}

fn shown(name: &str) -> String {
    match name {
        "__init__" => "boltguard".to_owned(),
        _ => format!("boltguard.{name}"),
    }
}

/// The import statements that are executed, each joined to one line, with their line numbers.
fn statements(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_string = false;
    let mut types_only: Option<usize> = None;
    let mut open: Option<(usize, String)> = None;
    for (number, line) in source.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let was_in_string = in_string;
        in_string ^= line.matches("\"\"\"").count() % 2 == 1;
        if was_in_string || text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some((first, statement)) = open.take() {
            open = Some((first, format!("{statement} {}", uncommented(text))));
        } else if types_only.is_some_and(|outer| indent > outer) {
            continue;
        } else {
            types_only = text.starts_with("if TYPE_CHECKING:").then_some(indent);
            let begins = text.starts_with("import ") || text.starts_with("from ");
            open = begins.then(|| (number, uncommented(text).to_owned()));
        }
        if let Some(statement) = open.take_if(|(_, text)| !text.contains('(') || text.contains(')'))
        {
            found.push(statement);
        }
    }
    found
}

fn uncommented(text: &str) -> &str {
    text.split('#').next().unwrap_or_default().trim_end()
}

/// The full names that a statement imports: for `from a import b` this is `a.b`, even if `b` isn't a module.
fn imported(statement: &str) -> Vec<String> {
    let (base, list) = match statement.strip_prefix("from ") {
        Some(rest) => match rest.split_once(" import ") {
            Some((base, list)) => (format!("{}.", base.trim()), list),
            None => return Vec::new(),
        },
        None => (String::new(), statement.trim_start_matches("import ")),
    };
    list.trim_matches(['(', ')'])
        .split(',')
        .filter_map(|item| item.split_whitespace().next())
        .map(|name| format!("{base}{name}"))
        .collect()
}

/// The module of the package that a full name is, or is in.
fn resolve(full: &str, names: &BTreeSet<&str>) -> Option<String> {
    let mut name = match full.strip_prefix("boltguard") {
        Some("") => return Some("__init__".to_owned()),
        Some(rest) => rest.strip_prefix('.')?,
        None => return None,
    };
    loop {
        if names.contains(name) {
            return Some(name.to_owned());
        }
        match name.rsplit_once('.') {
            Some((outer, _)) => name = outer,
            None => return Some("__init__".to_owned()),
        }
    }
}

/// Each circle once, as a list of modules that begins and ends with the same one.
pub(super) fn circles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for name in graph.keys() {
        follow(name, graph, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn follow(
    name: &str,
    graph: &BTreeMap<String, BTreeSet<String>>,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
    found: &mut Vec<Vec<String>>,
) {
    if let Some(start) = way.iter().position(|passed| passed == name) {
        let circle = way[start..].iter().cloned();
        found.push(circle.chain([name.to_owned()]).collect());
        return;
    }
    if done.contains(name) {
        return;
    }
    way.push(name.to_owned());
    for target in graph.get(name).into_iter().flatten() {
        follow(target, graph, way, done, found);
    }
    way.pop();
    done.insert(name.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&str; 0] = [];

    /// The findings for a package of these files, together with some that import nothing.
    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let empty = ["__init__.py", "_rust.pyi", "conf.py", "auth/__init__.py"];
        let sources: Vec<Source> = empty
            .iter()
            .map(|path| (*path, ""))
            .filter(|(path, _)| files.iter().all(|(given, _)| given != path))
            .chain(files.iter().copied())
            .map(|(path, text)| Source {
                path: format!("{PACKAGE}{path}"),
                text: text.to_owned(),
            })
            .collect();
        check(&sources)
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    /// The finding for an import that isn't allowed. The rows are those of the table, which changes with the package.
    fn upward(from: &str, to: &str) -> String {
        let row = |name| place_of(name).expect("the module has a row").0;
        format!(
            "boltguard.{from} (row {}) imports boltguard.{to} (row {}); only lower rows are allowed, \
             see xtask/src/tidy/modules.rs",
            row(from),
            row(to)
        )
    }

    #[test]
    fn a_module_may_import_a_lower_row() {
        for text in [
            "from boltguard import conf, _rust\n",
            "import boltguard.conf as settings\n",
            "from boltguard.conf import (\n    current,  # of this (moment)\n    written,\n)\n",
            "import os, django\nfrom boltguarded import auth\n",
        ] {
            assert_eq!(complaints(&[("auth/guards.py", text)]), NONE);
        }
    }

    #[test]
    fn a_module_that_reaches_upward_is_caught() {
        for text in [
            "from boltguard.auth.guards import Guard\n",
            "from boltguard.auth import (\n    stores,\n    guards,\n)\n",
            "import os, boltguard.auth.guards\n",
            "def late():\n    from boltguard.auth import guards\n",
            "async def late():\n    try:\n        import boltguard.auth.guards as found\n    finally:\n        pass\n",
        ] {
            let found = complaints(&[("conf.py", text), ("auth/guards.py", "")]);
            let expected = upward("conf", "auth.guards");
            assert!(found.contains(&expected), "{text}{found:?}");
        }
    }

    #[test]
    fn a_module_that_reaches_sideways_is_caught() {
        let found = complaints(&[
            ("conf.py", "from boltguard import threads\n"),
            ("threads.py", ""),
        ]);
        assert_eq!(found, [upward("conf", "threads")]);
    }

    #[test]
    fn a_circle_inside_of_a_folder_is_caught() {
        let found = complaints(&[
            ("auth/guards.py", "from boltguard.auth import stores\n"),
            (
                "auth/stores.py",
                "def f():\n    from boltguard.auth.guards import Guard\n",
            ),
        ]);
        assert_eq!(
            found,
            [
                "boltguard.auth.guards imports boltguard.auth.stores imports boltguard.auth.guards; break the circle"
            ]
        );
    }

    #[test]
    fn imports_for_types_are_free() {
        let text = "if TYPE_CHECKING:\n    from boltguard.auth import Guard\n\n    import boltguard.auth\nx = 1\n";
        assert_eq!(complaints(&[("conf.py", text)]), NONE);
        let after = format!("{text}def f():\n    from boltguard import auth\n");
        assert_eq!(complaints(&[("conf.py", &after)]), [upward("conf", "auth")]);
        let other = "if not TYPE_CHECKING:\n    from boltguard import auth\n";
        assert_eq!(complaints(&[("conf.py", other)]), [upward("conf", "auth")]);
    }

    #[test]
    fn examples_in_strings_and_comments_are_free() {
        let text =
            "\"\"\"Reads it.\n\nfrom boltguard import auth\n\"\"\"\n# from boltguard import auth\n";
        assert_eq!(complaints(&[("conf.py", text)]), NONE);
    }

    #[test]
    fn a_relative_import_is_caught() {
        for text in [
            "from . import auth\n",
            "def f():\n    from .auth import x\n",
        ] {
            assert_eq!(
                complaints(&[("conf.py", text)]),
                ["a relative import; write the full name of the module"]
            );
        }
    }

    #[test]
    fn a_module_without_a_row_is_caught() {
        assert_eq!(
            complaints(&[("unknown/__init__.py", "")]),
            ["boltguard.unknown has no row; give it one in xtask/src/tidy/modules.rs"]
        );
    }
}
