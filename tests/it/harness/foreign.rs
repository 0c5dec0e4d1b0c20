//! Components of other worlds, and of ours as it is not.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, SourceMap};

/// A component without a body that has the world `plugin` of some WIT text.
pub(crate) fn of_world(wit: &[String]) -> Vec<u8> {
    let mut sources = SourceMap::new();
    for (index, text) in wit.iter().enumerate() {
        sources.push_str(&format!("{index}.wit"), text.as_str());
    }
    let mut resolve = Resolve::default();
    let package = resolve.push_group(sources.parse().map_err(|(_, error)| error).unwrap()).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// A component of our interface, but for one thing.
pub(crate) fn changed(from: &str, to: &str) -> Vec<u8> {
    let file =
        |name: &str| std::fs::read_to_string(format!("{}/../wit/{name}.wit", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let ours = ["types", "handler", "services", "world"].map(file);
    let theirs = ours.clone().map(|text| text.replace(from, to));
    assert!(ours != theirs, "{from:?} stands nowhere in wit/");
    of_world(&theirs)
}
