//! Payments: the page's section "Payment webhooks".

use serde_json::Value;

use super::{
    super::{Kind, Object, STRING, WHOLE, assert_refused, post},
    Arrived,
    cases::PAYMENT_ORDER,
    receive,
};

const STATUS: Kind<PaymentStatus> = Kind { expected: "a status of the page's list", read: status };
const TYPE: Kind<PaymentType> = Kind { expected: "1, 2 or 3", read: payment_type };

#[derive(Debug, PartialEq)]
pub(crate) struct PaymentOrder {
    pub(crate) timestamp_ms: i64,
    pub(crate) version: String,
    pub(crate) id: String,
    pub(crate) status: PaymentStatus,
    pub(crate) total_cost: i64,
    pub(crate) currency: Option<String>,
    pub(crate) contact_id: Option<String>,
    pub(crate) customer_name: Option<String>,
    pub(crate) number: Option<i64>,
    pub(crate) service: Option<i64>,
    pub(crate) payment_method_type: Option<i64>,
    pub(crate) payment_type: Option<PaymentType>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) description: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Variable {
    pub(crate) value_type: i64,
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PaymentStatus {
    InProcessing,
    Pending,
    PendingProcessing,
    ToBeReviewed,
    OnHold,
    Completed,
    Canceled,
    ReturnedBySeller,
    ReturnedByPaymentSystem,
    Denied,
    NotPaid,
    PartiallyReturnedBySeller,
    NotReceivedInFull,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PaymentType {
    Actual,
    Test,
    LiveTest,
}

pub(super) fn payment_order(timestamp_ms: i64, version: String, order: &Object<'_>) -> Result<PaymentOrder, String> {
    Ok(PaymentOrder {
        timestamp_ms,
        version,
        id: order.required("id", &STRING)?,
        status: order.required("status", &STATUS)?,
        total_cost: order.required("totalCost", &WHOLE)?,
        currency: order.optional("currency", &STRING)?,
        contact_id: order.optional("contactId", &STRING)?,
        customer_name: order.optional("customerName", &STRING)?,
        number: order.optional("number", &WHOLE)?,
        service: order.optional("service", &WHOLE)?,
        payment_method_type: order.optional("paymentMethodType", &WHOLE)?,
        payment_type: order.optional("type", &TYPE)?,
        variables: order.objects("variables")?.iter().map(variable).collect::<Result<_, _>>()?,
        description: order.optional("description", &STRING)?,
        created_at: order.optional("createdAt", &STRING)?,
        updated_at: order.optional("updatedAt", &STRING)?,
    })
}

fn variable(variable: &Object<'_>) -> Result<Variable, String> {
    Ok(Variable {
        value_type: variable.required("valueType", &WHOLE)?,
        name: variable.required("name", &STRING)?,
        value: variable.required("value", &STRING)?,
    })
}

fn status(value: &Value) -> Option<PaymentStatus> {
    Some(match value.as_i64()? {
        100 => PaymentStatus::InProcessing,
        101 => PaymentStatus::Pending,
        102 => PaymentStatus::PendingProcessing,
        103 => PaymentStatus::ToBeReviewed,
        104 => PaymentStatus::OnHold,
        200 => PaymentStatus::Completed,
        300 => PaymentStatus::Canceled,
        301 => PaymentStatus::ReturnedBySeller,
        302 => PaymentStatus::ReturnedByPaymentSystem,
        303 => PaymentStatus::Denied,
        304 => PaymentStatus::NotPaid,
        305 => PaymentStatus::PartiallyReturnedBySeller,
        400 => PaymentStatus::NotReceivedInFull,
        500 => PaymentStatus::Error,
        _ => return None,
    })
}

fn payment_type(value: &Value) -> Option<PaymentType> {
    Some(match value.as_i64()? {
        1 => PaymentType::Actual,
        2 => PaymentType::Test,
        3 => PaymentType::LiveTest,
        _ => return None,
    })
}

#[test]
fn a_payment_is_completed() {
    let variable =
        |value_type, name: &str, value: &str| Variable { value_type, name: name.to_owned(), value: value.to_owned() };
    let expected = PaymentOrder {
        timestamp_ms: 1_644_590_834,
        version: "1.0".to_owned(),
        id: "a3704313-8c0b-0000-b195-c6b84242f0e2".to_owned(),
        status: PaymentStatus::Completed,
        total_cost: 12,
        currency: some("BRL"),
        contact_id: some("7a505f4293dffcd7100f8f0004214892e4cf5618307908edf465042075d5c30"),
        customer_name: some("User"),
        number: Some(1618),
        service: Some(2),
        payment_method_type: Some(7),
        payment_type: Some(PaymentType::Test),
        variables: vec![
            variable(1, "String", "Hello World"),
            variable(2, "Number", "55684213"),
            variable(3, "Date", "2022-02-25"),
            variable(5, "Phone", "+38063456228"),
            variable(6, "Email", "user@sendpulse.com"),
            variable(7, "Link", "http://sendpulse.com"),
        ],
        description: some("Apple MercadoPago"),
        created_at: some("2022-02-11T14:47:13+00:00"),
        updated_at: some("2022-02-11T14:47:14+00:00"),
    };
    assert_eq!(post(PAYMENT_ORDER, receive), Ok(Arrived::Payment(Box::new(expected))));
}

#[test]
fn each_documented_status_is_known() {
    let known: Vec<i64> = (0..=999).filter(|code| status(&(*code).into()).is_some()).collect();
    assert_eq!(known, [100, 101, 102, 103, 104, 200, 300, 301, 302, 303, 304, 305, 400, 500]);
}

#[test]
fn an_object_of_another_event_is_a_value() {
    let body = PAYMENT_ORDER.replace("payment_order", "payment_refund");
    assert_eq!(post(&body, receive), Ok(Arrived::Unknown { event: "payment_refund".to_owned() }));
}

#[test]
fn what_is_no_payment_is_refused() {
    let with = |from: &str, to: &str| PAYMENT_ORDER.replace(from, to);
    assert_refused(
        &[
            (&with("1644590834", "\"2022-02-11\""), "timestamp is \"2022-02-11\", expected a whole number"),
            (&with("\"1.0\"", "1.0"), "version is 1.0, expected a string"),
            (&with("\"order\"", "\"orders\""), "order is absent, expected an object"),
            (&with("\"totalCost\": 12", "\"totalCost\": \"12\""), "order.totalCost is \"12\", expected a whole"),
            (&with("\"status\": 200", "\"status\": 201"), "order.status is 201, expected a status of the page's"),
            (&with("\"type\": 2", "\"type\": 4"), "order.type is 4, expected 1, 2 or 3"),
            (&with("\"valueType\": 3", "\"valueType\": \"3\""), "order.variables[2].valueType is \"3\""),
        ],
        receive,
    );
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
