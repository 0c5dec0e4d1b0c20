//! Every platform's requests, in and out: what its document shows is taken by a source that speaks its dialect, and goes
//! out in every format to receivers that were written from the documents alone.

use crate::{
    harness::{Platform, Receiver, Server, Site},
    receivers::{Posted, hotline, inbox, sendpulse, tg_staff},
};
