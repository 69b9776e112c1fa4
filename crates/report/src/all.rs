//! The lists of formats, sorted by name. A format is one file and one line here.

use crate::sbom::read::Reader;
use crate::{Format, cyclonedx, json, spdx, spdx3, table};

/// All formats that are written.
pub const FORMATS: &[Format] = &[
    cyclonedx::json::<6>(
        "cyclonedx",
        "a software bill of materials with its vulnerabilities, CycloneDX 1.6 in JSON",
    ),
    cyclonedx::json::<4>("cyclonedx-1.4", "the same as CycloneDX 1.4"),
    cyclonedx::json::<5>("cyclonedx-1.5", "the same as CycloneDX 1.5"),
    cyclonedx::json::<6>("cyclonedx-1.6", "the same as CycloneDX 1.6"),
    cyclonedx::json::<7>("cyclonedx-1.7", "the same as CycloneDX 1.7"),
    cyclonedx::xml::<6>(
        "cyclonedx-xml",
        "a software bill of materials with its vulnerabilities, CycloneDX 1.6 in XML",
    ),
    cyclonedx::xml::<4>("cyclonedx-xml-1.4", "the same as CycloneDX 1.4"),
    cyclonedx::xml::<5>("cyclonedx-xml-1.5", "the same as CycloneDX 1.5"),
    cyclonedx::xml::<6>("cyclonedx-xml-1.6", "the same as CycloneDX 1.6"),
    cyclonedx::xml::<7>("cyclonedx-xml-1.7", "the same as CycloneDX 1.7"),
    json::JSON,
    spdx::SPDX,
    spdx3::SPDX_3,
    spdx::SPDX_TV,
    table::TABLE,
];

/// All formats of bills of materials that are read.
pub const READERS: &[Reader] =
    &[cyclonedx::JSON, cyclonedx::XML, json::REPORT, spdx3::JSON_LD, spdx::TAG_VALUE, spdx::JSON];

/// The format called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
