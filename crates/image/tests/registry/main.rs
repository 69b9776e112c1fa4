//! The registry client against a real registry, and against servers that misbehave in every way we know.

#[cfg(test)]
mod carry;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod push;
#[cfg(test)]
mod real;
mod referrers;
#[cfg(test)]
mod support;
