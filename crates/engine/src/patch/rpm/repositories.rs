//! The repositories of an image, asked: `repomd.xml`, whose signature counts where the image says so, then the list of packages by its
//! digest. Whatever a list says, a package is believed for its own signature alone.

use std::collections::BTreeSet;
use std::fs::File;

use plimsoll_formats::bounded;
use plimsoll_model::patch::PatchRepository;
use plimsoll_patch::keyring::binary;
use plimsoll_patch::package::inflate;
use plimsoll_patch::rpm::index::Index;
use plimsoll_patch::rpm::repomd::{Primary, primary};
use plimsoll_patch::rpm::sources::{Repository, Variables, mirrors, repositories};
use plimsoll_patch::stock::{Standing, is_any};

use super::super::packages::{is_the_one, refuse_if_none};
use super::super::{PatchError, Request, Scene};

/// The largest `repomd.xml`, signature, and list of mirrors.
const REPOMD: u64 = 4 << 20;
/// The largest list of packages, packed and not.
const INDEX: u64 = 512 << 20;
/// Where repositories and keys are, and the values of variables.
pub(super) const FOLDERS: [&str; 6] = [
    "etc/yum.repos.d",
    "etc/zypp/repos.d",
    "etc/pki/rpm-gpg",
    "usr/share/distribution-gpg-keys",
    "etc/yum/vars",
    "etc/dnf/vars",
];

/// What the repositories have.
pub(super) struct Asked {
    pub(super) index: Index,
    pub(super) repositories: Vec<PatchRepository>,
    pub(super) refused: Vec<(String, String)>,
}

/// Asks the repositories; `keys` are those of rpm's database. One that cannot be believed gives nothing, and is told.
pub(super) fn index(scene: &Scene<'_>, standing: &Standing, keys: &[Vec<u8>]) -> Result<Asked, PatchError> {
    let mut all = chosen(scene, standing);
    if all.is_empty() {
        let what = "repository in /etc/yum.repos.d or /etc/zypp/repos.d; name one with --repository ADDRESS";
        return Err(PatchError::NoRepository(what));
    }
    let mut asked = Asked { index: Index::default(), repositories: Vec::new(), refused: Vec::new() };
    for repository in &mut all {
        let added = located(repository, scene).and_then(|()| add(repository, scene, keys, &mut asked.index));
        match added {
            Ok((name, signed_by)) => asked.repositories.push(PatchRepository { name, signed_by }),
            Err(reason) => asked.refused.push((repository.id.clone(), reason)),
        }
    }
    refuse_if_none(&asked.repositories, &asked.refused)?;
    Ok(asked)
}

/// The repositories to ask.
fn chosen(scene: &Scene<'_>, standing: &Standing) -> Vec<Repository> {
    let named = scene.options.repositories.iter().map(|address| Repository {
        id: address.clone(),
        addresses: vec![address.trim_end_matches('/').to_owned()],
        ..Repository::default()
    });
    let mut all: Vec<Repository> = named.collect();
    if all.is_empty() {
        let variables = variables(scene, standing);
        let paths = FOLDERS.iter().take(2).flat_map(|folder| scene.held.below(folder));
        let paths = paths.filter(|path| path.ends_with(".repo"));
        all = paths.flat_map(|path| repositories(&scene.held.text(&path), &variables)).collect();
    }
    if let Some(mirror) = &scene.options.mirror {
        all = all.into_iter().map(|repository| repository.from_mirror(mirror)).collect();
    }
    let mut seen = BTreeSet::new();
    all.retain(|repository| seen.insert(repository.id.clone()));
    all
}

/// The values of `$releasever`, `$basearch`, and of the image's own variables.
fn variables(scene: &Scene<'_>, standing: &Standing) -> Variables {
    let mut variables = Variables::new();
    let release = ["etc/os-release", "usr/lib/os-release"].map(|path| scene.held.text(path)).concat();
    let version = release.lines().find_map(|line| line.strip_prefix("VERSION_ID="));
    let version = version.map(|version| version.trim_matches('"').to_owned()).unwrap_or_default();
    // Of Fedora the whole, of Red Hat the number before the dot; SUSE names it `releasever_major` where it wants that.
    let is_suse = release.contains("suse");
    let major = version.split('.').next().unwrap_or_default().to_owned();
    variables.insert("releasever_major".to_owned(), major.clone());
    variables.insert("releasever".to_owned(), if is_suse { version } else { major });
    let architecture = standing.packages.iter().map(|package| &package.architecture);
    if let Some(architecture) = architecture.into_iter().find(|name| !is_any(name) && *name != "i686") {
        variables.insert("basearch".to_owned(), architecture.clone());
        variables.insert("arch".to_owned(), architecture.clone());
    }
    for path in FOLDERS.iter().skip(4).flat_map(|folder| scene.held.below(folder)) {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let text = scene.held.text(&path);
        variables.insert(name, text.lines().next().unwrap_or_default().trim().to_owned());
    }
    variables
}

