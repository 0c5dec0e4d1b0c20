//! What the fuzzer has found worth keeping, gone through as ordinary tests.

use std::{fs, path::Path};

use slashbox_dialects::Dialect;
use slashbox_fuzz_checks::TARGETS;

#[test]
fn whatever_was_kept_holds() {
    for (target, check) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 10, "{target}: {} inputs are kept", files.len());
        for file in files {
            let input = fs::read(&file).unwrap();
            assert!(std::panic::catch_unwind(|| check(&input)).is_ok(), "{}", file.display());
        }
    }
}

#[test]
fn whatever_the_documents_show_holds() {
    for dialect in Dialect::ALL {
        let name = dialect.name().replace('-', "_");
        let (_, check) = TARGETS.into_iter().find(|(target, _)| *target == name).unwrap();
        dialect.samples().iter().for_each(|sample| check(sample.body.as_bytes()));
    }
}
