//! How much of everything a policy may hold. Far above what people write; they keep a hostile or broken policy from
//! taking all memory or time of a hook.

use crate::domain::time::Span;

/// Files of one policy.
pub const FILES: usize = 1_000;
/// Bytes of one file.
pub const FILE_BYTES: usize = 1 << 20;
/// Bytes of all files together.
pub const POLICY_BYTES: usize = 16 << 20;
/// Rules of one policy.
pub const RULES: usize = 10_000;
/// Members of all roles together, nested ones counted in each.
pub const MEMBERSHIPS: usize = 200_000;
/// Entries of `require`, alternatives of `any_of`, and entries of each.
pub const ENTRIES: usize = 50;
/// People whom one entry may ask for.
pub const APPROVALS: usize = 100;
/// Bytes of the regular expression of `reason`.
pub const EXPRESSION_BYTES: usize = 1_000;
/// Bytes of memory that the compiled expression of `reason` may take.
pub const EXPRESSION_MEMORY: usize = 1 << 20;
/// Bytes of `message`.
pub const MESSAGE_BYTES: usize = 2_000;
/// Bytes of one pattern.
pub const PATTERN_BYTES: usize = 1_000;
/// Files, lines and commits that `larger_than` may name.
pub const SIZE: usize = 1_000_000;
/// Minutes of a day.
pub const DAY_MINUTES: u32 = 24 * 60;
/// Bytes of an e-mail address or login.
pub const IDENTITY_BYTES: usize = 320;
/// The longest `ttl`.
pub const TTL: Span = Span::days(30);
/// How long an override counts where the policy does not say.
pub const OVERRIDE_TTL: Span = Span::seconds(60 * 60);
/// How soon an override is to be reviewed where the policy does not say.
pub const REVIEW_WITHIN: Span = Span::days(3);
/// The `ttl` of a rule that gives none.
pub const DEFAULT_TTL: Span = Span::days(7);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_those_of_the_pages() {
        assert_eq!((FILE_BYTES, POLICY_BYTES, EXPRESSION_MEMORY), (1_048_576, 16_777_216, 1_048_576));
        let spans = [TTL, OVERRIDE_TTL, REVIEW_WITHIN].map(|span| span.to_string());
        assert_eq!(spans, ["30days", "1h", "3days"]);
        assert_eq!((DAY_MINUTES, crate::domain::policy::LEEWAY), (1_440, Span::seconds(300)));
    }
}
