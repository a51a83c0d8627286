//! What the language has, for those who explain or complete it.

use crate::plan::functions::SIGNATURES;

/// A function of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionHelp {
    /// As it is written.
    pub name: &'static str,
    /// Its arguments: `x[, digits]`.
    pub arguments: &'static str,
    /// What it gives, in one sentence.
    pub description: &'static str,
    /// A stage that uses it.
    pub example: &'static str,
}

/// All functions, by name.
///
/// ```
/// let names: Vec<_> = blotter_query::functions().map(|function| function.name).collect();
/// assert!(names.contains(&"bin") && names.is_sorted());
/// ```
pub fn functions() -> impl Iterator<Item = FunctionHelp> {
    SIGNATURES.iter().map(|signature| FunctionHelp {
        name: signature.name,
        arguments: signature.arguments,
        description: signature.description,
        example: signature.example,
    })
}
