//! Runs the target `peer` with its inputs. The other targets are tested in `crates/boltguard-testing`, which doesn't
//! depend on another implementation.

use std::fs;
use std::path::Path;

#[test]
fn seeds_and_earlier_crashes_do_not_panic() {
    for directory in ["seeds/peer", "crashes/peer"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        for file in fs::read_dir(path).into_iter().flatten().flatten() {
            eprintln!("{}", file.path().display());
            boltguard_fuzz::peer::run(&fs::read(file.path()).expect("the input is readable"));
        }
    }
}
