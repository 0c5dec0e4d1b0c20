//! The only way out: an HTTP client that reaches nothing it must not.
