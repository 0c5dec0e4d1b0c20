//! Who answers a command: ownership, decided before any call.
//!
//! Pure: claims and the owners so far go in, a table and the conflicts come out. The same claims and owners give the same
//! table.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{CommandName, Folder, Pattern, PluginId};

/// How many near names an unknown command is told.
const NEAR_MAX: usize = 3;

/// How many letters apart two near names are.
const NEAR_DISTANCE_MAX: usize = 2;

/// What a loaded plugin wants to answer.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Whose claim it is.
    pub plugin: PluginId,
    /// What it declares.
    pub commands: Vec<CommandName>,
    /// The operator's word: of these it is the owner, whoever else declares them.
    pub granted: Vec<CommandName>,
}

/// Who owned what so far, and who was there: an update takes nothing from a plugin that answers it now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Every plugin that was loaded.
    pub known: BTreeSet<PluginId>,
    /// The tenants for which ownership is decided apart: they have plugins or remotes of their own.
    pub tenants: BTreeSet<String>,
    /// The owner of each command, for each of those tenants and for all others (`None`).
    pub owned: BTreeMap<(Option<String>, CommandName), PluginId>,
}

/// The commands that remotes answer where no plugin owns them, for each tenant that has such remotes. A remote that takes
/// some of the tenant's sources counts for all of them: ownership knows no sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fallbacks(pub BTreeMap<String, Vec<Pattern>>);

impl Fallbacks {
    fn answer(&self, tenant: Option<&str>, command: &CommandName) -> bool {
        let patterns = tenant.and_then(|tenant| self.0.get(tenant));
        patterns.is_some_and(|patterns| patterns.iter().any(|pattern| pattern.covers_command(command.as_str())))
    }
}

/// A command that more than one plugin declares, or a plugin and a remote that answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The tenant that it concerns; every one for which nothing is decided apart if `None`.
    pub tenant: Option<String>,
    /// The command.
    pub command: CommandName,
    /// Who answers it; a remote if `None`.
    pub owner: Option<PluginId>,
    /// Who would like to.
    pub others: Vec<PluginId>,
}

/// Which plugin answers which command, for each tenant.
#[derive(Clone, Debug)]
pub struct Routes<P> {
    shared: HashMap<CommandName, P>,
    tenants: HashMap<String, HashMap<CommandName, P>>,
}

impl<P> Default for Routes<P> {
    fn default() -> Self {
        Self { shared: HashMap::new(), tenants: HashMap::new() }
    }
}

impl<P> Routes<P> {
    /// The table of a set of owners, with what `plugin` makes of each.
    pub fn new(owners: &Owners, mut plugin: impl FnMut(&PluginId) -> P) -> Self {
        let mut routes = Self::default();
        for tenant in &owners.tenants {
            routes.tenants.insert(tenant.clone(), HashMap::new());
        }
        for ((tenant, command), owner) in &owners.owned {
            let table = match tenant {
                Some(tenant) => routes.tenants.entry(tenant.clone()).or_default(),
                None => &mut routes.shared,
            };
            table.insert(command.clone(), plugin(owner));
        }
        routes
    }

    /// The owner of a command.
    pub fn owner(&self, tenant: &str, command: &str) -> Option<&P> {
        self.table(tenant).get(command)
    }

    /// The commands that a tenant has, in no order.
    pub fn commands(&self, tenant: &str) -> impl Iterator<Item = &CommandName> {
        self.table(tenant).keys()
    }

    fn table(&self, tenant: &str) -> &HashMap<CommandName, P> {
        self.tenants.get(tenant).unwrap_or(&self.shared)
    }
}

