//! The same document as XML (<https://cyclonedx.org/docs/1.6/xml/>): elements in the order of its schema.

mod read;

use std::io::{self, Write};

pub(super) use read::read;

use super::document::{Component, Document, Metadata, Tools};
use super::vulnerabilities::{Rating, Source, Vulnerability};
use crate::xml_write::Xml;

/// Writes a document.
pub(super) fn write(document: &Document, minor: u8, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = Xml::document(out)?;
    let namespace = format!("http://cyclonedx.org/schema/bom/1.{minor}");
    let number = document.version.to_string();
    let root =
        [("xmlns", namespace.as_str()), ("serialNumber", &document.serial_number), ("version", &number)];
    xml.within("bom", &root, |xml| {
        metadata(xml, &document.metadata)?;
        xml.within("components", &[], |xml| {
            document.components.iter().try_for_each(|part| component(xml, "component", part))
        })?;
        xml.list("dependencies", &document.dependencies, |xml, dependency| {
            xml.within("dependency", &[("ref", &dependency.reference)], |xml| {
                dependency.depends_on.iter().try_for_each(|other| xml.empty("dependency", &[("ref", other)]))
            })
        })?;
        xml.list("compositions", &document.compositions, |xml, composition| {
            xml.within("composition", &[], |xml| {
                xml.text("aggregate", &composition.aggregate)?;
                xml.list("assemblies", &composition.assemblies, |xml, name| {
                    xml.empty("assembly", &[("ref", name)])
                })
            })
        })?;
        xml.list("vulnerabilities", &document.vulnerabilities, vulnerability)
    })
}

fn metadata(xml: &mut Xml<'_>, metadata: &Metadata) -> io::Result<()> {
    xml.within("metadata", &[], |xml| {
        xml.maybe("timestamp", metadata.timestamp.as_deref())?;
        xml.list("lifecycles", &metadata.lifecycles, |xml, lifecycle| {
            xml.within("lifecycle", &[], |xml| xml.maybe("phase", lifecycle.phase.as_deref()))
        })?;
        tools(xml, &metadata.tools)?;
        xml.list("authors", &metadata.authors, |xml, author| {
            xml.within("author", &[], |xml| xml.maybe("name", author.name.as_deref()))
        })?;
        metadata.component.iter().try_for_each(|part| component(xml, "component", part))
    })
}

fn tools(xml: &mut Xml<'_>, tools: &Tools) -> io::Result<()> {
    match tools {
        Tools::Listed(tools) => xml.list("tools", tools, |xml, tool| {
            xml.within("tool", &[], |xml| {
                xml.maybe("vendor", tool.vendor.as_deref())?;
                xml.text("name", &tool.name)?;
                xml.text("version", &tool.version)
            })
        }),
        Tools::Components { components } => xml.within("tools", &[], |xml| {
            xml.list("components", components, |xml, tool| {
                xml.within("component", &[("type", &tool.kind)], |xml| {
                    xml.maybe("publisher", tool.publisher.as_deref())?;
                    xml.text("name", &tool.name)?;
                    xml.text("version", &tool.version)
                })
            })
        }),
    }
}

