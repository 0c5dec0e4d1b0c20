//! The benchmarks' work as an Extism plugin: the export `invoice`, from the payload's text to the reply's.

#![allow(unsafe_code, reason = "the macro's export is a C function")]

use extism_pdk::{FnResult, plugin_fn};

/// The same as the slashbox plugin's command.
#[plugin_fn]
pub fn invoice(data: String) -> FnResult<String> {
    Ok(slashbox_bench_work::reply(&data)?)
}
