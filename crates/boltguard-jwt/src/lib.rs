//! JWT claims and the policy that admits them.
