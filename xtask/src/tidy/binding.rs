//! Which module of the Python binding may use which: none may use itself by way of others.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::modules::circles;
use super::sources::Source;

const FOLDER: &str = "bindings/python/src/";

/// Checks the paths that begin with `crate::`.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    let modules: BTreeMap<String, &Source> = sources.iter().filter_map(module).collect();
    let graph = modules
        .iter()
        .map(|(name, source)| (name.clone(), used(name, source, &modules)))
        .collect();
    circles(&graph)
        .into_iter()
        .map(|circle| {
            let what = format!("{}; break the circle", circle.join(" uses "));
            Finding::new(FOLDER.trim_end_matches('/'), what)
        })
        .collect()
}

/// A module with its name, such as `keys::set`. The root isn't one, because it names all others.
fn module(source: &Source) -> Option<(String, &Source)> {
    let path = source.path.strip_prefix(FOLDER)?.strip_suffix(".rs")?;
    let name = path.strip_suffix("/mod").unwrap_or(path);
    (name != "lib").then(|| (name.replace('/', "::"), source))
}

fn used(name: &str, source: &Source, modules: &BTreeMap<String, &Source>) -> BTreeSet<String> {
    source
        .lines()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(_, line)| line.split("crate::").skip(1))
        .filter_map(|path| longest(path, modules))
        .filter(|used| used != name)
        .collect()
}

/// The module that a path begins with.
fn longest(path: &str, modules: &BTreeMap<String, &Source>) -> Option<String> {
    let is_part = |char: char| char.is_alphanumeric() || char == '_' || char == ':';
    let end = path.find(|char| !is_part(char)).unwrap_or(path.len());
    let mut path = path[..end].trim_end_matches(':');
    while !modules.contains_key(path) {
        path = path.rsplit_once("::")?.0;
    }
    Some(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| Source {
            path: format!("{FOLDER}{path}"),
            text: (*text).to_owned(),
        };
        let sources: Vec<Source> = files.iter().map(source).collect();
        check(&sources)
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    #[test]
    fn a_circle_through_a_folder_is_caught() {
        let found = complaints(&[
            ("keys/mod.rs", "pub(crate) mod set;\n"),
            ("keys/set.rs", "use crate::time::{Seconds, now};\n"),
            ("time.rs", "fn f() { crate::keys::set::KeySet::new() }\n"),
        ]);
        assert_eq!(
            found,
            ["keys::set uses time uses keys::set; break the circle"]
        );
    }

    #[test]
    fn comments_the_root_and_modules_without_a_circle_are_fine() {
        let found = complaints(&[
            ("lib.rs", "use crate::keys::Key;\n"),
            ("keys/mod.rs", "use crate::keys::set;\n// crate::gate\n"),
            ("keys/set.rs", "use crate::errors;\n"),
            ("errors.rs", "use crate::_rust;\n"),
        ]);
        assert_eq!(found, [""; 0]);
    }
}
