//! What wasmtime's wasi:http leaves to the guest, bounded: the host holds it, beside the guest's memory.

use wasmtime::{
    StoreContextMut,
    component::{Linker, Resource},
};
use wasmtime_wasi_http::{
    WasiHttpView,
    p2::bindings::http::types::{HostOutgoingRequest, Method, OutgoingRequest},
};

use crate::guest::Guest;

/// The interface, in the version that wasmtime has.
const TYPES: &str = "wasi:http/types@0.2.12";

/// The most bytes of a request's method: longer than any that is registered (iana.org/assignments/http-methods).
const METHOD_BYTES_MAX: usize = 64;

/// The most bytes of a request's authority: a name of the longest kind, and a port.
const AUTHORITY_BYTES_MAX: usize = 300;

/// Puts the bounded functions in the place of wasmtime's.
pub(crate) fn put_bounds(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    set_method(linker)?;
    set_authority(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn set_authority(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(TYPES)?.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: StoreContextMut<'_, Guest>, (request, authority): (Resource<OutgoingRequest>, Option<String>)| {
            if authority.as_ref().is_some_and(|authority| authority.len() > AUTHORITY_BYTES_MAX) {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_authority(request, authority)?,))
        },
    )
}

fn set_method(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(TYPES)?.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: StoreContextMut<'_, Guest>, (request, method): (Resource<OutgoingRequest>, Method)| {
            if matches!(&method, Method::Other(name) if name.len() > METHOD_BYTES_MAX) {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_method(request, method)?,))
        },
    )
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;

    use super::*;

    /// Another version of wasmtime may have another version of the interface: then this would stand beside it, unused.
    #[test]
    fn it_takes_the_place_of_wasmtimes_own() {
        let mut linker = Linker::new(&Engine::default());
        wasmtime_wasi::p2::add_to_linker_async::<Guest>(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        for twice in [set_method(&mut linker), set_authority(&mut linker)] {
            let twice = format!("{:#}", twice.unwrap_err());
            assert!(twice.contains("defined twice"), "{twice}");
        }
        put_bounds(&mut linker).unwrap();
    }
}
