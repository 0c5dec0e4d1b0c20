//! How SQLite goes about the statements, with its own eyes: a look at all rows of a table that grows is a fault, and so is
//! sorting.

use rusqlite::Connection;

use crate::database::Database;
use crate::migrations::migrate;
use crate::{
    attempts, dead_letters, dedupe, deliveries, events, kv, listings, replays, retention, revisions, subscribers,
    timers, usage,
};

fn database() -> Connection {
    let mut sql = Database::in_memory().open_writer().unwrap();
    migrate(&mut sql).unwrap();
    sql
}

fn plan(sql: &Connection, statement: &str) -> String {
    let mut statement = sql.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    // Parameters that are not bound are NULL, which does not matter for the plan.
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get::<_, String>("detail").unwrap());
    }
    steps.join("; ")
}

#[test]
fn no_statement_looks_at_what_grows_row_by_row() {
    let sql = database();
    let all = [
        &attempts::STATEMENTS[..],
        &dead_letters::STATEMENTS,
        &dedupe::STATEMENTS,
        &deliveries::STATEMENTS,
        &events::STATEMENTS,
        &kv::STATEMENTS,
        &listings::DELIVERIES,
        &listings::EVENTS,
        &replays::STATEMENTS,
        &retention::STATEMENTS,
        &revisions::STATEMENTS,
        &subscribers::STATEMENTS,
        &timers::STATEMENTS,
        &usage::STATEMENTS,
    ];
    for statement in all.into_iter().flatten() {
        let plan = plan(&sql, statement).replace("SCAN CONSTANT ROW", "");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{statement}\n{plan}");
        // A row found by a part of its key is found among many, unless all of them are looked for.
        let of_event = [
            listings::OF_EVENT,
            retention::NEEDED,
            retention::KEPT,
            retention::REMOVE_ATTEMPTS,
            retention::REMOVE_DELIVERIES,
            retention::REMOVE_EVENT, // Its deliveries are looked for, as they refer to it.
        ];
        for part in ["(event=?)", "(tenant=?)", "(source=?)", "(subscriber=?)"] {
            assert!(!plan.contains(&format!("PRIMARY KEY {part}")) || of_event.contains(statement), "{plan}");
        }
    }
}

#[test]
fn the_hot_ones_use_their_own_index() {
    let sql = database();
    let cases = [
        (
            deliveries::READY,
            "SEARCH delivery USING COVERING INDEX delivery_by_time (subscriber=? AND again=? AND ready_at_ms<?)",
        ),
        (
            deliveries::NEXT_READY,
            "SEARCH delivery USING COVERING INDEX delivery_by_time (subscriber=? AND again=? AND ready_at_ms>?)",
        ),
        (
            listings::SOME_READY,
            "SEARCH delivery USING COVERING INDEX delivery_by_time (subscriber=? AND again=? AND ready_at_ms>?)",
        ),
        (deliveries::HEAD, "SEARCH delivery USING INDEX delivery_by_lane (subscriber=? AND lane=?)"),
        (
            dead_letters::OPEN,
            "SEARCH delivery USING COVERING INDEX delivery_by_outcome (subscriber=? AND outcome=? AND event>? AND event<?)",
        ),
        (dead_letters::BEYOND, "SEARCH delivery USING COVERING INDEX delivery_by_outcome (subscriber=? AND outcome=?)"),
        (
            dead_letters::BACKLOGS,
            "SCAN subscriber; CORRELATED SCALAR SUBQUERY 1; SEARCH delivery USING COVERING INDEX delivery_by_outcome (subscriber=? AND outcome=?)",
        ),
        (deliveries::ALL_LEASED, "SCAN delivery USING COVERING INDEX delivery_by_time"),
        (
            kv::EXPIRED_OF,
            "SEARCH kv USING COVERING INDEX kv_expiry_of_scope (tenant=? AND plugin=? AND expires_at_ms<?)",
        ),
        (timers::DUE, "SEARCH timer USING INDEX timer_by_time (due_at_ms<?)"),
        (timers::NEXT, "SEARCH timer USING COVERING INDEX timer_by_time"),
        (dedupe::AFTER, "SEARCH dedupe USING INTEGER PRIMARY KEY (rowid>?)"),
    ];
    for (statement, expected) in cases {
        assert_eq!(plan(&sql, statement), expected);
    }
}
