//! The inputs of the target that compares with another implementation; the others are replayed where that is not built.

use std::fs;
use std::path::Path;

#[test]
fn seeds_and_inputs_that_once_failed_keep_the_promise() {
    for directory in ["seeds/peer", "crashes/peer"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        for file in fs::read_dir(path).into_iter().flatten().flatten() {
            eprintln!("{}", file.path().display());
            boltguard_fuzz::peer::run(&fs::read(file.path()).expect("an input"));
        }
    }
}
