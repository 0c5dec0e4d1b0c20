//! What configurations resolve to, and how their mistakes are told.

use slashbox_core::{HostLimits, Limits};
use slashbox_dialects::Dialect;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    let environment = |name: &str| match name {
        "KEY" => Some("s3cret-of-all".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    Config::parse(text, Path::new("/etc/slashbox"), environment)
}

fn check(text: &str, expected: &str) {
    assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
}

fn source(lines: &str) -> String {
    format!("[[sources]]\nname = \"support\"\ndialect = \"hotline\"\n{lines}")
}

#[test]
fn the_default_configuration_says_what_the_program_does() {
    let (written, none) = (parse(DEFAULT).unwrap(), parse("").unwrap());
    assert_eq!(format!("{written:?}"), format!("{none:?}"));
    assert_eq!(none.settings.ceiling, Limits::default());
    assert_eq!(format!("{:?}", none.settings), format!("{:?}", Settings::default()));
    assert_eq!(none.settings.host, HostLimits::default());
}

#[test]
fn the_default_configuration_shows_every_key() {
    let all: String = DEFAULT.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
    let has = |table: &str, key: &str| all.lines().any(|line| line.starts_with(&format!("{key} = ")) || line == table);
    for table in ["", "log", "limits", "retention", "admin", "egress", "sources", "webhooks"] {
        let keys = <file::ConfigFile as slashbox_toml::File>::keys(table).unwrap();
        for key in keys {
            let many = ["sources", "webhooks"].contains(key);
            let table = if many { format!("[[{key}]]") } else { format!("[{key}]") };
            assert!(has(&table, key), "{key} is not in the default configuration");
        }
    }
}

#[test]
fn what_differs_is_told_by_its_key() {
    let check = |text: &str, expected: &[&str]| {
        let (changed, default) = (parse(text).unwrap(), parse("").unwrap());
        assert_eq!(changed.differing_keys(&default), expected, "{text}");
        assert_eq!(default.differing_keys(&changed), expected, "{text}");
        assert!(changed.differing_keys(&changed).is_empty());
    };
    check(DEFAULT, &[]);
    check(&source("api_key = \"12345678\""), &[]);
    check("listen = \"127.0.0.1:1\"", &["listen"]);
    check("plugins_dir = \"p\"\ndata_dir = \"d\"", &["plugins_dir", "data_dir"]);
    check("[log]\nlevel = \"warn\"\nformat = \"json\"", &["log.level", "log.format"]);
    check("[limits]\ncommand_ms = 1000\nmemory_mib = 1", &["limits.command_ms", "limits.memory_mib"]);
    check("[admin]\ntoken = \"${KEY}\"", &["admin.token"]);
    let retention = "[retention]\nbacklog_max = 2\nwaiting_days = 2\nparked_days = 2\npayload_days = 2\nlog_days = 2";
    let keys = ["backlog_max", "waiting_days", "parked_days", "payload_days", "log_days"];
    let keys = keys.map(|key| format!("retention.{key}"));
    check(retention, &keys.each_ref().map(String::as_str));
    check("[egress]\nallow_http = true\nallow_cidrs = [\"10.0.0.0/8\"]", &["egress.allow_http", "egress.allow_cidrs"]);
}

#[test]
fn a_source() {
    let text = source("api_key = \"${KEY}\"\ntenant = \"acme\"\nreply = \"text\"\n");
    let config = parse(&text).unwrap();
    let [source] = &*config.sources else { panic!("{:?}", config.sources) };
    assert_eq!((source.name(), source.dialect(), &*source.tenant), ("support", Dialect::HOTLINE, "acme"));
    assert!(!format!("{config:?}").contains("s3cret-of-all"));
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = parse("plugins_dir = \"p\"\ndata_dir = \"/var/lib/slashbox\"").unwrap();
    assert_eq!(config.plugins_dir, Path::new("/etc/slashbox/p"));
    assert_eq!(config.data_dir, Path::new("/var/lib/slashbox"));
}

#[test]
fn unknown_keys() {
    check("lisen = \"x\"", "unknown key `lisen`: did you mean `listen`?");
    check("[limit]\ncpu_ms = 1", "unknown key `limit`: did you mean `limits`?");
    check("[limits]\ncpu = 1", "unknown key `limits.cpu`: did you mean `cpu_ms`?");
    check(&source("apikey = \"x\""), "unknown key `sources[0].apikey`: did you mean `api_key`?");
}

#[test]
fn bad_values() {
    check("listen = 8787", "`listen`: invalid type: integer `8787`, expected a string");
    check(
        "listen = \"localhost\"",
        "`listen` = \"localhost\": expected an address and a port, such as 127.0.0.1:8787 or [::1]:8787",
    );
    check("plugins_dir = \"\"", "`plugins_dir` = \"\": expected a folder");
    check("data_dir = \"plugins\"", "`data_dir` = \"plugins\": expected a folder outside of `plugins_dir`");
    check(
        "data_dir = \"./plugins/data\"",
        "`data_dir` = \"./plugins/data\": expected a folder outside of `plugins_dir`",
    );
    check(
        "[log]\nlevel = \"loud\"",
        "`log.level` = \"loud\": expected error, warn, info, debug or trace, or a list of TARGET=LEVEL",
    );
    check("[log]\nformat = \"xml\"", "`log.format` = \"xml\": expected text or json");
    check("[limits]\ncommand_ms = 999", "`limits.command_ms` = 999: expected 1000 to 10000");
    check("[limits]\ncommand_ms = 10001", "`limits.command_ms` = 10001: expected 1000 to 10000");
    check("[limits]\nmemory_mib = 0", "`limits.memory_mib` = 0: expected 1 to 4096");
    check("[limits]\ncalls = 10001", "`limits.calls` = 10001: expected 1 to 10000");
    check("[limits]\ncpu_ms = -1", "`limits.cpu_ms`: invalid value: integer `-1`, expected u32");
    assert!(parse("[limits]\ncommand_ms = 1000\nmemory_mib = 4096\ncalls = 1").is_ok());
}

#[test]
fn how_long_it_is_kept() {
    assert_eq!(parse("").unwrap().keeping, Keeping::default());
    let text = "[retention]\nbacklog_max = 10\nwaiting_days = 1\nparked_days = 365\npayload_days = 2\nlog_days = 3650";
    let expected = Keeping { backlog_max: 10, waiting_days: 1, parked_days: 365, payload_days: 2, log_days: 3_650 };
    assert_eq!(parse(text).unwrap().keeping, expected);
    for (key, max) in [
        ("backlog_max", 10_000_000),
        ("waiting_days", 365),
        ("parked_days", 365),
        ("payload_days", 365),
        ("log_days", 3_650),
    ] {
        for value in [0, max + 1] {
            let expected = format!("`retention.{key}` = {value}: expected 1 to {max}");
            check(&format!("[retention]\n{key} = {value}"), &expected);
        }
    }
    check("[retention]\nlog_day = 1", "unknown key `retention.log_day`: did you mean `log_days`?");
}

#[test]
fn bad_sources() {
    check("[[sources]]\ndialect = \"hotline\"", "`sources[0]`: missing field `name`");
    check("[[sources]]\nname = \"a\"", "`sources[0]`: missing field `dialect`");
    check(
        &source(""),
        "`sources[0].api_key`: required by the dialect hotline: expected the key that the platform sends",
    );
    check(
        &source("api_key = \"\""),
        "`sources[0].api_key`: 0 characters: expected at least 8, the key that the platform sends",
    );
    check(
        &source("api_key = \"${EMPTY}\""),
        "`sources[0].api_key`: 0 characters: expected at least 8, the key that the platform sends",
    );
    check(&source("api_key = \"${NONE}\""), "`sources[0].api_key`: the environment variable NONE is not set");
    check(&source("api_key = \"12345678\"\nreply = \"html\""), "`sources[0].reply` = \"html\": expected json or text");
    check(
        &source("api_key = \"12345678\"\ntenant = \"a/b\""),
        "`sources[0].tenant` = \"a/b\": expected letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, and at most 100 bytes",
    );
    let twice = source("api_key = \"12345678\"\n");
    check(&format!("{twice}{twice}"), "`sources[1].name` = \"support\": expected a name that no other source has");
    check(
        "[[sources]]\nname = \"a\"\ndialect = \"slack\"",
        "`sources[0].dialect` = \"slack\": expected hotline, sendpulse, tg-staff, inbox or native",
    );
    let native = |name: &str| format!("[[sources]]\nname = {name:?}\ndialect = \"native\"\ntoken = \"0123456789\"\n");
    let twice = "`sources[1].token`: it is another native source's: expected one that tells which is meant";
    check(&format!("{}{}", native("a"), native("b")), twice);
    let sendpulse = "[[sources]]\nname = \"a\"\ndialect = \"sendpulse\"\n";
    let needs = "`sources[0].token`: required by the dialect sendpulse, or nobody could tell who sends: \
        expected `token` or `auth_header`";
    check(sendpulse, needs);
    let unknown = "`sources[0].hmac_secret`: sendpulse: hmac_secret is not how this dialect's sender is known: \
        expected token or auth_header";
    check(&format!("{sendpulse}hmac_secret = \"0123456789\""), unknown);
    let blank = "`sources[0].token`: has a blank at its beginning or end: expected none";
    check(&format!("{sendpulse}token = \"0123456789\\n\""), blank);
    let header = "`sources[0].auth_header`: expected `Name: value`";
    check(&format!("{sendpulse}auth_header = \"0123456789\""), header);
    check(
        &format!("{sendpulse}token = \"short\""),
        "`sources[0].token`: 5 characters: expected at least 8, a text that is as hard to guess as a password",
    );
    check(
        &format!("{sendpulse}token = \"0123456789\"\nreply = \"text\""),
        "`sources[0].reply` = \"text\": expected json: the dialect is sendpulse",
    );
    check(
        &format!("{sendpulse}token = \"0123456789\"\nwebhooks_file = \"w.json\""),
        "`sources[0].webhooks_file`: the dialect sendpulse has no such file: expected the dialect hotline",
    );
}

fn webhook(lines: &str) -> String {
    format!("[[webhooks]]\nurl = \"https://crm.example.com/hook\"\n{lines}")
}

#[test]
fn a_webhook() {
    let text = webhook(
        "name = \"crm\"\ntenant = \"acme\"\nevents = [\"message.*\", \"/mark\"]\nsenders = [\"contact\"]\nprofile = \"none\"\nformat = \"hotline\"\napi_key = \"${KEY}\"\nheaders = { Authorization = \"Bearer ${KEY}\" }",
    );
    let config = parse(&text).unwrap();
    let [webhook] = &*config.webhooks else { panic!("{:?}", config.webhooks) };
    let events: Vec<String> = webhook.subscription.patterns.iter().map(ToString::to_string).collect();
    assert_eq!((webhook.name.as_deref(), &*webhook.tenant), (Some("crm"), "acme"));
    assert_eq!(events, ["message.*", "/mark"]);
    assert_eq!(webhook.headers.get("authorization").unwrap(), "Bearer s3cret-of-all");
    let shown = format!("{config:?}");
    assert!(!shown.contains("s3cret-of-all") && !shown.contains("crm.example.com/hook"), "{shown}");
}

#[test]
fn bad_webhooks() {
    let events = "events = [\"*\"]\n";
    let hook = |lines: &str| webhook(&format!("{events}{lines}"));
    check("[[webhooks]]\nevents = [\"*\"]", "`webhooks[0]`: missing field `url`");
    check(&webhook(""), "`webhooks[0]`: missing field `events`");
    check(&webhook("events = []"), "`webhooks[0].events`: empty: expected at least one kind or command");
    check(
        &webhook("events = [\"mess*\"]"),
        "`webhooks[0].events`: \"mess*\": expected `*` for whole parts between the dots, such as `message.*`",
    );
    check(
        &hook("senders = [\"client\"]"),
        "`webhooks[0].senders`: \"client\" is no sender: expected contact, operator, bot, system or unknown",
    );
    check(
        &hook("format = \"xml\""),
        "`webhooks[0].format` = \"xml\": expected as-received, hotline, sendpulse, tg-staff, inbox, native, standard or cloudevents",
    );
    for (per_second, fits) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
        let text = hook(&format!("per_second = {per_second}"));
        if fits {
            assert_eq!(parse(&text).unwrap().webhooks[0].per_second, Some(per_second));
        } else {
            check(&text, &format!("`webhooks[0].per_second`: {per_second}: expected 1 to 1000"));
        }
    }
    for (profile, per_second) in [("default", None), ("tg-staff", Some(10)), ("none", None)] {
        let webhook = parse(&hook(&format!("profile = \"{profile}\""))).unwrap().webhooks.remove(0);
        assert_eq!((webhook.per_second, webhook.its_profile().per_second()), (None, per_second), "{profile}");
    }
    check(&hook("profile = \"fast\""), "`webhooks[0].profile` = \"fast\": expected default, tg-staff or none");
    check(
        &hook("headers = { \"Content-Type\" = \"text/xml\" }"),
        "`webhooks[0].headers.Content-Type`: slashbox writes this one itself",
    );
    check(&hook("headers = { \"X Y\" = \"z\" }"), "`webhooks[0].headers.X Y`: expected letters, digits and hyphens");
    check(
        &hook("headers = { Authorization = \"s3\\ncret\" }"),
        "`webhooks[0].headers.Authorization`: its value has characters that no header may have",
    );
    check(
        &hook("sources = [\"sales\"]"),
        "`webhooks[0].sources`: \"sales\" is no source of the tenant default: expected the name of one",
    );
    let named = hook("name = \"crm\"\n");
    check(
        &format!("{named}{named}"),
        "`webhooks[1].name`: \"crm\" is another webhook's: expected a name that no other one has",
    );
    check(&hook("apikey = \"k\""), "unknown key `webhooks[0].apikey`: did you mean `api_key`?");
}

