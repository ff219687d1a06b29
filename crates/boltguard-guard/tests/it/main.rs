//! Guards against an evaluator that knows no better, over random guards and callers.

mod checks;
mod decide;
mod laws;
mod naive;
mod text;
