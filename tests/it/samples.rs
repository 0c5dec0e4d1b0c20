//! `slashbox samples`: the requests of the platforms' documents, as files and for people.

use serde_json::Value;
use slashbox::Dialect;

use crate::harness::{Ended, MARK, Process, Site, assert_has};

async fn samples(arguments: &[&str]) -> Ended {
    Process::run(&[&["samples"], arguments].concat(), Site::empty().dir()).await
}

/// What they are called, of a dialect that must have some.
fn names(dialect: Dialect) -> Vec<&'static str> {
    let names: Vec<_> = dialect.samples().iter().map(|sample| sample.name).collect();
    assert!(!names.is_empty(), "{dialect}");
    names
}

#[tokio::test]
async fn all_are_listed() {
    let ended = samples(&[]).await;
    ended.assert(0, &["DIALECT", "NAME", "WHAT"]);
    let rows: Vec<Vec<&str>> = ended.out.lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
    let all = || Dialect::ALL.iter().flat_map(|dialect| dialect.samples().iter().map(move |sample| (dialect, sample)));
    assert_eq!(rows.len(), all().count());
    for ((dialect, sample), row) in all().zip(&rows) {
        assert_eq!((row[0], row[1], row[2..].join(" ")), (dialect.name(), sample.name, sample.summary.into()));
    }
    assert!(rows.iter().any(|row| row[..2] == ["hotline", "mark"]), "{rows:?}");
}

#[tokio::test]
async fn one_is_printed_as_it_is_written() {
    let ended = samples(&["hotline", "mark"]).await;
    ended.assert(0, &[]);
    assert_eq!((ended.out.as_str(), ended.err.as_str()), (MARK, ""));
}

#[tokio::test]
async fn those_of_a_dialect_are_printed_with_their_names() {
    for dialect in [Dialect::HOTLINE, Dialect::NATIVE] {
        let ended = samples(&[dialect.name()]).await;
        ended.assert(0, &[]);
        for (name, sample) in names(dialect).iter().zip(dialect.samples()) {
            assert_has(&ended.out, &[&format!("{name}  {}\n{}", sample.summary, sample.body)]);
        }
    }
}

#[tokio::test]
async fn programs_get_an_array() {
    let of = async |arguments: &[&str]| -> Vec<Value> {
        let ended = samples(&[arguments, &["--json"]].concat()).await;
        ended.assert(0, &[]);
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
    };
    let count = Dialect::ALL.iter().map(|dialect| dialect.samples().len()).sum::<usize>();
    assert_eq!(of(&[]).await.len(), count);
    assert_eq!(of(&["native"]).await.len(), names(Dialect::NATIVE).len());
    let mark = serde_json::json!([{
        "dialect": "hotline",
        "name": "mark",
        "summary": "the command /mark, with the argument deal",
        "body": serde_json::from_str::<Value>(MARK).unwrap(),
    }]);
    assert_eq!(Value::from(of(&["hotline", "mark"]).await), mark);
    // Numbers are those that are written.
    let ended = samples(&["native", "event", "--json"]).await;
    assert_has(&ended.out, &["\"total\": 12.50"]);
}

#[tokio::test]
async fn what_there_is_not_is_told_with_what_there_is() {
    let dialects: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
    let dialects = format!("expected one of {}", dialects.join(", "));
    let of_native = format!("expected one of {}", names(Dialect::NATIVE).join(", "));
    for (arguments, expected) in [
        (&["slack"][..], format!("\"slack\" is no dialect: {dialects}")),
        (&["hotlin"], format!("\"hotlin\" is no dialect: did you mean hotline? {dialects}")),
        (&["native", "mark"], format!("\"mark\" is no sample of native: {of_native}")),
        (&["native", "evnt", "--json"], format!("\"evnt\" is no sample of native: did you mean event? {of_native}")),
    ] {
        let ended = samples(arguments).await;
        ended.assert(64, &[]);
        assert_eq!((ended.out.as_str(), ended.err.trim_end()), ("", &*format!("error: {expected}")), "{arguments:?}");
    }
}
