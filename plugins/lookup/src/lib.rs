//! `lookup`: what another system knows. `/lookup QUERY` asks a JSON API of the operator's choice, and shows of its answer
//! what the operator chose.
//!
//! All that it knows of the API stands in its grant file, `plugins/lookup.toml`:
//!
//! ```toml
//! allowed_hosts = ["crm.example.com"]
//!
//! [settings]
//! LOOKUP_URL = "https://crm.example.com/clients?email={query}"
//! LOOKUP_TOKEN = "${CRM_TOKEN}"     # sent as `Authorization: Bearer …`; none if the API wants none
//! LOOKUP_ANSWER = """
//! {0.name}, {0.company.name}
//! Orders: {0.orders}"""             # see `template`; without it, the answer's own fields are shown
//! ```

mod template;

use serde_json::Value;
use slashbox_sdk::{Command, Plugin, Result, export, http, refuse, settings};

export!(plugin);

/// What stands for the query in `LOOKUP_URL`.
const QUERY: &str = "{query}";

fn plugin() -> Plugin {
    Plugin::new("lookup", env!("CARGO_PKG_VERSION"))
        .summary("What another system knows")
        .command("/lookup", "QUERY", "shows what another system knows of it", lookup)
        .required_setting(
            "LOOKUP_URL",
            "where to ask, with {query} for what is asked: https://crm.example.com/clients/{query}",
        )
        .secret("LOOKUP_TOKEN", "what the API knows us by, sent as a bearer token")
        .setting(
            "LOOKUP_ANSWER",
            "what is shown, with {FIELD} for the answer's fields, e.g. {name}, {company.name}, {orders.0.id}",
        )
        // The operator's URL says where it is, and `allowed_hosts` that it may be reached.
        .http_host("*")
}

fn lookup(command: Command) -> Result<String> {
    let query = command.args.trim();
    if query.is_empty() {
        refuse!("Look up what? Try /lookup QUERY");
    }
    let Some(answer) = ask(query)? else { return Ok(nothing(query)) };
    let shown = match settings::get("LOOKUP_ANSWER") {
        Some(template) => template::fill(&template, &answer),
        None => template::outline(&answer),
    };
    Ok(shown.unwrap_or_else(|| nothing(query)))
}

/// None if the API says that it knows nothing of it.
fn ask(query: &str) -> Result<Option<Value>> {
    let url = settings::require("LOOKUP_URL")?;
    if !url.contains(QUERY) {
        refuse!("LOOKUP_URL says nowhere {QUERY}: expected e.g. https://crm.example.com/clients/{QUERY}");
    }
    let mut request = http::get(url.replace(QUERY, &http::encode(query))).header("Accept", "application/json");
    if let Some(token) = settings::get("LOOKUP_TOKEN") {
        request = request.bearer(token);
    }
    match request.json() {
        Ok(answer) => Ok(Some(answer)),
        Err(http::Error::Status { status: 404 | 410, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn nothing(query: &str) -> String {
    format!("Nothing found for {query}")
}

#[cfg(test)]
mod tests;
