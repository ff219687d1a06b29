//! Sums of products without a superfluous part, by the method of Minato and Morreale.

use super::table::Table;

/// A product: literals by the variable's number, true where it has to be.
pub(super) type Product = Vec<(usize, bool)>;

/// Products of which at least one is true where `required` is, and none where `allowed` is false. None can be left out,
/// nor any literal of one.
pub(super) fn cover(required: &Table, allowed: &Table, variables: usize) -> Vec<Product> {
    let (mut products, _) = irredundant(required, allowed, variables);
    products
        .iter_mut()
        .for_each(|product| product.sort_unstable());
    products.sort_unstable();
    products
}

/// The products, and where they are true. Only variables below `variables` matter to the tables.
fn irredundant(required: &Table, allowed: &Table, variables: usize) -> (Vec<Product>, Table) {
    if required.is_false() {
        return (Vec::new(), required.clone());
    }
    if allowed.is_true() {
        return (vec![Vec::new()], allowed.clone());
    }
    let number = variables - 1;
    let [low, high] =
        [false, true].map(|value| (required.fixed(number, value), allowed.fixed(number, value)));
    // What only one side of the variable may be covers needs its literal; what is left over is covered on both.
    let (mut without, covered_low) =
        irredundant(&(low.0.clone() & &!high.1.clone()), &low.1, number);
    let (mut with, covered_high) =
        irredundant(&(high.0.clone() & &!low.1.clone()), &high.1, number);
    let rest = (low.0 & &!covered_low.clone()) | &(high.0 & &!covered_high.clone());
    let (mut both, covered) = irredundant(&rest, &(low.1 & &high.1), number);

    without
        .iter_mut()
        .for_each(|product| product.push((number, false)));
    with.iter_mut()
        .for_each(|product| product.push((number, true)));
    both.append(&mut without);
    both.append(&mut with);
    let variable = required.variable_of(number);
    let covered = covered | &(covered_high & &variable) | &(covered_low & &!variable);
    (both, covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_covered_shortens_what_must_be() {
        let [x, y] = [Table::variable(2, 0), Table::variable(2, 1)];
        for (kept, left_out) in [(0, 1), (1, 0)] {
            let required = x.clone() & &y;
            let allowed = Table::variable(2, kept);
            assert_eq!(
                cover(&required, &allowed, 2),
                [vec![(kept, true)]],
                "without {left_out}"
            );
        }
        let either = x.clone() | &y;
        assert_eq!(
            cover(&either, &either, 2),
            [vec![(0, true)], vec![(1, true)]]
        );
        assert_eq!(cover(&either, &Table::constant(2, true), 2), [vec![]]);
    }
}