fn component(xml: &mut Xml<'_>, name: &str, component: &Component) -> io::Result<()> {
    let reference = component.reference.as_deref().unwrap_or_default();
    xml.within(name, &[("type", &component.kind), ("bom-ref", reference)], |xml| {
        if let Some(supplier) = &component.supplier {
            xml.within("supplier", &[], |xml| xml.maybe("name", supplier.name.as_deref()))?;
        }
        xml.maybe("group", component.group.as_deref())?;
        xml.text("name", &component.name)?;
        xml.maybe("version", component.version.as_deref())?;
        xml.maybe("description", component.description.as_deref())?;
        xml.list("hashes", &component.hashes, |xml, hash| {
            xml.leaf("hash", &[("alg", &hash.algorithm)], &hash.content)
        })?;
        licenses(xml, component)?;
        xml.maybe("copyright", component.copyright.as_deref())?;
        xml.maybe("cpe", component.cpe.as_deref())?;
        xml.maybe("purl", component.purl.as_deref())?;
        xml.list("externalReferences", &component.external_references, |xml, link| {
            xml.within("reference", &[("type", &link.kind)], |xml| xml.text("url", &link.url))
        })?;
        xml.list("properties", &component.properties, |xml, property| {
            xml.leaf("property", &[("name", &property.name)], &property.value)
        })?;
        xml.list("components", &component.components, |xml, inner| self::component(xml, "component", inner))?;
        let Some(evidence) = &component.evidence else { return Ok(()) };
        xml.within("evidence", &[], |xml| {
            xml.list("occurrences", &evidence.occurrences, |xml, occurrence| {
                xml.within("occurrence", &[], |xml| xml.text("location", &occurrence.location))
            })
        })
    })
}

fn licenses(xml: &mut Xml<'_>, component: &Component) -> io::Result<()> {
    let acknowledged = |word: &Option<String>| word.clone().map(|word| ("acknowledgement", word));
    xml.list("licenses", &component.licenses, |xml, choice| {
        if let Some(expression) = &choice.expression {
            let attributes = acknowledged(&choice.acknowledgement);
            let attributes: Vec<(&str, &str)> =
                attributes.iter().map(|(name, word)| (*name, word.as_str())).collect();
            return xml.leaf("expression", &attributes, expression);
        }
        let Some(license) = &choice.license else { return Ok(()) };
        let attributes = acknowledged(&license.acknowledgement);
        let attributes: Vec<(&str, &str)> =
            attributes.iter().map(|(name, word)| (*name, word.as_str())).collect();
        xml.within("license", &attributes, |xml| {
            xml.maybe("id", license.id.as_deref())?;
            xml.maybe("name", license.name.as_deref())
        })
    })
}

fn vulnerability(xml: &mut Xml<'_>, found: &Vulnerability) -> io::Result<()> {
    xml.within("vulnerability", &[], |xml| {
        xml.text("id", &found.id)?;
        source(xml, &found.source)?;
        xml.list("references", &found.references, |xml, alias| {
            xml.within("reference", &[], |xml| {
                xml.text("id", &alias.id)?;
                source(xml, &alias.source)
            })
        })?;
        xml.list("ratings", &found.ratings, rating)?;
        xml.text("description", &found.description)?;
        xml.maybe("recommendation", found.recommendation.as_deref())?;
        xml.list("advisories", &found.advisories, |xml, advisory| {
            xml.within("advisory", &[], |xml| xml.text("url", &advisory.url))
        })?;
        xml.maybe("published", found.published.as_deref())?;
        if let Some(analysis) = &found.analysis {
            xml.within("analysis", &[], |xml| {
                xml.text("state", analysis.state)?;
                xml.maybe("justification", analysis.justification)?;
                xml.maybe("detail", analysis.detail.as_deref())
            })?;
        }
        xml.list("affects", &found.affects, |xml, affected| {
            xml.within("target", &[], |xml| {
                xml.text("ref", &affected.reference)?;
                xml.list("versions", &affected.versions, |xml, version| {
                    xml.within("version", &[], |xml| {
                        xml.text("version", &version.version)?;
                        xml.text("status", version.status)
                    })
                })
            })
        })
    })
}

fn rating(xml: &mut Xml<'_>, rating: &Rating) -> io::Result<()> {
    xml.within("rating", &[], |xml| {
        rating.source.iter().try_for_each(|from| source(xml, from))?;
        xml.maybe("score", rating.score.map(|score| score.to_string()).as_deref())?;
        xml.maybe("severity", rating.severity)?;
        xml.maybe("method", rating.method)?;
        xml.maybe("vector", rating.vector.as_deref())
    })
}

fn source(xml: &mut Xml<'_>, source: &Source) -> io::Result<()> {
    xml.within("source", &[], |xml| xml.text("name", &source.name))
}