/// Decides who owns each command.
///
/// In this order: the operator's word; a tenant's own plugin that is new, before a shared one; whoever owned it so far; a
/// tenant's own plugin before a shared one; the file's name. A command that a remote answers now is taken by a new plugin
/// or by the operator's word, never by an update.
pub fn assign(claims: &[Claim], so_far: &Owners, fallbacks: &Fallbacks) -> (Owners, Vec<Conflict>) {
    let known: BTreeSet<PluginId> = claims.iter().map(|claim| claim.plugin.clone()).collect();
    let tenants: BTreeSet<String> = own_tenants(known.iter()).chain(fallbacks.0.keys().cloned()).collect();
    let mut owners = Owners { known, tenants, owned: BTreeMap::new() };
    let (mut of_everybody, mut conflicts) = (BTreeMap::<CommandName, Conflict>::new(), Vec::new());
    for tenant in [None].into_iter().chain(owners.tenants.clone().into_iter().map(Some)) {
        let serves = |folder: &Folder| match &tenant {
            Some(tenant) => folder.serves(tenant),
            None => *folder == Folder::Shared,
        };
        let mut by_command = BTreeMap::<&CommandName, Vec<&Claim>>::new();
        for claim in claims.iter().filter(|claim| serves(&claim.plugin.folder)) {
            claim.commands.iter().for_each(|command| by_command.entry(command).or_default().push(claim));
        }
        for (command, mut candidates) in by_command {
            candidates.sort_by_key(|claim| rank(claim, &tenant, command, so_far));
            let remote = fallbacks.answer(tenant.as_deref(), command);
            let untaken = remote && owner_so_far(&tenant, command, so_far).is_none();
            let may_take = |claim: &Claim| claim.granted.contains(command) || !so_far.known.contains(&claim.plugin);
            let owner = candidates.iter().position(|claim| !untaken || may_take(claim));
            let owner = owner.map(|index| candidates.remove(index).plugin.clone());
            let others: Vec<PluginId> = candidates.into_iter().map(|claim| claim.plugin.clone()).collect();
            if !others.is_empty() {
                let conflict =
                    Conflict { tenant: tenant.clone(), command: command.clone(), owner: owner.clone(), others };
                // What holds for everybody is told once; that was decided first.
                let told = |told: &Conflict| (&told.owner, &told.others) == (&conflict.owner, &conflict.others);
                if tenant.is_none() {
                    of_everybody.insert(command.clone(), conflict);
                } else if !of_everybody.get(command).is_some_and(told) {
                    conflicts.push(conflict);
                }
            }
            if let Some(owner) = owner {
                owners.owned.insert((tenant.clone(), command.clone()), owner);
            }
        }
    }
    (owners, of_everybody.into_values().chain(conflicts).collect())
}

/// The lowest rank owns.
fn rank<'c>(
    claim: &'c Claim,
    tenant: &Option<String>,
    command: &CommandName,
    so_far: &Owners,
) -> (bool, bool, bool, bool, &'c PluginId) {
    let own = matches!(claim.plugin.folder, Folder::Tenant(_));
    let new = !so_far.known.contains(&claim.plugin);
    let had = owner_so_far(tenant, command, so_far) == Some(&claim.plugin);
    (!claim.granted.contains(command), !(own && new), !had, !own, &claim.plugin)
}

/// A tenant for which nothing was decided apart was served as all others were.
fn owner_so_far<'o>(tenant: &Option<String>, command: &CommandName, so_far: &'o Owners) -> Option<&'o PluginId> {
    let of = |tenant: &Option<String>| so_far.owned.get(&(tenant.clone(), command.clone()));
    let apart = tenant.as_ref().is_some_and(|tenant| so_far.tenants.contains(tenant));
    if apart { of(tenant) } else { of(&None) }
}

fn own_tenants<'p>(plugins: impl Iterator<Item = &'p PluginId>) -> impl Iterator<Item = String> {
    plugins.filter_map(|plugin| match &plugin.folder {
        Folder::Tenant(tenant) => Some(tenant.to_string()),
        Folder::Shared => None,
    })
}

/// The known names that are near to a wrong one, the nearest first, at most three.
pub fn near<'n>(wrong: &str, known: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let lower = wrong.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&lower, &name.to_lowercase());
    let is_near = |name: &&str| {
        let begins = lower.chars().count() > 2 && name.to_lowercase().starts_with(&lower);
        begins || distance(name) <= NEAR_DISTANCE_MAX.min(lower.chars().count().saturating_sub(2))
    };
    let mut names: Vec<&str> = known.filter(is_near).collect();
    names.sort_by_key(|name| (distance(name), *name));
    names.truncate(NEAR_MAX);
    names
}