/// Finds addresses where only a list of them is named.
fn located(repository: &mut Repository, scene: &Scene<'_>) -> Result<(), String> {
    if !repository.addresses.is_empty() {
        return Ok(());
    }
    let list = repository.mirrors.clone().ok_or("it has no address")?;
    let bytes = fetch(scene, "mirrors", vec![list], REPOMD)?;
    let text = String::from_utf8_lossy(&bounded::read(bytes, REPOMD).map_err(words)?).into_owned();
    repository.addresses = mirrors(&text);
    if repository.addresses.is_empty() { Err("its list of mirrors names none".to_owned()) } else { Ok(()) }
}

fn words(error: std::io::Error) -> String {
    error.to_string()
}

fn fetch(scene: &Scene<'_>, name: &str, addresses: Vec<String>, limit: u64) -> Result<File, String> {
    let request = Request { name: name.to_owned(), addresses, limit };
    scene.outside.fetch(&[request]).pop().unwrap_or_else(|| Err("it was not fetched".to_owned()))
}

/// Adds a repository's packages; gives its address, and who signed its metadata.
fn add(
    repository: &Repository,
    scene: &Scene<'_>,
    imported: &[Vec<u8>],
    index: &mut Index,
) -> Result<(String, String), String> {
    let at = |file: &str| -> Vec<String> {
        repository.addresses.iter().map(|address| format!("{address}/{file}")).collect()
    };
    let file = fetch(scene, "repomd.xml", at("repodata/repomd.xml"), REPOMD)?;
    let document = bounded::read(file, REPOMD).map_err(words)?;
    let signed_by = if repository.is_signed {
        let file = fetch(scene, "repomd.xml.asc", at("repodata/repomd.xml.asc"), REPOMD)
            .map_err(|reason| format!("its signature, which the image asks for: {reason}"))?;
        let signature = bounded::read(file, REPOMD).map_err(words)?;
        scene.outside.verify_detached(&document, &signature, &keys(repository, scene, imported)?)?
    } else {
        "nobody: each package is, by itself".to_owned()
    };
    let text = String::from_utf8_lossy(&document);
    let Primary { file, digest, size } = primary(&text).map_err(|error| error.to_string())?;
    if size > INDEX {
        return Err(format!("{file} has {size} bytes, more than {INDEX}"));
    }
    let list = fetch(scene, "list of packages", at(&file), size)?;
    is_the_one(&list, size, digest)
        .map_err(|difference| format!("{file} is not the file that repomd.xml tells of: {difference}"))?;
    let bytes = inflate(&file, list, INDEX).map_err(words)?;
    let address = repository.addresses.first().cloned().unwrap_or_default();
    index.add(&address, String::from_utf8_lossy(&bytes).into_owned());
    Ok((address, signed_by))
}

/// The keys of which one must have signed a repository's metadata.
fn keys(repository: &Repository, scene: &Scene<'_>, imported: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    let own = repository.keys.iter().filter_map(|path| binary(scene.held.get(path)?));
    let all: Vec<Vec<u8>> = own.chain(imported.iter().cloned()).chain(named(scene)).collect();
    if all.is_empty() {
        Err("the image has no key for it; --keyring FILE names one".to_owned())
    } else {
        Ok(all)
    }
}

fn named(scene: &Scene<'_>) -> impl Iterator<Item = Vec<u8>> {
    scene.options.keys.iter().filter_map(|key| binary(&key.bytes))
}

/// All keys that the image trusts for packages: rpm itself knows no repositories, and has those in its database.
pub(super) fn trusted(scene: &Scene<'_>, imported: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let paths = FOLDERS.iter().skip(2).take(2).flat_map(|folder| scene.held.below(folder));
    let own = paths.filter_map(|path| binary(scene.held.get(&path)?));
    own.chain(imported.iter().cloned()).chain(named(scene)).collect()
}
