//! More than the disk can take.
