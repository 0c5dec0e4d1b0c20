//! The sums against the rows, also those that nobody sees any more; and what a quota refuses.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use slashbox_core::{Effects, TimerWrite, Write};

use super::*;
use crate::commit::{commit, tests::change};
use crate::database::Database;
use crate::migrations::migrate;
use crate::{Change, CommitError, timers};

#[derive(Clone, Debug)]
enum Step {
    Commit { plugin: u8, writes: BTreeMap<String, Put>, timers: BTreeMap<String, Option<u64>>, quota: Quota },
    Fire(usize),
    Pass(u64),
}

#[derive(Clone, Debug)]
enum Put {
    Set { bytes: usize, ttl_ms: Option<u64> },
    Add(i64),
    Delete,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // As long as its bytes are many: `é` has two, and what follows a NUL counts too.
    let key = prop::sample::select(vec!["a", "b", "é", "n\0n", "long"]).prop_map(str::to_owned);
    let put = prop_oneof![
        4 => (0..200_usize, prop::option::of(0..40_u64)).prop_map(|(bytes, ttl_ms)| Put::Set { bytes, ttl_ms }),
        2 => any::<i32>().prop_map(|by| Put::Add(by.into())),
        1 => Just(Put::Delete),
    ];
    let timer = prop::option::weighted(0.8, 0..60_u64);
    let quota = (0..7_u64, 0..700_u64, 0..5_u64);
    let quota = quota.prop_map(|(kv_keys, kv_bytes, timers)| Quota { kv_keys, kv_bytes, timers });
    let commit = (0..2_u8, btree_map(key.clone(), put, 0..4), btree_map(key, timer, 0..3), quota);
    let step = prop_oneof![
        6 => commit.prop_map(|(plugin, writes, timers, quota)| Step::Commit { plugin, writes, timers, quota }),
        1 => (0..4_usize).prop_map(Step::Fire),
        2 => (0..30_u64).prop_map(Step::Pass),
    ];
    vec(step, 1..60)
}

/// A database, and how many events there are in it.
struct Run {
    sql: Connection,
    now_ms: u64,
    fired: usize,
}

impl Run {
    fn new() -> Self {
        let mut sql = Database::in_memory().open_writer().unwrap();
        migrate(&mut sql).unwrap();
        Self { sql, now_ms: 1000, fired: 0 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Commit { plugin, writes, timers, quota } => self.commit(plugin, writes, timers, quota),
            Step::Fire(count) => {
                let ids = (self.fired..self.fired + count).map(|id| id.to_string()).collect();
                self.fired += count;
                timers::fire(&self.sql, self.now_ms, ids).unwrap();
            }
            Step::Pass(ms) => self.now_ms += ms,
        }
    }

    fn commit(
        &mut self,
        plugin: u8,
        writes: BTreeMap<String, Put>,
        timers: BTreeMap<String, Option<u64>>,
        quota: Quota,
    ) {
        let writes = writes.into_iter().map(|(key, put)| (key, self.write(put))).collect();
        let timer = |after_ms: Option<u64>| match after_ms {
            Some(ms) => TimerWrite::Set { due_at_ms: self.now_ms + ms, payload: "null".to_owned() },
            None => TimerWrite::Cancel,
        };
        let timers = timers.into_iter().map(|(key, after_ms)| (key, timer(after_ms))).collect();
        let effects = Effects { writes, timers, ..Effects::default() };
        let scope = scope(&plugin.to_string());
        let before = alive(&self.sql, &scope, self.now_ms).unwrap();
        let savepoint = self.sql.savepoint().unwrap();
        let result = commit(&savepoint, &Change { effects, quota, ..change(scope.clone()) }, self.now_ms);
        let after = alive_within(&savepoint, &scope, self.now_ms);
        match result {
            Ok(()) => {
                savepoint.commit().unwrap();
                assert!(!passes(before, after, quota), "{before:?} became {after:?}, with {quota:?}");
            }
            Err(CommitError::Quota(_)) => {
                assert!(passes(before, after, quota), "{before:?} did not become {after:?}, with {quota:?}");
            }
            // A number was added to what is none; what was written before that is undone.
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    fn write(&self, put: Put) -> Write {
        match put {
            Put::Set { bytes, ttl_ms } => {
                Write::Set { value: vec![b'1'; bytes], expires_at_ms: ttl_ms.map(|ttl_ms| self.now_ms + ttl_ms) }
            }
            Put::Add(by) => Write::Add(by),
            Put::Delete => Write::Delete,
        }
    }

    /// The sums that are kept are those over the rows.
    fn check(&self) {
        let rows = "SELECT tenant, plugin, sum(keys), sum(bytes), sum(timers) FROM (
                SELECT tenant, plugin, 1 AS keys, length(CAST(key AS BLOB)) + length(value) AS bytes, 0 AS timers FROM kv
                UNION ALL SELECT tenant, plugin, 0, length(CAST(key AS BLOB)) + length(CAST(payload AS BLOB)), 1 FROM timer)
            GROUP BY tenant, plugin ORDER BY tenant, plugin";
        let kept = "SELECT tenant, plugin, kv_keys, kv_bytes, timers FROM usage
            WHERE kv_keys + kv_bytes + timers <> 0 ORDER BY tenant, plugin";
        assert_eq!(self.sums(rows), self.sums(kept));
        let kept: Vec<(Scope, Usage)> = self.sums(rows).into_iter().map(of_sums).collect();
        assert_eq!(super::kept(&self.sql, None).unwrap(), kept);
        let first = |(scope, _): &(Scope, Usage)| scope.plugin == "0";
        assert_eq!(super::kept(&self.sql, Some("0")).unwrap(), kept.into_iter().filter(first).collect::<Vec<_>>());
    }

    fn sums(&self, query: &str) -> Vec<(String, String, [i64; 3])> {
        let mut statement = self.sql.prepare(query).unwrap();
        let rows =
            statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, [row.get(2)?, row.get(3)?, row.get(4)?])));
        rows.unwrap().map(Result::unwrap).collect()
    }
}

