//! Requests as the platforms' documents show them, to try a configuration with.

/// One of a platform's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What it is called, e.g. `dialog_closed`.
    pub name: &'static str,
    /// What it tells of.
    pub summary: &'static str,
    /// Its body. Where the platform's has a credential, it has an example of one.
    pub body: &'static str,
}

/// The samples of a dialect: `name: summary` of each file in its folder.
macro_rules! samples {
    ($dialect:literal: $($name:literal $summary:literal),+ $(,)?) => {
        &[$($crate::Sample {
            name: $name,
            summary: $summary,
            body: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/", $dialect, "/", $name, ".json")),
        }),+]
    };
}

pub(crate) use samples;
