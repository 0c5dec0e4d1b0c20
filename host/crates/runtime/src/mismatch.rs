//! Where a component's interface differs from ours, in words that tell its author what to do.
//!
//! Reads the component's own account of its imports and exports and compares it with `wit/`, type by type. wasmtime
//! would refuse the same components, but says so in its own terms, and only that something differs.

use std::sync::LazyLock;

use wit_parser::{
    Function, InterfaceId, Resolve, SourceMap, Type, TypeDefKind, WorldId, WorldItem, WorldKey,
    decoding::{DecodedWasm, decode},
};

/// The package and the version that this host speaks, as `wit/` says.
const PACKAGE: (&str, &str) = ("slashbox", "plugin");

/// What authors build against.
const SDK: &str = concat!("slashbox-sdk ", env!("CARGO_PKG_VERSION"));

static OURS: LazyLock<Option<Side>> = LazyLock::new(|| {
    let mut sources = SourceMap::new();
    for (name, text) in [
        ("types.wit", include_str!("../wit/types.wit")),
        ("handler.wit", include_str!("../wit/handler.wit")),
        ("services.wit", include_str!("../wit/services.wit")),
        ("world.wit", include_str!("../wit/world.wit")),
    ] {
        sources.push_str(name, text);
    }
    let mut resolve = Resolve::default();
    let package = resolve.push_group(sources.parse().ok()?).ok()?;
    let world = resolve.select_world(&[package], Some("plugin")).ok()?;
    Some(Side { resolve, world })
});

/// A component that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

/// One of the two interfaces that are compared.
struct Side {
    resolve: Resolve,
    world: WorldId,
}

/// Each way in which a component does not fit, a line each; none if it fits.
pub(crate) fn mismatches(component: &[u8]) -> Result<Vec<String>, Unreadable> {
    let theirs = match decode(component).map_err(|error| Unreadable(format!("{error:#}")))? {
        DecodedWasm::Component(resolve, world) => Side { resolve, world },
        DecodedWasm::WitPackage(..) => return Ok(vec!["it is a WIT package, not a component with code".into()]),
    };
    let Some(ours) = &*OURS else { return Err(Unreadable("the host's own interface cannot be read".into())) };
    let mut lines = Vec::new();
    let mut handler = false;
    for (interface, exported) in theirs.interfaces() {
        let id = theirs.resolve.id_of(interface).unwrap_or_default();
        let Some(name) = theirs.name_in_package(interface) else {
            if !exported && !id.starts_with("wasi:") {
                lines.push(format!("it imports `{id}`, which this host does not have"));
            }
            continue;
        };
        handler |= exported && name == "handler";
        match ours.interface(&name) {
            Some(own) if same_track(ours, own, &theirs, interface) => {
                lines.extend(Comparison { ours, theirs: &theirs }.interface(own, interface));
            }
            Some(own) => {
                let own = ours.resolve.id_of(own).unwrap_or_default();
                lines.push(format!("it was built for `{id}`, this host has `{own}`: build it with {SDK}"));
            }
            None => lines.push(format!("it names `{id}`, which this host does not have: build it with {SDK}")),
        }
    }
    if !handler {
        lines.insert(0, theirs.no_handler(ours));
    }
    Ok(lines)
}

/// Versions on one semver track fit each other: before 1.0 that is the minor version.
fn same_track(ours: &Side, own: InterfaceId, theirs: &Side, their: InterfaceId) -> bool {
    let version = |side: &Side, interface| side.resolve.canonicalized_id_of(interface);
    version(ours, own) == version(theirs, their)
}

impl Side {
    /// All interfaces of the world, and whether each is exported.
    fn interfaces(&self) -> impl Iterator<Item = (InterfaceId, bool)> {
        let world = self.resolve.worlds.get(self.world);
        let imports = world.into_iter().flat_map(|world| &world.imports).map(|item| (item, false));
        let exports = world.into_iter().flat_map(|world| &world.exports).map(|item| (item, true));
        imports.chain(exports).filter_map(|((key, item), exported)| match (key, item) {
            (WorldKey::Interface(_), WorldItem::Interface { id, .. }) => Some((*id, exported)),
            _ => None,
        })
    }

