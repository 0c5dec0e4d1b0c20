//! Which keys differ between two configurations: what a host that runs does not take over is told by their names.

use std::fmt::Display;

use secrecy::ExposeSecret;
use slashbox_core::{HostLimits, Limits};
use slashbox_delivery::Keeping;
use slashbox_egress::Settings as EgressSettings;

use super::Config;

impl Config {
    /// The keys whose values differ from another configuration's, and which a host reads only when it starts: all but
    /// `[[sources]]` and `[[webhooks]]`.
    pub fn differing_keys(&self, other: &Self) -> Vec<String> {
        // All fields by name, so that a new one is not forgotten here.
        let Self {
            listen,
            plugins_dir,
            data_dir,
            log_level,
            log_format,
            settings,
            keeping: Keeping { backlog_max, waiting_days, parked_days, payload_days, log_days },
            sources: _,
            webhooks: _,
            egress: EgressSettings { allow_http, allow_cidrs },
            admin_token,
        } = self;
        let token = |config: &Self| config.admin_token.as_ref().map(|token| token.expose_secret().to_owned());
        let mut keys = Vec::new();
        let mut note = |key: &dyn Display, differs: bool| keys.extend(differs.then(|| key.to_string()));
        note(&"listen", *listen != other.listen);
        note(&"plugins_dir", *plugins_dir != other.plugins_dir);
        note(&"data_dir", *data_dir != other.data_dir);
        note(&"log.level", *log_level != other.log_level);
        note(&"log.format", *log_format != other.log_format);
        for name in HostLimits::NAMES {
            note(&format_args!("limits.{name}"), settings.host.get(name) != other.settings.host.get(name));
        }
        for name in Limits::NAMES {
            note(&format_args!("limits.{name}"), settings.ceiling.get(name) != other.settings.ceiling.get(name));
        }
        let kept = &other.keeping;
        note(&"retention.backlog_max", *backlog_max != kept.backlog_max);
        note(&"retention.waiting_days", *waiting_days != kept.waiting_days);
        note(&"retention.parked_days", *parked_days != kept.parked_days);
        note(&"retention.payload_days", *payload_days != kept.payload_days);
        note(&"retention.log_days", *log_days != kept.log_days);
        note(&"admin.token", admin_token.as_ref().map(|token| token.expose_secret().to_owned()) != token(other));
        note(&"egress.allow_http", *allow_http != other.egress.allow_http);
        note(&"egress.allow_cidrs", *allow_cidrs != other.egress.allow_cidrs);
        keys
    }
}
