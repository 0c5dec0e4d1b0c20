//! What another platform wrote, as SendPulse would have.
//!
//! What that platform itself said goes with it: in `info`, where SendPulse has what its channels said, or in `order`.

use slashbox_core::Event;

use super::{KINDS, PAYMENT_ORDER, RECEIVED, SENT};
use crate::{json::Object, kind, translate::with_own_data};

/// The version of payments that the document describes.
const PAYMENT_VERSION: &str = "1.0";

/// A payment, which goes in no array.
pub(super) fn payment(event: &Event) -> String {
    let Event { contact, message, text, occurred_at_ms, .. } = event;
    let mut order = Object::new();
    order.text_if("contactId", contact.as_deref());
    order.text_if("id", message.as_deref());
    order.text_if("description", text.as_deref());
    let mut payment = Object::new();
    payment.json("timestamp", &occurred_at_ms.to_string()).text("version", PAYMENT_VERSION);
    payment.text("event", PAYMENT_ORDER).json("order", &with_data(order, event));
    payment.finish()
}

/// Anything else: an element of an array.
pub(super) fn element(event: &Event) -> String {
    let Event { kind, occurred_at_ms, origin, .. } = event;
    let mut bot = Object::new();
    bot.text("id", bot_id(event)).text("name", &origin.source);
    let mut element = Object::new();
    element.json("info", &info(event)).text("service", &origin.dialect);
    element.text("title", kind::native_of(KINDS, kind));
    element.json("bot", &bot.finish()).json("contact", &contact(event));
    element.json("date", &occurred_at_ms.to_string());
    element.finish()
}

/// A conversation here is a bot's with a contact. Where it is made in another way, the bot is whatever there is above the
/// conversations of a source.
fn bot_id(event: &Event) -> &str {
    let Event { conversation, contact, origin, .. } = event;
    let of_conversation = || conversation.as_deref()?.strip_suffix(contact.as_deref()?)?.strip_suffix(':');
    let known = |id: &&str| !id.is_empty();
    of_conversation().filter(known).or(origin.instance.as_deref().filter(known)).unwrap_or(&origin.source)
}

fn contact(event: &Event) -> String {
    let Event { kind, contact: id, operator, text, .. } = event;
    let mut contact = Object::new();
    // Receivers go through these without asking whether they are there.
    contact.text("id", id.as_deref().unwrap_or_default());
    contact.text_if("last_message", text.as_deref().filter(|_| kind != SENT));
    contact.json("tags", "[]").json("variables", "{}");
    if operator.is_some() {
        let mut person = Object::new();
        person.id_if("user_id", operator.as_deref());
        contact.json("operator", &person.finish());
    }
    contact.finish()
}

/// `null` if there is nothing to say, as the platform has it.
fn info(event: &Event) -> String {
    let mut info = Object::new();
    let message = message(event);
    if !message.is_empty() {
        info.json("message", &message.finish());
    }
    match with_data(info, event) {
        nothing if nothing == "{}" => "null".into(),
        info => info,
    }
}

fn message(event: &Event) -> Object {
    let Event { kind, message: id, text, .. } = event;
    let mut message = Object::new();
    if let Some(text) = text.as_deref().filter(|_| kind == RECEIVED || kind == SENT) {
        let (mut of_channel, mut channel_data) = (Object::new(), Object::new());
        of_channel.text("text", text);
        channel_data.json("message", &of_channel.finish());
        message.json("channel_data", &channel_data.finish());
    }
    message.text_if("id", id.as_deref());
    message
}

/// As [`with_own_data`], but an object whatever the data is, as the platform's receivers expect it.
fn with_data(fields: Object, event: &Event) -> String {
    let object = with_own_data(fields, event);
    let mut wrapped = Object::new();
    match object.as_str() {
        "null" => {}
        object if object.starts_with('{') => return object.into(),
        other => {
            wrapped.json("data", other);
        }
    }
    wrapped.finish()
}
