//! Runs the fuzz targets with all seeds, and with all inputs that caused a crash.

use std::fs;
use std::path::{Path, PathBuf};

#[expect(unreachable_pub, reason = "exported by the fuzz crate")]
#[path = "../../../fuzz/src/targets/mod.rs"]
mod targets;

fn fuzz(directory: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz")
        .join(directory)
}

/// Returns the paths of the inputs of a target. Empty if the directory doesn't exist.
fn inputs(directory: &str, target: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(fuzz(directory).join(target))
        .into_iter()
        .flatten();
    let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
    paths.sort();
    paths
}

fn replay(directory: &str) {
    for (target, run) in targets::ALL {
        for path in inputs(directory, target) {
            let data = fs::read(&path).expect("the input is readable");
            // If a target panics, the last path is the input that caused it.
            eprintln!("{}", path.display());
            run(&data);
        }
    }
}

#[test]
fn seeds_do_not_panic() {
    replay("seeds");
}

#[test]
fn earlier_crashes_do_not_panic() {
    replay("crashes");
}

#[test]
fn each_target_has_seeds_and_a_binary() {
    for (target, _) in targets::ALL {
        assert!(!inputs("seeds", target).is_empty(), "fuzz/seeds/{target}");
        let source = fs::read_to_string(fuzz("fuzz_targets").join(target).with_extension("rs"));
        assert!(
            source.is_ok_and(|source| source.contains(&format!("run(\"{target}\""))),
            "fuzz/fuzz_targets/{target}.rs"
        );
    }
}

#[test]
fn target_is_found_by_name() {
    targets::run("base64url", b"AA");
}
