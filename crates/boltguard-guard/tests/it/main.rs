//! Tests of guards, many of them against a naive evaluator with random guards and callers.

#[cfg(test)]
mod checks;
#[cfg(test)]
mod decide;
#[cfg(test)]
mod empty;
#[cfg(test)]
mod exact;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod text;
#[cfg(test)]
mod work;