#[test]
fn where_requests_may_go() {
    let to = |url: &str, egress: &str| format!("[egress]\n{egress}\n[[webhooks]]\nurl = \"{url}\"\nevents = [\"*\"]");
    let refused = |url: &str, egress: &str, named: &str| {
        let error = parse(&to(url, egress)).unwrap_err().to_string();
        assert!(error.starts_with("`webhooks[0].url`: ") && error.contains(named), "{error}");
    };
    refused("https://127.0.0.1/hook", "", "egress.allow_cidrs");
    refused("https://[::1]/hook", "", "egress.allow_cidrs");
    refused("http://crm.example.com/hook", "", "egress.allow_http");
    refused("http://127.0.0.1/hook", "allow_http = true", "egress.allow_cidrs");
    refused("ftp://crm.example.com", "", "expected https");
    refused("https://anna:s3cret-of-all@crm.example.com", "", "Authorization header");
    parse(&to("http://127.0.0.1:9000/hook", "allow_http = true\nallow_cidrs = [\"127.0.0.1/32\"]")).unwrap();
    let error = parse("[egress]\nallow_cidrs = [\"10.0.0.1/8\"]").unwrap_err().to_string();
    assert!(error.starts_with("`egress.allow_cidrs[0]`: ") && error.contains("10.0.0.0/8"), "{error}");
}

