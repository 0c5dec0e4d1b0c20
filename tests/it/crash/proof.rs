//! What must hold in the end, from the receivers' side.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use reqwest::Method;
use serde_json::Value;

use super::{
    receiver::Got,
    senders::{Sent, Told},
};
use crate::harness::Server;

/// What came of it, for people.
#[derive(Debug)]
pub(super) struct Figures {
    accepted: usize,
    refused: usize,
    unknown: usize,
    delivered: usize,
    repeated: usize,
    most: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, refused, unknown, delivered, repeated, most } = self;
        write!(
            f,
            "{accepted} accepted, {refused} refused, {unknown} unknown; {delivered} delivered, of which {repeated} more \
             than once, {most} times at most"
        )
    }
}

/// What a receiver got of one message.
#[derive(Debug)]
struct Delivered<'g> {
    first: &'g Got,
    times: usize,
}

/// Holds what the senders were told against what the receiver got, and against what the host says.
pub(super) async fn prove(server: &Server, sent: &[Vec<Sent>], got: &[Got]) -> Figures {
    let delivered = same_id_and_body(got);
    for sent in sent {
        acknowledged_arrived(sent, &delivered);
        in_order(sent, got);
    }
    let texts: HashSet<&str> = sent.iter().flatten().map(|sent| &*sent.text).collect();
    assert!(delivered.keys().all(|text| texts.contains(text.as_str())), "something arrived that nobody sent");
    has_its_record(server, &delivered).await;
    counted_once(server, delivered.len()).await;
    let told = |is_so: fn(&Told) -> bool| sent.iter().flatten().filter(|sent| is_so(&sent.told)).count();
    Figures {
        accepted: told(|told| matches!(told, Told::Accepted(_))),
        refused: told(|told| *told == Told::Refused),
        unknown: told(|told| *told == Told::Nothing),
        delivered: delivered.len(),
        repeated: delivered.values().filter(|delivered| delivered.times > 1).count(),
        most: delivered.values().map(|delivered| delivered.times).max().unwrap_or_default(),
    }
}

fn text_of(got: &Got) -> String {
    let body: Value = serde_json::from_str(&got.body).unwrap();
    body["data"]["text"].as_str().unwrap().to_owned()
}

/// A repetition is one: it has the id and the body of the first. Nothing else has its id.
fn same_id_and_body(got: &[Got]) -> HashMap<String, Delivered<'_>> {
    let mut delivered = HashMap::<String, Delivered<'_>>::new();
    for got in got {
        let known = delivered.entry(text_of(got)).or_insert(Delivered { first: got, times: 0 });
        assert_eq!(known.first, got, "a repetition differs");
        known.times += 1;
    }
    let ids: HashSet<&str> = delivered.values().map(|delivered| &*delivered.first.id).collect();
    assert_eq!(ids.len(), delivered.len(), "two messages have the same id");
    delivered
}

/// What was accepted has arrived, under the id that its sender was told.
fn acknowledged_arrived(sent: &[Sent], delivered: &HashMap<String, Delivered<'_>>) {
    for Sent { text, told } in sent {
        if let Told::Accepted(id) = told {
            let arrived = delivered.get(text).unwrap_or_else(|| panic!("{text:?} was accepted as {id}, and is lost"));
            assert_eq!(arrived.first.id, *id, "{text:?}");
        }
    }
}

/// The first deliveries of a conversation come in the order in which its messages were sent, one after the other.
fn in_order(sent: &[Sent], got: &[Got]) {
    let place: BTreeMap<&str, usize> = sent.iter().enumerate().map(|(place, sent)| (&*sent.text, place)).collect();
    let mut last = None;
    let mut seen = HashSet::new();
    for got in got {
        let Some(&place) = place.get(&*text_of(got)) else { continue };
        if seen.insert(place) {
            assert!(last < Some(place), "{:?} came before {place}", last);
            last = Some(place);
        }
    }
}

/// Of whatever arrived, the host knows the event, and that it arrived.
async fn has_its_record(server: &Server, delivered: &HashMap<String, Delivered<'_>>) {
    for Delivered { first, .. } in delivered.values() {
        let answer = server.request(Method::GET, &format!("/v1/admin/events/{}", first.id)).await;
        assert_eq!(answer.status, 200, "{first:?} arrived without a record: {answer:?}");
        let deliveries = answer.json()["deliveries"].clone();
        let of_receiver =
            deliveries.as_array().unwrap().iter().find(|delivery| delivery["subscriber"]["name"] == "crm");
        assert_eq!(of_receiver.unwrap()["state"], "succeeded", "{deliveries:#}");
    }
}

/// The plugin's count is that of the events that it was given with success, and that of those that arrived elsewhere.
async fn counted_once(server: &Server, delivered: usize) {
    let succeeded = server.listed("deliveries?name=recorder&state=succeeded").await;
    assert_eq!(succeeded.len(), delivered, "the plugin and the receiver did not get the same");
    assert_eq!(server.says("/counted").await, format!("{delivered} 0"));
}
