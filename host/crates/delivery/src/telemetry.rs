//! The names in this crate's log. Fields: `subscriber`, `delivery`, `event`, `attempt`, `fault`, `status`, `ms`. Never a
//! secret, never a body.

/// What happens to deliveries.
pub(crate) const DELIVERIES: &str = "slashbox::deliveries";
