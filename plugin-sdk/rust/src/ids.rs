//! Identifiers that are the same at every attempt. There are no random numbers in a plugin, and none are needed.

pub use uuid::Uuid;

/// The space of the names below, a random UUID of its own.
const NAMESPACE: Uuid = Uuid::from_u128(0x5b1f_2c0e_8a47_4d3b_9b0a_6c1f_4e0d_7a52);

/// A UUID (version 5) of `kind` and `parts`: the same for the same input, and different for any other.
///
/// `derived("message", &[&ctx.idempotency_key, "2"])` names the second message of a request, at every attempt.
pub fn derived(kind: &str, parts: &[&str]) -> Uuid {
    let mut name = Vec::new();
    for part in std::iter::once(&kind).chain(parts) {
        name.extend((part.len() as u64).to_be_bytes());
        name.extend(part.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_id_and_shifted_ones_another() {
        assert_eq!(derived("message", &["ab", "c"]), derived("message", &["ab", "c"]));
        assert_ne!(derived("message", &["ab", "c"]), derived("message", &["a", "bc"]));
        assert_ne!(derived("message", &["ab"]), derived("receipt", &["ab"]));
        assert_eq!(derived("message", &[]).get_version_num(), 5);
    }
}