    /// The interface's name, if it is one of our package's, in whatever version.
    fn name_in_package(&self, interface: InterfaceId) -> Option<String> {
        let interface = self.resolve.interfaces.get(interface)?;
        let package = &self.resolve.packages.get(interface.package?)?.name;
        if (package.namespace.as_str(), package.name.as_str()) == PACKAGE { interface.name.clone() } else { None }
    }

    fn interface(&self, name: &str) -> Option<InterfaceId> {
        self.interfaces().map(|(id, _)| id).find(|id| self.name_in_package(*id).as_deref() == Some(name))
    }

    fn no_handler(&self, ours: &Side) -> String {
        let handler = ours.interface("handler").and_then(|id| ours.resolve.id_of(id)).unwrap_or_default();
        let world = self.resolve.worlds.get(self.world);
        let exports = world.into_iter().flat_map(|world| world.exports.keys());
        let exports: Vec<String> = exports.map(|key| format!("`{}`", self.resolve.name_world_key(key))).collect();
        let exports = if exports.is_empty() { "nothing".into() } else { exports.join(", ") };
        format!("it exports {exports}, but not `{handler}`: build it with {SDK} and its `export!`")
    }
}

/// The walk through two interfaces of the same name.
struct Comparison<'s> {
    ours: &'s Side,
    theirs: &'s Side,
}

impl Comparison<'_> {
    fn interface(&self, own: InterfaceId, their: InterfaceId) -> Vec<String> {
        let (Some(own), Some(their)) =
            (self.ours.resolve.interfaces.get(own), self.theirs.resolve.interfaces.get(their))
        else {
            return Vec::new();
        };
        let name = own.name.as_deref().unwrap_or_default();
        let mut lines = Vec::new();
        for (function, their) in &their.functions {
            match own.functions.get(function) {
                Some(own) => lines.extend(self.function(own, their).map(|what| format!("`{name}.{function}`: {what}"))),
                None => lines.push(format!("`{name}.{function}` is no function that this host has")),
            }
        }
        if name == "handler" {
            let missing = own.functions.keys().filter(|function| !their.functions.contains_key(*function));
            lines.extend(missing.map(|function| format!("`{name}.{function}` is missing")));
        }
        let hint = |line: String| format!("{line}: build it with {SDK}");
        lines.into_iter().map(hint).collect()
    }

    fn function(&self, own: &Function, their: &Function) -> Option<String> {
        if own.params.len() != their.params.len() {
            return Some(format!("it takes {} parameters, not {}", own.params.len(), their.params.len()));
        }
        let mut params = own.params.iter().zip(&their.params);
        params
            .find_map(|(own, their)| self.types(&own.ty, &their.ty))
            .or_else(|| self.optional(own.result.as_ref(), their.result.as_ref()))
    }

    fn optional(&self, own: Option<&Type>, their: Option<&Type>) -> Option<String> {
        match (own, their) {
            (Some(own), Some(their)) => self.types(own, their),
            (None, None) => None,
            (own, their) => {
                let name = |side: &Side, of: Option<&Type>| of.map_or("nothing".into(), |of| type_name(side, of));
                Some(format!("expected {}, found {}", name(self.ours, own), name(self.theirs, their)))
            }
        }
    }

    /// The first difference below two types.
    fn types(&self, own: &Type, their: &Type) -> Option<String> {
        let (own, their) = (&named(self.ours, own), &named(self.theirs, their));
        let (Type::Id(own_id), Type::Id(their_id)) = (own, their) else {
            return (own != their).then(|| self.differ(own, their));
        };
        let kind = |side: &Side, id| side.resolve.types.get(id).map(|def| def.kind.clone());
        match (kind(self.ours, *own_id)?, kind(self.theirs, *their_id)?) {
            (TypeDefKind::Record(own_record), TypeDefKind::Record(their_record)) => {
                let fields =
                    |record: wit_parser::Record| record.fields.into_iter().map(|field| (field.name, Some(field.ty)));
                self.members("record", "field", own, fields(own_record).collect(), fields(their_record).collect())
            }
            (TypeDefKind::Variant(own_variant), TypeDefKind::Variant(their_variant)) => {
                let cases = |variant: wit_parser::Variant| variant.cases.into_iter().map(|case| (case.name, case.ty));
                self.members("variant", "case", own, cases(own_variant).collect(), cases(their_variant).collect())
            }
            (TypeDefKind::Enum(own_enum), TypeDefKind::Enum(their_enum)) => {
                let cases = |cases: wit_parser::Enum| cases.cases.into_iter().map(|case| (case.name, None));
                self.members("enum", "case", own, cases(own_enum).collect(), cases(their_enum).collect())
            }
            (TypeDefKind::Option(own), TypeDefKind::Option(their))
            | (TypeDefKind::List(own), TypeDefKind::List(their)) => self.types(&own, &their),
            (TypeDefKind::Result(own), TypeDefKind::Result(their)) => self
                .optional(own.ok.as_ref(), their.ok.as_ref())
                .or_else(|| self.optional(own.err.as_ref(), their.err.as_ref())),
            _ => Some(self.differ(own, their)),
        }
    }

    /// The first difference in the members of two records, variants or enums: their names, order and types.
    fn members(
        &self,
        kind: &str,
        member: &str,
        own_type: &Type,
        own: Vec<(String, Option<Type>)>,
        their: Vec<(String, Option<Type>)>,
    ) -> Option<String> {
        let of = format!("{kind} `{}`", type_name(self.ours, own_type));
        let has = |members: &[(String, Option<Type>)], name: &str| members.iter().any(|(other, _)| other == name);
        if let Some((name, _)) = own.iter().find(|(name, _)| !has(&their, name)) {
            return Some(format!("{of} lacks the {member} `{name}`"));
        }
        if let Some((name, _)) = their.iter().find(|(name, _)| !has(&own, name)) {
            return Some(format!("{of} has a {member} `{name}` that this host does not know"));
        }
        own.iter().zip(&their).find_map(|((own_name, own), (their_name, their))| {
            if own_name != their_name {
                return Some(format!("{of} has the {member} `{their_name}` where `{own_name}` is expected"));
            }
            let difference = self.optional(own.as_ref(), their.as_ref())?;
            Some(format!("{of}, {member} `{own_name}`: {difference}"))
        })
    }

    fn differ(&self, own: &Type, their: &Type) -> String {
        format!("expected {}, found {}", type_name(self.ours, own), type_name(self.theirs, their))
    }
}

