use super::*;
use crate::Style;
use crate::testing::{hostile, judged, many, scan, written};
