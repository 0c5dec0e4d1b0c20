//! Numbers and enumerations as the database holds them: signed integers.
//!
//! Invariant: a code in the database means the same for ever.

use rusqlite::Row;
use slashbox_core::{DeadWhy, Fault, Sender, SubscriberKind};

/// SQLite's integers are signed. A time that does not fit is 292 million years away; a key that does not fit was never
/// given out.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(crate) fn from_sql(column: usize, number: i64) -> rusqlite::Result<u64> {
    u64::try_from(number).map_err(|_| out_of_range(column, number))
}

/// The number in a column.
pub(crate) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    from_sql(column, row.get(column)?)
}

/// The number in a column that may be empty.
pub(crate) fn number_or_null(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    let number: Option<i64> = row.get(column)?;
    number.map(|number| from_sql(column, number)).transpose()
}

/// The value that a code in a column stands for.
pub(crate) fn decoded<T>(row: &Row<'_>, column: usize, decode: impl FnOnce(i64) -> Option<T>) -> rusqlite::Result<T> {
    let code = row.get(column)?;
    decode(code).ok_or_else(|| out_of_range(column, code))
}

fn out_of_range(column: usize, number: i64) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(column, number)
}

/// The code of a sort of subscriber.
pub(crate) fn kind_to_sql(kind: SubscriberKind) -> i64 {
    match kind {
        SubscriberKind::Plugin => 0,
        SubscriberKind::Webhook => 1,
    }
}

/// The sort of subscriber that a code stands for.
pub(crate) fn kind_from_sql(code: i64) -> Option<SubscriberKind> {
    [SubscriberKind::Plugin, SubscriberKind::Webhook].into_iter().find(|kind| kind_to_sql(*kind) == code)
}

/// The code of a sender.
pub(crate) fn sender_to_sql(sender: Sender) -> i64 {
    match sender {
        Sender::Contact => 0,
        Sender::Operator => 1,
        Sender::Bot => 2,
        Sender::System => 3,
        Sender::Unknown => 4,
    }
}

/// The sender that a code stands for.
pub(crate) fn sender_from_sql(code: i64) -> Option<Sender> {
    Sender::ALL.into_iter().find(|sender| sender_to_sql(*sender) == code)
}

/// The code of a fault.
pub(crate) fn fault_to_sql(fault: Fault) -> i64 {
    match fault {
        Fault::Ours => 0,
        Fault::Dns => 1,
        Fault::Connect => 2,
        Fault::Tls => 3,
        Fault::Timeout => 4,
        Fault::Theirs => 5,
    }
}

/// The fault that a code stands for.
pub(crate) fn fault_from_sql(code: i64) -> Option<Fault> {
    Fault::ALL.into_iter().find(|fault| fault_to_sql(*fault) == code)
}

/// The code of a reason why a delivery is dead.
pub(crate) fn why_to_sql(why: DeadWhy) -> i64 {
    match why {
        DeadWhy::Backlog => 0,
        DeadWhy::Waited => 1,
        DeadWhy::Absent => 2,
    }
}

/// The reason that a code stands for.
pub(crate) fn why_from_sql(code: i64) -> Option<DeadWhy> {
    DeadWhy::ALL.into_iter().find(|why| why_to_sql(*why) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_back() {
        for sender in Sender::ALL {
            assert_eq!(sender_from_sql(sender_to_sql(sender)), Some(sender));
        }
        for fault in Fault::ALL {
            assert_eq!(fault_from_sql(fault_to_sql(fault)), Some(fault));
        }
        for kind in [SubscriberKind::Plugin, SubscriberKind::Webhook] {
            assert_eq!(kind_from_sql(kind_to_sql(kind)), Some(kind));
        }
        for why in DeadWhy::ALL {
            assert_eq!(why_from_sql(why_to_sql(why)), Some(why));
        }
        assert_eq!((sender_from_sql(5), fault_from_sql(6), kind_from_sql(2)), (None, None, None));
        assert_eq!(why_from_sql(3), None);
    }
}