fn of_sums((tenant, plugin, [kv_keys, kv_bytes, timers]): (String, String, [i64; 3])) -> (Scope, Usage) {
    let [kv_keys, kv_bytes, timers] = [kv_keys, kv_bytes, timers].map(i64::unsigned_abs);
    (Scope { tenant, plugin }, Usage { kv_keys, kv_bytes, timers })
}

fn scope(plugin: &str) -> Scope {
    Scope { tenant: "default".to_owned(), plugin: plugin.to_owned() }
}

/// As `alive`, counted.
fn alive_within(sql: &Connection, scope: &Scope, now_ms: u64) -> Usage {
    let query = "SELECT count(*), coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0),
            (SELECT count(*) FROM timer WHERE tenant = ?1 AND plugin = ?2)
        FROM kv WHERE tenant = ?1 AND plugin = ?2 AND coalesce(expires_at_ms > ?3, true)";
    let usage = sql.query_row(query, (&scope.tenant, &scope.plugin, to_sql(now_ms)), |row| {
        Ok(Usage { kv_keys: number(row, 0)?, kv_bytes: number(row, 1)?, timers: number(row, 2)? })
    });
    let of_timers = "SELECT coalesce(sum(length(CAST(key AS BLOB)) + length(CAST(payload AS BLOB))), 0) FROM timer
        WHERE tenant = ?1 AND plugin = ?2";
    let bytes: u64 = sql.query_row(of_timers, (&scope.tenant, &scope.plugin), |row| number(row, 0)).unwrap();
    let usage = usage.unwrap();
    Usage { kv_bytes: usage.kv_bytes + bytes, ..usage }
}

/// Whether one of the three is more than before, and more than may be.
fn passes(before: Usage, after: Usage, quota: Quota) -> bool {
    let sums = [
        (before.kv_keys, after.kv_keys, quota.kv_keys),
        (before.kv_bytes, after.kv_bytes, quota.kv_bytes),
        (before.timers, after.timers, quota.timers),
    ];
    sums.into_iter().any(|(before, after, quota)| after > before && after > quota)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_those_of_the_rows_and_quotas_are_kept(steps in steps()) {
        let mut run = Run::new();
        for step in steps {
            run.step(step);
            run.check();
        }
    }
}

#[test]
fn limits_tell_their_figure() {
    let quota = Quota { kv_keys: 1, kv_bytes: MIB + 1, timers: u64::MAX };
    let all = |number| Sums { keys: number, bytes: number, timers: number };
    assert_eq!(passed(all(2), all(1), quota), Some(Limit::KvKeys { keys: 1 }));
    assert_eq!(passed(all(2), all(0), quota), None);
    assert_eq!(passed(all(1), all(1), quota), None);
    let large = Sums { bytes: 1 << 40, ..all(1) };
    assert_eq!(passed(large, all(1), quota), Some(Limit::KvSize { mib: 2 }));
    assert_eq!(passed(large, Sums { bytes: -1, ..all(1) }, quota), None);
    let many = Sums { timers: i64::MAX, ..all(1) };
    assert_eq!(passed(many, all(1), quota), None);
    let few = Quota { timers: 1 << 40, ..quota };
    assert_eq!(passed(many, all(1), few), Some(Limit::Timers { timers: u32::MAX }));
}
