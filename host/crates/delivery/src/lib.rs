//! Delivers events to their subscribers.
