//! From what a user typed to images: which sources are asked, in which order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use plimsoll_image::source::apart::Apart;
use plimsoll_image::source::archive::ArchiveOptions;
use plimsoll_image::source::docker_socket::SocketOptions;
use plimsoll_image::source::place::Place;
use plimsoll_image::source::referrers::{LayoutReferrers, Referrers};
use plimsoll_image::source::registry::{CredentialSources, RegistryClient, RegistryOptions, RemoteReferrers};
use plimsoll_image::source::repository::{ArchiveRepository, Repository};
use plimsoll_image::source::resolved::Resolved;
use plimsoll_image::source::{
    PlatformChoice, archive, containerd, docker, docker_socket, layout, podman, registry, rootfs,
};
use plimsoll_image::{Image, SourceError};
use plimsoll_model::reference::Reference;

use super::Context;
use crate::args::elsewhere::Elsewhere;

/// The most that a compressed archive may inflate to.
const ARCHIVE_LIMIT: u64 = 200 << 30;
/// How long Docker's socket may keep quiet.
const SOCKET_SILENCE: Duration = Duration::from_secs(60);

/// Finds the images that `wanted` names.
pub(super) fn images(
    wanted: &str,
    choice: &PlatformChoice,
    spool: PathBuf,
    context: &Context,
) -> anyhow::Result<Vec<Image>> {
    if wanted.starts_with(super::sbom::PREFIX) {
        bail!("a bill of materials does not tell this: name the image");
    }
    let place: Place = wanted.parse().with_context(|| format!("IMAGE {wanted:?}"))?;
    let search = Search { choice, archive: ArchiveOptions { spool, inflated: ARCHIVE_LIMIT }, context };
    match &place {
        Place::Layout(path, selector) => Ok(layout::images(path, selector, choice)?),
        Place::Archive(path, selector) => Ok(archive::images(path, selector, choice, &search.archive)?),
        Place::RootFs(path) => Ok(vec![rootfs::image(path)?]),
        Place::Registry(reference) => search.registry(reference),
        Place::Podman(name) => {
            search.in_podman(name)?.with_context(|| format!("podman has no image {name:?}"))
        }
        Place::Containerd(name) => {
            search.in_containerd(name)?.with_context(|| format!("containerd has no image {name:?}"))
        }
        Place::Docker(name) => {
            search.in_docker(name)?.with_context(|| format!("Docker has no image {name:?}"))
        }
        Place::LocalId(id) => {
            let (images, unread) = search.local(id);
            images.with_context(|| format!("no store on this machine has an image {id:?}{unread}"))
        }
        Place::Anywhere(reference) => match search.local(wanted) {
            (Some(images), _) => Ok(images),
            (None, unread) if unread.is_empty() => search.registry(reference),
            (None, unread) => {
                let context =
                    || format!("no store on this machine has {wanted}{unread}; asking the registry");
                search.registry(reference).with_context(context)
            }
        },
    }
}

struct Search<'a> {
    choice: &'a PlatformChoice,
    archive: ArchiveOptions,
    context: &'a Context,
}

impl Search<'_> {
    /// podman's, containerd's, Docker's stores in this order. One that cannot be read is passed over, since a store that
    /// was not asked for by name must not keep the registry from being asked; it is told beside the images, in words
    /// for the error if there is nothing else.
    fn local(&self, name: &str) -> (Option<Vec<Image>>, String) {
        type Look<'s> = fn(&Search<'s>, &str) -> anyhow::Result<Option<Vec<Image>>>;
        let stores: [(&str, Look<'_>); 3] =
            [("podman", Self::in_podman), ("containerd", Self::in_containerd), ("Docker", Self::in_docker)];
        let mut unread = Vec::new();
        for (store, look) in stores {
            match look(self, name) {
                Ok(None) => {}
                Ok(images) => return (images, String::new()),
                Err(error) => unread.push(format!("{store}'s store could not be read: {error:#}")),
            }
        }
        let unread = if unread.is_empty() { String::new() } else { format!(" ({})", unread.join("; ")) };
        (None, unread)
    }

    fn in_podman(&self, name: &str) -> anyhow::Result<Option<Vec<Image>>> {
        let configured = &self.context.config.stores.podman;
        let usual = || {
            let home =
                self.context.environment.home().map(|home| home.join(".local/share/containers/storage"));
            home.into_iter().chain([PathBuf::from("/var/lib/containers/storage")]).collect()
        };
        let roots: Vec<PathBuf> = if configured.is_empty() { usual() } else { configured.clone() };
        first(&roots, |root| podman::images(root, &[], name, self.choice))
    }

    fn in_containerd(&self, name: &str) -> anyhow::Result<Option<Vec<Image>>> {
        let usual = || vec!["/var/lib/containerd".into(), "/var/lib/docker/containerd/daemon".into()];
        let roots = self.context.config.stores.containerd.clone().map_or_else(usual, |root| vec![root]);
        first(&roots, |root| containerd::images(root, name, self.choice))
    }

    fn in_docker(&self, name: &str) -> anyhow::Result<Option<Vec<Image>>> {
        let stores = &self.context.config.stores;
        let root = stores.docker.clone().unwrap_or_else(|| "/var/lib/docker".into());
        if let Ok(Some(images)) = docker::images(&root, name, self.choice) {
            return Ok(Some(images));
        }
        let socket = stores.docker_socket.clone().unwrap_or_else(|| "/var/run/docker.sock".into());
        let options = SocketOptions {
            spool: self.archive.spool.clone(),
            archive: self.archive.inflated,
            silence: SOCKET_SILENCE,
        };
        Ok(docker_socket::images(&socket, name, self.choice, &options)?)
    }

    fn registry(&self, reference: &Reference) -> anyhow::Result<Vec<Image>> {
        let images = registry::images(&client(self.context)?, reference, self.choice)?;
        if images.is_empty() {
            bail!("{reference} names no image");
        }
        Ok(images)
    }
}