/// What whoever gave a wrong name is told: those that there are, and the nearest.
pub fn instead(wrong: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "there are none".into();
    }
    let nearest = near(wrong, known.iter().copied()).into_iter().next();
    let meant = nearest.map(|nearest| format!("did you mean {nearest}? ")).unwrap_or_default();
    format!("{meant}expected one of {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(path: &str) -> PluginId {
        match path.split_once('/') {
            Some((tenant, stem)) => PluginId::of_tenant(tenant, stem),
            None => PluginId::shared(path),
        }
    }

    /// `"acme/mark: /mark /note !/close"`: declares three, and the operator gave it `/close`.
    fn claim(line: &str) -> Claim {
        let (plugin, commands) = line.split_once(": ").unwrap();
        let parse = |word: &str| word.trim_start_matches('!').parse().unwrap();
        Claim {
            plugin: id(plugin),
            commands: commands.split(' ').map(parse).collect(),
            granted: commands.split(' ').filter(|word| word.starts_with('!')).map(parse).collect(),
        }
    }

    fn reassign(lines: &[&str], so_far: &Owners) -> (Owners, Vec<Conflict>) {
        assign(&lines.iter().map(|line| claim(line)).collect::<Vec<_>>(), so_far, &Fallbacks::default())
    }

    fn owner(owners: &Owners, tenant: &str, command: &str) -> Option<String> {
        Routes::new(owners, |plugin| plugin.to_string()).owner(tenant, command).cloned()
    }

    /// The owner of `/x` for the tenant acme after each step, from nothing.
    fn check(steps: &[&[&str]], expected: &str) {
        let mut owners = Owners::default();
        for step in steps {
            owners = reassign(step, &owners).0;
        }
        assert_eq!(owner(&owners, "acme", "/x").as_deref(), Some(expected), "{steps:?}");
    }

    #[test]
    fn the_owner_of_a_command() {
        check(&[&["b: /x", "a: /x"]], "a");
        check(&[&["a: /x", "acme/z: /x"]], "acme/z");
        check(&[&["a: /x", "other/b: /x"]], "a");
        check(&[&["a: /x", "b: !/x"]], "b");
        check(&[&["acme/a: /x", "b: !/x"]], "b");
    }

    #[test]
    fn an_update_takes_nothing() {
        check(&[&["a: /y", "b: /x"], &["a: /y /x", "b: /x"]], "b");
        check(&[&["acme/a: /y", "b: /x"], &["acme/a: /y /x", "b: /x"]], "b");
        check(&[&["b: /x"], &["a: /x", "b: /x"]], "b");
        check(&[&["a: /y", "b: /x"], &["a: /y !/x", "b: /x"]], "a");
        check(&[&["b: /x"], &["a: /x", "b: /x"], &["a: /x"]], "a");
    }

    #[test]
    fn a_new_plugin_of_the_tenant_precedes_a_shared_one() {
        check(&[&["b: /x"], &["b: /x", "acme/z: /x"]], "acme/z");
        check(&[&["b: /x"], &["b: /x", "acme/z: /x"], &["b: /x", "acme/z: /x"]], "acme/z");
        check(&[&["b: /x", "acme/z: /x"], &["b: /x"]], "b");
    }

    /// The owner of `/x` for acme, whose remote answers what `pattern` covers from the second step on.
    fn check_remote(pattern: &str, steps: [&[&str]; 2], expected: Option<&str>) -> Vec<Conflict> {
        let fallbacks = Fallbacks([("acme".to_owned(), vec![pattern.parse().unwrap()])].into());
        let (first, _) = reassign(steps[0], &Owners::default());
        let claims: Vec<Claim> = steps[1].iter().map(|line| claim(line)).collect();
        let (second, conflicts) = assign(&claims, &first, &fallbacks);
        assert_eq!(owner(&second, "acme", "/x").as_deref(), expected, "{pattern} {steps:?}");
        assert_eq!(owner(&second, "other", "/x").as_deref(), Some("a"), "the remote is acme's alone");
        assert_eq!(assign(&claims, &second, &fallbacks).0, second, "it stays so");
        conflicts
    }

    #[test]
    fn an_update_takes_nothing_from_a_remote() {
        let conflicts = check_remote("/x", [&["a: /y"], &["a: /y /x"]], None);
        let command = "/x".parse().unwrap();
        assert_eq!(conflicts, [Conflict { tenant: Some("acme".into()), command, owner: None, others: vec![id("a")] }]);
        check_remote("/*", [&["a: /y"], &["a: /y /x"]], None);
        check_remote("/z", [&["a: /y"], &["a: /y /x"]], Some("a"));
        check_remote("/x", [&["a: /y"], &["a: /y !/x"]], Some("a"));
        check_remote("/x", [&["b: /y"], &["b: /y", "a: /x"]], Some("a"));
        check_remote("/x", [&["a: /x"], &["a: /x"]], Some("a"));
    }

    /// The owners of `/x` for acme after each step, when the remotes of acme take what is named, or none.
    fn check_remotes(steps: &[(&[&str], Option<&str>)], expected: &[Option<&str>]) {
        let mut owners = Owners::default();
        let step = |(lines, remote): &(&[&str], Option<&str>)| {
            let remote = remote.map(|pattern| ("acme".to_owned(), vec![pattern.parse().unwrap()]));
            let claims: Vec<Claim> = lines.iter().map(|line| claim(line)).collect();
            owners = assign(&claims, &owners, &Fallbacks(remote.into_iter().collect())).0;
            owner(&owners, "acme", "/x")
        };
        let found: Vec<Option<String>> = steps.iter().map(step).collect();
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{steps:?}");
    }

    /// A remote that comes takes nothing. What one leaves falls to whoever declares it, and stays there.
    #[test]
    fn remotes_come_and_go() {
        let (without, with) = (&["a: /y"][..], &["a: /y /x"][..]);
        check_remotes(&[(with, None), (with, Some("/x")), (with, None)], &[Some("a"), Some("a"), Some("a")]);
        let (x, all) = (Some("/x"), Some("/*"));
        check_remotes(
            &[(without, x), (with, x), (with, all), (with, Some("/z")), (with, x)],
            &[None, None, None, Some("a"), Some("a")],
        );
        check_remotes(&[(without, x), (with, x), (with, None), (with, x)], &[None, None, Some("a"), Some("a")]);
        // Nobody answered it before: of an update and a remote, the remote does.
        check_remotes(&[(without, None), (with, x)], &[None, None]);
    }

    #[test]
    fn conflicts_are_told_once() {
        let (_, conflicts) = reassign(&["a: /x /y", "b: /x", "c: /x", "acme/z: /z"], &Owners::default());
        let expected = Conflict {
            tenant: None,
            command: "/x".parse().unwrap(),
            owner: Some(id("a")),
            others: vec![id("b"), id("c")],
        };
        assert_eq!(conflicts, [expected]);
    }

    #[test]
    fn a_tenants_plugin_is_seen_by_that_tenant_alone() {
        let (owners, conflicts) = reassign(&["acme/z: /z", "b: /x"], &Owners::default());
        assert_eq!(conflicts, []);
        assert_eq!(owner(&owners, "acme", "/z").as_deref(), Some("acme/z"));
        assert_eq!(owner(&owners, "acme", "/x").as_deref(), Some("b"));
        assert_eq!(owner(&owners, "other", "/z"), None);
    }

    #[test]
    fn near_names() {
        let known = ["/mark", "/make", "/invoice", "/client", "/x"];
        let check = |wrong: &str, expected: &[&str]| assert_eq!(near(wrong, known.into_iter()), expected, "{wrong}");
        check("/mrak", &["/mark", "/make"]);
        check("/Mark", &["/mark", "/make"]);
        check("/marks", &["/mark", "/make"]);
        check("/inv", &["/invoice"]);
        check("/foo", &[]);
        check("/q", &[]);
        check("/", &[]);
    }
}