/// The type that a chain of aliases ends at. A loop: a component may have as long a chain as it likes.
fn named(side: &Side, of: &Type) -> Type {
    let mut of = *of;
    while let Type::Id(id) = of
        && let Some(TypeDefKind::Type(next)) = side.resolve.types.get(id).map(|def| &def.kind)
    {
        of = *next;
    }
    of
}

/// A type as WIT writes it.
fn type_name(side: &Side, of: &Type) -> String {
    let Type::Id(id) = of else {
        return format!("{of:?}").to_lowercase();
    };
    let Some(def) = side.resolve.types.get(*id) else { return "an unknown type".into() };
    if let Some(name) = &def.name {
        return name.clone();
    }
    let optional = |of: Option<&Type>| of.map_or("_".into(), |of| type_name(side, of));
    match &def.kind {
        TypeDefKind::Option(inner) => format!("option<{}>", type_name(side, inner)),
        TypeDefKind::List(inner) => format!("list<{}>", type_name(side, inner)),
        TypeDefKind::Result(inner) => {
            format!("result<{}, {}>", optional(inner.ok.as_ref()), optional(inner.err.as_ref()))
        }
        kind => kind.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::ManglingAndAbi;

    use super::*;

    const TYPES: &str = include_str!("../wit/types.wit");
    const HANDLER: &str = include_str!("../wit/handler.wit");
    const SERVICES: &str = include_str!("../wit/services.wit");
    const WORLD: &str = include_str!("../wit/world.wit");

    /// A component without a body that implements the world `plugin` of some WIT text.
    fn component(wit: &[&str]) -> Vec<u8> {
        let mut sources = SourceMap::new();
        for (index, text) in wit.iter().enumerate() {
            sources.push_str(&format!("{index}.wit"), *text);
        }
        let mut resolve = Resolve::default();
        let package = resolve.push_group(sources.parse().map_err(|(_, error)| error).unwrap()).unwrap();
        let world = resolve.select_world(&[package], Some("plugin")).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    fn lines(wit: &[&str]) -> Vec<String> {
        mismatches(&component(wit)).unwrap()
    }

    #[test]
    fn our_own_interface_fits() {
        assert_eq!(lines(&[TYPES, HANDLER, SERVICES, WORLD]), Vec::<String>::new());
    }

    #[test]
    fn each_changed_type_is_told() {
        let check = |from: &str, to: &str, expected: &str| {
            let all = [TYPES, HANDLER, SERVICES, WORLD].map(|text| text.replace(from, to));
            assert!(all.concat() != [TYPES, HANDLER, SERVICES, WORLD].concat(), "{from:?} stands nowhere");
            let lines = lines(&all.each_ref().map(|text| &**text));
            let expected = format!("{expected}: build it with {SDK}");
            assert!(lines.contains(&expected), "expected {expected}\nfound {lines:#?}");
        };
        check("        args: string,\n", "", "`handler.on-command`: record `command` lacks the field `args`");
        check(
            "        args: string,\n",
            "        args: string,\n        colour: string,\n",
            "`handler.on-command`: record `command` has a field `colour` that this host does not know",
        );
        check(
            "deadline-ms: u32",
            "deadline-ms: u64",
            "`handler.on-command`: record `command`, field `deadline-ms`: expected u32, found u64",
        );
        check(
            "        markdown-v2,\n",
            "        markdown-v2,\n        html,\n",
            "`handler.on-command`: record `reply`, field `format`: enum `format` has a case `html` that this host does not know",
        );
        check(
            "unavailable(string),\n    }\n\n    /// A command that",
            "}\n\n    /// A command that",
            "`handler.on-command`: variant `failure` lacks the case `unavailable`",
        );
        check(
            "    on-event: func(e: event) -> result<_, failure>;",
            "    on-event: func(e: event) -> result<string, failure>;",
            "`handler.on-event`: expected nothing, found string",
        );
        check("    on-event: func(e: event) -> result<_, failure>;", "", "`handler.on-event` is missing");
        check(
            "    delete: func(key: string)",
            "    remove: func(key: string)",
            "`kv.remove` is no function that this host has",
        );
    }

    #[test]
    fn a_long_chain_of_aliases_is_no_difference_and_no_harm() {
        let chain: String = (1..3_000).map(|n| format!("type t{n} = t{};\n", n - 1)).collect();
        let types = TYPES.replace("interface types {", &format!("interface types {{\ntype t0 = string;\n{chain}"));
        let types = types.replace("        args: string,", "        args: t2999,");
        assert_eq!(lines(&[&types, HANDLER, SERVICES, WORLD]), Vec::<String>::new());
    }

    #[test]
    fn another_version_is_told() {
        let next = TYPES.replace("@0.1.0", "@0.2.0");
        let lines = lines(&[&next, HANDLER, SERVICES, WORLD]);
        assert!(
            lines.iter().any(|line| line.contains("built for `slashbox:plugin/handler@0.2.0`")
                && line.contains("this host has `slashbox:plugin/handler@0.1.0`")),
            "{lines:#?}"
        );
        let patch = TYPES.replace("@0.1.0", "@0.1.7");
        assert_eq!(self::lines(&[&patch, HANDLER, SERVICES, WORLD]), Vec::<String>::new());
    }

    #[test]
    fn another_world_is_told() {
        let other = "package acme:tool@1.0.0; interface run { run: func(); } interface need { get: func(); } \
                     world plugin { import need; export run; }";
        assert_eq!(
            lines(&[other]),
            [
                format!(
                    "it exports `acme:tool/run@1.0.0`, but not `slashbox:plugin/handler@0.1.0`: build it with {SDK} and its `export!`"
                ),
                "it imports `acme:tool/need@1.0.0`, which this host does not have".into(),
            ]
        );
    }
}
