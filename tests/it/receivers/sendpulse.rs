//! A receiver for SendPulse: the webhooks of its chatbots, and of its payments.
//!
//! Written from SendPulse's page "Webhooks", and from nothing else. Where its tables and its examples differ, both are
//! taken: ids are numbers and strings, `info` is of any type, and variables stand in `contact` or in its `variables`.

mod cases;
pub(crate) mod payment;

use payment::PaymentOrder;
use serde_json::{Map, Value, json};

use super::{ANY, ID, Kind, MAP, Object, Posted, STRING, WHOLE, assert_refused, elements, post, wrong};

/// The members of `contact` that the page names. All others are variables, which may stand beside them.
const CONTACT_MEMBERS: [&str; 10] =
    ["id", "name", "username", "email", "phone", "last_message", "photo", "tags", "operator", "variables"];

const TAGS: Kind<Vec<String>> = Kind { expected: "an array of strings", read: tags };

/// The page knows no key and no signature: there is nothing to configure.
pub(crate) struct Receiver {}

#[derive(Debug, PartialEq)]
pub(crate) enum Arrived {
    Webhooks(Vec<Webhook>),
    Payment(Box<PaymentOrder>),
    /// An object, as payments are, but of another event.
    Unknown {
        event: String,
    },
}

#[derive(Debug, PartialEq)]
pub(crate) struct Webhook {
    pub(crate) title: Title,
    pub(crate) service: String,
    pub(crate) bot: Bot,
    pub(crate) contact: Contact,
    pub(crate) date_ms: i64,
    pub(crate) info: Option<Value>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Title {
    NewSubscriber,
    RunCustomFlow,
    OpenChat,
    LinkClick,
    BotBlock,
    Unsubscribe,
    OutgoingMessage,
    IncomingMessage,
    /// The name that somebody gave a webhook in a flow. An event that the page does not name looks the same.
    Unknown {
        event: String,
    },
}

#[derive(Debug, PartialEq)]
pub(crate) struct Bot {
    pub(crate) id: String,
    pub(crate) external_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) url: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) last_message: Option<String>,
    pub(crate) photo: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) operator: Option<Map<String, Value>>,
    pub(crate) variables: Map<String, Value>,
}

impl Receiver {
    pub(crate) fn receive(&self, posted: &Posted<'_>) -> Result<Arrived, String> {
        match posted.json()? {
            Value::Array(array) if array.is_empty() => Err("body is [], expected at least one webhook".to_owned()),
            Value::Array(array) => webhooks(&array).map(Arrived::Webhooks),
            Value::Object(object) => payment(&Value::Object(object)),
            other => Err(wrong("body", &other, "an array of webhooks or a payment's object")),
        }
    }
}

fn webhooks(array: &[Value]) -> Result<Vec<Webhook>, String> {
    elements("", array)?.iter().map(webhook).collect()
}

fn webhook(webhook: &Object<'_>) -> Result<Webhook, String> {
    Ok(Webhook {
        title: title(webhook.required("title", &STRING)?),
        service: webhook.required("service", &STRING)?,
        bot: bot(&webhook.object("bot")?)?,
        contact: contact(&webhook.object("contact")?)?,
        date_ms: webhook.required("date", &WHOLE)?,
        info: webhook.optional("info", &ANY)?,
    })
}

fn title(event: String) -> Title {
    match event.as_str() {
        "new_subscriber" => Title::NewSubscriber,
        "run_custom_flow" => Title::RunCustomFlow,
        "open_chat" => Title::OpenChat,
        "link_click" => Title::LinkClick,
        "bot_block" => Title::BotBlock,
        "unsubscribe" => Title::Unsubscribe,
        "outgoing_message" => Title::OutgoingMessage,
        "incoming_message" => Title::IncomingMessage,
        _ => Title::Unknown { event },
    }
}

fn bot(bot: &Object<'_>) -> Result<Bot, String> {
    Ok(Bot {
        id: bot.required("id", &STRING)?,
        external_id: bot.optional("external_id", &ID)?,
        name: bot.optional("name", &STRING)?,
        url: bot.optional("url", &STRING)?,
    })
}

fn contact(contact: &Object<'_>) -> Result<Contact, String> {
    Ok(Contact {
        id: contact.required("id", &STRING)?,
        name: contact.optional("name", &STRING)?,
        username: contact.optional("username", &STRING)?,
        email: contact.optional("email", &STRING)?,
        phone: contact.optional("phone", &STRING)?,
        last_message: contact.optional("last_message", &STRING)?,
        photo: contact.optional("photo", &STRING)?,
        tags: contact.optional("tags", &TAGS)?.unwrap_or_default(),
        operator: contact.optional("operator", &MAP)?,
        variables: variables(contact)?,
    })
}

fn variables(contact: &Object<'_>) -> Result<Map<String, Value>, String> {
    let mut variables = contact.optional("variables", &MAP)?.unwrap_or_default();
    let beside = contact.members.iter().filter(|(name, _)| !CONTACT_MEMBERS.contains(&name.as_str()));
    variables.extend(beside.map(|(name, value)| (name.clone(), value.clone())));
    Ok(variables)
}

fn tags(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|tag| tag.as_str().map(str::to_owned)).collect()
}