/// Where things lie that refer to the image that `wanted` names.
pub(super) fn referrers(wanted: &str, context: &Context) -> anyhow::Result<Box<dyn Referrers>> {
    let place: Place = wanted.parse().with_context(|| format!("IMAGE {wanted:?}"))?;
    let reference = match place {
        Place::Layout(path, _) => return Ok(Box::new(LayoutReferrers::new(&path))),
        Place::Registry(reference) | Place::Anywhere(reference) => reference,
        Place::Podman(name) | Place::Containerd(name) | Place::Docker(name) => {
            name.parse().with_context(|| format!("{name:?} does not tell the registry to look in"))?
        }
        Place::Archive(..) | Place::RootFs(_) | Place::LocalId(_) => {
            bail!("nothing can refer to {wanted}: referrers lie in registries and OCI layouts")
        }
    };
    Ok(Box::new(RemoteReferrers::new(&client(context)?, &reference)))
}

/// Looks the name up, once, and tells where it and what refers to it lie: in a registry or an OCI layout, never in a store on this
/// machine, which keeps no signatures and knows other digests.
pub(super) fn repository(wanted: &str, context: &Context) -> anyhow::Result<(Resolved, Box<dyn Repository>)> {
    let place: Place = wanted.parse().with_context(|| format!("IMAGE {wanted:?}"))?;
    match place {
        Place::Layout(path, selector) => {
            Ok((Resolved::in_layout(&path, &selector)?, Box::new(LayoutReferrers::new(&path))))
        }
        Place::Archive(path, selector) => {
            let spool = context.environment.temporary();
            let options = ArchiveOptions { spool, inflated: ARCHIVE_LIMIT };
            let archive = ArchiveRepository::open(&path, &options)?;
            Ok((archive.resolve(&selector)?, Box::new(archive)))
        }
        Place::Registry(reference) | Place::Anywhere(reference) => {
            let client = client(context)?;
            let resolved = Resolved::in_registry(&client, &reference)?;
            Ok((resolved, Box::new(RemoteReferrers::new(&client, &reference))))
        }
        Place::RootFs(_) | Place::Podman(_) | Place::Containerd(_) | Place::Docker(_) | Place::LocalId(_) => {
            bail!(
                "nothing lies beside {wanted}: signatures and the like are in registries, OCI layouts and OCI archives"
            )
        }
    }
}

/// The same, with signatures and all else that refers to the image in another repository, if one is named.
pub(super) fn with_signatures(
    wanted: &str,
    elsewhere: &Elsewhere,
    context: &Context,
) -> anyhow::Result<(Resolved, Box<dyn Repository>)> {
    let (resolved, place) = repository(wanted, context)?;
    let Some(other) = elsewhere.signature_repository.as_deref().filter(|name| !name.is_empty()) else {
        return Ok((resolved, place));
    };
    let named = || format!("the repository of signatures {other:?}");
    let other: Reference = other.strip_prefix("registry:").unwrap_or(other).parse().with_context(named)?;
    if other.tag().is_some() || other.digest().is_some() {
        bail!("{} has neither tag nor digest", named());
    }
    Ok((resolved, Box::new(Apart::new(place, RemoteReferrers::new(&client(context)?, &other)))))
}

/// The images that `wanted` names where things can be attached to them, and that place: a registry or a layout, never a
/// store on this machine.
pub(super) fn writable(
    wanted: &str,
    choice: &PlatformChoice,
    context: &Context,
) -> anyhow::Result<(Vec<Image>, Box<dyn Referrers>)> {
    let place: Place = wanted.parse().with_context(|| format!("IMAGE {wanted:?}"))?;
    let images = match &place {
        Place::Layout(path, selector) => layout::images(path, selector, choice)?,
        Place::Registry(reference) | Place::Anywhere(reference) => {
            registry::images(&client(context)?, reference, choice)?
        }
        _ => bail!("nothing can be attached to {wanted}: referrers lie in registries and OCI layouts"),
    };
    Ok((images, referrers(wanted, context)?))
}

/// A client of registries as the configuration and the environment want it.
pub(super) fn client(context: &Context) -> anyhow::Result<RegistryClient> {
    let mut settings = context.config.registries.clone();
    settings.proxy = context.proxies();
    let options = RegistryOptions {
        settings,
        credentials: CredentialSources::of_environment(context.environment.variables()),
        ..RegistryOptions::default()
    };
    Ok(RegistryClient::new(options)?)
}

/// The first of `roots` that has the image; an error only if none has it.
fn first(
    roots: &[PathBuf],
    look: impl Fn(&Path) -> Result<Option<Vec<Image>>, SourceError>,
) -> anyhow::Result<Option<Vec<Image>>> {
    let mut trouble = None;
    for root in roots {
        match look(root) {
            Ok(Some(images)) => return Ok(Some(images)),
            Ok(None) => {}
            Err(error) => trouble = Some(error),
        }
    }
    trouble.map_or(Ok(None), |error| Err(error.into()))
}
