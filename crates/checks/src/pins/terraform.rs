//! The images that Terraform's files name: values of `image` and its like, and names of the resource `docker_image`. They are
//! read line by line; a value that is put together is told as unknown.

use super::Names;

/// Names of attributes whose values are images.
const ATTRIBUTES: [&str; 5] = ["container_image", "docker_image", "image", "image_name", "image_uri"];
/// The resource whose name is an image.
const RESOURCE: &str = "resource \"docker_image\"";

pub(super) fn names(text: &str) -> Names {
    let mut names = Names::default();
    let (mut at, mut in_resource) = (0, false);
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        let start = at + (line.len() - code.len());
        at += line.len();
        if code.starts_with("resource ") || code.starts_with("data ") || code.starts_with("module ") {
            in_resource = code.starts_with(RESOURCE);
        }
        if code.starts_with(['#', '/']) {
            continue;
        }
        let Some((key, offset, value)) = attribute(code) else { continue };
        let is_image = ATTRIBUTES.contains(&key) || (in_resource && key == "name");
        // `image = "ami-0abc"` and the like name no container images.
        let may_be_image = value.contains([':', '/', '@', '$']) || in_resource;
        if is_image && may_be_image && !value.is_empty() {
            names.image(text, start + offset..start + offset + value.len());
        }
    }
    names
}

/// The name, and the place and text of the value, of `name = "value"` and `"name": "value"`.
fn attribute(code: &str) -> Option<(&str, usize, &str)> {
    let (before, _) = code.split_once(['=', ':'])?;
    let key = before.trim().trim_matches('"');
    let after = code.get(before.len() + 1..)?;
    let space = after.len() - after.trim_start().len();
    let value = after.get(space..)?.strip_prefix('"')?;
    let value = value.get(..value.find('"')?)?;
    Some((key, before.len() + 1 + space + 1, value))
}
