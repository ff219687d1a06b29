//! Every seed of the fuzzer, and every input that once failed, by the targets that the fuzzer runs.

use std::fs;
use std::path::{Path, PathBuf};

#[expect(unreachable_pub, reason = "the crate of the fuzzer exports them")]
#[path = "../../../fuzz/src/targets/mod.rs"]
mod targets;

fn fuzz(directory: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz")
        .join(directory)
}

/// The inputs of a target, by their paths; none where there is no such directory.
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
            let data = fs::read(&path).expect("an input");
            // The last one that is named is the one that fails.
            eprintln!("{}", path.display());
            run(&data);
        }
    }
}

#[test]
fn seeds_keep_the_promises() {
    replay("seeds");
}

#[test]
fn inputs_that_once_failed_keep_the_promises() {
    replay("crashes");
}

#[test]
fn each_target_has_seeds_and_a_program() {
    for (target, _) in targets::ALL {
        assert!(!inputs("seeds", target).is_empty(), "fuzz/seeds/{target}");
        let program = fs::read_to_string(fuzz("fuzz_targets").join(target).with_extension("rs"));
        assert!(
            program.is_ok_and(|text| text.contains(&format!("run(\"{target}\""))),
            "fuzz/fuzz_targets/{target}.rs"
        );
    }
}

#[test]
fn a_name_finds_its_target() {
    targets::run("base64url", b"AA");
}
