//! What Git hands to a server's hook, of any bytes: as many claims as lines, each of them as it was sent.
#![no_main]

use jit::adapters::git::read_claims;
use jit::domain::change::{ChangesetId, IdKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for kind in [IdKind::GitSha1, IdKind::GitSha256] {
        let Ok(claims) = read_claims(bytes, kind) else { continue };
        let hex = |id: Option<ChangesetId>| id.map_or_else(|| "0".repeat(kind.length() * 2), |id| id.hex());
        let line = |claim: &jit::adapters::git::Claim| {
            [format!("{} {} ", hex(claim.old), hex(claim.new)).into_bytes(), claim.refname.clone(), b"\n".to_vec()]
                .concat()
        };
        assert_eq!(claims.iter().flat_map(line).collect::<Vec<u8>>(), bytes);
    }
});
