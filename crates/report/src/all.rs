//! The lists of formats, sorted by name. A format is one file and one line here.

use crate::sbom::read::Reader;
use crate::{
    Format, check, csv, cyclonedx, github, gitlab, html, in_toto, json, junit, markdown, openvex, sarif,
    spdx, spdx3, table, template,
};

/// All formats that are written.
pub const FORMATS: &[Format] = &[
    csv::CSV,
    cyclonedx::json::<6>(
        "cyclonedx",
        "a software bill of materials with its vulnerabilities, CycloneDX 1.6 in JSON",
    ),
    cyclonedx::json::<4>("cyclonedx-1.4", "the same as CycloneDX 1.4"),
    cyclonedx::json::<5>("cyclonedx-1.5", "the same as CycloneDX 1.5"),
    cyclonedx::json::<6>("cyclonedx-1.6", "the same as CycloneDX 1.6"),
    cyclonedx::json::<7>("cyclonedx-1.7", "the same as CycloneDX 1.7"),
    cyclonedx::CYCLONEDX_VEX,
    cyclonedx::xml::<6>(
        "cyclonedx-xml",
        "a software bill of materials with its vulnerabilities, CycloneDX 1.6 in XML",
    ),
    cyclonedx::xml::<4>("cyclonedx-xml-1.4", "the same as CycloneDX 1.4"),
    cyclonedx::xml::<5>("cyclonedx-xml-1.5", "the same as CycloneDX 1.5"),
    cyclonedx::xml::<6>("cyclonedx-xml-1.6", "the same as CycloneDX 1.6"),
    cyclonedx::xml::<7>("cyclonedx-xml-1.7", "the same as CycloneDX 1.7"),
    github::GITHUB,
    gitlab::CONTAINER,
    gitlab::DEPENDENCY,
    html::HTML,
    in_toto::IN_TOTO_VULNS,
    json::JSON,
    junit::JUNIT,
    markdown::MARKDOWN,
    openvex::OPENVEX,
    sarif::SARIF,
    spdx::SPDX,
    spdx3::SPDX_3,
    spdx::SPDX_TV,
    table::TABLE,
    template::TEMPLATE,
];

/// The formats of `plimsoll check`: its own two, and those of a scan that tell what a policy decides.
pub const CHECK_FORMATS: &[Format] = &[
    csv::CSV,
    github::GITHUB,
    gitlab::CONTAINER,
    gitlab::DEPENDENCY,
    html::HTML,
    in_toto::IN_TOTO_VULNS,
    check::JSON,
    junit::JUNIT,
    markdown::MARKDOWN,
    openvex::OPENVEX,
    sarif::SARIF,
    template::TEMPLATE,
    check::TEXT,
];

/// All formats of bills of materials that are read.
pub const READERS: &[Reader] =
    &[cyclonedx::JSON, cyclonedx::XML, json::REPORT, spdx3::JSON_LD, spdx::TAG_VALUE, spdx::JSON];

/// The format called `name` of a scan.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