#[test]
fn the_admin_api_needs_a_token_unless_it_is_on_loopback() {
    let access = |text: &str| parse(text).map(|config| config.admin().unwrap());
    assert!(matches!(access(""), Ok(AdminAccess::Loopback)));
    assert!(matches!(access("listen = \"[::1]:80\""), Ok(AdminAccess::Loopback)));
    assert!(matches!(access("listen = \"0.0.0.0:80\"\n[admin]\ntoken = \"${KEY}\""), Ok(AdminAccess::Token(_))));
    assert_eq!(
        parse("listen = \"0.0.0.0:80\"").unwrap().admin().unwrap_err().to_string(),
        "`admin.token`: required, since `listen` = \"0.0.0.0:80\" is no loopback address"
    );
    check("[admin]\ntoken = \"short\"", "`admin.token`: 5 characters: expected at least 8");
    let ascii = "`admin.token`: expected characters of ASCII, no blank at its ends: no header carries others";
    for token in ["секретный-ключ", "a token with an end\\n", " s3cret-01"] {
        check(&format!("[admin]\ntoken = \"{token}\""), ascii);
    }
    check("[admin]\ntoken = \"${EMPTY}\"", "`admin.token`: empty: expected a text that only operators know");
}

#[test]
fn a_webhooks_file() {
    let dir = tempfile::tempdir().unwrap();
    let load = |json: &str| {
        std::fs::write(dir.path().join("webhooks.json"), json).unwrap();
        let text = source("api_key = \"k3y-of-hotline\"\nwebhooks_file = \"webhooks.json\"");
        Config::parse(&text, dir.path(), |_| None)
    };
    let config = load(
        r#"{ "https://b.example.com/1": ["dialog_created", "/mark"], "https://a.example.com/2": ["message_sent"] }"#,
    )
    .unwrap();
    let urls: Vec<&str> = config.webhooks.iter().map(|webhook| &*webhook.url).collect();
    assert_eq!(urls, ["https://b.example.com/1", "https://a.example.com/2"], "in their order");
    for webhook in &config.webhooks {
        assert_eq!(webhook.subscription.sources, ["support"]);
        assert_eq!(webhook.api_key.as_ref().map(ExposeSecret::expose_secret), Some("k3y-of-hotline"));
    }
    let refused = |json: &str, problem: &str| {
        let error = load(json).unwrap_err().to_string();
        assert!(error.starts_with("`sources[0].webhooks_file`") && error.contains(problem), "{error}");
    };
    refused("[]", "expected an object of URLs");
    refused("{", "expected Hotline's WEBHOOKS object");
    refused(r#"{"https://a.example.com": "x"}"#, "expected a sequence");
    refused(r#"{"https://a.example.com": ["a*"]}"#, "entry 1: events: \"a*\"");
    refused(r#"{"https://a.example.com": []}"#, "empty: expected at least one");
    refused(r#"{"https://a.example.com": ["x"], "https://a.example.com": ["y"]}"#, "same URL");
    refused(r#"{"https://127.0.0.1": ["x"]}"#, "egress.allow_cidrs");
    std::fs::remove_file(dir.path().join("webhooks.json")).unwrap();
    let text = source("api_key = \"k3y-of-hotline\"\nwebhooks_file = \"webhooks.json\"");
    let error = Config::parse(&text, dir.path(), |_| None).unwrap_err().to_string();
    assert!(error.contains("webhooks.json") && error.contains("cannot be read"), "{error}");
}

#[test]
fn a_host_is_reached_without_its_secrets() {
    let lines = "api_key = \"${NONE}\"\nwebhooks_file = \"none.json\"";
    let text = format!("listen = \"[::]:1\"\n[admin]\ntoken = \"${{KEY}}\"\n{}", source(lines));
    let environment = |name: &str| (name == "KEY").then(|| "s3cret-of-all".to_owned());
    let Reach { listen, admin_token } = Reach::parse(&text, environment).unwrap();
    assert_eq!((listen.port(), admin_token.unwrap().expose_secret()), (1, "s3cret-of-all"));
    let Reach { listen, admin_token } = Reach::parse("", environment).unwrap();
    assert_eq!((listen, admin_token.is_none()), (parse("").unwrap().listen, true));
    assert!(Reach::parse("lisen = \"x\"", environment).is_err());
    assert!(Reach::parse("[admin]\ntoken = \"${NONE}\"", environment).is_err());
}

#[test]
fn a_source_is_reached_without_the_secrets_of_others() {
    let environment = |name: &str| (name == "KEY").then(|| "s3cret-of-all".to_owned());
    let other = "\n[[sources]]\nname = \"other\"\ndialect = \"native\"\ntoken = \"${NONE}\"\n";
    let text =
        format!("listen = \"[::]:1\"\n[admin]\ntoken = \"${{NONE}}\"\n{}{other}", source("api_key = \"${KEY}\""));
    let entrance = |name: &str| Entrance::parse(&text, name, environment);
    let Entrance { listen, source } = entrance("support").unwrap();
    let key = source.credentials().api_key.as_ref().unwrap();
    assert_eq!((listen.port(), source.name(), key.expose()), (1, "support", "s3cret-of-all"));
    let check = |name: &str, expected: &str| assert_eq!(entrance(name).unwrap_err().to_string(), expected);
    check("other", "`sources[1].token`: the environment variable NONE is not set");
    let both = "expected one of support, other";
    check("nobody", &format!("no source is named \"nobody\": {both}"));
    check("suport", &format!("no source is named \"suport\": did you mean support? {both}"));
    let none = Entrance::parse("", "support", environment).unwrap_err();
    assert_eq!(none.to_string(), "no source is named \"support\": there are none");
}
