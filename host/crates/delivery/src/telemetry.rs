//! The names in this crate's log. Fields: `subscriber`, `delivery`, `event` (its id), `kind`, `attempt`, `status`,
//! `detail`, `ms`, `again_in_s`, `count`, `task`, `error`. Never a secret, never a body.

/// What happens to deliveries.
pub(crate) const DELIVERIES: &str = "slashbox::deliveries";