fn payment(body: &Value) -> Result<Arrived, String> {
    let body = Object::body(body)?;
    let event = body.required("event", &STRING)?;
    let timestamp_ms = body.required("timestamp", &WHOLE)?;
    let version = body.required("version", &STRING)?;
    if event != "payment_order" {
        return Ok(Arrived::Unknown { event });
    }
    let order = payment::payment_order(timestamp_ms, version, &body.object("order")?)?;
    Ok(Arrived::Payment(Box::new(order)))
}

fn receive(posted: &Posted<'_>) -> Result<Arrived, String> {
    Receiver {}.receive(posted)
}

/// The only webhook of a body.
fn one(body: &str) -> Webhook {
    match post(body, receive) {
        Ok(Arrived::Webhooks(mut webhooks)) if webhooks.len() == 1 => webhooks.remove(0),
        said => panic!("no single webhook: {said:?}"),
    }
}

#[test]
fn a_contact_subscribes() {
    let expected = Webhook {
        title: Title::NewSubscriber,
        service: "telegram".to_owned(),
        bot: Bot {
            id: "60b0a854b4d8073f592b92f3".to_owned(),
            external_id: Some("1845120800".to_owned()),
            name: Some("BEST".to_owned()),
            url: Some("https://t.me/best_bot".to_owned()),
        },
        contact: Contact {
            id: "60b0a854083b4964fd0f7b657847848".to_owned(),
            name: Some("name".to_owned()),
            username: Some("veronica".to_owned()),
            email: None,
            phone: None,
            last_message: Some("Test".to_owned()),
            photo: None,
            tags: Vec::new(),
            operator: Some(map(json!({
                "username": "test dza", "created_at": 1_723_636_543, "user_id": 8_356_384, "avatar": null,
                "email": "custombot1@e.cn.ua",
            }))),
            variables: map(json!({
                "name": "Veronica Petrova", "Phone": "380985236985", "Email": "test@gmail.com",
            })),
        },
        date_ms: 16_377_590_567_070,
        info: None,
    };
    assert_eq!(one(cases::NEW_SUBSCRIBER), expected);
}

#[test]
fn each_event_of_a_bot_is_told_from_the_others() {
    let examples = [
        (cases::OPEN_CHAT, Title::OpenChat, 16_377_587_917_546),
        (cases::RUN_CUSTOM_FLOW, Title::RunCustomFlow, 163_775_889_778_478),
        (cases::LINK_CLICK, Title::LinkClick, 16_377_589_785_675),
        (cases::UNSUBSCRIBE, Title::Unsubscribe, 1_637_759_687_101),
        (cases::BOT_BLOCK, Title::BotBlock, 1_637_756_579_166),
        (cases::INCOMING_MESSAGE, Title::IncomingMessage, 1_625_834_714),
        (cases::OUTGOING_MESSAGE, Title::OutgoingMessage, 16_377_585_936_738),
    ];
    for (body, title, date_ms) in examples {
        let webhook = one(body);
        assert_eq!((webhook.title, webhook.date_ms), (title, date_ms));
    }
}

#[test]
fn a_message_comes_with_what_its_messenger_says() {
    let webhook = one(cases::INCOMING_MESSAGE);
    assert_eq!(webhook.bot.external_id.as_deref(), Some("380932674329"));
    assert_eq!(webhook.contact.last_message.as_deref(), Some("hey! whats up?"));
    let info = webhook.info.unwrap();
    assert_eq!(info.pointer("/message/channel_data/message/text/body"), Some(&json!("hey! whats up?")));
}

#[test]
fn a_flow_names_its_webhook_and_its_variables() {
    let Webhook { title, contact, .. } = one(cases::FLOW_ELEMENT);
    assert_eq!(title, Title::Unknown { event: "Reserved. Apartment #3".to_owned() });
    assert_eq!(contact.variables, map(json!({ "name of variable": "value of variable" })));
    assert_eq!((contact.email.as_deref(), contact.phone.as_deref()), (Some("name@example.com"), Some("+38093000000")));
    assert_eq!(contact.tags, ["tag1", "tag2"]);
}

#[test]
fn several_webhooks_arrive_at_once() {
    let webhook = cases::UNSUBSCRIBE.trim_matches(['[', ']']);
    let Ok(Arrived::Webhooks(webhooks)) = post(&format!("[{webhook},{webhook}]"), receive) else { panic!("none") };
    assert_eq!(webhooks.len(), 2);
}

#[test]
fn what_is_no_webhook_of_sendpulse_is_refused() {
    let with = |from: &str, to: &str| cases::BOT_BLOCK.replace(from, to);
    assert_refused(
        &[
            ("\"new_subscriber\"", "expected an array of webhooks or a payment's object"),
            ("[]", "body is [], expected at least one webhook"),
            ("[7]", "[0] is 7, expected an object"),
            (cases::BOT_BLOCK.trim_matches(['[', ']']), "event is absent, expected a string"),
            (&with("\"title\"", "\"event\""), "[0].title is absent, expected a string"),
            (&with("\"telegram\"", "3"), "[0].service is 3, expected a string"),
            (&with("\"bot\"", "\"robot\""), "[0].bot is absent, expected an object"),
            (&with("\"60b0a854083b4964fd5670f7b65\"", "60"), "[0].contact.id is 60, expected a string"),
            (&with("\"tags\": []", "\"tags\": [1]"), "[0].contact.tags is [1], expected an array of strings"),
            (&with("1637756579166", "\"1637756579166\""), "[0].date is \"1637756579166\", expected a whole number"),
        ],
        receive,
    );
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}
