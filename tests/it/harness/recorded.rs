//! What the guest `recorder` has seen, and the platform's documents.

use serde_json::Value;

use super::Sender;

/// The platform's example of a dialog's event, word for word.
pub(crate) const DIALOG_REOPENED: &str = include_str!("../cases/hotline/dialog_reopened.json");

/// The platform's example of a message's event, word for word; the same conversation.
pub(crate) const MESSAGE_SENT: &str = include_str!("../cases/hotline/message_sent.json");

/// The platform's example of a command, word for word.
pub(crate) const MARK: &str = include_str!("../cases/hotline/mark.json");

/// The text of a document's `data`, as it is written.
pub(crate) fn data_of(document: &str) -> &str {
    let (_, data) = document.split_once("\"data\": ").unwrap();
    let (data, _) = data.rsplit_once(",\n    \"api_key\"").unwrap();
    data
}

/// Waits until it has seen so many events of the sender's tenant, and gives them back in their order.
pub(crate) async fn recorded(sender: &Sender, count: usize) -> Vec<Value> {
    sender.until("/seen", &count.to_string()).await;
    let mut events = Vec::new();
    for number in 1..=count {
        events.push(serde_json::from_str(&sender.says(&format!("/event {number}")).await).unwrap());
    }
    events
}
