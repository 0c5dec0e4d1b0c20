//! Tests that need the inside: properties of the classifier, and what a name's answers and certificates do.

mod answers;
mod policy;
mod targets;
